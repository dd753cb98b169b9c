"""Section of the summary page on what scores add to clinical covariates."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.palette import Region
from histoniche.report.page import write_summary
from histoniche.report.results import Results
from histoniche.survival.clinical import evaluate_clinically
from histoniche.survival.clinical_findings import TABLES
from histoniche.tables import read_table, write_table
from page_numbers import check_numbers, run_of

SETTINGS = {"cuts": [0.3, 0.6], "groups": 2, "bootstraps": 5}
BLOCKS = {
    "clinical_use": {**SETTINGS, "scores": ["CTmvp"], "covariates": ["age"], "years": [1, 9]},
    "survival": {"confidence": 0.9},
}
Page = Callable[..., str]


def evaluation(folder: Path, n: int) -> list[Path]:
    """Tables of a cohort whose hazard grows with the score, a third of it held out."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"patient": [f"P{k}" for k in range(n)], "age": rng.normal(60, 9, n)})
    score = rng.normal(size=n)
    died, seen = rng.exponential(400 / np.exp(score)), rng.exponential(1500, n)
    table["time_days"], table["event"] = np.minimum(died, seen) + 1, (died <= seen).astype(int)
    scores = table[["patient"]].assign(score="CTmvp", kind="area", value=score)
    cohorts = table[["patient"]].assign(
        cohort=np.resize(["training", "training", "internal validation"], n)
    )
    inputs = [folder / f"in/{name}.parquet" for name in ("patients", "scores", "cohorts")]
    for path, part in zip(inputs, (table, scores, cohorts), strict=True):
        write_table(part, path)
    tables = {name: folder / "clinical" / "CTmvp" / f"{name}.parquet" for name in TABLES}
    evaluate_clinically(
        *inputs,
        score="CTmvp",
        units={"area": "mm²"},
        covariates=["age"],
        declared={"age": {"type": "numeric", "unit": "years"}},
        days=[365, 3287],
        confidence=0.9,
        seed=1,
        clinical_nomogram=folder / "c.json",
        score_nomogram=folder / "s.json",
        tables=tables,
        **SETTINGS,
    )
    return list(tables.values())


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return evaluation(tmp_path_factory.mktemp("clinical"), 150)


@pytest.fixture
def page(results: Results, palette: Sequence[Region], tmp_path: Path) -> Page:
    """The section of a run that left these tables behind, without tags."""

    def write(tables: list[Path]) -> str:
        files: dict[str, Any] = {"patients": results.files["patients"]}
        if tables:
            files["clinical"] = tables
        settings = {**results.settings, **BLOCKS}
        write_summary(tmp_path / "s.html", results=files, settings=settings, palette=palette)
        text = (tmp_path / "s.html").read_text(encoding="utf-8")
        check_numbers(text, run_of(files, settings, tmp_path))
        return text

    return write


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def cells_of(text: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells]


def test_added_score_is_said_with_test_size_and_that_it_is_for_research(
    page: Page, tables: list[Path]
) -> None:
    text = words(page(tables))
    assert "Research use only" in text
    assert "CTmvp beside age" in text
    assert "Likelihood-ratio test in 100 patients" in text
    assert "It does here; a second cohort has to confirm it." in text
    assert "go straight up to Points, add the points" in text
    assert "Clinical use of CTmvp: Cox models" in text
    assert "risk of dying after 1 and 9 years" in text
    assert "fewer than 10 deaths each" not in text


def test_models_of_both_cohorts_stand_with_c_index_and_aic_of_training(
    page: Page, tables: list[Path]
) -> None:
    found = read_table(next(path for path in tables if path.stem == "models"))
    rows = [row for row in cells_of(page(tables)) if len(row) == 6 and " / " in row[2]]
    assert [row[:2] for row in rows] == found[["cohort", "model"]].to_numpy().tolist()
    assert rows[1][5] == f"{found.loc[1, 'aic']:,.1f}"
    assert {row[5] for row in rows if row[0] == "internal validation"} == {"–"}


def test_reclassification_has_all_three_measures_in_every_cohort(
    page: Page, tables: list[Path]
) -> None:
    rows = [row for row in cells_of(page(tables)) if len(row) == 8 and row[3][:3] in ("NRI", "IDI")]
    assert [row[0] for row in rows] == ["training"] * 3 + ["internal validation"] * 3
    found = read_table(next(path for path in tables if path.stem == "added_value"))
    total = found[(found["measure"] == "IDI") & (found["part"] == "total")].iloc[0]
    assert rows[2][4].startswith(f"{total['value']:.2f} ({total['low']:.2f}")


def test_year_that_nobody_reaches_is_noted(page: Page, tables: list[Path]) -> None:
    text = words(page(tables))
    assert "not followed long enough" in text
    assert "cohort internal validation, evaluation, 9 years: column days" in text


def test_calibration_in_words_names_model_and_cohort(page: Page, tables: list[Path]) -> None:
    text = words(page(tables))
    assert "Model clinical + CTmvp. Calibration at 365 days in n = 100 patients" in text
    assert "Cohort internal validation. Model clinical + CTmvp. Calibration at 365 days" in text


def test_patients_too_few_for_a_model_leave_the_reason_alone(page: Page, tmp_path: Path) -> None:
    text = words(page(evaluation(tmp_path, 3)))
    assert "cohort training, models: " in text
    assert "Likelihood-ratio test in" not in text


def test_few_deaths_are_cautioned_against(page: Page, tmp_path: Path) -> None:
    text = words(page(evaluation(tmp_path, 24)))
    assert "2 parameters for" in text
    assert "fewer than 10 deaths each" in text


def test_without_its_block_the_methods_say_so(page: Page) -> None:
    assert "Clinical use (no <code>clinical_use</code> block)" in page([])
