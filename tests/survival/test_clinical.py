"""The job that weighs a score clinically, from files to files."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.clinical import TABLES, evaluate_clinically
from histoniche.survival.nomogram import probability, read_nomogram
from histoniche.tables import read_table, write_table

DECLARED = {
    "age": {"type": "numeric", "unit": "years"},
    "sex": {"type": "categorical", "reference": "female"},
}


def cohort(seed: int = 0, n: int = 240, effect: float = 0.8) -> pd.DataFrame:
    """Survival from age and a score, half of the patients in training."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"patient": [f"P{i:03d}" for i in range(n)]})
    table["age"], table["sex"] = rng.normal(60, 10, n).round(), rng.choice(["female", "male"], n)
    table["score"] = rng.normal(size=n)
    hazard = np.exp(0.04 * (table["age"] - 60) + effect * table["score"])
    died, seen = rng.exponential(500 / hazard), rng.exponential(1500, n)
    table["time_days"], table["event"] = np.minimum(died, seen) + 1, (died <= seen).astype(int)
    table["cohort"] = np.where(np.arange(n) % 2 == 0, "training", "internal validation")
    return table


def run(folder: Path, table: pd.DataFrame, **changes: Any) -> dict[str, pd.DataFrame]:
    """Write the inputs, run the job and read what it wrote."""
    write_table(table.drop(columns="score"), folder / "patients.parquet")
    scores = table[["patient", "score"]].rename(columns={"score": "value"}).assign(score="CTpnz")
    write_table(scores, folder / "scores.parquet")
    settings: dict[str, Any] = {
        "score": "CTpnz",
        "unit": "mm²",
        "covariates": ["age", "sex"],
        "declared": DECLARED,
        "days": [365],
        "cuts": [0.3, 0.6],
        "confidence": 0.95,
        "bootstraps": 15,
        "seed": 1,
        "column": "cohort",
        "tables": {name: folder / f"{name}.parquet" for name in TABLES},
        "clinical_nomogram": folder / "clinical.json",
        "score_nomogram": folder / "score.json",
    }
    files = folder / "patients.parquet", folder / "scores.parquet"
    evaluate_clinically(*files, **{**settings, **changes})
    return {name: read_table(folder / f"{name}.parquet") for name in TABLES}


def test_planted_score_adds_value_in_both_cohorts(tmp_path: Path) -> None:
    found = run(tmp_path, cohort())
    added = found["added_value"]
    for name in ("training", "internal validation"):
        total = added[(added["cohort"] == name) & (added["part"] == "total")]
        assert (total.set_index("measure").loc[["NRI, continuous", "IDI"], "low"] > 0).all()
    training = added[added["cohort"] == "training"].iloc[0]
    assert training["lr_p"] < 1e-6
    assert training["aic"] < -10
    assert added.loc[added["cohort"] != "training", "lr_p"].isna().all()
    measures = found["calibration_measures"]
    assert set(measures["model"]) == {"clinical", "clinical + CTpnz", "CTpnz"}
    own = measures[(measures["cohort"] == "training") & (measures["measure"] == "slope")]
    np.testing.assert_allclose(own["value"], 1, atol=1e-9)
    assert set(found["optimism"]["cohort"]) == {"training"}


def test_models_see_the_training_cohort_alone(tmp_path: Path) -> None:
    table = cohort()
    run(tmp_path, table, bootstraps=5)
    first = read_nomogram(tmp_path / "score.json")
    assert (first.n, first.events) == (120, int(table.loc[::2, "event"].sum()))
    others = table["cohort"] != "training"
    table.loc[others, "time_days"] = table.loc[others, "time_days"].to_numpy()[::-1]
    table.loc[others, "event"] = table.loc[others, "event"].to_numpy()[::-1]
    run(tmp_path, table, bootstraps=5)
    assert read_nomogram(tmp_path / "score.json") == first
    patient = {"age": 60, "sex": "male", "CTpnz": 0.0}
    worse = probability(first, {**patient, "CTpnz": 2.0}, 365)
    assert worse < probability(first, patient, 365)


def test_every_analysis_is_put_into_words_with_its_size(tmp_path: Path) -> None:
    texts = run(tmp_path, cohort())["statements"]
    assert set(texts["analysis"]) == {
        "calibration", "added value", "decision curves", "cohorts", "model", "nomogram",
    }  # fmt: skip
    assert texts["text"].str.contains("n = ").all()
    assert texts["text"].str.contains("death|died").all()
    assert not texts["text"].str.contains("nan|None").any()
    corrected = texts["text"].str.contains("corrected for optimism")
    assert (texts.loc[corrected, "cohort"] == "training").all()


def test_split_of_the_workflow_gives_the_cohorts(tmp_path: Path) -> None:
    table = cohort()
    roles = np.where(table["cohort"] == "training", "train", "test")
    split = pd.DataFrame({"patient": table["patient"], "role": roles, "fold": pd.NA})
    write_table(split.astype({"fold": "Int64"}), tmp_path / "split.parquet")
    found = run(tmp_path, table, column=None, split=tmp_path / "split.parquet")
    assert found["follow_up"]["cohort"].tolist() == ["training", "internal validation"]
    assert found["follow_up"]["n"].tolist() == [120, 120]


def test_patients_in_whom_something_is_unknown_are_left_out_of_every_model(tmp_path: Path) -> None:
    table = cohort().astype({"event": "Int64"})
    table.loc[0, "score"], table.loc[2, "age"], table.loc[4, "event"] = np.nan, np.nan, pd.NA
    found = run(tmp_path, table)
    assert read_nomogram(tmp_path / "clinical.json").n == 117
    groups = found["calibration_groups"]
    sizes = groups.groupby(["cohort", "model"])["n"].sum()
    assert sizes["training"].tolist() == [117] * 3


def test_day_that_a_cohort_does_not_reach_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = cohort()
    short = (table["cohort"] != "training") & (table["time_days"] > 300)
    table.loc[short, "event"], table.loc[short, "time_days"] = 0, 300.0
    with caplog.at_level(logging.WARNING):
        found = run(tmp_path, table)
    assert "cohort internal validation has no evaluation" in caplog.text
    assert set(found["decision_curves"]["cohort"]) == {"training"}
    assert len(found["follow_up"]) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": "CT"}, "value 'CT': no such score; choose among CTpnz"),
        ({"covariates": ["age", "grade"]}, "column grade: .*no such covariate"),
        ({"covariates": ["sex", "cohort"]}, "column cohort: the covariate is not declared"),
        ({"column": "set"}, "column set: no such column"),
        ({"days": [1e5]}, "longest follow-up|at no day"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, cohort(), **changes)
    assert not (tmp_path / "added_value.parquet").exists()
    assert not (tmp_path / "clinical.json").exists()


def test_training_cohort_without_a_complete_patient_is_refused(tmp_path: Path) -> None:
    table = cohort()
    table.loc[table["cohort"] == "training", "age"] = np.nan
    with pytest.raises(InputError, match="no patient of the cohort training has follow-up"):
        run(tmp_path, table)
    split = pd.DataFrame({"patient": ["P001"], "role": ["train"]})
    write_table(split, tmp_path / "split.parquet")
    with pytest.raises(InputError, match="Cox model of age, sex: fewer than 5 events"):
        run(tmp_path, table, column=None, split=tmp_path / "split.parquet")


def test_tables_must_all_have_a_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tables must be nomogram_ticks"):
        run(tmp_path, cohort(), tables={})
