"""What follow-up says at one day, its length, and bootstrap samples of the patients."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.survival.curves import median_follow_up

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Size(NamedTuple):
    """How much a result rests on."""

    n: int
    """Patients."""
    events: int
    """Deaths."""
    median_days: float
    """Median follow-up by the reverse Kaplan-Meier method; NaN where it is not reached."""
    low: float
    high: float
    """Its 95 % interval; NaN where not reached."""


def days_of(years: Sequence[float]) -> list[float]:
    """Whole days nearest to years of 365.25 days: 365, 730, 1096."""
    return [float(round(365.25 * year)) for year in years]


def check_day(time: Floats, event: Bools, days: float) -> None:
    """Raise an InputError where follow-up says nothing about survival at `days`."""
    if not days > 0:
        raise InputError("the day must be above 0", column="days", value=days, remedy="set it so")
    if days > time.max():
        raise InputError(
            f"nobody was followed that long, the longest follow-up is {time.max():g} days",
            column="days",
            value=days,
            remedy="choose an earlier day",
        )
    if not (event & (time <= days)).any():
        raise InputError("nobody died by then", column="days", value=days, remedy="choose a later")


def rising_shares(values: Sequence[float], *, key: str, what: str, remedy: str) -> Floats:
    """`values` as an array; raises an InputError unless they rise and lie between 0 and 1."""
    shares = np.asarray(values, dtype=np.float64)
    if not len(shares) or not ((shares > 0) & (shares < 1)).all() or (np.diff(shares) <= 0).any():
        raise InputError(
            f"{what} are rising numbers between 0 and 1",
            column=key,
            value=list(values),
            remedy=remedy,
        )
    return shares


def survival_at(time: Floats, event: Bools, days: float, weights: Floats | None = None) -> Floats:
    """Kaplan-Meier estimate at one day, for many weightings of the patients at once.

    lifelines fits one curve at a time; a bootstrap of a decision curve needs some
    hundred thousand.

    Parameters
    ----------
    time, event
        (patients,).
    days
        Day at which the curve is read.
    weights
        (..., patients), such as how often a bootstrap sample holds each patient, or
        0 and 1 for a group; 1 for all if None.

    Returns
    -------
    (...): share alive after `days`; beyond the last follow-up the curve stays where it
    is. 1 where no patient has weight.
    """
    weights = np.ones_like(time) if weights is None else np.asarray(weights, dtype=np.float64)
    # Of one time the deaths come first: who was censored then was still at risk.
    order = np.lexsort((~event, time))
    sorted_weights = weights[..., order]
    at_risk = np.cumsum(sorted_weights[..., ::-1], axis=-1)[..., ::-1]
    dying = (event & (time <= days))[order]
    lost = sorted_weights[..., dying]
    left = at_risk[..., dying]
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(left > 0, 1 - lost / left, 1.0)
    return np.asarray(np.clip(factor, 0, 1).prod(axis=-1))


def uncensored_weights(
    time: Floats, event: Bools, days: float, weights: Floats | None = None
) -> Floats:
    """Inverse probability of censoring weights of each patient's state at one day.

    Parameters
    ----------
    time, event, days, weights
        See `survival_at`.

    Returns
    -------
    (..., patients): 1 / G just before death for those dead by `days`, 1 / G just before
    `days` for those seen alive then (`seen_alive`), 0 for those lost before; G is the
    Kaplan-Meier curve of censoring, and of one time deaths come before censoring. Not yet
    times `weights`.
    """
    weights = np.ones_like(time) if weights is None else weights
    order = np.lexsort((~event, time))
    ordered = weights[..., order]
    at_risk = np.cumsum(ordered[..., ::-1], axis=-1)[..., ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        lost = np.where(event[order] | (at_risk <= 0), 0.0, ordered / at_risk)
    remaining = np.cumprod(np.clip(1 - lost, 0, 1), axis=-1)
    before = np.concatenate([np.ones_like(remaining[..., :1]), remaining[..., :-1]], axis=-1)
    still = np.empty_like(before)
    still[..., order] = before
    reached = int((time < days).sum())
    at_day = remaining[..., reached - 1 : reached] if reached else np.ones_like(before[..., :1])
    alive = seen_alive(time, event, days)
    left = np.where(alive, at_day, still)
    known = (event | alive) & (left > 0)
    return np.where(known, 1 / np.where(known, left, 1.0), 0.0)


def seen_alive(time: Floats, event: Bools, days: float) -> Bools:
    """Who is known to be alive after `days`, those last seen on that very day among them."""
    return np.asarray((time > days) | ((time == days) & ~event))


def size_of(time: Floats, event: Bools, *, confidence: float = 0.95) -> Size:
    """Patients, deaths and median follow-up, with its log-log interval.

    References
    ----------
    Schemper and Smith 1996, Control Clin Trials 17:343-346.
    """
    median = median_follow_up(time, event, confidence=confidence)
    return Size(len(time), int(event.sum()), *median)


def resamples(n: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Bootstrap samples, (count, n): places of the patients drawn with replacement."""
    return rng.integers(0, n, (count, n))


def counted(samples: NDArray[np.int64]) -> Floats:
    """How often each sample holds each patient, (samples, patients)."""
    n = samples.shape[1]
    flat = (samples + n * np.arange(len(samples))[:, np.newaxis]).ravel()
    return np.bincount(flat, minlength=samples.size).reshape(samples.shape).astype(np.float64)


def percentiles(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Percentile interval over the first axis, from the values that are numbers."""
    tails = [100 * (1 - confidence) / 2, 100 * (1 + confidence) / 2]
    known = np.isfinite(values).any(axis=0)
    filled = np.where(known, values, 0.0)
    low, high = np.nanpercentile(filled, tails, axis=0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
