"""Fitting Cox's model to arrays: coefficients, their errors, and the tests of the model."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg.lapack
import scipy.special
import scipy.stats
from sksurv.linear_model import CoxnetSurvivalAnalysis  # type: ignore[import-untyped]
from sksurv.util import Surv  # type: ignore[import-untyped]

from histoniche.errors import InputError
from histoniche.survival.partial_likelihood import (
    Bools,
    Derivatives,
    Floats,
    Ints,
    RiskSets,
    derivatives,
    log_likelihood,
)
from histoniche.wording import count

_STEPS = 60
_HALVINGS = 10
_CLOSE = 1e-16
"""Rise of the log likelihood that a step promises, beside its size: Newton's steps square their
error, so that the step after one of this size changes nothing."""

# A coefficient or a standard error of ten, per standard deviation of an uncorrelated term, is no
# estimate: the likelihood rises without end, since a term separates who died from the others.
_BEYOND = 10.0

_COLLINEAR = 1e-8
"""Singular value of the terms, beside the largest, below which one is made of the others."""

_CONSTANT = 1e-12
"""Standard deviation of a term, beside its mean, below which it does not vary."""

FEWEST_EVENTS = 10
"""Events that stand behind one parameter of a model that can be trusted."""

CONSTANT = "no estimate: a term is the same in all patients"
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
    likelihood_ratio: ChiSquared = NO_TEST
    wald: ChiSquared = NO_TEST
    score: ChiSquared = NO_TEST
    efron: bool = True
    """Whether ties were handled by Efron's method; Breslow's if not."""
    note: str = ""

    @property
    def aic(self) -> float:
        """Akaike's criterion: smaller is better, among models of the same patients."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def at_maximum(self) -> bool:
        """Whether it is where the likelihood is largest: there errors and tests hold."""
        return not self.note and bool(np.isfinite(self.covariance).all())


