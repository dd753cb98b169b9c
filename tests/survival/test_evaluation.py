"""Models of one cohort, applied to others, as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.concordance import concordance
from histoniche.survival.cox_model import read_models
from histoniche.survival.evaluation import evaluate_models
from histoniche.survival.model_fitting import fit_model
from histoniche.survival.performance import auc_at, brier_scores
from histoniche.tables import read_table, write_table

DECLARED = {
    "age": {"type": "numeric", "per": 10, "unit": "years"},
    "sex": {"type": "categorical", "reference": "male"},
    "ecog": {"type": "categorical", "reference": "1"},
}
MODELS = {
    "signature": {"covariates": ["frailty"]},
    "clinical": {"covariates": ["age", "sex"]},
    "combined": {"covariates": ["age", "sex", "frailty"]},
}
EXTERNAL = "external validation"
OUTPUTS = ("performance", "differences", "coefficients", "tests", "curves", "risks")

Evaluate = Callable[..., dict[str, pd.DataFrame]]


def cohorts(n: int = 360, *, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients whose hazard is made of frailty, age and sex; the last cohort's scale is another."""
    rng = np.random.default_rng(seed)
    frailty, age = rng.normal(size=n), rng.normal(60, 10, n)
    sex = rng.choice(["male", "female"], n)
    hazard = np.exp(0.8 * frailty + 0.03 * (age - 60) - 0.3 * (sex == "female"))
    died, lost = rng.exponential(600 / hazard), rng.exponential(1500, n)
    patients = pd.DataFrame(
        {
            "patient": [f"P{i}" for i in range(n)],
            "time_days": np.minimum(died, lost) + 1,
            "event": (died <= lost).astype(int),
            "cohort": np.where(np.arange(n) < n / 2, "training", EXTERNAL),
            "age": age,
            "sex": sex,
        }
    )
    names = {"patient": patients["patient"], "score": "frailty", "kind": "score"}
    return patients, pd.DataFrame({**names, "value": frailty})


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    def run(patients: pd.DataFrame, scores: pd.DataFrame | None = None, **more: Any) -> Any:
        sheet, cohorts = tmp_path / "patients.parquet", tmp_path / "cohorts.parquet"
        write_table(patients.drop(columns="cohort"), sheet)
        write_table(patients[["patient", "cohort"]].dropna(), cohorts)
        if scores is not None:
            write_table(scores, tmp_path / "scores.parquet")
            more["scores"] = tmp_path / "scores.parquet"
        paths = {name: tmp_path / f"{name}.parquet" for name in OUTPUTS}
        settings = {"models": MODELS, "declared": DECLARED, "samples": 30, "years": [1, 2], **more}
        evaluate_models(sheet, cohorts, fitted=tmp_path / "models.json", **paths, **settings)
        return {name: read_table(path) for name, path in paths.items()}

    return run


