"""A cut-point found in one cohort and carried, frozen, to patients of other studies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test

from histoniche.errors import InputError
from histoniche.survival.carried_scores import carry_score
from histoniche.survival.cohort_comparison import Manner
from histoniche.survival.maximal_log_rank import maximal_log_rank
from histoniche.survival.score_groups import SEARCHED
from histoniche.tables import read_table, write_table

CUT = {"rule": "maximal", "min_share": 0.1, "permutations": 199, "level": 0.05}
MANNER = {key: value for key, value in Manner()._asdict().items() if key != "strata"}
Tables = dict[str, pd.DataFrame]


def cohort(n: int, *, effect: float, seed: int, prefix: str) -> pd.DataFrame:
    """Patients whose hazard grows by `effect` in its log for one SD of a score."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    death = rng.exponential(400 * np.exp(-effect * score))
    end = rng.uniform(200, 1500, n)
    return pd.DataFrame(
        {
            "patient": [f"{prefix}{k:03d}" for k in range(n)],
            "time_days": np.maximum(np.minimum(death, end), 1),
            "event": (death <= end).astype(int),
            "value": score,
        }
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Tables]:
    """Run the job on a study and some external cohorts."""

    def job(
        study: pd.DataFrame,
        external: dict[str, pd.DataFrame],
        *,
        empty: bool = False,
        **settings: Any,
    ) -> Tables:
        study = study.assign(cohort=study.get("cohort", "training"))
        parts = [study.assign(origin="study")]
        sheets = {}
        for name, table in external.items():
            parts.append(table.assign(origin="external", cohort=name))
            sheets[name] = tmp_path / f"{name}.tsv", settings.pop("unit", "days")
            columns = {"time_days": "time"}
            sheet = table.rename(columns=columns)[["patient", "time", "event"]]
            sheet.to_csv(sheets[name][0], sep="\t", index=False)
        columns = ["origin", "cohort", "patient", "value"]
        values = pd.concat(parts)[columns]
        write_table(values[:0] if empty else values, tmp_path / "values.parquet")
        write_table(study[["patient", "time_days", "event"]], tmp_path / "patients.parquet")
        write_table(study[["patient", "cohort"]], tmp_path / "cohorts.parquet")
        out = {n: tmp_path / f"{n}.parquet" for n in ("cuts", "search", "groups", "curves")}
        carry_score(
            *(tmp_path / f"{name}.parquet" for name in ("values", "patients", "cohorts")),
            sheets,
            **out,
            **{
                **{"score": "s", "found_in": "training", "cut": CUT, "manner": MANNER, "seed": 1},
                **settings,
            },
        )
        return {name: read_table(path) for name, path in out.items()}

    return job


def row(tables: Tables, name: str) -> "pd.Series[Any]":
    """First row of a cohort's groups."""
    table = tables["groups"]
    return table[table["cohort"] == name].iloc[0]


def test_a_planted_hazard_is_found_with_the_frozen_cut_and_no_other(
    run: Callable[..., Tables],
) -> None:
    study = cohort(80, effect=1.0, seed=1, prefix="S")
    planted = cohort(150, effect=1.0, seed=2, prefix="A")
    null = cohort(150, effect=0.0, seed=3, prefix="B")
    found = run(study, {"planted": planted, "null": null})
    peer = maximal_log_rank(study["value"], study["time_days"], study["event"])
    assert found["cuts"]["cut"].tolist() == [peer.cut]
    assert (found["groups"]["cut"] == peer.cut).all()
    assert row(found, "planted")["hazard_low"] > 1 and row(found, "planted")["q"] < 0.01
    assert row(found, "null")["hazard_low"] < 1 < row(found, "null")["hazard_high"]
    training = row(found, "training")
    assert training["note"] == SEARCHED and np.isnan(training["p"])
    assert found["groups"].drop_duplicates("cohort")["origin"].tolist() == [
        *("study", "external", "external")
    ]
    assert set(found["curves"]["cohort"]) == {"training", "planted", "null"}


