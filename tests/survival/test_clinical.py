"""The job that weighs a score clinically, from files to files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.clinical import evaluate_clinically
from histoniche.survival.clinical_findings import TABLES
from histoniche.survival.nomogram import NoNomogramError, probability, read_nomogram
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
    write_table(table.drop(columns=["score", "cohort"]), folder / "patients.parquet")
    write_table(table[["patient", "cohort"]].dropna(), folder / "cohorts.parquet")
    scores = table[["patient", "score"]].rename(columns={"score": "value"})
    write_table(scores.assign(score="CTpnz", kind="area"), folder / "scores.parquet")
    settings: dict[str, Any] = {
        "score": "CTpnz",
        "units": {"area": "mm²"},
        "covariates": ["age", "sex"],
        "declared": DECLARED,
        "days": [365],
        "cuts": [0.3, 0.6],
        "confidence": 0.95,
        "bootstraps": 15,
        "seed": 1,
        "groups": 4,
        "tables": {name: folder / f"{name}.parquet" for name in TABLES},
        "clinical_nomogram": folder / "clinical.json",
        "score_nomogram": folder / "score.json",
    }
    files = [folder / f"{name}.parquet" for name in ("patients", "scores", "cohorts")]
    evaluate_clinically(*files, **{**settings, **changes})
    return {name: read_table(folder / f"{name}.parquet") for name in TABLES}


def test_planted_score_adds_value_in_both_cohorts(tmp_path: Path) -> None:
    found = run(tmp_path, cohort())
    added = found["added_value"]
    for name in ("training", "internal validation"):
        total = added[(added["cohort"] == name) & (added["part"] == "total")]
        assert (total.set_index("measure").loc[["NRI, continuous", "IDI"], "low"] > 0).all()
    models = found["models"].set_index(["cohort", "model"])
    training = models.loc[("training", "clinical + CTpnz")]
    assert training["lr_p"] < 1e-6
    assert training["aic_change"] < -10
    aic = models.loc["training", "aic"]
    assert aic["clinical + CTpnz"] - aic["clinical"] == pytest.approx(training["aic_change"])
    assert models.loc["internal validation", ["lr_p", "aic"]].isna().all(axis=None)
    c_index = models.loc["internal validation", "c_index"]
    assert c_index["clinical + CTpnz"] > c_index["clinical"]
    measures = found["calibration_measures"]
    assert set(measures["model"]) == {"clinical", "clinical + CTpnz", "CTpnz"}
    own = measures[(measures["cohort"] == "training") & (measures["measure"] == "slope")]
    np.testing.assert_allclose(own["value"], 1, atol=1e-9)
    assert set(found["optimism"]["cohort"]) == {"training"}


def test_models_see_the_training_cohort_alone(tmp_path: Path) -> None:
    table = cohort()
    run(tmp_path, table, bootstraps=5)
    first = read_nomogram(tmp_path / "score.json")
    assert first.axes[-1].unit == "mm²"
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
        "calibration", "added value", "decision curves", "model", "nomogram",
    }  # fmt: skip
    assert texts["text"].str.contains("n = ").all()
    assert texts["text"].str.contains("death|died").all()
    assert not texts["text"].str.contains("nan|None").any()
    corrected = texts["text"].str.contains("corrected for optimism")
    assert (texts.loc[corrected, "cohort"] == "training").all()


def test_patient_of_no_cohort_enters_nothing(tmp_path: Path) -> None:
    table = cohort()
    table.loc[table["cohort"] != "training", "cohort"] = None
    found = run(tmp_path, table, bootstraps=2)
    assert set(found["models"]["n"]) == {120}
    assert set(found["models"]["cohort"]) == {"training"}


def test_patients_in_whom_something_is_unknown_are_left_out_of_every_model(tmp_path: Path) -> None:
    table = cohort().astype({"event": "Int64"})
    table.loc[0, "score"], table.loc[2, "age"], table.loc[4, "event"] = np.nan, np.nan, pd.NA
    found = run(tmp_path, table)
    assert read_nomogram(tmp_path / "clinical.json").n == 117
    groups = found["calibration_groups"]
    sizes = groups.groupby(["cohort", "model"])["n"].sum()
    assert sizes["training"].tolist() == [117] * 3


def test_day_that_a_cohort_does_not_reach_is_noted(tmp_path: Path) -> None:
    table = cohort()
    short = (table["cohort"] != "training") & (table["time_days"] > 300)
    table.loc[short, "event"], table.loc[short, "time_days"] = 0, 300.0
    found = run(tmp_path, table)
    notes = found["notes"]
    assert notes[["cohort", "days", "analysis"]].to_numpy().tolist() == [
        ["internal validation", 365.0, "evaluation"]
    ]
    assert "the longest follow-up is 300 days" in notes["note"].iloc[0]
    assert set(found["decision_curves"]["cohort"]) == {"training"}
    assert set(found["models"]["cohort"]) == {"training", "internal validation"}


def test_year_beyond_the_follow_up_of_training_is_left_out_of_the_nomogram(tmp_path: Path) -> None:
    found = run(tmp_path, cohort(), days=[365, 99999], bootstraps=2)
    assert read_nomogram(tmp_path / "score.json").days == (365,)
    assert set(found["notes"]["days"]) == {99999}


def test_training_cohort_that_allows_no_model_gives_notes_alone(tmp_path: Path) -> None:
    table = cohort()
    table.loc[table["cohort"] == "training", "age"] = np.nan
    found = run(tmp_path, table)
    assert found["notes"]["note"].tolist() == [
        "no patient of the cohort training has follow-up, all covariates and the score; "
        "fill in the sheet, or use fewer covariates"
    ]
    assert all(found[name].empty for name in TABLES if name != "notes")
    with pytest.raises(NoNomogramError, match="no patient of the cohort training") as caught:
        read_nomogram(tmp_path / "clinical.json")
    assert caught.value.model == "clinical"


@pytest.mark.parametrize("n", [1, 3, 8, 12])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_cohorts_of_any_size_give_notes_and_no_error(tmp_path: Path, n: int, seed: int) -> None:
    table = cohort(seed, 60 + n)
    table["cohort"] = ["training"] * 60 + ["internal validation"] * n
    found = run(tmp_path, table, days=[200, 2000], bootstraps=4)
    assert len(found["calibration_groups"])
    few = cohort(seed, n).assign(cohort="training")
    found = run(tmp_path, few, days=[200, 2000], bootstraps=4)
    assert n > 8 or len(found["notes"])


def test_nothing_is_reported_of_fewer_than_five_deaths(tmp_path: Path) -> None:
    table = cohort()
    others = table.index[table["cohort"] != "training"]
    table.loc[others, "event"] = 0
    table.loc[others[:4], ["time_days", "event"]] = (100.0, 1)
    found = run(tmp_path, table, bootstraps=2)
    assert set(found["models"]["cohort"]) == {"training"}
    note = found["notes"].set_index("cohort").loc["internal validation", "note"]
    assert note.startswith("4 of 120 patients died, 5 are needed")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": "CTpnx"}, "value 'CTpnx': no such score; did you mean CTpnz"),
        ({"covariates": ["age", "grade"]}, "column grade: the patients have no such covariate"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, cohort(), **changes)
    assert not (tmp_path / "added_value.parquet").exists()
    assert not (tmp_path / "clinical.json").exists()


def test_tables_must_all_have_a_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tables must be models"):
        run(tmp_path, cohort(), tables={})
