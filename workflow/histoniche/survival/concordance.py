"""Concordance of a risk with survival: Harrell's and Uno's, and the difference of two.

A risk is a number that is higher in those who are expected to die sooner.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from histoniche.concordant_pairs import comparable_pairs, in_order
from histoniche.survival.censoring import observation_of

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]


class Concordance(NamedTuple):
    """Share of the comparable pairs of patients whose risks are in the right order.

    1: who has the higher risk always dies first; 0.5: no better than chance;
    0: always the wrong way round.
    """

    value: float
    error: float
    """Standard error by the infinitesimal jackknife."""
    influence: Floats
    """(patients,): what each patient adds to the value."""
    pairs: float
    """Comparable pairs, weighted."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Normal interval, within 0 and 1."""
        reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * self.error
        return max(0.0, self.value - reach), min(1.0, self.value + reach)


def concordance(
    times: Floats,
    events: Events,
    risk: Floats,
    *,
    kind: Literal["harrell", "uno"] = "harrell",
    horizon: float | None = None,
    strata: NDArray[np.intp] | None = None,
) -> Concordance:
    """Harrell's or Uno's concordance of a risk with survival.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    risk
        (patients,), finite: higher = worse.
    kind
        `harrell`, or `uno`, where each pair is weighted by the inverse squared
        probability of still being observed when the first of it died, so that
        the value does not depend on how long patients were followed.
    horizon
        Pairs count whose first death came at this time at the latest; all if None.
    strata
        (patients,): only pairs within a stratum count, and each has its own weights.

    Returns
    -------
    The concordance; NaN where no pair can be compared. A pair can be if the
    one with the shorter time died; of equal times, a death comes before a
    censoring, and two deaths are no pair. Equal risks count one half. The same
    as R's `survival::concordance(..., reverse = TRUE)`, for Uno's with
    `timewt = "n/G2"` and `ymax`, which takes the weights as known in the error.

    References
    ----------
    Harrell et al. 1982, JAMA 247:2543-2546; Uno et al. 2011, Stat Med
    30:1105-1117; Therneau and Watson 2015, Mayo Clinic technical report 85.
    """
    groups = np.zeros(len(times), dtype=np.intp) if strata is None else strata
    right, all_pairs = np.zeros((2, len(times)))
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        if events[mine].any():
            counted = _pairs(times[mine], events[mine], risk[mine], kind, horizon)
            right[mine], all_pairs[mine] = counted
    pairs = float(all_pairs.sum()) / 2
    if pairs == 0:
        return Concordance(math.nan, math.nan, np.full(len(times), math.nan), 0.0)
    value = float(right.sum()) / 2 / pairs
    influence = (right - value * all_pairs) / pairs
    return Concordance(value, float(np.sqrt((influence**2).sum())), influence, pairs)


def _pairs(
    times: Floats, events: Events, risk: Floats, kind: str, horizon: float | None
) -> tuple[Floats, Floats]:
    """Weight of each patient's pairs: of those in the right order, and of all."""
    observed = observation_of(times, events) if kind == "uno" else None
    right, total = np.zeros((2, len(times)))
    for first, later in comparable_pairs(times, events, horizon=horizon):
        counted = later.astype(float)
        if observed is not None:
            counted *= observed.before(times[first])[:, np.newaxis] ** -2.0
        ordered = counted * in_order(risk, first)
        right += ordered.sum(axis=0)
        total += counted.sum(axis=0)
        right[first] += ordered.sum(axis=1)
        total[first] += counted.sum(axis=1)
    return right, total


class Difference(NamedTuple):
    """The first concordance minus the second, on the same patients."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided, that the two are equal."""


def compare_concordance(
    first: Concordance, second: Concordance, *, confidence: float
) -> Difference:
    """Difference of two concordances of the same patients, in the same order.

    Raises
    ------
    ValueError
        If they are of different numbers of patients.

    References
    ----------
    Therneau and Atkinson, Concordance, vignette of R's survival.
    """
    if len(first.influence) != len(second.influence):
        raise ValueError(f"different patients: {len(first.influence)} and {len(second.influence)}")
    value = first.value - second.value
    error = float(np.sqrt(((first.influence - second.influence) ** 2).sum()))
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * error
    if error > 0:
        p = 2 * float(scipy.stats.norm.sf(abs(value) / error))
    else:
        p = 1.0 if value == 0 else math.nan
    return Difference(value, value - reach, value + reach, p)
