"""How good predictions are: time-dependent AUC and Brier score, with intervals.

A risk is a number that is higher in those who are expected to die sooner.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from histoniche.randomness import generator
from histoniche.survival.censoring import observation_of, survival_of

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]

_FEWEST_SAMPLES = 0.9
"""Share of the bootstrap's samples that must give a number."""


class Auc(NamedTuple):
    """How well a risk tells those who have died by a day from those who are alive then."""

    value: float
    """0.5 is chance, 1 perfect, 0 the wrong way round; NaN with nobody on one side."""
    error: float
    cases: int
    """Patients who died by the day."""
    controls: int
    """Patients known to be alive after it."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Normal interval, within 0 and 1."""
        reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * self.error
        return max(0.0, self.value - reach), min(1.0, self.value + reach)


def auc_at(times: Floats, events: Events, risk: Floats, *, day: float) -> Auc:
    """Cumulative/dynamic area under the ROC curve at one day.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    risk
        (patients,), finite: higher = worse.
    day
        Those who died by it are cases, those alive after it controls; who was
        lost before is neither, and the cases are weighted by the inverse
        probability of having been observed.

    Returns
    -------
    The area with its error, which counts that the weights are estimated (R's
    `timeROC` and `riskRegression::Score`).

    References
    ----------
    Uno et al. 2007, J Am Stat Assoc 102:527-537; Blanche et al. 2013, Stat Med
    32:5381-5397.
    """
    died, alive = events & (times <= day), times > day
    cases, controls = np.flatnonzero(died), np.flatnonzero(alive)
    counts = len(cases), len(controls)
    if not all(counts):
        return Auc(math.nan, math.nan, *counts)
    weight = 1 / observation_of(times, events).before(times[cases])
    higher = (
        scipy.stats.rankdata(np.concatenate([risk[cases], risk[controls]]))[: counts[0]]
        - scipy.stats.rankdata(risk[cases])
    ) / counts[1]
    value = float(weight @ higher / weight.sum())
    # What each patient adds: as a case, as a control, and by way of the weights.
    added = np.zeros(len(times))
    added[cases] += weight * (higher - value) / weight.sum()
    order = np.argsort(risk[cases], kind="stable")
    ranked, heavy = risk[cases][order], np.concatenate([[0.0], np.cumsum(weight[order])])
    below = heavy[np.searchsorted(ranked, risk[controls], "left")]
    up_to = heavy[np.searchsorted(ranked, risk[controls], "right")]
    lower = 1 - (below + up_to) / 2 / weight.sum()
    added[controls] += (lower - value) / counts[1]
    added += _by_way_of_weights(times, events, cases, weight * (higher - value) / weight.sum())
    return Auc(value, float(added.std(ddof=1)) * math.sqrt(len(times)), *counts)


def _by_way_of_weights(
    times: Floats, events: Events, cases: NDArray[np.intp], parts: Floats
) -> Floats:
    """What each patient adds to a weighted sum over cases because it shapes the weights.

    A weight 1 / G(T-) moves with patient k by the integral up to T of k's
    censoring martingale over the share at risk.
    """
    moments, lost = np.unique(times[~events], return_counts=True)
    ordered, died = np.sort(times), np.sort(times[events])
    at_risk = len(times) - np.searchsorted(ordered, moments, "left")
    at_risk = at_risk - (np.searchsorted(died, moments, "right") - np.searchsorted(died, moments))
    # Sum of the cases' parts who died after each moment.
    order = np.argsort(times[cases])
    rest = np.concatenate([np.cumsum(parts[order][::-1])[::-1], [0.0]])
    later = rest[np.searchsorted(times[cases][order], moments, "right")]
    expected = np.concatenate([[0.0], np.cumsum(lost / at_risk**2 * later)])
    # A death at the moment of a censoring was no longer at risk of it.
    upper = np.where(
        events, np.searchsorted(moments, times, "left"), np.searchsorted(moments, times, "right")
    )
    added = -expected[upper]
    place = np.searchsorted(moments, times[~events])
    added[~events] += later[place] / at_risk[place]
    return np.asarray(added)


class Brier(NamedTuple):
    """Mean squared error of survival probabilities, and that of a Kaplan-Meier curve."""

    model: Floats
    """(days,): 0 is perfect; NaN where follow-up ends before the day."""
    null: Floats
    """(days,): of the Kaplan-Meier curve of the same patients, who all get the same."""


def brier_scores(times: Floats, events: Events, survival: Floats, days: Floats) -> Brier:
    """Brier score at some days, weighted for those lost before.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    survival
        (patients, days): predicted probability of being alive after each day.
    days
        (days,).

    Returns
    -------
    The model's score and that of the Kaplan-Meier curve of these patients.

    References
    ----------
    Graf et al. 1999, Stat Med 18:2529-2545.
    """
    observed = observation_of(times, events)
    died = events[:, np.newaxis] & (times[:, np.newaxis] <= days)
    alive = times[:, np.newaxis] > days
    # A weight that would divide by 0 is that of nobody.
    before = np.maximum(observed.before(times), np.finfo(float).tiny)
    after = np.maximum(observed.at(days), np.finfo(float).tiny)
    weight = died / before[:, np.newaxis] + alive / after
    target = alive.astype(float)
    null = survival_of(times, events).at(days)
    known = days <= times.max()
    known |= bool(events[times == times.max()].all())
    scores = (
        np.where(known, (weight * (target - guess) ** 2).mean(axis=0), math.nan)
        for guess in (survival, null)
    )
    return Brier(*scores)


def integrated_brier(scores: Floats, days: Floats) -> float:
    """Mean Brier score from the first to the last day, by trapezia; NaN if one is unknown."""
    return float(np.trapezoid(scores, days) / (days[-1] - days[0]))


def bootstrap_intervals(
    statistic: Callable[[NDArray[np.intp]], Floats],
    patients: int,
    *,
    samples: int,
    confidence: float,
    seed: int,
    names: Sequence[object] = (),
) -> tuple[Floats, Floats]:
    """Percentile intervals by drawing patients with replacement.

    Parameters
    ----------
    statistic
        Numbers (any shape) of the patients at some places, who may be repeated.
    patients
        How many there are.
    samples
        How often they are drawn.
    confidence
        Level of the intervals.
    seed, names
        See `histoniche.randomness.generator`.

    Returns
    -------
    Low and high ends in the statistic's shape; NaN where more than a tenth of
    the samples gave no number.
    """
    rng = generator(seed, *names)
    drawn = np.array([statistic(rng.integers(0, patients, patients)) for _ in range(samples)])
    known = np.isfinite(drawn).mean(axis=0) >= _FEWEST_SAMPLES
    tail = (1 - confidence) / 2
    filled = np.where(known, drawn, 0.0)
    low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(known, low, math.nan), np.where(known, high, math.nan)
