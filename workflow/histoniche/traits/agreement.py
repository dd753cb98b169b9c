"""Agreement of the slides' scores with what was measured: Spearman with an interval."""

from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Agreement(NamedTuple):
    """Rank correlation of scores with measurements."""

    rho: float
    """-1 to 1; 0: no agreement. NaN below three things, or where one side is constant."""
    low: float
    high: float
    """Limits by drawing patients; NaN for a single patient."""
    p: float
    """Two-sided p of no agreement (t distribution); NaN where a patient has several things,
    which are no independent witnesses."""
    n: int
    patients: int


def rank_agreement(
    scores: Floats,
    measured: Floats,
    patients: NDArray[np.object_],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    confidence: float = 0.95,
) -> Agreement:
    """Spearman's correlation with a percentile bootstrap interval over patients.

    Parameters
    ----------
    scores, measured
        (n,): scores of slides or patients, and the percentile or expression measured.
    patients
        (n,): whose they are.
    rng
        Draws the patients.
    draws
        Number of draws; in each the ranks are taken anew.
    confidence
        Level of the interval.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, supplement S1, for the use; Field and
    Welsh 2007, J R Stat Soc B 69:369, for the interval.
    """
    names, member = np.unique(patients.astype(str), return_inverse=True)
    n = len(scores)
    rho = float(_correlation(scores, measured, np.ones((1, n)))[0]) if n > 2 else np.nan
    if np.isnan(rho) or len(names) < 2:
        return Agreement(rho, np.nan, np.nan, np.nan, n, len(names))
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    drawn = _correlation(scores, measured, counts[:, member].astype(np.float64))
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    single = len(names) == n
    p = float(scipy.stats.spearmanr(scores, measured).pvalue) if single else np.nan
    return Agreement(rho, float(low), float(high), p, n, len(names))


def _correlation(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman's correlation under each row of weights (draws, n); NaN where one is constant."""
    total = weights.sum(1, keepdims=True)
    dx, dy = (_ranks(values, weights) - (total + 1) / 2 for values in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (weights * dx * dy).sum(1) / np.sqrt(
            (weights * dx**2).sum(1) * (weights * dy**2).sum(1)
        )
    return np.asarray(np.clip(r, -1, 1))


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Mean ranks of values that each stand there as often as their weight says, (draws, n)."""
    distinct, place = np.unique(values, return_inverse=True)
    here = weights @ (place[:, np.newaxis] == np.arange(len(distinct)))
    middle = np.cumsum(here, axis=1) - (here - 1) / 2
    return np.asarray(middle[:, place])
