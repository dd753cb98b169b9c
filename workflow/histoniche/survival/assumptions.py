"""The job that checks what fitted Cox models take for granted."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.cox_model import CoxModel, read_models
from histoniche.survival.functional_form import FunctionalForm, functional_form
from histoniche.survival.model_covariates import Models, covariates_of, read_cohorts
from histoniche.survival.model_data import ModelData, model_data, term_columns
from histoniche.survival.proportionality import (
    GLOBAL,
    TRANSFORMS,
    proportional_hazards_tests,
    scaled_schoenfeld,
    smooth_residuals,
)
from histoniche.survival.terms import Declared
from histoniche.tables import write_table

_POINTS = ["model", "term", "time_days", "clock", "residual"]
_TESTS = ["model", "transform", "term", "n", "events", "df", "chi2", "p"]
_FORMS = [
    *("model", "score", "n", "events", "knots", "chi2", "df", "p"),
    *("score_chi2", "score_df", "score_p", "linear_aic", "spline_aic", "note"),
]
_FORM_POINTS = ["model", "score", "patient", "value", "residual", "smooth"]
_FORM_CURVES = ["model", "score", "value", "spline", "low", "high", "linear"]
_SMOOTH = ["model", "term", "coefficient", "clock", "time_days", "log_hazard", "low", "high"]


def check_assumptions(
    patients: Path,
    cohorts: Path,
    fitted: Path,
    *,
    scores: Path | None = None,
    models: Models,
    declared: Declared,
    proportionality: Path,
    residuals: Path,
    smooths: Path,
    forms: Path,
    form_points: Path,
    form_curves: Path,
    knots: int = 4,
    confidence: float = 0.95,
) -> None:
    """Test proportional hazards and the form of numeric effects, in the training cohort.

    Models with a penalty are passed over: the tests hold at the maximum of the
    likelihood.

    Parameters
    ----------
    patients, cohorts, scores, models, declared
        See `histoniche.survival.evaluation.evaluate_models`.
    fitted
        The models that it wrote.
    proportionality
        Written: model, transform (km, rank, identity), term (a covariate, or
        `global`), n, events, df, chi2, p, q (over the covariates of all models
        under one transform; NaN for `global`).
    residuals
        Written: model, term (a column of the model), time_days, clock (by km),
        residual: scaled Schoenfeld residuals, one row a death.
    smooths
        Written: model, term, coefficient, clock, time_days, log_hazard, low, high.
    forms
        Written: model and what `FunctionalForm.test` has, of each numeric
        covariate beside the others of its model; q is over all rows.
    form_points, form_curves
        Written: model, score and what `FunctionalForm` has.
    knots
        Knots of the splines.
    confidence
        Level of the bands.
    """
    known = covariates_of(declared, scores, models)
    table = read_cohorts(patients, cohorts, scores, models).dropna()
    start = table[table["cohort"] == TRAINING].drop(columns="cohort")
    tests, points, curves, shapes = [], [], [], []
    for name, model in read_models(fitted).items():
        if model.penalty is not None:
            logging.info("%s has a penalty: its assumptions are not tested", name)
            continue
        data = model_data(start, model.covariates, model.strata)
        tests.append(_tests(name, model, data))
        found = _residuals(name, model, data, confidence)
        points.append(found[0])
        curves.append(found[1])
        shapes += _shapes(name, model, start, declared=known, knots=knots, confidence=confidence)
    write_table(_with_q(_stacked(tests, _TESTS), ["transform"]), proportionality)
    write_table(_stacked(points, _POINTS), residuals)
    write_table(_stacked(curves, _SMOOTH), smooths)
    write_table(_stacked([shape.points for shape in shapes], _FORM_POINTS), form_points)
    write_table(_stacked([shape.curve for shape in shapes], _FORM_CURVES), form_curves)
    write_table(_with_q(_stacked([shape.test for shape in shapes], _FORMS), []), forms)


def _tests(name: str, model: CoxModel, data: ModelData) -> pd.DataFrame:
    """Tests of one model under every transform."""
    tables = []
    for transform in TRANSFORMS:
        table = proportional_hazards_tests(
            data.times,
            data.events,
            data.design,
            np.array(model.coefficients),
            term_columns(model.covariates),
            transform=transform,
            strata=data.strata,
        )
        table.insert(0, "transform", transform)
        table.insert(2, "n", len(data.times))
        table.insert(3, "events", int(data.events.sum()))
        tables.append(table)
    full = pd.concat(tables, ignore_index=True)
    full.insert(0, "model", name)
    return full


def _residuals(
    name: str, model: CoxModel, data: ModelData, confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scaled Schoenfeld residuals of each column, and their smooths."""
    beta = np.array(model.coefficients)
    found = scaled_schoenfeld(data.times, data.events, data.design, beta, strata=data.strata)
    points, curves = [], []
    for place, term in enumerate(model.columns()):
        head = {"model": name, "term": term}
        deaths = {"time_days": found.times, "clock": found.clock}
        points.append(pd.DataFrame({**head, **deaths, "residual": found.residuals[:, place]}))
        curve = smooth_residuals(found, place, confidence=confidence)
        curves.append(curve.assign(**head, coefficient=beta[place]))
    return pd.concat(points), pd.concat(curves)


def _shapes(
    name: str,
    model: CoxModel,
    patients: pd.DataFrame,
    *,
    declared: Declared,
    knots: int,
    confidence: float,
) -> list[FunctionalForm]:
    """Form of every numeric covariate beside the others of the model."""
    names = [covariate.name for covariate in model.covariates]
    shapes = []
    for covariate in model.covariates:
        if covariate.type == "numeric":
            shape = functional_form(
                patients,
                score=covariate.name,
                declared=declared,
                covariates=names,
                strata=model.strata,
                knots=knots,
                confidence=confidence,
            )
            head = {"model": name, "score": covariate.name}
            shapes.append(FunctionalForm(*(table.assign(**head) for table in shape)))
    return shapes


def _with_q(table: pd.DataFrame, within: list[str]) -> pd.DataFrame:
    """Table with q over the covariates of all models, in groups of their own."""
    q = pd.Series(np.nan, index=table.index)
    rows = table[table["term"] != GLOBAL] if "term" in table else table
    for _, part in rows.groupby(within) if within else [((), rows)]:
        q[part.index] = false_discovery(np.asarray(part["p"], dtype=np.float64))
    table.insert(list(table.columns).index("p") + 1, "q", q)
    return table


def _stacked(tables: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Tables below each other; the columns alone if there is none."""
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True)[columns] if full else pd.DataFrame(columns=columns)
