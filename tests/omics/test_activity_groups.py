"""Activities between groups of patients."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from activity_table import PATIENTS, activities
from histoniche.errors import InputError
from histoniche.omics.activity_groups import (
    DTYPES,
    compare_activity,
    group_patients,
    several_groups,
    two_groups,
)
from histoniche.tables import read_table, write_table

GROUPS = {"IDH1": ("mutated", "wild type"), "subtype": ("a", "b", "c")}


def grouped() -> pd.DataFrame:
    rows = [
        (patient, grouping, names[place % len(names)])
        for grouping, names in GROUPS.items()
        for place, patient in enumerate(PATIENTS)
    ]
    return pd.DataFrame(rows, columns=["patient", "grouping", "group"])


def run(folder: Path, activity: pd.DataFrame, groups: pd.DataFrame, least: int = 5) -> pd.DataFrame:
    paths = [folder / f"{name}.parquet" for name in ("activity", "groups", "out")]
    write_table(activity, paths[0])
    write_table(groups, paths[1])
    compare_activity(*paths[:2], comparison=paths[2], min_patients=least, confidence=0.95)
    return read_table(paths[2])


def test_tests_equal_scipy_and_q_is_within_grouping_and_library(tmp_path: Path) -> None:
    activity, groups = activities(), grouped()
    table = run(tmp_path, activity, groups)
    assert list(table) == list(DTYPES)
    assert len(table) == 2 * 6 * (2 + 3)
    for (grouping, library, term), rows in table.groupby(["grouping", "library", "term"]):
        of = groups[groups["grouping"] == grouping].set_index("patient")["group"]
        one = activity[(activity["library"] == library) & (activity["term"] == term)]
        parts = [one.loc[one["patient"].map(of) == group, "activity"] for group in rows["group"]]
        function = scipy.stats.mannwhitneyu if len(parts) == 2 else scipy.stats.kruskal
        expected = function(*parts)
        first = rows.iloc[0]
        assert first["statistic"] == pytest.approx(expected.statistic)
        assert first["p"] == pytest.approx(expected.pvalue)
        assert rows["median"].tolist() == pytest.approx([part.median() for part in parts])
        assert rows["n"].tolist() == [len(part) for part in parts]
        assert rows["p"].nunique() == 1
        assert first["effect_low"] <= first["effect"] <= first["effect_high"]
    for _, rows in table.drop_duplicates(["grouping", "library", "term"]).groupby(
        ["grouping", "library"]
    ):
        np.testing.assert_allclose(rows["q"], multipletests(rows["p"], method="fdr_bh")[1])
    assert table.groupby("grouping")["test"].first().to_dict() == {
        "IDH1": "Mann-Whitney",
        "subtype": "Kruskal-Wallis",
    }


def test_planted_difference_is_found_and_no_other(tmp_path: Path) -> None:
    activity, groups = activities(60), grouped()
    mutated = set(groups.loc[groups["group"] == "mutated", "patient"])
    planted = activity["patient"].isin(mutated) & (activity["term"] == "S4")
    activity.loc[planted & (activity["library"] == "one"), "activity"] += 3
    table = run(tmp_path, activity, groups)
    sure = table[table["q"] < 0.001]
    assert set(zip(sure["grouping"], sure["library"], sure["term"], strict=True)) == {
        ("IDH1", "one", "S4")
    }
    assert (sure["effect_low"] > 0.5).all()
    assert sure.set_index("group")["median"].diff().iloc[1] < -2


def test_p_of_random_groups_is_uniform(tmp_path: Path) -> None:
    table = run(tmp_path, activities(300, seed=4), grouped())
    for _, rows in table.groupby("grouping"):
        p = rows.drop_duplicates(["library", "term"])["p"]
        assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_cliffs_delta_and_its_error_are_those_of_brunner_and_munzel() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(0.5, 1, (1, 17)).round(1), rng.normal(0, 2, (1, 23)).round(1)
    found = two_groups(first, second, confidence=0.9)
    signs = np.sign(first[0][:, np.newaxis] - second[0])
    assert found.effect[0] == pytest.approx(signs.mean())
    # Brunner and Munzel's statistic is half of delta over the error of the share of pairs.
    statistic = scipy.stats.brunnermunzel(first[0], second[0]).statistic
    error = 2 * (-found.effect[0] / 2 / statistic)
    half = scipy.stats.norm.ppf(0.95) * error / (1 - found.effect[0] ** 2)
    interval = np.tanh(np.arctanh(found.effect[0]) + half * np.array([-1, 1]))
    assert (found.effect_low[0], found.effect_high[0]) == pytest.approx(tuple(interval))


def test_interval_of_complete_separation_is_wilsons() -> None:
    first, second = np.arange(10.0, 18)[np.newaxis], np.arange(10.0)[np.newaxis]
    up, down = (two_groups(*pair, confidence=0.95) for pair in ((first, second), (second, first)))
    low = scipy.stats.binomtest(8, 8).proportion_ci(0.95, method="wilson").low
    assert (up.effect[0], up.effect_low[0], up.effect_high[0]) == pytest.approx((1, 2 * low - 1, 1))
    assert (down.effect_low[0], down.effect_high[0]) == pytest.approx((-1, 1 - 2 * low))


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.0), (0.6, 0.182)])
def test_intervals_of_several_groups_hold_the_truth(shift: float, truth: float) -> None:
    rng = np.random.default_rng(7)
    parts = [rng.normal(k * shift, 1, (1000, n)) for k, n in enumerate((20, 30, 40))]
    found = several_groups(parts, confidence=0.95)
    held = (found.effect_low <= truth) & (truth <= found.effect_high)
    assert 0.93 < held.mean() <= 1
    assert found.effect.mean() == pytest.approx(truth, abs=0.02)
    assert ((found.effect_low == 0) == (found.p > 0.025)).all()


def test_constant_terms_do_not_differ() -> None:
    parts = [np.ones((2, 5)) for _ in range(3)]
    parts[0][1] = 2
    found = several_groups(parts, confidence=0.95)
    assert (found.p[0], found.effect[0]) == (1, 0)
    assert found.p[1] < 0.01


def test_small_groups_are_listed_but_not_tested(tmp_path: Path) -> None:
    groups = grouped()
    few = groups["group"].isin(["b", "mutated"]) & ~groups["patient"].isin(PATIENTS[:6])
    stranger = pd.DataFrame([("X", "subtype", "d")], columns=list(groups))
    table = run(tmp_path, activities(), pd.concat([groups[~few], stranger]), least=5)
    notes = table.groupby("grouping")[["test", "note"]].first().to_numpy().tolist()
    assert notes == [["", "too few patients: mutated"], ["Mann-Whitney", "too few patients: b, d"]]
    mutation = table[table["grouping"] == "IDH1"]
    assert mutation[["statistic", "p", "q", "effect"]].isna().all(axis=None)
    assert set(mutation.loc[mutation["group"] == "mutated", "n"]) == {3}
    assert set(table.loc[table["group"] == "d", "n"]) == {0}
    alone = groups[groups["group"] == "wild type"]
    assert set(run(tmp_path, activities(), alone)["note"]) == {"only one group"}


def test_groups_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    twice = pd.concat([grouped(), grouped().head(1)])
    with pytest.raises(InputError, match="patient P0 is in two groups of IDH1"):
        run(tmp_path, activities(), twice)
    with pytest.raises(InputError, match="only 9 patients have both activities and a group"):
        run(tmp_path, activities(), grouped()[lambda table: table["patient"].isin(PATIENTS[:9])])
    assert not (tmp_path / "out.parquet").exists()


def test_patients_are_grouped_by_comparisons_and_covariates(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in ("patients", "comparisons", "out")]
    sites = {"patient": ["P1", "P2", "P3"], "site": ["right", None, "left"]}
    write_table(pd.DataFrame(sites), paths[0])
    divided = {
        "comparison": ["IDH1", "IDH1"],
        "patient": ["P1", "P2"],
        "group": ["reference", "case"],
        "label": ["IDH1 wild type", "IDH1 mutated"],
    }
    write_table(pd.DataFrame(divided), paths[1])
    group_patients(*paths[:2], covariates=["site"], groups=paths[2])
    assert read_table(paths[2]).to_numpy().tolist() == [
        ["P2", "IDH1", "IDH1 mutated"],
        ["P1", "IDH1", "IDH1 wild type"],
        ["P3", "site", "left"],
        ["P1", "site", "right"],
    ]
    group_patients(paths[0], None, covariates=["site"], groups=paths[2])
    assert set(read_table(paths[2])["grouping"]) == {"site"}
