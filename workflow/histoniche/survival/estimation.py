"""Fitting Cox's model to arrays: coefficients, their errors, and the tests of the model."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.stats
from numpy.typing import NDArray
from sksurv.linear_model import CoxnetSurvivalAnalysis  # type: ignore[import-untyped]
from sksurv.util import Surv  # type: ignore[import-untyped]

from histoniche.errors import InputError
from histoniche.survival.partial_likelihood import (
    Deaths,
    Floats,
    Ints,
    at_deaths,
    information,
    log_likelihood,
    score,
)

_STEPS = 60
_HALVINGS = 10
_CLOSE = 1e-12

# A coefficient or a standard error of ten, per standard deviation of an uncorrelated term, is no
# estimate: the likelihood rises without end, since a term separates who died from the others.
_BEYOND = 10.0

_COLLINEAR = 1e-8
"""Singular value of the terms, beside the largest, below which one is made of the others."""

COLLINEAR = "no estimate: collinear terms"
ENDLESS = "no finite estimate: separation or collinear terms"


class Penalty(NamedTuple):
    """An elastic net on the coefficients of terms in standard deviations (n - 1)."""

    strength: float
    """The estimate is where `log likelihood / n - strength * (l1_ratio * |b| +
    (1 - l1_ratio) / 2 * b * b)` is largest, summed over the coefficients b. A ridge is R's
    `ridge(theta = n * strength, scale = TRUE)`; the whole is glmnet's, whose lambda is the
    strength."""
    l1_ratio: float = 0.0
    """0 is a ridge, 1 a lasso."""


class ChiSquared(NamedTuple):
    """A chi-squared test."""

    chi2: float
    df: float
    p: float


NO_TEST = ChiSquared(math.nan, math.nan, math.nan)


class Estimate(NamedTuple):
    """Cox's model, fitted; everything NaN where `note` says why there is no estimate."""

    coefficients: Floats
    """(terms,): log hazard ratios."""
    covariance: Floats
    """(terms, terms); NaN under a penalty, where the coefficients are biased by intent."""
    log_likelihood: float
    null_log_likelihood: float
    parameters: float
    """Degrees of freedom; under a ridge the effective ones, under a lasso the terms left."""
    likelihood_ratio: ChiSquared
    wald: ChiSquared
    score: ChiSquared
    efron: bool
    """Whether ties were handled by Efron's method; Breslow's if not."""
    note: str = ""

    @property
    def aic(self) -> float:
        """Akaike's criterion: smaller is better, among models of the same patients."""
        return 2 * self.parameters - 2 * self.log_likelihood


def estimate(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    *,
    strata: Ints | None = None,
    penalty: Penalty | None = None,
) -> Estimate:
    """Fit Cox's model.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then; somebody did.
    design
        (patients, terms), finite; every term varies.
    strata
        (patients,): number of each patient's stratum; each has its own baseline hazard.
    penalty
        None for the maximum of the likelihood.

    Returns
    -------
    The estimate. Ties are handled by Efron's method, but for a penalty with a
    lasso's part, which takes Breslow's.

    Notes
    -----
    Newton's method on our own derivatives and not lifelines: the score test,
    the tests of proportional hazards and Efron's baseline need them anyway, and
    lifelines' shortened steps end six digits from the maximum.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Efron 1977, J Am Stat Assoc 72:557-565;
    Verweij and van Houwelingen 1994, Stat Med 13:2427-2436 (ridge); Simon et al.
    2011, J Stat Softw 39(5) (elastic net).
    """
    spread = design.std(axis=0, ddof=1)
    x = (design - design.mean(axis=0)) / spread
    if penalty is not None and penalty.l1_ratio > 0:
        if strata is not None:
            raise InputError(
                "a penalty with a lasso's part and strata do not go together",
                column="l1_ratio",
                value=penalty.l1_ratio,
                remedy="set l1_ratio to 0, which is a ridge, or leave the strata out",
            )
        return _sparse(times, events, x, spread, penalty=penalty)
    ridge = 0.0 if penalty is None else penalty.strength * len(x)
    null = at_deaths(times, events, x, np.zeros(x.shape[1]), strata)
    start = log_likelihood(null, np.zeros(len(x)))
    if not ridge and np.linalg.matrix_rank(x, rtol=_COLLINEAR) < x.shape[1]:
        return _nothing(x.shape[1], start, COLLINEAR)
    # Without a penalty the fit is made in uncorrelated terms, so that parts of a spline, which
    # are much alike, have coefficients of an ordinary size.
    basis = np.eye(x.shape[1]) if ridge else _uncorrelated(x)
    found = _newton(times, events, x @ basis, strata, ridge)
    if found is None:
        return _nothing(x.shape[1], start, ENDLESS)
    gamma, deaths = found
    observed = information(deaths)
    covariance = np.linalg.inv(observed + ridge * np.eye(len(gamma)))
    variance = np.diag(covariance)
    if not ((np.abs(gamma) < _BEYOND) & (variance > 0) & (variance < _BEYOND**2)).all():
        return _nothing(len(gamma), start, ENDLESS)
    end = log_likelihood(deaths, x @ basis @ gamma)
    back = basis / spread[:, np.newaxis]
    if ridge:
        effective = float(np.trace(observed @ covariance))
        unknown = np.full_like(covariance, np.nan)
        return Estimate(
            back @ gamma, unknown, end, start, effective, NO_TEST, NO_TEST, NO_TEST, efron=True
        )
    slope = score(null, x)
    return Estimate(
        back @ gamma,
        back @ covariance @ back.T,
        end,
        start,
        float(len(gamma)),
        chi_squared(2 * (end - start), len(gamma)),
        chi_squared(float(gamma @ observed @ gamma), len(gamma)),
        chi_squared(float(slope @ np.linalg.solve(information(null), slope)), len(gamma)),
        efron=True,
    )