def test_the_numbers_are_those_of_lifelines(run: Callable[..., Tables]) -> None:
    study = cohort(80, effect=1.0, seed=1, prefix="S")
    tables = {"a": cohort(90, effect=0.6, seed=4, prefix="A")}
    tables["b"] = cohort(70, effect=0.0, seed=5, prefix="B")
    found = run(study, tables)
    cut = found["cuts"]["cut"].iloc[0]
    for name, table in tables.items():
        high = table["value"] > cut
        test = logrank_test(
            *(table.loc[side, "time_days"] for side in (high, ~high)),
            *(table.loc[side, "event"] for side in (high, ~high)),
        )
        assert row(found, name)["p"] == pytest.approx(test.p_value, rel=1e-6)
        model = CoxPHFitter().fit(
            table.assign(high=high.astype(float))[["time_days", "event", "high"]],
            *("time_days", "event"),
        )
        one = row(found, name)
        low, top = np.exp(model.confidence_intervals_.to_numpy()[0])
        assert one["hazard_ratio"] == pytest.approx(model.hazard_ratios_["high"], rel=1e-4)
        assert (one["hazard_low"], one["hazard_high"]) == pytest.approx((low, top), rel=1e-4)
        assert one["n_all"] == len(table) and one["events_all"] == table["event"].sum()
    tested = found["groups"].drop_duplicates("cohort").set_index("cohort").loc[["a", "b"]]
    np.testing.assert_allclose(tested["q"], scipy.stats.false_discovery_control(tested["p"]))


def test_p_in_external_cohorts_is_uniform_if_the_score_says_nothing(
    run: Callable[..., Tables],
) -> None:
    cut = {**CUT, "permutations": 0}
    found = []
    for seed in range(20):
        study = cohort(60, effect=0.0, seed=seed, prefix="S")
        others = {
            name: cohort(80, effect=0.0, seed=1000 + 10 * seed + k, prefix=name)
            for k, name in enumerate("abc")
        }
        groups = run(study, others, cut=cut)["groups"].drop_duplicates("cohort")
        found += groups.loc[groups["origin"] == "external", "p"].tolist()
    p = np.array(found)
    assert len(p) == 60 and np.isfinite(p).all()
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
    assert (p < 0.05).mean() <= 0.15


def test_other_cohorts_of_the_study_are_tested_and_the_cut_is_of_one_alone(
    run: Callable[..., Tables],
) -> None:
    study = cohort(160, effect=1.0, seed=1, prefix="S")
    names = np.repeat(["training", "external validation: far"], 80)
    found = run(study.assign(cohort=names), {}, found_in="external validation: far")
    mine = study[names != "training"]
    peer = maximal_log_rank(mine["value"], mine["time_days"], mine["event"])
    assert found["cuts"]["cut"].tolist() == [peer.cut] and found["cuts"]["n"].tolist() == [80]
    assert row(found, "external validation: far")["note"] == SEARCHED
    assert row(found, "training")["hazard_low"] > 1


def test_a_median_is_no_search(run: Callable[..., Tables]) -> None:
    study = cohort(80, effect=1.0, seed=1, prefix="S")
    found = run(study, {}, cut={**CUT, "rule": "median"})
    assert found["cuts"]["cut"].iloc[0] == study["value"].median()
    assert row(found, "training")["p"] < 0.01 and found["search"].empty


def test_without_a_score_every_cohort_says_why(run: Callable[..., Tables]) -> None:
    study = cohort(40, effect=1.0, seed=1, prefix="S")
    found = run(study, {"a": cohort(40, effect=0, seed=2, prefix="A")}, empty=True)
    groups = found["groups"]
    assert groups["cohort"].tolist() == ["training", "a"] and groups["p"].isna().all()
    assert (groups["note"] == "no cut-point: no patient has this score").all()
    assert (
        found["curves"].empty and found["search"].empty and np.isnan(found["cuts"]["cut"].iloc[0])
    )


def test_months_become_days(run: Callable[..., Tables]) -> None:
    study = cohort(60, effect=1.0, seed=1, prefix="S")
    other = cohort(60, effect=1.0, seed=2, prefix="A")
    days = run(study, {"a": other})["curves"]
    months = other.assign(time_days=other["time_days"] / (365.25 / 12))
    again = run(study, {"a": months}, unit="months")["curves"]
    np.testing.assert_allclose(days["time_days"], again["time_days"], rtol=1e-9)


def test_a_patient_of_the_study_is_not_external(run: Callable[..., Tables]) -> None:
    study = cohort(60, effect=1.0, seed=1, prefix="S")
    problem = r"a\.tsv, column pathways\.cohorts\.a\.patients, value 'S000': 5 patients"
    with pytest.raises(InputError, match=problem):
        run(study, {"a": study[:5]})
