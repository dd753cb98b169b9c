"""Harrell's concordance of a risk with survival, with its bootstrap interval."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.randomness import generator

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FEWEST = 2


def agreement(
    risk: ArrayLike, times: ArrayLike, events: ArrayLike, strata: ArrayLike | None = None
) -> float:
    """Harrell's C: share of the comparable pairs of patients whose risks are in the right order.

    Parameters
    ----------
    risk
        (n,): higher = dies sooner.
    times, events
        (n,): time, and whether the patient died then.
    strata
        (n,): only pairs within a stratum count, such as the fold whose network gave the risk.

    Returns
    -------
    1: who has the higher risk always dies first; 0.5: no better than chance; NaN where no
    pair can be compared. A pair can be if the one with the shorter time died; of equal times
    a death comes before a censoring, and two deaths are no pair. Equal risks count one half.

    References
    ----------
    Harrell et al. 1982, JAMA 247:2543-2546.
    """
    pairs = list(_by_stratum(risk, times, events, strata))
    total = sum(one.comparable.sum() for one in pairs)
    return float(sum(one.right.sum() for one in pairs) / total) if total else math.nan


def resampled_agreement(
    risk: ArrayLike,
    times: ArrayLike,
    events: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    samples: int,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Percentile interval of `agreement` by a bootstrap of the patients of each stratum.

    Parameters
    ----------
    risk, times, events, strata
        As for `agreement`.
    samples
        Bootstrap samples; those without a comparable pair are left out.
    confidence
        Share of the samples within the interval, such as 0.95.
    seed
        Of the samples.

    Returns
    -------
    Low and high; NaN where no sample has a pair.

    References
    ----------
    Efron 1979, Ann Stat 7:1-26.
    """
    rng = generator(seed, "agreement")
    right, total = np.zeros((2, samples))
    for one in _by_stratum(risk, times, events, strata):
        count = len(one.right)
        # How often each patient is in a sample; a pair is in it as often as the product says.
        often = rng.multinomial(count, np.full(count, 1 / count), size=samples).astype(float)
        right += ((often @ one.right) * often).sum(1)
        total += ((often @ one.comparable) * often).sum(1)
    known = total > 0
    if not known.any():
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(right[known] / total[known], [tail, 1 - tail])
    return float(low), float(high)


def check_events(times: ArrayLike, events: ArrayLike, *, whom: str = "these patients") -> None:
    """Fail if survival cannot be learned from these patients, or told apart among them.

    Parameters
    ----------
    times, events
        (n,): time, and whether the patient died then.
    whom
        How the message calls the patients.

    Raises
    ------
    InputError
        If there is nobody, a time is negative or not finite, there are fewer than two
        events, or no two patients of whom one is known to have died before the other.
    """
    when, died = np.asarray(times, np.float64), np.asarray(events, np.bool_)
    remedy = "add patients or divide them anew"
    if len(when) == 0:
        raise InputError(f"no patient among {whom}", column="cohort", remedy=remedy)
    wrong = when[~(np.isfinite(when) & (when >= 0))]
    if len(wrong):
        raise InputError(
            f"a time of {whom} is no time",
            column="time",
            value=float(wrong[0]),
            remedy="state times of 0 or more",
        )
    if died.sum() < _FEWEST:
        raise InputError(
            f"a survival model needs at least {_FEWEST} events among {whom}",
            column="event",
            value=int(died.sum()),
            remedy=remedy,
        )
    first = when[died].min()
    if not ((when > first) | ((when == first) & ~died)).any():
        raise InputError(
            f"no two of {whom} can be compared, since nobody lived longer than another",
            column="time",
            value=float(first),
            remedy=remedy,
        )


class _Pairs(NamedTuple):
    """Of each pair of a stratum's patients, (n, n), whether it counts and how right it is."""

    comparable: Floats
    right: Floats


def _by_stratum(
    risk: ArrayLike, times: ArrayLike, events: ArrayLike, strata: ArrayLike | None
) -> Iterator[_Pairs]:
    """Pairs of each stratum; the first of a pair died, the second lived longer."""
    score, when = np.asarray(risk, np.float64), np.asarray(times, np.float64)
    died = np.asarray(events, np.bool_)
    groups = np.zeros(len(score)) if strata is None else np.asarray(strata)
    for group in np.unique(groups):
        mine = groups == group
        yield _pairs(score[mine], when[mine], died[mine])


def _pairs(risk: Floats, times: Floats, events: Bools) -> _Pairs:
    """Pairs of all patients."""
    first, other = times[:, np.newaxis], times
    later = (other > first) | ((other == first) & ~events)
    comparable = (later & events[:, np.newaxis]).astype(float)
    order = (risk[:, np.newaxis] > risk) + 0.5 * (risk[:, np.newaxis] == risk)
    return _Pairs(comparable, comparable * order)
