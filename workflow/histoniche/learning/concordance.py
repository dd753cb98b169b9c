"""Harrell's concordance of a risk with survival, with its bootstrap interval."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from histoniche.concordant_pairs import comparable_pairs, in_order
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
    right, total = 0.0, 0
    for one in _by_stratum(risk, times, events, strata):
        for first, later in comparable_pairs(one.times, one.events):
            right += float(in_order(one.risk, first)[later].sum())
            total += int(later.sum())
    return right / total if total else math.nan


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
        count = len(one.risk)
        # How often each patient is in a sample; a pair is in it as often as the product says.
        often = rng.multinomial(count, np.full(count, 1 / count), size=samples).astype(float)
        for first, later in comparable_pairs(one.times, one.events):
            own = often[:, first]
            right += ((often @ (later * in_order(one.risk, first)).T) * own).sum(1)
            total += ((often @ later.T.astype(float)) * own).sum(1)
    known = total > 0
    if not known.any():
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(right[known] / total[known], [tail, 1 - tail])
    return float(low), float(high)


def permutation_p(
    risk: ArrayLike,
    times: ArrayLike,
    events: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    permutations: int,
    rng: np.random.Generator,
) -> float:
    """Two-sided p that a risk has nothing to do with survival.

    Parameters
    ----------
    risk, times, events, strata
        As for `agreement`; risks are exchanged within a stratum alone.
    permutations
        Number of random exchanges.
    rng
        What they are drawn by.

    Returns
    -------
    Share of the exchanges, the patients as they are being one of them, whose concordance is as
    far from 0.5; NaN if no pair can be compared.
    """
    parts = list(_by_stratum(risk, times, events, strata))
    # Ranks within the stratum are compared faster than numbers, and say the same.
    drawn = [np.empty((1 + permutations, len(one.risk)), np.int32) for one in parts]
    for one, ranks in zip(parts, drawn, strict=True):
        ranks[0] = np.unique(one.risk, return_inverse=True)[1]
    for number in range(1, 1 + permutations):
        for ranks in drawn:
            ranks[number] = rng.permutation(ranks[0])
    total = 0
    # Twice the pairs in the right order, whole numbers, so that equal ones are equal.
    right = np.zeros(1 + permutations, np.int64)
    for one, ranks in zip(parts, drawn, strict=True):
        for first, later in comparable_pairs(one.times, one.events):
            total += int(later.sum())
            for number, rank in enumerate(ranks):
                own = rank[first, np.newaxis]
                right[number] += np.count_nonzero(later & (own > rank))
                right[number] += np.count_nonzero(later & (own >= rank))
    away = np.abs(right - total)
    return float((away >= away[0]).mean()) if total else math.nan


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


class _Stratum(NamedTuple):
    """Patients who are compared with one another."""

    risk: Floats
    times: Floats
    events: Bools


def _by_stratum(
    risk: ArrayLike, times: ArrayLike, events: ArrayLike, strata: ArrayLike | None
) -> Iterator[_Stratum]:
    """Patients of each stratum, in the order of its names."""
    score, when = np.asarray(risk, np.float64), np.asarray(times, np.float64)
    died = np.asarray(events, np.bool_)
    groups = np.zeros(len(score)) if strata is None else np.asarray(strata)
    for group in np.unique(groups):
        mine = groups == group
        yield _Stratum(score[mine], when[mine], died[mine])
