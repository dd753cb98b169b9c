"""Figures of nomogram, calibration and decision curves: what they say, whatever is missing."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawings import whole, words
from histoniche.report.figures.calibration import draw_calibration
from histoniche.report.figures.decision_curve import draw_decision_curves
from histoniche.report.figures.nomogram import draw_nomogram, duration
from histoniche.survival.calibration import calibrate
from histoniche.survival.decision_curve import decision_curves
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import make_nomogram, write_nomogram
from histoniche.tables import write_table

LEVELS = ["neither", "radiation alone", "radiation and temozolomide", "temozolomide", "other"]


def cohort(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {f"Covariate with a long name, number {i}": rng.random(n) for i in range(6)}
    )
    table["Chemotherapy and radiation"] = rng.choice(LEVELS, n)
    table["age"] = rng.normal(60, 10, n)
    table["time_days"] = rng.exponential(500 / np.exp(0.05 * (table["age"] - 60))) + 1
    table["event"] = (rng.random(n) < 0.8).astype(int)
    return table


def declared(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    kinds = {name: {"type": "numeric", "unit": "years"} for name in table.columns[:8]}
    return {**kinds, "Chemotherapy and radiation": {"type": "categorical"}}


@pytest.mark.parametrize("terms", [1, 3, 8])
def test_nomogram_names_every_axis_and_level(tmp_path: Path, terms: int) -> None:
    table = cohort()
    names = list(table.columns[:8])[::-1][:terms]
    model = estimate_model(table, covariates=names, declared=declared(table))
    nomogram = make_nomogram(model, table, name="clinical", days=[365, 730, 1095])
    write_nomogram(nomogram, tmp_path / "n.json")
    draw_nomogram(tmp_path / "n.json", figure=tmp_path / "n.svg")
    assert whole(tmp_path / "n.svg")
    text = " ".join(words(tmp_path / "n.svg").split())
    size = f"Nomogram: clinical, n = 200 patients, {model.events} deaths"
    for said in (size, "Points", "Total points", "Linear predictor", "Alive after 1 year"):
        assert said in text
    assert "Alive after 3 years" in text
    if terms > 1:
        assert all(level in text for level in LEVELS)
    drawn = pd.read_csv(tmp_path / "n.tsv", sep="\t")
    assert set(drawn["axis"]) == {"covariate", "total", "survival"}
    assert drawn.loc[drawn["axis"] == "covariate", "name"].nunique() == terms


def test_axis_without_room_names_its_ends(tmp_path: Path) -> None:
    table = cohort().assign(tiny=np.linspace(0, 1, 200))
    kinds = {name: {"type": "numeric"} for name in ("age", "tiny")}
    model = estimate_model(table, covariates=["age", "tiny"], declared=kinds)
    first = model.coefficients[0]
    model = dataclasses.replace(model, coefficients=(first, first / 100))
    nomogram = make_nomogram(model, table, name="x", days=[365])
    write_nomogram(nomogram, tmp_path / "n.json")
    draw_nomogram(tmp_path / "n.json", figure=tmp_path / "n.svg")
    tiny = next(axis for axis in nomogram.axes if axis.name == "tiny")
    assert max(tiny.points) < 1
    assert whole(tmp_path / "n.svg")


@pytest.mark.parametrize(
    ("days", "text"),
    [(365, "1 year"), (730, "2 years"), (1096, "3 years"), (400, "400 days"), (30, "30 days")],
)
def test_days_are_said_in_years_where_they_are(days: float, text: str) -> None:
    assert duration(days) == text


def evaluation(tmp_path: Path, days: list[float], models: list[str], *, own: bool) -> list[Path]:
    """Tables as the job writes them."""
    table = cohort()
    model = estimate_model(table, covariates=["age"], declared=declared(table))
    follow_up = table["time_days"], table["event"]
    parts: list[list[pd.DataFrame]] = [[], [], [], []]
    for day in days:
        risk = model.death_by(table, day)
        found = calibrate(*follow_up, risk, days=day, seed=1, bootstraps=10)
        curves = decision_curves(
            *follow_up, dict.fromkeys(models, risk), days=day, seed=1, bootstraps=10
        )
        for name in models:
            head: dict[str, Any] = {"cohort": "training", "days": day, "model": name}
            curve = found.curve.assign(corrected=found.curve["observed"] if own else np.nan)
            for part, piece in zip(parts, (found.groups, curve, found.measures), strict=False):
                part.append(piece.assign(**head))
        parts[3].append(curves.assign(cohort="training", days=day))
    paths = [tmp_path / f"{k}.parquet" for k in range(5)]
    for path, part in zip(paths, parts, strict=False):
        write_table(pd.concat(part, ignore_index=True), path)
    rows = [
        {"cohort": "training", "days": day, "model": name, "index": index, "corrected": 0.87}
        for day in days for name in models for index in ("slope", "ici")
    ]  # fmt: skip
    write_table(pd.DataFrame(rows).iloc[: len(rows) if own else 0], paths[4])
    return [*paths[:3], paths[4], paths[3]]


def draw(paths: list[Path], figure: Path, models: list[str], cohort: str = "training") -> str:
    setting: dict[str, Any] = {"confidence": 0.95, "figure": figure}
    draw_calibration(*paths[:4], cohort=cohort, models=models, bootstraps=10, **setting)
    assert whole(figure)
    return " ".join(words(figure).split())


def test_calibration_says_size_numbers_and_correction(tmp_path: Path) -> None:
    models = ["clinical", "clinical + area"]
    paths = evaluation(tmp_path, [365, 730], models, own=True)
    text = draw(paths, tmp_path / "c.svg", models)
    assert "clinical + area, 2 years" in text
    assert "n = 200 patients" in text
    assert "slope 1.00 (" in text
    assert "corrected 0.87" in text
    assert "too good; the corrected one refits the model in 10 bootstrap samples" in text
    drawn = pd.read_csv(tmp_path / "c.tsv", sep="\t")
    assert len(drawn) == 4 * 2 * 2


def test_calibration_of_other_patients_has_no_correction(tmp_path: Path) -> None:
    paths = evaluation(tmp_path, [365], ["a model with quite a long name for a panel"], own=False)
    name = "a model with quite a long name for a panel"
    text = draw(paths, tmp_path / "c.svg", [name])
    assert "corrected" not in text
    assert "The models were fitted on other patients." in text
    assert "Nothing to calibrate in the cohort tuning." in draw(
        paths, tmp_path / "d.svg", [name], cohort="tuning"
    )


@pytest.mark.parametrize("models", [["clinical"], [f"model number {k} of many" for k in range(7)]])
@pytest.mark.parametrize("days", [[365], [200, 365, 730, 1095]])
def test_decision_curves_say_what_the_axes_mean(
    tmp_path: Path, models: list[str], days: list[float]
) -> None:
    *_, curves = evaluation(tmp_path, days, models, own=True)
    figure = tmp_path / "d.svg"
    draw_decision_curves(curves, cohort="training", confidence=0.95, figure=figure)
    assert whole(figure)
    text = " ".join(words(figure).split())
    assert all(model in text for model in models)
    assert "treat all" in text
    assert "Threshold: risk of dying within 1 year" in text
    assert "n = 200 patients" in text
    assert "treating 10 of 100 patients who would die" in text
    assert "their curves are too good" in text
    draw_decision_curves(curves, cohort="tuning", confidence=0.95, figure=figure)
    assert "No decision curve in the cohort tuning." in words(figure)
