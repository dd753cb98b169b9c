"""Survival by the levels of covariates: tests, pairs and trends within each cohort."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.cohort_comparison import Manner
from histoniche.survival.covariate_groups import compare_covariates
from histoniche.survival.logrank import log_rank, log_rank_trend
from histoniche.survival.logrank_pairs import pairwise_log_rank
from histoniche.tables import read_table, write_table

DECLARED = {"sex": {"reference": "male"}, "ecog": {"reference": "1"}}
ORDER = ["0", "1", "2", "3"]
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def compare(lung: pd.DataFrame, tmp_path: Path) -> Callable[..., Tables]:
    """Run the job on lung; all patients train."""

    def run(*named: str, orders: dict[str, list[str]] | None = None, **manner: Any) -> Tables:
        sheet = manner.pop("patients", lung).rename_axis("patient").reset_index()
        cohorts = manner.pop("cohorts", ["training"] * len(sheet))
        write_table(sheet, tmp_path / "patients.parquet")
        table = pd.DataFrame({"patient": sheet["patient"], "cohort": cohorts})
        write_table(table, tmp_path / "cohorts.parquet")
        out = {n: tmp_path / f"{n}.parquet" for n in ("groups", "curves", "pairs", "trends")}
        compare_covariates(
            tmp_path / "patients.parquet",
            tmp_path / "cohorts.parquet",
            **out,
            named=named,
            declared=DECLARED,
            orders=orders or {},
            correction="holm",
            manner=Manner()._asdict() | manner,
        )
        return {name: read_table(path) for name, path in out.items()}

    return run


def test_levels_pairs_and_trend_are_those_of_the_tests(
    compare: Callable[..., Tables], lung: pd.DataFrame
) -> None:
    found = compare("sex", "ecog", orders={"ecog": ORDER})
    known = lung[lung["ecog"].notna()]
    arrays = known["time_days"], known["event"], known["ecog"]
    groups = found["groups"].drop_duplicates("covariate").set_index("covariate")
    assert groups.loc["ecog", "p"] == pytest.approx(log_rank(*arrays).p, rel=1e-12)
    # The reference is first, so that the ratio is of the other level against it.
    assert found["groups"]["group"].tolist() == ["male", "female", *ORDER]
    assert groups.loc["sex", "hazard_ratio"] == pytest.approx(0.588002818564)
    assert groups["q"].ge(groups["p"]).all()
    peer = pairwise_log_rank(*arrays, correction="holm")
    assert set(found["pairs"]["covariate"]) == {"ecog"}, "two levels are one pair, tested already"
    np.testing.assert_allclose(found["pairs"]["p_corrected"], peer["p_corrected"])
    trend = found["trends"].iloc[0]
    assert trend["z"] == pytest.approx(log_rank_trend(*arrays).z, rel=1e-12)
    assert trend["order"] == "0 < 1 < 2 < 3" and trend["q"] == trend["p"]


def test_each_cohort_is_compared_by_itself_and_small_ones_are_described(
    compare: Callable[..., Tables], lung: pd.DataFrame
) -> None:
    cohorts = ["training"] * 200 + ["internal validation"] * 24 + ["external validation"] * 4
    found = compare("sex", "ecog", cohorts=cohorts)
    first = found["groups"].drop_duplicates(["covariate", "cohort"])
    assert first["n_all"].tolist() == [200, 24, 4, 199, 24, 4]
    small = first[first["cohort"] == "external validation"]
    assert small["p"].isna().all() and (small["note"] == "fewer than 5 patients").all()
    assert set(found["pairs"]["cohort"]) == {"training", "internal validation"}
    assert found["curves"].groupby("cohort").size()["external validation"] > 4


def test_nobody_known_is_a_row_with_a_note(
    compare: Callable[..., Tables], lung: pd.DataFrame
) -> None:
    found = compare("sex", patients=lung.assign(sex=None), orders={"sex": ["female", "male"]})
    assert found["groups"][["group", "n"]].to_numpy().tolist() == [["", 0]]
    assert found["pairs"].empty and found["trends"].empty
    assert "p_corrected" in found["pairs"] and "z" in found["trends"]
    alive = compare("sex", patients=lung.assign(event=0))
    assert (alive["groups"]["note"] == "nobody died").all()


def test_strata_reach_every_test(compare: Callable[..., Tables], lung: pd.DataFrame) -> None:
    found = compare("ecog", strata=["sex"], orders={"ecog": ORDER})
    known = lung[lung["ecog"].notna()]
    arrays = known["time_days"], known["event"], known["ecog"]
    how: dict[str, Any] = {"strata": known["sex"]}
    assert found["groups"]["p"].iloc[0] == pytest.approx(log_rank(*arrays, **how).p)
    assert found["trends"]["p"].iloc[0] == pytest.approx(log_rank_trend(*arrays, **how).p)
    peer = pairwise_log_rank(*arrays, **how)
    np.testing.assert_allclose(found["pairs"]["statistic"], peer["statistic"])


def test_a_level_that_the_order_lacks_is_named(compare: Callable[..., Tables]) -> None:
    with pytest.raises(InputError, match=r"survival_curves\.orders\.ecog, value '3'.*low to high"):
        compare("ecog", orders={"ecog": ["0", "1", "2"]})
