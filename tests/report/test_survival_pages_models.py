"""Section of the summary page on Cox models: every number with its n, and no sign turned."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.palette import Region
from histoniche.report.page import write_summary
from histoniche.survival.assumptions import check_assumptions
from histoniche.survival.evaluation import evaluate_models
from histoniche.tables import read_table, write_table
from page_numbers import check_numbers, run_of

DECLARED = {
    "age": {"type": "numeric", "per": 10.0, "unit": "years"},
    "stage": {"type": "categorical", "reference": "I"},
}
PLAIN: dict[str, Any] = {"strata": [], "penalty": 0.0, "l1_ratio": 0.0}
MODELS = {
    "clinical": {"covariates": ["age", "stage"], **PLAIN},
    "combined": {"covariates": ["age", "stage", "CTmvp"], **PLAIN},
}
OUTSIDE = "external validation"
EVALUATED = ("performance", "differences", "coefficients", "tests", "curves", "risks")
CHECKED = ("proportionality", "residuals", "smooths", "forms", "form_points", "form_curves")

Page = Callable[..., str]


def cohort(n: int = 260, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients and the area of CTmvp, which alone carries a hazard."""
    rng = np.random.default_rng(seed)
    area = rng.gamma(4, 2.0, n)
    patients = pd.DataFrame(
        {
            "patient": [f"P{i}" for i in range(n)],
            "age": rng.normal(60, 10, n),
            "stage": rng.choice(["I", "II", "III"], n),
        }
    )
    died, lost = rng.exponential(900 * np.exp(-0.25 * (area - 8))), rng.exponential(2500, n)
    patients["time_days"] = np.minimum(died, lost) + 1
    patients["event"] = (died <= lost).astype(int)
    names = {"patient": patients["patient"], "score": "CTmvp", "kind": "area"}
    return patients, pd.DataFrame({**names, "value": area})


@pytest.fixture
def page(results: Any, palette: list[Region], tmp_path: Path) -> Page:
    """The section of a study with these patients and scores, without tags."""

    def write(
        patients: pd.DataFrame, scores: pd.DataFrame, models: Any = MODELS, outside: int = 120
    ) -> str:
        at = [tmp_path / f"{name}.parquet" for name in ("patients", "cohorts")]
        write_table(patients, at[0])
        cohorts = patients[["patient"]].assign(cohort="training")
        cohorts.loc[len(patients) - outside :, "cohort"] = OUTSIDE
        write_table(cohorts, at[1])
        write_table(scores, tmp_path / "scores.parquet")
        paths = {name: tmp_path / f"model_{name}.parquet" for name in (*EVALUATED, *CHECKED)}
        fitted = tmp_path / "models.json"
        given = {"scores": tmp_path / "scores.parquet", "models": models, "declared": DECLARED}
        evaluate_models(
            *at, **given, fitted=fitted, area_unit="mm²", years=[1, 2], samples=20,
            **{name: paths[name] for name in EVALUATED},
        )  # fmt: skip
        check_assumptions(*at, fitted, **given, **{name: paths[name] for name in CHECKED})
        shown = ("performance", "differences", "coefficients", "tests", "proportionality", "forms")
        files = {"patients": at[0], **{f"model_{name}": paths[name] for name in shown}}
        settings = {
            **results.settings,
            "cohort": {"covariates": DECLARED},
            "survival": {"confidence": 0.95},
            "survival_models": {"models": models, "years": [1, 2], "bootstraps": 20, "knots": 4},
        }
        write_summary(tmp_path / "s.html", results=files, settings=settings, palette=palette)
        text = (tmp_path / "s.html").read_text(encoding="utf-8")
        check_numbers(text, run_of(files, settings, tmp_path))
        return text

    return write


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace(" ;", ";").replace(" ,", ",")


def cells_of(text: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells]


def test_a_score_that_tells_more_than_the_covariates_is_said_to(page: Page, tmp_path: Path) -> None:
    text = page(*cohort())
    table = read_table(tmp_path / "model_coefficients.parquet").set_index(["model", "term"])
    row = table.loc[("combined", "CTmvp")]
    ratio = f"{row['hazard_ratio']:.2f} (95 % CI {row['low']:.2f} to {row['high']:.2f})"
    sentence = (
        "Model combined: beside age and stage, the hazard ratio of microvascular proliferation "
        f"(CTmvp) is {ratio} {row['unit']}"
    )
    assert sentence in words(text) and "mm²)" in row["unit"]
    assert "It stays independent of them: more of it goes with shorter survival." in text
    glance = text[text.index("glance-title") : text.index("patients-title")]
    assert sentence in words(glance)
    size = f"140 patients, {int(row['events'])} deaths"
    assert size in words(glance)