def _uncorrelated(x: Floats) -> Floats:
    """What makes columns of a standard deviation of 1 uncorrelated, by multiplying them."""
    triangle = np.linalg.qr(x, mode="r")
    return np.asarray(np.linalg.inv(triangle) * np.sqrt(len(x) - 1))


def chi_squared(statistic: float, df: float) -> ChiSquared:
    """The test of a statistic; rounding may have taken it below 0."""
    return ChiSquared(statistic, df, float(scipy.stats.chi2.sf(max(statistic, 0.0), df)))


def likelihood_ratio_tests(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    groups: Mapping[str, Sequence[int]],
    full: Estimate,
    *,
    strata: Ints | None = None,
) -> dict[str, ChiSquared]:
    """Likelihood-ratio test of each term: the model with it against the model without.

    Parameters
    ----------
    times, events, design, strata
        See `estimate`.
    groups
        Columns of each term: several for a covariate of several levels, which is one term.
    full
        The model with all terms.
    """
    tests = {}
    for name, columns in groups.items():
        rest = np.delete(design, list(columns), axis=1)
        without = full.null_log_likelihood
        if rest.shape[1]:
            without = estimate(times, events, rest, strata=strata).log_likelihood
        tests[name] = chi_squared(2 * (full.log_likelihood - without), len(columns))
    return tests


def _newton(
    times: Floats, events: NDArray[np.bool_], x: Floats, strata: Ints | None, ridge: float
) -> tuple[Floats, Deaths] | None:
    """Coefficients at the maximum and the deaths there; None if no step leads up."""
    beta = np.zeros(x.shape[1])
    deaths = at_deaths(times, events, x, beta, strata)
    height = log_likelihood(deaths, x @ beta)
    for _ in range(_STEPS):
        slope = score(deaths, x) - ridge * beta
        curve = information(deaths) + ridge * np.eye(len(beta))
        try:
            step = scipy.linalg.cho_solve(scipy.linalg.cho_factor(curve), slope)
        except (np.linalg.LinAlgError, ValueError):
            return None
        for _ in range(_HALVINGS):
            after = at_deaths(times, events, x, beta + step, strata)
            now = log_likelihood(after, x @ (beta + step))
            now -= ridge / 2 * float((beta + step) @ (beta + step))
            if now >= height - 1e-9 * abs(height):
                break
            step = step / 2
        beta, deaths, height = beta + step, after, now
        if np.abs(beta).max() > 3 * _BEYOND:
            return None
        if float(slope @ step) < _CLOSE * max(abs(height), 1.0) * _CLOSE:
            break
    return beta, deaths


def _sparse(
    times: Floats,
    events: NDArray[np.bool_],
    x: Floats,
    spread: Floats,
    *,
    penalty: Penalty,
) -> Estimate:
    """The elastic net, by scikit-survival."""
    fitter = CoxnetSurvivalAnalysis(l1_ratio=penalty.l1_ratio, alphas=[penalty.strength], tol=1e-12)
    with warnings.catch_warnings():
        # That nothing is left of the terms stands in their number.
        warnings.simplefilter("ignore")
        fitter.fit(x, Surv.from_arrays(events, times))
    beta = np.asarray(fitter.coef_[:, 0], dtype=np.float64)
    eta = x @ beta
    deaths = at_deaths(times, events, x, beta)
    null = at_deaths(times, events, x, np.zeros(len(beta)))
    return Estimate(
        beta / spread,
        np.full((len(beta), len(beta)), np.nan),
        float((eta[deaths.patient] - deaths.log_at_risk).sum()),
        float(-null.log_at_risk.sum()),
        float((beta != 0).sum()),
        NO_TEST,
        NO_TEST,
        NO_TEST,
        efron=False,
    )


def _nothing(terms: int, start: float, note: str) -> Estimate:
    """No estimate, and why."""
    none = np.full(terms, np.nan)
    return Estimate(
        none, np.full((terms, terms), np.nan), math.nan, start, float(terms),
        NO_TEST, NO_TEST, NO_TEST, efron=True, note=note,
    )  # fmt: skip
