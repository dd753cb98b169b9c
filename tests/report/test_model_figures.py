"""The figures of fitted models: what they say, and that they do so whatever is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawings import whole, words
from histoniche.report.figures.assumptions import draw_functional_form, draw_schoenfeld
from histoniche.report.figures.forest import draw_models_forest
from histoniche.report.figures.performance import draw_auc, draw_brier
from histoniche.survival.assumptions import check_assumptions
from histoniche.survival.evaluation import evaluate_models
from histoniche.tables import read_table, write_table

DECLARED = {
    "age": {"type": "numeric", "per": 10, "unit": "years"},
    "stage": {"type": "categorical", "reference": "I"},
    "signature": {"type": "numeric", "per": "sd"},
    "site": {"type": "categorical"},
}
MODELS = {
    "clinical": {"covariates": ["age", "stage"]},
    "combined$": {"covariates": ["age", "stage", "signature"]},
    "ridge": {"covariates": ["age", "signature"], "penalty": 0.1},
}
EVALUATED = ("performance", "differences", "coefficients", "tests", "curves", "risks")
CHECKED = ("proportionality", "residuals", "smooths", "forms", "form_points", "form_curves")

Paths = dict[str, Path]


def evaluated(folder: Path, models: dict[str, Any] = MODELS, **change: Any) -> Paths:
    """A cohort with training and external, evaluated and checked."""
    rng = np.random.default_rng(0)
    n = 240
    patients = pd.DataFrame(
        {
            "patient": [f"P{i}" for i in range(n)],
            "age": rng.normal(60, 10, n),
            "stage": rng.choice(["I", "II", "III"], n),
            "signature": rng.normal(size=n),
            "site": "one",
        }
    )
    died = rng.exponential(700 * np.exp(-0.7 * patients["signature"]))
    lost = rng.exponential(1500, n)
    columns = {"time_days": np.minimum(died, lost) + 1, "event": (died <= lost).astype(int)}
    write_table(patients.assign(**{**columns, **change}), folder / "patients.parquet")
    names = np.repeat(["training", "external validation"], n // 2)
    write_table(
        pd.DataFrame({"patient": patients["patient"], "cohort": names}), folder / "c.parquet"
    )
    at = folder / "patients.parquet", folder / "c.parquet"
    paths = {name: folder / f"{name}.parquet" for name in (*EVALUATED, *CHECKED)}
    settings = {"models": models, "declared": DECLARED}
    fitted = folder / "models.json"
    outputs = {name: paths[name] for name in EVALUATED}
    evaluate_models(*at, fitted=fitted, samples=20, years=[1, 2], **outputs, **settings)
    outputs = {name: paths[name] for name in CHECKED}
    check_assumptions(*at, fitted, **outputs, **settings)
    return paths


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return evaluated(tmp_path_factory.mktemp("models"))


def forest(tables: Paths, path: Path) -> str:
    draw_models_forest(tables["coefficients"], tables["tests"], confidence=0.95, forest_figure=path)
    assert whole(path)
    return words(path)


def test_forest_shows_levels_references_and_models(tables: Paths, tmp_path: Path) -> None:
    text = forest(tables, tmp_path / "f.svg")
    table = read_table(tables["coefficients"]).set_index(["model", "term"])
    size = table.loc[("clinical", "stage: I"), ["n", "events"]].astype(int)
    assert "I (reference)" in text and f"{size['n']} / {size['events']}" in text
    row = table.loc[("combined$", "signature")]
    assert f"{row['hazard_ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})" in text
    assert "combined$" in text and "penalty 0.1" in text and "per 10 years" in text
    assert "signature, per SD (" in text
    assert len(pd.read_csv(tmp_path / "f.tsv", sep="\t")) == len(table)


def test_forest_cuts_endless_intervals_and_lists_what_was_not_fitted(tmp_path: Path) -> None:
    models = {"clinical": MODELS["clinical"], "by site": {"covariates": ["site"]}}
    tables = evaluated(tmp_path, models)
    coefficients = read_table(tables["coefficients"])
    coefficients.loc[coefficients["term"] == "age", ["low", "high"]] = [1e-8, np.inf]
    write_table(coefficients, tables["coefficients"])
    text = forest(tables, tmp_path / "f.svg")
    assert "by site: site does not vary" in text and "(1e-8 to ∞)" in text


def test_forest_of_nothing_says_so(tmp_path: Path) -> None:
    tables = evaluated(tmp_path, {"by site": {"covariates": ["site"]}})
    assert "No Cox model could be fitted" in forest(tables, tmp_path / "f.svg")


def performance(tables: Paths, folder: Path) -> tuple[str, str]:
    auc, brier = folder / "auc.svg", folder / "brier.svg"
    at = tables["performance"], tables["curves"]
    draw_auc(*at, confidence=0.95, auc_figure=auc)
    draw_brier(*at, confidence=0.95, brier_figure=brier)
    assert whole(auc, brier)
    return words(auc), words(brier)


def test_performance_names_cohorts_models_and_numbers(tables: Paths, tmp_path: Path) -> None:
    auc, brier = performance(tables, tmp_path)
    table = read_table(tables["performance"]).set_index(["model", "cohort"])
    row = table.loc[("combined$", "external validation")]
    for text in (auc, brier):
        assert "training" in text and "external" in text and "combined$" in text
        assert f"n {row['n']}, {row['events']} deaths" in text and "95 % confidence" in text
    numbers = f"({row['harrell_low']:.2f} to {row['harrell_high']:.2f})"
    assert f"C {row['harrell']:.2f} {numbers}" in auc
    assert "gain " in brier and "Kaplan-Meier, the same for all" in brier
    drawn = pd.read_csv(tmp_path / "brier.tsv", sep="\t")
    assert set(drawn["metric"]) == {"brier", "brier_null"}


def test_many_models_leave_numbers_and_bands_to_the_table(tmp_path: Path) -> None:
    models = {f"m{i}": MODELS["clinical"] for i in range(8)}
    auc, brier = performance(evaluated(tmp_path, models), tmp_path)
    assert "stand in the table beside" in auc and "m7" in brier
    assert "gain " not in brier.replace("In numbers", "")


def test_performance_of_a_cohort_without_deaths_says_so(tmp_path: Path) -> None:
    tables = evaluated(tmp_path, event=0)
    auc, brier = performance(tables, tmp_path)
    assert "No AUC could be measured" in auc and "No Brier score could be measured" in brier


def test_schoenfeld_names_every_term_with_its_test(tables: Paths, tmp_path: Path) -> None:
    path = tmp_path / "s.svg"
    at = [tables[name] for name in ("proportionality", "residuals", "smooths")]
    draw_schoenfeld(*at, model="combined$", confidence=0.95, schoenfeld_figure=path)
    assert whole(path)
    text = words(path)
    table = read_table(tables["proportionality"])
    mine = table[(table["model"] == "combined$") & (table["transform"] == "km")].set_index("term")
    assert "stage: II" in text and "stage: III" in text and "(2 df)" in text
    assert f"p {mine.loc['signature', 'p']:.2f}" in text
    assert "n = 120 patients" in text and "all terms at once" in text
    draw_schoenfeld(*at, model="ridge", confidence=0.95, schoenfeld_figure=path)
    assert "it was not fitted, or has a penalty" in words(path)


def test_functional_form_shows_every_number_and_why_one_cannot_bend(
    tables: Paths, tmp_path: Path
) -> None:
    path = tmp_path / "f.svg"
    at = [tables[name] for name in ("forms", "form_points", "form_curves")]
    draw_functional_form(*at, model="combined$", confidence=0.95, form_figure=path)
    assert whole(path)
    text = words(path)
    assert "signature: n 120" in text and "4 knots against a line" in text and "stage" not in text
    draw_functional_form(*at, model="ridge", confidence=0.95, form_figure=path)
    assert "no numeric effect" in words(path)
    few = evaluated(tmp_path, {"m": {"covariates": ["age"]}}, age=np.tile([50.0, 60.0], 120))
    at = [few[name] for name in ("forms", "form_points", "form_curves")]
    draw_functional_form(*at, model="m", confidence=0.95, form_figure=path)
    assert "too few different values for a spline" in words(path)