def estimate(
    times: Floats,
    events: Bools,
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
        (patients, terms), finite.
    strata
        (patients,): number of each patient's stratum; each has its own baseline hazard.
    penalty
        None for the maximum of the likelihood.

    Returns
    -------
    The estimate; its note says why there is none. Ties are handled by Efron's
    method, but for a penalty with a lasso's part, which takes Breslow's.

    Notes
    -----
    Newton's method on our own derivatives and not lifelines: the score test,
    the tests of proportional hazards and Efron's baseline need them anyway,
    lifelines' shortened steps end six digits from the maximum, and a bootstrap
    that refits a model needs thousands of fits of less than a millisecond.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Efron 1977, J Am Stat Assoc 72:557-565;
    Verweij and van Houwelingen 1994, Stat Med 13:2427-2436 (ridge); Simon et al.
    2011, J Stat Softw 39(5) (elastic net).
    """
    return estimate_from(RiskSets(times, events, strata), design, penalty=penalty)


def estimate_from(sets: RiskSets, design: Floats, *, penalty: Penalty | None = None) -> Estimate:
    """As `estimate`, from risk sets that serve several designs of the same patients."""
    centre = design.mean(axis=0)
    x = (design - centre)[sets.order]
    spread = np.sqrt((x * x).sum(axis=0) / (len(x) - 1))
    if not (spread > _CONSTANT * np.abs(centre)).all():
        return no_estimate(x.shape[1], CONSTANT)
    x /= spread
    if penalty is not None and penalty.l1_ratio > 0:
        return _sparse(sets, x, spread, penalty)
    return _smooth(sets, x, spread, 0.0 if penalty is None else penalty.strength * len(x))


def _smooth(sets: RiskSets, x: Floats, spread: Floats, ridge: float) -> Estimate:
    """The maximum, or a ridge; `x` in standard deviations and in the order of the sets."""
    # Without a penalty the fit is made in uncorrelated terms, so that parts of a spline, which
    # are much alike, have coefficients of an ordinary size.
    basis = np.eye(x.shape[1]) if ridge or x.shape[1] == 1 else _uncorrelated(x)
    if basis is None:
        return no_estimate(x.shape[1], COLLINEAR)
    found = _newton(sets, np.ascontiguousarray((x @ basis).T), ridge)
    if found is None:
        return no_estimate(x.shape[1], ENDLESS)
    gamma, null, end = found
    df = len(gamma)
    covariance = np.linalg.inv(end.information + ridge * np.eye(df))
    variance = np.diag(covariance)
    if not ((np.abs(gamma) < _BEYOND) & (variance > 0) & (variance < _BEYOND**2)).all():
        return no_estimate(df, ENDLESS)
    back = basis / spread[:, np.newaxis]
    if ridge:
        effective = float(np.trace(end.information @ covariance))
        unknown = np.full_like(covariance, np.nan)
        return Estimate(back @ gamma, unknown, end.value, null.value, effective)
    return Estimate(
        back @ gamma,
        back @ covariance @ back.T,
        end.value,
        null.value,
        float(df),
        likelihood_ratio=chi_squared(2 * (end.value - null.value), df),
        wald=chi_squared(float(gamma @ end.information @ gamma), df),
        score=chi_squared(float(null.score @ np.linalg.solve(null.information, null.score)), df),
    )


def _uncorrelated(x: Floats) -> Floats | None:
    """What makes columns of a standard deviation of 1 uncorrelated, by multiplying them.

    None if one of them is made of the others.
    """
    if len(x) <= x.shape[1]:
        return None
    triangle = np.linalg.qr(x, mode="r")
    sizes = np.linalg.svd(triangle, compute_uv=False)
    if sizes[-1] <= _COLLINEAR * sizes[0]:
        return None
    return np.asarray(np.linalg.inv(triangle) * np.sqrt(len(x) - 1))


def chi_squared(statistic: float, df: float) -> ChiSquared:
    """The test of a statistic; rounding may have taken it below 0."""
    return ChiSquared(statistic, df, float(scipy.special.chdtrc(df, max(statistic, 0.0))))


def likelihood_ratio_tests(
    times: Floats,
    events: Bools,
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
    sets, tests = RiskSets(times, events, strata), {}
    for name, columns in groups.items():
        rest = np.delete(design, list(columns), axis=1)
        without = full.null_log_likelihood
        if rest.shape[1]:
            without = estimate_from(sets, rest).log_likelihood
        tests[name] = chi_squared(2 * (full.log_likelihood - without), len(columns))
    return tests


def wald_intervals(found: Estimate, confidence: float) -> list[tuple[float, float, float, float]]:
    """Hazard ratio, low, high and Wald's p of each term; NaN under a penalty."""
    errors = np.sqrt(np.diag(found.covariance))
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * errors
    with np.errstate(over="ignore"):
        ratios = np.exp(found.coefficients)
        low, high = np.exp(found.coefficients - reach), np.exp(found.coefficients + reach)
    p = 2 * scipy.stats.norm.sf(np.abs(found.coefficients) / errors)
    return [
        (float(ratio), float(below), float(above), float(chance))
        for ratio, below, above, chance in zip(ratios, low, high, p, strict=True)
    ]


def few_events_note(parameters: int, events: int) -> str:
    """A warning if a model has more parameters than a tenth of its events, else nothing."""
    if parameters * FEWEST_EVENTS <= events:
        return ""
    return f"{count(parameters, 'parameter')} on {events} events: fewer than {FEWEST_EVENTS} each"


def _newton(
    sets: RiskSets, terms: Floats, ridge: float
) -> tuple[Floats, Derivatives, Derivatives] | None:
    """Coefficients at the maximum, and what is at 0 and there; None if no step leads up."""
    beta = np.zeros(len(terms))
    null = here = derivatives(sets, terms, beta)
    height, curvature = here.value, ridge * np.eye(len(beta))
    for _ in range(_STEPS):
        slope, curve = here.score - ridge * beta, here.information + curvature
        _, step, failed = scipy.linalg.lapack.dposv(curve, slope)
        if failed:
            return None
        for _ in range(_HALVINGS):
            after = derivatives(sets, terms, beta + step)
            now = after.value - ridge / 2 * float((beta + step) @ (beta + step))
            if now >= height - 1e-9 * abs(height):
                break
            step = step / 2
        beta, here, height = beta + step, after, now
        if not np.abs(beta).max() <= 3 * _BEYOND:
            return None
        if float(slope @ step) < _CLOSE * max(abs(height), 1.0):
            break
    return beta, null, here


def _sparse(sets: RiskSets, x: Floats, spread: Floats, penalty: Penalty) -> Estimate:
    """The elastic net, by scikit-survival; `x` in the order of the sets."""
    if len(sets.bounds) > 2:
        raise InputError(
            "a penalty with a lasso's part and strata do not go together",
            column="l1_ratio",
            value=penalty.l1_ratio,
            remedy="set l1_ratio to 0, which is a ridge, or leave the strata out",
        )
    died = np.zeros(len(x), dtype=bool)
    died[sets.deaths] = True
    fitter = CoxnetSurvivalAnalysis(l1_ratio=penalty.l1_ratio, alphas=[penalty.strength], tol=1e-12)
    with warnings.catch_warnings():
        # That nothing is left of the terms stands in their number.
        warnings.simplefilter("ignore")
        fitter.fit(x, Surv.from_arrays(died, sets.time))
    beta = np.asarray(fitter.coef_[:, 0], dtype=np.float64)
    height, start = (log_likelihood(sets, eta, efron=False) for eta in (x @ beta, np.zeros(len(x))))
    unknown = np.full((len(beta), len(beta)), np.nan)
    return Estimate(beta / spread, unknown, height, start, float((beta != 0).sum()), efron=False)


def no_estimate(terms: int, note: str) -> Estimate:
    """No estimate, and why."""
    none, unknown = np.full(terms, np.nan), np.full((terms, terms), np.nan)
    return Estimate(none, unknown, math.nan, math.nan, float(terms), note=note)