def test_a_score_without_a_hazard_is_not_said_to_add(page: Page) -> None:
    patients, scores = cohort()
    scores["value"] = np.random.default_rng(5).permutation(scores["value"])
    text = page(patients, scores)
    assert "It is not shown to tell more than they do." in text
    assert "stays independent" not in text


def test_every_model_and_cohort_stands_with_n_c_index_and_aic(page: Page, tmp_path: Path) -> None:
    text = page(*cohort())
    measured = read_table(tmp_path / "model_performance.parquet").set_index(["model", "cohort"])
    rows = cells_of(text)
    for (model, name), row in measured.iterrows():
        mine = next(cells for cells in rows if cells[:2] == [model, name] and len(cells) == 6)
        assert mine[2] == f"{row['n']} / {row['events']}"
        harrell = f"{row['harrell']:.2f} ({row['harrell_low']:.2f} to {row['harrell_high']:.2f})"
        assert mine[3] == harrell
        assert mine[5] == (f"{row['aic']:.1f}" if name == "training" else "–")
    pair = next(cells for cells in rows if cells[:1] == ["combined − clinical"])
    assert pair[1:3] == ["training", "Harrell"] and float(pair[4].split()[0]) > 0.05
    assert re.search(r"p \d.*χ² .*1 df", pair[7])
    deaths = measured["events"].iloc[0]
    assert f"unchanged, to the others. Patients: training (140 patients, {deaths}" in words(text)
    assert "beyond chance" not in text
    years = [cells[3] for cells in rows if cells[:2] == ["combined", OUTSIDE] and len(cells) == 7]
    assert years == ["1 year", "2 years", "on average"]


def test_a_risk_that_points_the_wrong_way_is_reported_and_not_turned(page: Page) -> None:
    patients, scores = cohort()
    scores.loc[140:, "value"] *= -1
    text = words(page(patients, scores))
    assert re.search(
        r"C-index below 0\.5: .*combined in external validation, 0\.[0-3]\d \(.*?\), beyond chance",
        text,
    )
    assert "is not turned afterwards" in text


def test_numbers_of_the_training_alone_are_called_no_validation(page: Page) -> None:
    text = page(*cohort(140), outside=0)
    assert "these numbers are no validation" in text and "C-index below" not in text
    assert "fitted to the cohort training (140 patients" in words(text)


def test_too_few_deaths_for_the_model_and_patients_left_out_are_said(page: Page) -> None:
    patients, scores = cohort(60)
    patients.loc[:1, "age"] = np.nan
    text = words(page(patients, scores, outside=20))
    note = re.search(r"combined: (4 parameters on \d+ events: fewer than 10 each)", text)
    assert note and f"To be read with care: {note[1]}." in text
    assert "deaths; 2 left out)" in text and "Left out are patients" in text


def test_a_hazard_that_changes_and_an_effect_that_bends_are_cautioned(page: Page) -> None:
    patients, scores = cohort()
    rng = np.random.default_rng(1)
    late = patients["stage"] == "I"
    # Of stage I nearly all die around one day; a U-shaped hazard by age.
    hazard = np.exp(((patients["age"] - 60) / 8) ** 2)
    time = rng.exponential(2000, len(patients)) / hazard
    patients["time_days"] = np.where(late, 500 + 20 * rng.random(len(patients)), time) + 1
    patients["event"] = 1
    text = words(page(patients, scores))
    assert re.search(r"not proportional over time: [^.]*stage in clinical \(p [^)]*, q", text)
    assert re.search(r"Effects that are not straight: age in clinical \(p [^)]*, q", text)


def test_models_that_were_not_fitted_or_have_a_penalty_give_no_tests(page: Page) -> None:
    models = {"ridge": {**PLAIN, "covariates": ["age", "CTmvp"], "penalty": 0.1}}
    text = page(*cohort(), models=models)
    assert "Nothing could be tested" in text and "stays independent" not in text
    assert "elastic net of strength 0.1" in words(text)
    patients, scores = cohort()
    models = {"flat": {**PLAIN, "covariates": ["age", "CTmvp"]}}
    text = page(patients.assign(age=60.0), scores, models=models)
    assert "has no hazard ratio: age does not vary" in words(text)


def test_without_its_block_the_methods_say_so(results: Any, palette: Any, tmp_path: Path) -> None:
    files = {"patients": results.files["patients"]}
    out = tmp_path / "s.html"
    write_summary(out, results=files, settings=results.settings, palette=palette)
    assert "Survival models (no <code>survival_models</code> block)" in out.read_text()
