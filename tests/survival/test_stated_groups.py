"""Survival of patients divided by limits that are stated in advance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.survival.cohort_comparison import Manner
from histoniche.survival.logrank import log_rank
from histoniche.survival.stated_groups import compare_stated
from histoniche.tables import read_table, write_table

Limits = dict[str, list[list[float]]]
Compare = Callable[..., tuple[pd.DataFrame, pd.DataFrame]]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Run the job on the columns `scores` of some patients; all train unless cohorts are given."""

    def run(
        patients: pd.DataFrame,
        stated: Limits,
        *,
        scores: list[str],
        cohorts: "pd.Series[str] | None" = None,
        **manner: Any,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        sheet = patients.rename_axis("patient").reset_index()
        write_table(sheet, tmp_path / "patients.parquet")
        long = sheet.melt("patient", scores, var_name="score").assign(kind="score")
        write_table(long, tmp_path / "scores.parquet")
        placed = pd.Series("training", patients.index) if cohorts is None else cohorts
        named = placed.rename("cohort").rename_axis("patient").reset_index()
        write_table(named, tmp_path / "cohorts.parquet")
        out = {name: tmp_path / f"{name}.parquet" for name in ("groups", "curves")}
        compare_stated(
            *(tmp_path / f"{name}.parquet" for name in ("patients", "scores", "cohorts")),
            **out,
            stated=stated,
            manner=Manner()._asdict() | manner,
        )
        return read_table(out["groups"]), read_table(out["curves"])

    return run


@pytest.fixture
def ten() -> pd.DataFrame:
    """Ten patients whose HTI lies below, at, between, and above 0.3, 0.5 and 0.7."""
    hti = [0.0, 0.2, 0.3, 0.31, 0.5, 0.6, 0.7, 0.71, 0.9, 1.0]
    days = [90.0, 80, 70, 10, 60, 15, 50, 20, 40, 30]
    events = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    names = pd.Index([f"P{k}" for k in range(10)])
    return pd.DataFrame({"time_days": days, "event": events, "HTI": hti}, names)


def peer_p(low: pd.DataFrame, high: pd.DataFrame) -> float:
    """p of the log-rank test, by lifelines."""
    arrays = low["time_days"], high["time_days"], low["event"], high["event"]
    return float(logrank_test(*arrays).p_value)


def test_low_is_up_to_the_first_limit_and_high_above_the_second(
    compare: Compare, ten: pd.DataFrame
) -> None:
    groups, curves = compare(ten, {"HTI": [[0.5, 0.5], [0.3, 0.7]]}, scores=["HTI"])
    head = ["score", "kind", "up_to", "above", "cohort", "n_between", "group", "n", "events"]
    assert groups[head].to_numpy().tolist() == [
        ["HTI", "score", 0.5, 0.5, "training", 0, "low", 5, 4],
        ["HTI", "score", 0.5, 0.5, "training", 0, "high", 5, 5],
        ["HTI", "score", 0.3, 0.7, "training", 4, "low", 3, 2],
        ["HTI", "score", 0.3, 0.7, "training", 4, "high", 3, 3],
    ]
    expected = [peer_p(ten[:5], ten[5:]), peer_p(ten[:3], ten[7:])]
    np.testing.assert_allclose(groups["p"][::2], expected, rtol=1e-9)
    np.testing.assert_allclose(groups["q"][::2], multipletests(expected, method="fdr_bh")[1])
    apart = curves[(curves["up_to"] == 0.3) & (curves["above"] == 0.7)]
    starts = apart.groupby("group", sort=False)["at_risk"].first()
    assert starts.to_dict() == {"low": 3, "high": 3}, "those between are in no curve"
    assert list(curves)[:5] == ["score", "up_to", "above", "cohort", "group"]


def test_every_cohort_is_tested_by_the_same_limits(compare: Compare, lung: pd.DataFrame) -> None:
    names = np.where(np.arange(len(lung)) < 114, "training", "internal validation")
    cohorts = pd.Series(names, lung.index)
    stated = {"age": [[55.0, 70.0], [60.0, 60.0]], "karno": [[70.0, 80.0]]}
    groups, _ = compare(lung, stated, scores=["karno", "age", "female"], cohorts=cohorts)
    assert groups["score"].unique().tolist() == ["age", "karno"], "no other score"
    for name, rows in groups.groupby("cohort"):
        mine, p = lung[cohorts == name], []
        for score, pairs in stated.items():
            for up_to, above in pairs:
                low, high = mine[mine[score] <= up_to], mine[mine[score] > above]
                found = rows[(rows["score"] == score) & (rows["up_to"] == up_to)]
                assert found["n"].tolist() == [len(low), len(high)]
                between = mine[score].notna().sum() - len(low) - len(high)
                assert (found["n_between"] == between).all()
                p.append(peer_p(low, high))
                assert found["p"].iloc[0] == pytest.approx(p[-1], rel=1e-9)
                both = pd.concat([low.assign(high=0), high.assign(high=1)])
                cox = CoxPHFitter().fit(both[["time_days", "event", "high"]], "time_days", "event")
                ratio = cox.hazard_ratios_["high"]
                assert found["hazard_ratio"].iloc[0] == pytest.approx(ratio, rel=1e-4)
        q = multipletests(p, method="fdr_bh")[1]
        np.testing.assert_allclose(rows["q"][::2], q)


def test_limits_that_leave_a_side_empty_have_a_row_that_says_why(
    compare: Compare, ten: pd.DataFrame
) -> None:
    groups, curves = compare(ten, {"HTI": [[2.0, 2.0], [-1.0, 0.9]]}, scores=["HTI"])
    assert groups["note"].tolist() == [
        "all patients are in the group low",
        "fewer than 5 patients",
    ]
    assert groups["n"].tolist() == [10, 1] and groups["n_between"].tolist() == [0, 9]
    assert groups[["p", "q", "hazard_ratio"]].isna().all(axis=None)
    assert curves["group"].unique().tolist() == ["low", "high"]
    nobody, empty = compare(ten, {"HTI": [[-1.0, 2.0]]}, scores=["HTI"])
    assert nobody[["group", "n", "n_between"]].to_numpy().tolist() == [["", 0, 10]]
    assert empty.empty and "survival" in empty


def test_weights_and_strata_reach_the_test(compare: Compare, lung: pd.DataFrame) -> None:
    groups, _ = compare(
        lung, {"age": [[60.0, 65.0]]}, scores=["age"], rho=1.0, strata=["ecog"]
    )  # fmt: skip
    apart = lung[lung["ecog"].notna() & ((lung["age"] <= 60) | (lung["age"] > 65))]
    arrays = apart["time_days"], apart["event"], apart["age"] > 65
    peer = log_rank(*arrays, rho=1, strata=apart["ecog"])
    assert groups["p"].iloc[0] == pytest.approx(peer.p, rel=1e-12)
    assert groups["stratified"].all()


def test_a_score_that_is_not_there_is_named_with_the_nearest(
    compare: Compare, ten: pd.DataFrame
) -> None:
    with pytest.raises(InputError, match=r"survival_curves\.stated, value 'HTl'.*mean HTI\?"):
        compare(ten, {"HTl": [[0.5, 0.5]]}, scores=["HTI"])
