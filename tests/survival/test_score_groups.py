"""Patients divided by scores and covariates: cuts of the training cohort, tests in every cohort."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.survival.cohort_comparison import Manner
from histoniche.survival.cut_scores import cut_score, cut_table
from histoniche.survival.logrank import log_rank
from histoniche.survival.maximal_log_rank import maximal_log_rank
from histoniche.survival.score_groups import SEARCHED, compare_scores, divide_by_cut
from histoniche.tables import read_table, write_table

MEDIAN = {"rule": "median", "min_share": 0.1, "permutations": 99, "level": 0.05}
MAXIMAL = MEDIAN | {"rule": "maximal"}
MANNER = Manner()._asdict()
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def halves(lung: pd.DataFrame) -> "pd.Series[str]":
    """The first half of the patients trains, the second validates; five are in no cohort."""
    names = ["training"] * 114 + ["internal validation"] * 109
    return pd.Series(names, lung.index[:223], name="cohort")


@pytest.fixture
def compare(lung: pd.DataFrame, tmp_path: Path) -> Callable[..., Tables]:
    """Run the job on some scores."""

    def run(
        values: dict[str, Any],
        cohorts: "pd.Series[str]",
        *,
        cut: dict[str, Any] = MEDIAN,
        named: tuple[str, ...] = (),
        **manner: Any,
    ) -> Tables:
        wide = pd.DataFrame(values, lung.index).rename_axis("patient").reset_index()
        scores = wide.melt("patient", var_name="score").assign(kind="score")
        write_table(lung.rename_axis("patient").reset_index(), tmp_path / "patients.parquet")
        write_table(scores, tmp_path / "scores.parquet")
        write_table(cohorts.rename_axis("patient").reset_index(), tmp_path / "cohorts.parquet")
        out = {n: tmp_path / f"{n}.parquet" for n in ("cuts", "search", "groups", "curves")}
        compare_scores(
            *(tmp_path / f"{name}.parquet" for name in ("patients", "scores", "cohorts")),
            **out,
            named=named,
            cut=cut,
            manner=MANNER | manner,
            seed=1,
        )
        return {name: read_table(path) for name, path in out.items()}

    return run


def of(tables: Tables, name: str, **where: str) -> pd.DataFrame:
    """Rows of a table that have these values."""
    table = tables[name]
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_the_training_median_divides_every_cohort(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    found = compare({"age": lung["age"], "karno": lung["karno"]}, halves)
    training, other = (lung.loc[halves.index[halves == name]] for name in halves.unique())
    cut = float(training["age"].median())
    assert cut != float(other["age"].median())
    row = of(found, "cuts", score="age").iloc[0]
    assert (row["cut"], row["n"], row["events"]) == (cut, 114, training["event"].sum())
    for name, mine in (("training", training), ("internal validation", other)):
        rows = of(found, "groups", score="age", cohort=name)
        high = mine["age"] > cut
        assert rows["group"].tolist() == ["low", "high"]
        assert rows["n"].tolist() == [(~high).sum(), high.sum()]
        peer = logrank_test(
            *(mine.loc[side, "time_days"] for side in (high, ~high)),
            *(mine.loc[side, "event"] for side in (high, ~high)),
        )
        assert rows["p"].iloc[0] == pytest.approx(peer.p_value, rel=1e-9)
        both = of(found, "groups", cohort=name)[::2]
        assert both["score"].tolist() == ["age", "karno"]
        np.testing.assert_allclose(both["q"], multipletests(both["p"], method="fdr_bh")[1])
    assert found["search"].empty
    curves = of(found, "curves", score="age", cohort="training", group="high")
    assert curves["at_risk"].iloc[0] == (training["age"] > cut).sum()


def test_a_searched_cut_has_corrected_p_alone_and_is_tested_in_other_patients(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    found = compare({"karno": lung["karno"], "age": lung["age"]}, halves, cut=MAXIMAL)
    known = lung.loc[halves.index[halves == "training"]].dropna(subset=["karno"])
    peer = maximal_log_rank(known["karno"], known["time_days"], known["event"])
    row = of(found, "cuts", score="karno").iloc[0]
    assert row["cut"] == peer.cut and row["statistic"] == pytest.approx(peer.statistic)
    assert row["p_lausen_schumacher"] == pytest.approx(peer.p_lausen_schumacher)
    assert row["p_permutation"] >= 0.01 and row["permutations"] == 99
    q = multipletests(found["cuts"]["p_permutation"], method="fdr_bh")[1]
    np.testing.assert_allclose(found["cuts"]["q"], q)
    training = of(found, "groups", score="karno", cohort="training")
    tests = ["expected", "statistic", "df", "p", "q", "hazard_ratio", "hazard_low", "hazard_high"]
    assert training[tests].isna().all(axis=None)
    assert training["note"].tolist() == [SEARCHED] * 2 and training["n"].sum() == len(known)
    assert training["median_days"].notna().all()
    other = of(found, "groups", score="karno", cohort="internal validation")
    assert other[tests].notna().all(axis=None) and (other["cut"] == peer.cut).all()
    for table in found.values():
        assert not [name for name in table if "uncorrected" in name]
    scan = of(found, "search", score="karno")
    assert scan["statistic"].tolist() == pytest.approx(peer.table["statistic"].tolist())


def test_other_cohorts_have_no_say_in_the_cut(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    training = set(halves.index[halves == "training"])
    changed = lung["age"].where(lung.index.isin(training), lung["age"] * 3 + 40)
    for cut in (MEDIAN, MAXIMAL):
        one, two = (compare({"age": values}, halves, cut=cut) for values in (lung["age"], changed))
        pd.testing.assert_frame_equal(one["cuts"], two["cuts"])
        pd.testing.assert_frame_equal(one["search"], two["search"])
    assert of(two, "groups", cohort="internal validation")["n"].tolist() == [109]
    assert "all patients are in the group high" in set(two["groups"]["note"])


def test_a_cut_of_other_patients_is_refused(lung: pd.DataFrame, halves: "pd.Series[str]") -> None:
    patients = lung.loc[halves.index]
    everyone = pd.Series("training", halves.index)
    leaked = cut_score(lung["age"], patients, everyone, settings=MEDIAN, seed=1)
    with pytest.raises(InputError, match="cut-point of age was fitted on 109 of 223 patients out"):
        divide_by_cut(lung["age"], leaked, patients, halves, Manner())


def test_what_cannot_be_cut_has_a_row_that_says_why(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    few = lung["age"].where(lung.index.isin(lung.index[110:160]))
    values = {"flat": 3.0, "few": few, "age": lung["age"]}
    for cut, words in ((MEDIAN, "0 of 114 patients are above"), (MAXIMAL, "does not vary")):
        found = compare(values, halves, cut=cut)
        cuts = found["cuts"].set_index("score")
        assert words in cuts.loc["flat", "note"]
        assert "fewer than 5 patients in the training" in cuts.loc["few", "note"]
        assert cuts["cut"].notna().tolist() == [False, False, True]
        for score in ("flat", "few"):
            rows = of(found, "groups", score=score)
            assert rows["cohort"].tolist() == ["training", "internal validation"]
            assert rows["p"].isna().all()
            assert (rows["note"] == f"no cut-point: {cuts.loc[score, 'note']}").all()
    outside = compare({"age": lung["age"]}, halves, cut=MEDIAN | {"rule": "value", "value": 200.0})
    assert "0 of 114 patients are above the cut" in outside["cuts"]["note"].iloc[0]
    within = compare({"age": lung["age"]}, halves, cut=MEDIAN | {"rule": "value", "value": 60.0})
    assert within["cuts"]["cut"].tolist() == [60.0]


def test_weights_and_strata_reach_the_test(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    found = compare({"age": lung["age"]}, halves, rho=1.0, strata=["ecog"])
    mine = lung.loc[halves.index[halves == "training"]]
    known = mine[mine["ecog"].notna()]
    high = known["age"] > mine["age"].median()
    peer = log_rank(known["time_days"], known["event"], high, rho=1, strata=known["ecog"])
    rows = of(found, "groups", cohort="training")
    assert rows["statistic"].iloc[0] == pytest.approx(peer.statistic, rel=1e-12)
    assert rows["stratified"].all() and (rows["rho"] == 1).all()
    # One patient of lung has no ECOG score, in the first half.
    assert rows["note"].tolist() == ["1 without ecog left out"] * 2


def test_an_unknown_score_and_a_cohort_without_follow_up_are_named(
    compare: Callable[..., Tables], lung: pd.DataFrame, halves: "pd.Series[str]"
) -> None:
    with pytest.raises(InputError, match=r"survival_curves\.scores, value 'agr'.*you mean age"):
        compare({"age": lung["age"]}, halves, named=("agr",))
    strangers = pd.Series("training", pd.Index(["X1", "X2"]), name="cohort")
    with pytest.raises(InputError, match="no patient of a cohort has follow-up"):
        compare({"age": lung["age"]}, strangers)


def test_no_shuffled_score_is_found_more_often_than_its_level_says() -> None:
    rng = np.random.default_rng(3)
    patients = pd.DataFrame({"time_days": rng.exponential(400, 40), "event": rng.random(40) < 0.8})
    patients.index = pd.Index([f"P{k}" for k in range(40)])
    cohorts = pd.Series("training", patients.index)
    hits = {"median": 0, "maximal": 0}
    for k in range(50):
        cuts, p = {}, []
        for score in "abcd":
            values = pd.Series(rng.random(40), patients.index, name=f"{score}{k}")
            cuts[score] = cut_score(values, patients, cohorts, settings=MAXIMAL, seed=k)
            plain = cut_score(values, patients, cohorts, settings=MEDIAN, seed=k)
            p.append(divide_by_cut(values, plain, patients, cohorts, Manner())[0]["p"].iloc[0])
        found = cut_table(cuts, dict.fromkeys(cuts, "score"), settings=MAXIMAL)
        hits["maximal"] += bool((found["q"] < 0.05).any())
        hits["median"] += bool((multipletests(p, method="fdr_bh")[1] < 0.05).any())
    # 2.5 expected each; 7 or more come in one of a hundred such simulations.
    assert max(hits.values()) <= 6
