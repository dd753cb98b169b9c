"""Whether a score's log hazard is a straight line: residuals, and a spline against the line."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from statsmodels.nonparametric.smoothers_lowess import lowess

from histoniche.survival.cohort import FEWEST
from histoniche.survival.estimation import NO_TEST, ChiSquared, chi_squared, estimate
from histoniche.survival.martingale import martingale_residuals
from histoniche.survival.model_data import ModelData, model_data
from histoniche.survival.observations import complete_patients
from histoniche.survival.partial_likelihood import Floats
from histoniche.survival.splines import most_knots
from histoniche.survival.terms import Declared, learn_covariate

_POINTS = 100
_SPAN = 2 / 3


class FunctionalForm(NamedTuple):
    """What is known of the form of one score's effect."""

    points: pd.DataFrame
    """patient, value, residual (martingale, of the model without the score), smooth."""
    curve: pd.DataFrame
    """value, spline, low, high, linear: log hazard against the median of the score."""
    test: pd.DataFrame
    """One row: score, n, events, knots, chi2, df, p (the spline against the line), score_chi2,
    score_df, score_p (the spline against no score), linear_aic, spline_aic, note."""


def functional_form(
    patients: pd.DataFrame,
    *,
    score: str,
    declared: Declared,
    covariates: Sequence[str] = (),
    strata: Sequence[str] = (),
    knots: int = 4,
    confidence: float = 0.95,
) -> FunctionalForm:
    """Look at whether the log hazard goes up with a score as a straight line does.

    Parameters
    ----------
    patients
        time_days, event, the score, covariates and strata by patient. Those in
        whom all are known count.
    score
        A numeric column.
    declared
        What the columns mean; the score's own entry may be missing.
    covariates, strata
        What else is in the model.
    knots
        Knots of the restricted cubic spline, at Harrell's quantiles; fewer, down
        to three, where they would coincide.
    confidence
        Level of the pointwise band.

    Returns
    -------
    Residuals with their lowess, which has the form of the effect up to scale;
    the spline with its band beside the line; and the likelihood-ratio test of
    the one against the other: a small p speaks against the line. With a note
    and NaN where there are too few events or the values are too much alike.

    Raises
    ------
    InputError
        If follow-up is wrong or a column is missing.

    References
    ----------
    Therneau et al. 1990, Biometrika 77:147-160; Harrell 2015, Regression
    Modeling Strategies, 2nd ed., section 2.4.
    """
    others = [name for name in covariates if name != score]
    complete = complete_patients(patients, [score, *others, *strata])
    values = np.asarray(complete[score], dtype=np.float64)
    row: dict[str, Any] = {
        "score": score,
        "n": len(complete),
        "events": int(complete["event"].sum()),
        "knots": knots,
    }
    if row["events"] < FEWEST:
        return _no_form(row, f"fewer than {FEWEST} events")
    rest = model_data(
        complete, [learn_covariate(complete, name, declared[name]) for name in others], strata
    )
    points = _points(complete, values, rest)
    row["knots"] = most_knots(values, knots)
    if not row["knots"]:
        return _no_form(row, "too few different values for a spline", points)
    entry: Mapping[str, Any] = {"type": "numeric", "per": "sd", "knots": row["knots"]}
    bent = learn_covariate(complete, score, entry)
    spline = np.column_stack([bent.encode(complete), rest.design])
    width = len(bent.columns())
    line = np.delete(spline, range(1, width), axis=1)
    fits = [
        estimate(rest.times, rest.events, design, strata=rest.strata) for design in (spline, line)
    ]
    note = fits[0].note or fits[1].note
    if note:
        return _no_form(row, note, points)
    empty = fits[0].null_log_likelihood
    if rest.design.shape[1]:
        without = estimate(rest.times, rest.events, rest.design, strata=rest.strata)
        empty = without.log_likelihood
    bend = chi_squared(2 * (fits[0].log_likelihood - fits[1].log_likelihood), width - 1)
    whole = chi_squared(2 * (fits[0].log_likelihood - empty), width)
    grid = np.linspace(values.min(), values.max(), _POINTS)
    shape = bent.encode(pd.DataFrame({score: np.append(grid, np.median(values))}))
    curve = _curve(grid, np.asarray(shape), fits[0].coefficients, fits[0].covariance, confidence)
    scaled = shape[score].to_numpy()
    curve["linear"] = (scaled[:-1] - scaled[-1]) * fits[1].coefficients[0]
    found = _row(row, bend, whole, aic=(fits[1].aic, fits[0].aic))
    return FunctionalForm(points, curve, found)


def _points(complete: pd.DataFrame, values: Floats, rest: ModelData) -> pd.DataFrame:
    """Residuals of the model without the score, with a smooth over the score.

    Residuals are skewed, so that the smooth is not made robust: it would pass over the deaths.
    """
    beta = np.zeros(rest.design.shape[1])
    if len(beta):
        beta = estimate(rest.times, rest.events, rest.design, strata=rest.strata).coefficients
    residuals = martingale_residuals(rest.times, rest.events, rest.design, beta, strata=rest.strata)
    near = 0.01 * float(np.ptp(values))
    smooth = lowess(residuals, values, frac=_SPAN, it=0, delta=near, return_sorted=False)
    columns = {"value": values, "residual": residuals, "smooth": smooth}
    return pd.DataFrame({"patient": complete.index, **columns})


def _curve(
    grid: Floats, shape: Floats, beta: Floats, covariance: Floats, confidence: float
) -> pd.DataFrame:
    """Log hazard of the spline against its last row, with a band."""
    width = shape.shape[1]
    contrast = shape[:-1] - shape[-1]
    height = contrast @ beta[:width]
    variance = np.einsum("ij,jk,ik->i", contrast, covariance[:width, :width], contrast)
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * np.sqrt(np.maximum(variance, 0))
    columns = {"value": grid, "spline": height, "low": height - reach, "high": height + reach}
    return pd.DataFrame(columns)


def _row(
    row: dict[str, Any],
    bend: ChiSquared,
    whole: ChiSquared,
    *,
    aic: tuple[float, float] = (math.nan, math.nan),
    note: str = "",
) -> pd.DataFrame:
    """The tests as a table of one row."""
    tests = {"chi2": bend.chi2, "df": bend.df, "p": bend.p}
    tests |= {"score_chi2": whole.chi2, "score_df": whole.df, "score_p": whole.p}
    return pd.DataFrame(
        [{**row, **tests, "linear_aic": aic[0], "spline_aic": aic[1], "note": note}]
    )


def _no_form(row: dict[str, Any], note: str, points: pd.DataFrame | None = None) -> FunctionalForm:
    """No spline, and why."""
    empty = pd.DataFrame(columns=["patient", "value", "residual", "smooth"])
    curve = pd.DataFrame(columns=["value", "spline", "low", "high", "linear"], dtype=float)
    test = _row(row, NO_TEST, NO_TEST, note=note)
    return FunctionalForm(empty if points is None else points, curve, test)
