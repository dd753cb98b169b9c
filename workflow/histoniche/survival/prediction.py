"""A Cox model that predicts: covariates in, risk of dying by a given day out."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.efron import (
    NoMaximumError,
    baseline_hazard,
    hazard_at,
    maximise,
)
from histoniche.survival.follow_up import Bools, Floats, checked, complete
from histoniche.survival.terms import Declared

_EVENTS_A_PARAMETER = 10


class Predicts(Protocol):
    """What the evaluation of a model asks of it."""

    @property
    def aic(self) -> float:
        """Akaike's information criterion in the patients it was fitted on."""

    def linear_predictor(self, patients: pd.DataFrame) -> Floats:
        """Log hazard ratio of each patient; higher is worse."""

    def risk(self, patients: pd.DataFrame, days: float) -> Floats:
        """Probability of each patient of dying by `days`."""


class Covariate(NamedTuple):
    """One variable of a model, as the patients it was fitted on showed it."""

    name: str
    unit: str
    levels: tuple[str, ...]
    """Of a categorical one, the reference first; empty if it is numeric."""
    low: float
    """Lowest value seen of a numeric one; 0 of a categorical one."""
    high: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns of the design: itself, or each level but the reference."""
        return tuple(f"{self.name}: {level}" for level in self.levels[1:]) or (self.name,)


class CoxModel(NamedTuple):
    """A fitted Cox model; ties by Efron's method."""

    covariates: tuple[Covariate, ...]
    coefficients: Floats
    """(columns,), log hazard ratio for one unit, or against the reference; > 0: worse."""
    covariance: Floats
    centre: float
    """What is taken off the linear predictor, so that its mean over the patients is 0."""
    moments: Floats
    """Days on which patients died."""
    hazard: Floats
    """Cumulative hazard from each of `moments` on, at a linear predictor of 0."""
    log_likelihood: float
    null_log_likelihood: float
    n: int
    events: int
    longest: float
    """Longest follow-up, in days."""
    patients: frozenset[str]
    """On whom it was fitted."""

    @property
    def aic(self) -> float:
        """Akaike's information criterion: lower is better, in the same patients only."""
        return 2 * len(self.coefficients) - 2 * self.log_likelihood

    def linear_predictor(self, patients: pd.DataFrame) -> Floats:
        """Log hazard ratio of each patient against the mean of those fitted on."""
        return design_matrix(patients, self.covariates) @ self.coefficients - self.centre

    def baseline_survival(self, days: float) -> float:
        """Share alive after `days` at a linear predictor of 0."""
        if not 0 < days <= self.longest:
            raise InputError(
                f"the model knows survival up to {self.longest:g} days, its longest follow-up",
                column="days",
                value=days,
                remedy="choose an earlier day above 0",
            )
        return float(np.exp(-hazard_at(self.moments, self.hazard, days)))

    def risk(self, patients: pd.DataFrame, days: float) -> Floats:
        """Probability of each patient of dying by `days`."""
        alive = self.baseline_survival(days) ** np.exp(self.linear_predictor(patients))
        return np.asarray(1 - alive)


def fit_model(
    patients: pd.DataFrame, declared: Declared, names: Sequence[str], *, warn: bool = True
) -> CoxModel:
    """Fit Cox's model to the patients in whom everything is known.

    Parameters
    ----------
    patients
        time_days, event and the covariates, by patient.
    declared
        What the covariates' columns mean; a score is a numeric covariate.
    names
        Covariates that enter the model.
    warn
        Whether to warn of fewer than ten events a parameter.

    Raises
    ------
    InputError
        If follow-up is unusable (`histoniche.survival.follow_up.checked`), a column is
        missing or not declared, a covariate does not vary, or the likelihood has no
        maximum: terms are collinear, or one separates those who died from the others.
    """
    if not names:
        raise InputError("a model needs a covariate", remedy="name one at least")
    for name in names:
        if name not in declared:
            remedy = f"declare it, or choose among {', '.join(declared)}"
            raise InputError("no such covariate is declared", value=name, remedy=remedy)
    known = complete(patients, names)
    time, event = checked(known["time_days"], known["event"])
    covariates = tuple(describe(known, name, declared[name]) for name in names)
    design = design_matrix(known, covariates)
    events = int(event.sum())
    if warn and design.shape[1] * _EVENTS_A_PARAMETER > events:
        logging.warning(
            "%d parameters for %d events, fewer than %d events each: expect overfitting",
            *(design.shape[1], events, _EVENTS_A_PARAMETER),
        )
    fitted = fit_design(time, event, design)
    return CoxModel(
        covariates,
        *fitted,
        len(known),
        events,
        float(time.max()),
        frozenset(map(str, known.index)),
    )


