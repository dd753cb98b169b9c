"""Figures of nomogram, calibration and decision curves: what they say, whatever is missing."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawings import beside, whole, words
from histoniche.report.figures.added_value import draw_added_value
from histoniche.report.figures.balance import draw_balance
from histoniche.report.figures.calibration import draw_calibration
from histoniche.report.figures.decision_curve import draw_decision_curves
from histoniche.report.figures.nomogram import draw_nomogram, duration
from histoniche.survival.balance import balance_table
from histoniche.survival.calibration import calibrate
from histoniche.survival.decision_curve import decision_curves
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import make_nomogram, write_no_nomogram, write_nomogram
from histoniche.tables import read_table, write_table

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


def draw(paths: list[Path], figure: Path, cohort: str | None = "training") -> str:
    setting: dict[str, Any] = {"confidence": 0.95, "figure": figure}
    draw_calibration(*paths[:4], cohort=cohort, bootstraps=10, **setting)
    assert whole(figure)
    return " ".join(words(figure).split())


def test_calibration_says_size_numbers_and_correction(tmp_path: Path) -> None:
    models = ["clinical", "clinical + area"]
    paths = evaluation(tmp_path, [365, 730], models, own=True)
    text = draw(paths, tmp_path / "c.svg")
    assert "clinical + area, 2 years" in text
    assert "n = 200 patients" in text
    assert "slope 1.00 (" in text
    assert "corrected 0.87" in text
    assert "too good; the corrected one refits the model in 10 bootstrap samples" in text
    drawn = pd.read_csv(tmp_path / "c.tsv", sep="\t")
    assert len(drawn) == 4 * 2 * 2


def test_calibration_of_other_patients_has_no_correction(tmp_path: Path) -> None:
    paths = evaluation(tmp_path, [365], ["a model with quite a long name for a panel"], own=False)
    text = draw(paths, tmp_path / "c.svg")
    assert "corrected" not in text
    assert "The models were fitted on other patients." in text
    assert "Nothing to calibrate in the cohort tuning." in draw(
        paths, tmp_path / "d.svg", cohort="tuning"
    )


def renamed(paths: list[Path], *cohorts: str) -> list[Path]:
    """The tables with their rows once for each of these cohorts."""
    for path in paths:
        table = read_table(path)
        write_table(pd.concat([table.assign(cohort=name) for name in cohorts]), path)
    return paths


def test_cohorts_that_were_held_out_are_drawn_together_by_name(tmp_path: Path) -> None:
    names = ["training", "tuning", "external validation: Ivy"]
    paths = renamed(evaluation(tmp_path, [365], ["clinical"], own=False), *names)
    text = draw(paths, tmp_path / "c.svg", cohort=None)
    assert "Tuning clinical, 1 year" in text
    assert "External validation: Ivy clinical, 1 year" in text
    assert "Training" not in text
    figure = tmp_path / "d.svg"
    draw_decision_curves(paths[4], cohort=None, confidence=0.95, figure=figure)
    text = " ".join(words(figure).split())
    assert "External validation: Ivy, 1 year" in text
    assert "Training" not in text
    assert "too good" not in text


def improvements(*cohorts: str) -> pd.DataFrame:
    """NRI and IDI as the job writes them."""
    rows = [
        {"cohort": cohort, "days": days, "measure": measure, "part": part, "n": 40, "events": 16}
        for cohort in cohorts
        for days in (365.0, 730.0)
        for measure in ("NRI, categories", "NRI, continuous", "IDI")
        for part in ("event", "nonevent", "total")
    ]
    return pd.DataFrame(rows).assign(value=0.2, low=-0.1, high=0.4, optimism=0.01)


def test_added_value_shows_every_measure_part_and_cohort(tmp_path: Path) -> None:
    write_table(improvements("training", "tuning"), tmp_path / "a.parquet")
    draw_added_value(tmp_path / "a.parquet", confidence=0.95, figure=tmp_path / "a.svg")
    text = " ".join(words(tmp_path / "a.svg").split())
    for said in ("NRI, continuous, 1 year", "IDI, 2 years", "tuning (n = 40 patients), in all"):
        assert said in text
    assert "corrected for optimism" in text
    write_table(improvements("training").iloc[:0], tmp_path / "a.parquet")
    draw_added_value(tmp_path / "a.parquet", confidence=0.95, figure=tmp_path / "a.svg")
    assert "No cohort is large enough" in words(tmp_path / "a.svg")


def test_balance_shows_each_covariate_once_a_cohort_and_survival_not(tmp_path: Path) -> None:
    table = cohort().rename(columns={"Chemotherapy and radiation": "therapy"})
    turns = pd.Series(np.resize(["training", "tuning", "internal validation"], len(table)))
    kinds = {"age": {"type": "numeric"}, "therapy": {"type": "categorical"}}
    shape: dict[str, Any] = {"declared": kinds, "names": list(kinds), "seed": 1}
    write_table(balance_table(table, turns, **shape), tmp_path / "b.parquet")
    draw_balance(tmp_path / "b.parquet", figure=tmp_path / "b.svg")
    drawn = beside(tmp_path / "b.svg")
    assert drawn[["covariate", "cohort"]].to_numpy().tolist() == [
        ["age", "tuning"], ["age", "internal validation"],
        ["therapy", "tuning"], ["therapy", "internal validation"],
    ]  # fmt: skip
    assert "Standardised difference" in words(tmp_path / "b.svg")
    alone = read_table(tmp_path / "b.parquet").query("cohort == 'training'")
    write_table(alone, tmp_path / "b.parquet")
    draw_balance(tmp_path / "b.parquet", figure=tmp_path / "b.svg")
    assert "No covariate to set" in words(tmp_path / "b.svg")


def test_nomogram_that_could_not_be_made_says_why(tmp_path: Path) -> None:
    write_no_nomogram("clinical", "nobody died", tmp_path / "n.json")
    draw_nomogram(tmp_path / "n.json", figure=tmp_path / "n.svg")
    assert "No nomogram of the model clinical: nobody died." in words(tmp_path / "n.svg")


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