def test_table_equals_models_fitted_and_measured_by_hand(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    patients, scores = cohorts()
    found = evaluate(patients, scores)
    table = found["performance"].set_index(["model", "cohort"])
    assert table.index.tolist() == [
        (model, cohort) for model in MODELS for cohort in ("training", EXTERNAL)
    ]
    joined = patients.set_index("patient").assign(frailty=scores.set_index("patient")["value"])
    declared = {**DECLARED, "frailty": {"type": "numeric", "per": "sd"}}
    fitted = fit_model(
        joined[joined["cohort"] == "training"],
        covariates=["age", "sex", "frailty"],
        declared=declared,
    )
    assert fitted.model is not None
    assert read_models(tmp_path / "models.json")["combined"] == fitted.model
    outside = joined[joined["cohort"] == EXTERNAL]
    times, events = outside["time_days"].to_numpy(), outside["event"].to_numpy() == 1
    risk = fitted.model.linear_predictor(outside).to_numpy()
    row = table.loc[("combined", EXTERNAL)]
    assert row[["n", "events", "left_out"]].tolist() == [180, events.sum(), 0]
    agreed = concordance(times, events, risk)
    assert row[["harrell", "harrell_low", "harrell_high"]].tolist() == pytest.approx(
        [agreed.value, *agreed.interval(0.95)]
    )
    uno = concordance(times, events, risk, kind="uno", horizon=730.5)
    assert row["uno"] == pytest.approx(uno.value)
    assert row["auc_1y"] == pytest.approx(auc_at(times, events, risk, day=365.25).value)
    alive = fitted.model.survival(outside, [365.25]).to_numpy()
    brier = brier_scores(times, events, alive, np.array([365.25]))
    assert row["brier_1y"] == pytest.approx(brier.model[0])
    assert row["brier_null_1y"] == pytest.approx(brier.null[0])
    assert row["brier_1y_low"] < row["brier_1y"] < row["brier_1y_high"]
    assert row["ibs_gain"] == pytest.approx(1 - row["ibs"] / row["ibs_null"])
    assert table.loc[("combined", "training"), "aic"] == pytest.approx(fitted.tests["aic"].item())
    assert table["aic"].notna().tolist() == [True, False] * 3


def test_what_other_cohorts_hold_does_not_change_the_models(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    patients, scores = cohorts()
    before = evaluate(patients, scores)
    models = read_models(tmp_path / "models.json")
    outside = patients["cohort"] == EXTERNAL
    patients.loc[outside, "age"] += 20
    patients.loc[outside, "time_days"] *= 2
    after = evaluate(patients, scores)
    assert read_models(tmp_path / "models.json") == models
    pd.testing.assert_frame_equal(before["coefficients"], after["coefficients"])
    assert not before["performance"].equals(after["performance"])


def test_planted_frailty_adds_to_the_clinical_model_everywhere(evaluate: Evaluate) -> None:
    found = evaluate(*cohorts())
    table = found["differences"].set_index(["cohort", "first", "second", "kind"])
    for cohort in ("training", EXTERNAL):
        row = table.loc[(cohort, "clinical", "combined", "harrell")]
        assert row["difference"] < -0.05 and row["high"] < 0 and row["q"] < 0.01
        assert row["n"] == 180
    nested = table.loc[("training", "clinical", "combined", "harrell")]
    tests = found["tests"].set_index("model")["log_likelihood"]
    assert nested["lr_chi2"] == pytest.approx(2 * (tests["combined"] - tests["clinical"]))
    assert nested["lr_df"] == 1 and nested["lr_p"] < 1e-6
    assert table["lr_p"].notna().sum() == 4  # two nested pairs, two kinds, training only
    assert (table["q"] >= table["p"]).all()
    gains = found["performance"].set_index(["model", "cohort"])["ibs_gain_low"]
    assert (gains["combined"] > 0).all()


def test_score_that_means_nothing_adds_nothing(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    scores["value"] = np.random.default_rng(3).permutation(scores["value"])
    found = evaluate(patients, scores)
    table = found["performance"].set_index(["model", "cohort"])
    row = table.loc[("signature", EXTERNAL)]
    assert row["harrell_low"] < 0.5 < row["harrell_high"]
    assert row["auc_1y_low"] < 0.5 < row["auc_1y_high"]
    pairs = found["differences"].set_index(["cohort", "first", "second", "kind"])
    assert pairs.loc[(EXTERNAL, "clinical", "combined", "harrell"), "p"] > 0.05


def test_every_model_sees_the_same_patients(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    patients.loc[:9, "age"] = np.nan
    patients.loc[[200, 201], ["time_days", "event"]] = np.nan
    found = evaluate(patients.astype({"event": "Int64"}), scores.drop(index=range(10, 15)))
    table = found["performance"].set_index("cohort")
    assert table.loc["training", ["n", "left_out"]].drop_duplicates().to_numpy().tolist() == [
        [165, 15]
    ]
    assert (table.loc[EXTERNAL, "n"] == 178).all()
    assert found["risks"].groupby("model")["patient"].nunique().tolist() == [343] * 3


def test_risks_and_curves_are_written(evaluate: Evaluate) -> None:
    found = evaluate(*cohorts())
    risks = found["risks"]
    assert list(risks) == [
        *("patient", "cohort", "model", "linear_predictor", "alive_1y", "alive_2y"),
    ]
    assert risks["alive_1y"].between(0, 1).all() and (risks["alive_2y"] <= risks["alive_1y"]).all()
    mine = risks[risks["model"] == "combined"]
    assert mine["linear_predictor"].corr(mine["alive_1y"]) < -0.9
    curves = found["curves"]
    assert set(curves["metric"]) == {"auc", "brier", "brier_null"}
    inside = curves.dropna(subset=["low"])
    assert (inside["low"] <= inside["value"] + 0.02).all()
    assert set(zip(curves["cohort"], curves["n"], strict=True)) == {
        ("training", 180),
        (EXTERNAL, 180),
    }


def test_cohort_with_few_deaths_or_short_follow_up_has_notes(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    patients.loc[300:, "cohort"] = "alive"
    patients.loc[300:, "event"] = 0
    patients.loc[240:299, "cohort"] = "short"
    short = patients["cohort"] == "short"
    patients.loc[short & (patients["time_days"] > 200), ["time_days", "event"]] = [200.0, 0]
    table = evaluate(patients, scores)["performance"].set_index(["model", "cohort"])
    alive = table.loc[("combined", "alive")]
    assert alive["note"] == "fewer than 5 events" and alive[["n", "events"]].tolist() == [60, 0]
    assert alive[["harrell", "auc_1y", "brier_1y", "ibs"]].isna().all()
    row = table.loc[("combined", "short")]
    assert row["note"] == "follow-up ends at day 200" and np.isfinite(row["harrell"])
    assert row[["auc_1y", "brier_1y", "ibs"]].isna().all()


def test_auc_of_fewer_than_five_on_one_side_is_not_given(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    late = patients.index[(patients["cohort"] == EXTERNAL) & (patients["time_days"] > 731)]
    patients.loc[late[4:], ["time_days", "event"]] = [700.0, 0]
    row = evaluate(patients, scores)["performance"].set_index(["model", "cohort"])
    row = row.loc[("combined", EXTERNAL)]
    assert np.isfinite(row[["auc_1y", "brier_2y"]].astype(float)).all() and np.isnan(row["auc_2y"])


def test_model_that_cannot_be_fitted_is_listed_with_the_reason(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    patients["site"] = "one"
    models = {**MODELS, "by site": {"covariates": ["site"]}}
    declared = {**DECLARED, "site": {"type": "categorical"}}
    table = evaluate(patients, scores, models=models, declared=declared)["performance"]
    row = table[table["model"] == "by site"]
    assert row["note"].tolist() == ["site does not vary"] * 2 and row["harrell"].isna().all()
    assert table.loc[table["model"] == "clinical", "harrell"].notna().all()


def test_strata_and_penalty_of_a_model(evaluate: Evaluate) -> None:
    models = {
        "stratified": {"covariates": ["age", "frailty"], "strata": ["sex"]},
        "ridge": {"covariates": ["age", "sex", "frailty"], "penalty": 0.1},
    }
    found = evaluate(*cohorts(), models=models)
    table = found["performance"].set_index(["model", "cohort"])
    assert (table["harrell"] > 0.6).all()
    tests = found["tests"].set_index("model")
    assert tests.loc["ridge", "penalty"] == 0.1 and tests.loc["stratified", "strata"] == "sex"
    ridge = found["coefficients"].query("model == 'ridge'")
    assert ridge["p"].isna().all() and ridge["hazard_ratio"].notna().all()


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (
            lambda p: p.assign(cohort="tuning"),
            {},
            "nobody with follow-up is in the cohort training",
        ),
        (
            lambda p: p.assign(frailty=1.0),
            {"declared": {**DECLARED, "frailty": {"type": "numeric"}}},
            "value 'frailty': both a covariate and a score",
        ),
        (lambda p: p.assign(time_days=-1.0), {}, "not greater than 0"),
        (lambda p: p.assign(event=2), {}, "neither 0 nor 1"),
        (
            lambda p: p.assign(sex=p["sex"].where(p.index < 300, "other")),
            {},
            "column sex, value 'other': .*patient P300",
        ),
        (
            lambda p: p,
            {"models": {"mixed": {"covariates": ["age", "frailti"]}}},
            "models.mixed.covariates, value 'frailti': neither a covariate nor a score of this "
            "study; did you mean frailty?",
        ),
    ],
)
def test_wrong_input_is_an_error_and_nothing_is_written(
    evaluate: Evaluate, tmp_path: Path, change: Any, settings: dict[str, Any], message: str
) -> None:
    patients, scores = cohorts()
    with pytest.raises(InputError, match=message):
        evaluate(change(patients), scores, **settings)
    assert not list(tmp_path.glob("performance*")) and not (tmp_path / "models.json").exists()


def test_patients_of_no_cohort_take_no_part(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    patients.loc[:19, "cohort"] = None
    found = evaluate(patients, scores)
    counts = found["performance"].set_index("cohort")[["n", "left_out"]].drop_duplicates()
    assert counts.loc["training"].tolist() == [160, 0] and counts.loc[EXTERNAL, "n"] == 180
    assert "P0" not in set(found["risks"]["patient"])


def test_reversed_score_is_worse_than_chance_outside_and_is_not_turned(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    outside = (patients["cohort"] == EXTERNAL).to_numpy()
    before = evaluate(patients, scores)["performance"].set_index(["model", "cohort"])
    scores.loc[outside, "value"] *= -1
    after = evaluate(patients, scores)["performance"].set_index(["model", "cohort"])
    straight, turned = (table.loc[("signature", EXTERNAL)] for table in (before, after))
    assert turned["harrell_high"] < 0.5 and turned["uno_high"] < 0.5
    assert turned["harrell"] == pytest.approx(1 - straight["harrell"], abs=1e-9)
    assert turned["auc_1y"] == pytest.approx(1 - straight["auc_1y"], abs=1e-9)
    assert turned["ibs_gain"] < 0 < straight["ibs_gain"]
    assert after.loc[("signature", "training"), "harrell"] > 0.5


def test_areas_have_their_unit_and_scores_the_spread_of_the_training(evaluate: Evaluate) -> None:
    patients, scores = cohorts()
    scores.loc[180:, "value"] *= 100
    table = evaluate(patients, scores.assign(kind="area"), area_unit="mm²")["coefficients"]
    spread = scores["value"].iloc[:180].std()
    units = table.loc[table["term"] == "frailty", "unit"]
    assert (units == f"per SD ({spread:.3g} mm²)").all() and len(units) == 2
