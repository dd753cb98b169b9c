"""Pairs of patients by which a concordance is told: who lived longer than whom, at whose risk."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Deaths at a time, so that memory grows with the patients and not with their square.
_BLOCK = 256


class Pairs(NamedTuple):
    """Some patients who died, and with whom of all each can be compared."""

    first: NDArray[np.intp]
    """(deaths,): places of those who died."""
    later: Bools
    """(deaths, patients): whether the patient is known to have lived longer."""


def comparable_pairs(
    times: Floats, events: Bools, *, horizon: float | None = None
) -> Iterator[Pairs]:
    """All comparable pairs of patients, a few deaths at a time.

    Parameters
    ----------
    times, events
        (patients,): time, and whether the patient died then.
    horizon
        Pairs count whose first death came at this time at the latest; all if None.

    Yields
    ------
    Pairs in which the one with the shorter time died. Of equal times a death comes before a
    censoring, and two deaths are no pair.

    References
    ----------
    Harrell et al. 1982, JAMA 247:2543-2546.
    """
    deaths = np.flatnonzero(events & (times <= (math.inf if horizon is None else horizon)))
    for start in range(0, len(deaths), _BLOCK):
        first = deaths[start : start + _BLOCK]
        moment = times[first, np.newaxis]
        yield Pairs(first, (times > moment) | ((times == moment) & ~events))


def in_order(risk: Floats, first: NDArray[np.intp]) -> Floats:
    """How right the order of risks is, (deaths, patients).

    1 where the one who died has the higher risk, 0.5 where both have the same, else 0.

    Parameters
    ----------
    risk
        (patients,), higher = dies sooner.
    first
        (deaths,): places of those who died.
    """
    own = risk[first, np.newaxis]
    return (own > risk) + 0.5 * (own == risk)