class Fit(NamedTuple):
    """Numbers of a Cox model fitted to arrays; see `CoxModel`."""

    coefficients: Floats
    covariance: Floats
    centre: float
    moments: Floats
    hazard: Floats
    log_likelihood: float
    null_log_likelihood: float

    def risk(self, design: Floats, days: float) -> Floats:
        """Probability of dying by `days`, for each row of the design."""
        reached = hazard_at(self.moments, self.hazard, days)
        return np.asarray(-np.expm1(-reached * np.exp(design @ self.coefficients - self.centre)))


def fit_design(time: Floats, event: Bools, design: Floats) -> Fit:
    """Fit Cox's model to arrays; raises an InputError where there is no maximum."""
    try:
        maximum = maximise(time, event, design)
    except NoMaximumError as error:
        raise InputError(
            f"the Cox model has no estimate: {error}",
            remedy="leave out a covariate, or join its rare levels",
        ) from error
    predictor = design @ maximum.coefficients
    centre = float(predictor.mean())
    moments, hazard = baseline_hazard(time, event, predictor - centre)
    fitted = (maximum.log_likelihood, maximum.null_log_likelihood)
    return Fit(maximum.coefficients, maximum.covariance, centre, moments, hazard, *fitted)


def describe(patients: pd.DataFrame, name: str, entry: Mapping[str, object]) -> Covariate:
    """One covariate as these patients show it; raises an InputError if it does not vary."""
    values = patients[name]
    if entry["type"] == "numeric":
        numbers = _numbers(values, name)
        low, high = float(numbers.min()), float(numbers.max())
        levels: tuple[str, ...] = ()
    else:
        low = high = 0.0
        counts = values.astype(str).value_counts()
        frequent = sorted(counts.index, key=lambda level: (-counts[level], level))
        reference = entry.get("reference")
        first = reference if reference in frequent else frequent[0]
        levels = (str(first), *sorted(level for level in frequent if level != first))
    if low == high and len(levels) < 2:
        raise InputError(
            "the covariate is the same in all patients",
            column=name,
            value=levels[0] if levels else low,
            remedy="leave it out of the model",
        )
    return Covariate(name, str(entry.get("unit", "")), levels, low, high)


def design_matrix(patients: pd.DataFrame, covariates: Sequence[Covariate]) -> Floats:
    """Columns of a model, (patients, columns): numbers as they are, 0 or 1 for each level.

    Raises
    ------
    InputError
        If a column is missing, a value unknown, or a level not among those fitted on.
    """
    columns: list[Floats] = []
    for covariate in covariates:
        if covariate.name not in patients:
            remedy = "give it for every patient"
            raise InputError("the covariate is missing", column=covariate.name, remedy=remedy)
        values = patients[covariate.name]
        if values.isna().any():
            remedy = "leave out patients in whom it is unknown"
            raise InputError("the covariate is unknown", column=covariate.name, remedy=remedy)
        if not covariate.levels:
            columns.append(_numbers(values, covariate.name))
            continue
        text = values.astype(str)
        new = text[~text.isin(covariate.levels)]
        if len(new):
            raise InputError(
                "the model was not fitted on this level",
                column=covariate.name,
                value=str(new.iloc[0]),
                remedy=f"choose among {', '.join(covariate.levels)}",
            )
        columns += [np.asarray(text == level, dtype=np.float64) for level in covariate.levels[1:]]
    return np.column_stack(columns)


def _numbers(values: "pd.Series[float]", name: str) -> Floats:
    """Values of a numeric covariate; raises an InputError where they are not finite."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise InputError(
            "the covariate is not a finite number",
            column=name,
            value=str(values[wrong].iloc[0]),
            remedy="correct it, or declare the covariate categorical",
        )
    return numbers
