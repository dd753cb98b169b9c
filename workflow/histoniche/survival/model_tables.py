"""Tables of a fitted Cox model: its coefficients and its tests."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from histoniche.survival.concordance import concordance
from histoniche.survival.estimation import Estimate, likelihood_ratio_tests, wald_intervals
from histoniche.survival.model_data import ModelData, term_columns
from histoniche.survival.proportionality import GLOBAL, Transform, proportional_hazards_tests
from histoniche.survival.terms import Covariate

_ESTIMATES = ("log_hazard", "error", "hazard_ratio", "low", "high", "p")
_WHOLE = ("term_chi2", "term_df", "term_p", "ph_chi2", "ph_df", "ph_p")


def coefficient_table(
    patients: pd.DataFrame,
    covariates: Sequence[Covariate],
    data: ModelData,
    found: Estimate,
    *,
    confidence: float,
    transform: Transform,
) -> pd.DataFrame:
    """One row a level, numeric covariate or bend; of a reference, a hazard ratio of 1.

    Parameters
    ----------
    patients, covariates, data, found
        Those in whom all is known, how their covariates are written, what the model
        was fitted to, and the estimate: NaN where it has a note.
    confidence, transform
        Level of the intervals, and time of the tests of proportional hazards.

    Returns
    -------
    `histoniche.survival.model_fitting.CoxFit.coefficients`, without the note.
    """
    column = iter(_estimates(found, confidence))
    whole = _whole_tests(data, covariates, found, transform)
    rows: list[dict[str, Any]] = []
    for covariate in covariates:
        values, died = patients[covariate.name], patients["event"] == 1
        base = {"covariate": covariate.name}
        tests = dict(zip(_WHOLE, whole[covariate.name], strict=True))
        reference = dict(zip(_ESTIMATES, (0.0, math.nan, 1.0, *[math.nan] * 3), strict=True))
        for level in covariate.levels:
            has = values.map(str) == level
            counts = {"n": int(has.sum()), "events": int((has & died).sum())}
            first = level == covariate.levels[0]
            numbers = reference if first else dict(zip(_ESTIMATES, next(column), strict=True))
            name, unit = f"{covariate.name}: {level}", f"{level} vs {covariate.levels[0]}"
            head = {"term": name, "level": level, "reference": first}
            unit = "reference" if first else unit
            rows.append({**base, **head, "unit": unit, **counts, **numbers, **tests})
        counts = {"n": len(values), "events": int(died.sum())}
        if covariate.type == "numeric":
            for name, unit in zip(covariate.columns(), covariate.compared(), strict=True):
                head = {"term": name, "level": "", "reference": False, "unit": unit}
                numbers = dict(zip(_ESTIMATES, next(column), strict=True))
                rows.append({**base, **head, **counts, **numbers, **tests})
    return pd.DataFrame(rows)


def test_table(
    patients: pd.DataFrame,
    covariates: Sequence[Covariate],
    data: ModelData,
    found: Estimate,
    settings: Mapping[str, Any],
    *,
    confidence: float,
    transform: Transform,
) -> pd.DataFrame:
    """One row: size, settings, criterion, tests and concordance of the whole model.

    Parameters
    ----------
    patients, covariates, data, found, confidence, transform
        See `coefficient_table`.
    settings
        What was asked of the model, as columns.

    Returns
    -------
    `histoniche.survival.model_fitting.CoxFit.tests`, without the note.
    """
    row: dict[str, Any] = {"n": len(patients), "events": int(data.events.sum())}
    row |= {"parameters": found.parameters, **settings}
    row |= {"log_likelihood": found.log_likelihood, "aic": found.aic}
    for name, test in (
        ("likelihood_ratio", found.likelihood_ratio),
        ("wald", found.wald),
        ("score", found.score),
    ):
        row |= {f"{name}_chi2": test.chi2, f"{name}_df": test.df, f"{name}_p": test.p}
    agreed = (math.nan,) * 3
    if not found.note:
        risk = data.design @ found.coefficients
        whole = concordance(data.times, data.events, risk, strata=data.strata)
        agreed = (whole.value, *whole.interval(confidence))
    row |= dict(zip(("concordance", "low", "high"), agreed, strict=True))
    ph = _proportionality(data, covariates, found, transform)[GLOBAL]
    return pd.DataFrame([{**row, **dict(zip(_WHOLE[3:], ph, strict=True))}])


def _estimates(found: Estimate, confidence: float) -> list[list[float]]:
    """Log hazard, its error, hazard ratio, interval and p of each column."""
    errors = np.sqrt(np.diag(found.covariance))
    return [
        [float(beta), float(error), *interval]
        for beta, error, interval in zip(
            found.coefficients, errors, wald_intervals(found, confidence), strict=True
        )
    ]


def _proportionality(
    data: ModelData, covariates: Sequence[Covariate], found: Estimate, transform: Transform
) -> dict[str, tuple[float, float, float]]:
    """Chi-squared, df and p of every covariate and of all; NaN without an estimate's errors."""
    groups = term_columns(covariates)
    if not found.at_maximum:
        return dict.fromkeys([*groups, GLOBAL], (math.nan,) * 3)
    table = proportional_hazards_tests(
        data.times,
        data.events,
        data.design,
        found.coefficients,
        groups,
        transform=transform,
        strata=data.strata,
    )
    numbers = table[["chi2", "df", "p"]].to_numpy(dtype="float64").tolist()
    return {
        str(term): (chi2, df, p) for term, (chi2, df, p) in zip(table["term"], numbers, strict=True)
    }


def _whole_tests(
    data: ModelData, covariates: Sequence[Covariate], found: Estimate, transform: Transform
) -> dict[str, Sequence[float]]:
    """Likelihood-ratio test and test of proportional hazards of each covariate."""
    groups = term_columns(covariates)
    # A penalty draws coefficients to 0 by intent; the tests hold at the maximum alone.
    if not found.at_maximum:
        return {name: [math.nan] * len(_WHOLE) for name in groups}
    tests = likelihood_ratio_tests(
        data.times, data.events, data.design, groups, found, strata=data.strata
    )
    ph = _proportionality(data, covariates, found, transform)
    return {name: (*test, *ph[name]) for name, test in tests.items()}
