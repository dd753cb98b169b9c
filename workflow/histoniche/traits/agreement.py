"""Agreement of the slides' scores with what was measured: Spearman with an interval."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MANY, _PERMUTATIONS = 30, 9999


class Agreement(NamedTuple):
    """Rank correlation of scores with measurements."""

    rho: float
    """-1 to 1; 0: no agreement. NaN below three things, or where one side is constant."""
    low: float
    high: float
    """Limits by drawing patients; NaN for a single patient."""
    p: float
    """Two-sided p of no agreement; NaN where a patient has several things, which are no
    independent witnesses."""
    n: int
    patients: int


def rank_agreement(
    scores: Floats,
    measured: Floats,
    patients: NDArray[np.object_],
    networks: NDArray[np.object_] | None = None,
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
    networks
        (n,): what gave each score; ranks are taken within each alone, since networks of a
        cross-validation are not on one scale. None: one gave all.
    rng
        Draws the patients.
    draws
        Number of draws; in each the ranks are taken anew.
    confidence
        Level of the interval.

    Notes
    -----
    p is Student's, with a degree of freedom less for each network; below 30 patients, where
    that is far off at the ends, of 9,999 permutations of the scores within each network.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, supplement S1, for the use; Field and
    Welsh 2007, J R Stat Soc B 69:369, for the interval.
    """
    names, member = np.unique(patients.astype(str), return_inverse=True)
    n = len(scores)
    own = np.zeros(n, np.intp) if networks is None else pd.factorize(networks)[0]
    rho = float(_correlation(scores, measured, own, np.ones((1, n)))[0]) if n > 2 else np.nan
    if np.isnan(rho) or len(names) < 2:
        return Agreement(rho, np.nan, np.nan, np.nan, n, len(names))
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    drawn = _correlation(scores, measured, own, counts[:, member].astype(np.float64))
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    p = np.nan
    if len(names) == n:
        p = _p(rho, n - 1 - own.max() - 1) if n >= _MANY else _permuted(scores, measured, own, rng)
    return Agreement(rho, float(low), float(high), p, n, len(names))


def _correlation(x: Floats, y: Floats, networks: NDArray[np.intp], weights: Floats) -> Floats:
    """Rank correlation under each row of weights (draws, n); NaN where one is constant."""
    xy, xx, yy = np.zeros((3, len(weights)))
    for number in np.unique(networks):
        mine = networks == number
        own = weights[:, mine]
        middle = (own.sum(1, keepdims=True) + 1) / 2
        dx, dy = (_ranks(values[mine], own) - middle for values in (x, y))
        xy += (own * dx * dy).sum(1)
        xx += (own * dx**2).sum(1)
        yy += (own * dy**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(xy / np.sqrt(xx * yy), -1, 1))


def _standing(values: Floats, networks: NDArray[np.intp]) -> Floats:
    """Ranks within each network, from their mean."""
    ranks = np.empty(len(values))
    for number in np.unique(networks):
        mine = networks == number
        ranks[mine] = scipy.stats.rankdata(values[mine]) - (mine.sum() + 1) / 2
    return ranks


def _permuted(
    scores: Floats, measured: Floats, networks: NDArray[np.intp], rng: np.random.Generator
) -> float:
    """Two-sided p by permutations within networks, the given order among them."""
    order = np.argsort(networks, kind="stable")
    x, y = _standing(scores, networks), _standing(measured, networks)
    # Sorted by network and then at random, things change their places within networks alone.
    keys = networks + rng.random((_PERMUTATIONS, len(networks)))
    shuffled = x[np.argsort(keys, axis=1)]
    found = np.abs(shuffled @ y[order])
    return float((1 + (found >= abs(x @ y) - 1e-9).sum()) / (1 + _PERMUTATIONS))


def _p(rho: float, freedom: int) -> float:
    """Two-sided p of a correlation by Student's t."""
    with np.errstate(divide="ignore"):
        t = rho * np.sqrt(np.float64(freedom) / (1 - rho**2))
    return float(2 * scipy.stats.t.sf(abs(t), freedom))


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Mean ranks of values that each stand there as often as their weight says, (draws, n)."""
    distinct, place = np.unique(values, return_inverse=True)
    here = weights @ (place[:, np.newaxis] == np.arange(len(distinct)))
    middle = np.cumsum(here, axis=1) - (here - 1) / 2
    return np.asarray(middle[:, place])
