"""Cox's partial likelihood and what it is made of, with Efron's ties and strata."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


class RiskSets:
    """Who was at risk when somebody died: found once, then used at every step of a fit.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then; somebody did.
    strata
        (patients,): number of each patient's stratum; one stratum if None.

    References
    ----------
    Efron 1977, J Am Stat Assoc 72:557-565.
    """

    def __init__(self, times: Floats, events: Bools, strata: Ints | None = None) -> None:
        # By stratum and rising time. Of one time the dead come first and are still at risk; the
        # tied keep the order that they had.
        keys = (~events, times) if strata is None else (~events, times, strata)
        self.order = np.lexsort(keys)
        self.time = times[self.order]
        self.deaths = np.flatnonzero(events[self.order])
        new = np.zeros(len(times), dtype=bool)
        new[0] = True
        if strata is not None:
            ordered = strata[self.order]
            new[1:] = ordered[1:] != ordered[:-1]
        self.bounds = np.append(np.flatnonzero(new), len(times))
        """First place of each stratum, and one past the last place."""
        new[1:] |= self.time[1:] != self.time[:-1]
        starts = np.flatnonzero(new)
        self.start = starts[np.cumsum(new)[self.deaths] - 1]
        """First place at risk at each death; the last is the end of its stratum."""
        other = np.ones(len(self.deaths), dtype=bool)
        other[1:] = self.start[1:] != self.start[:-1]
        self.first = np.flatnonzero(other)
        """First death of each moment."""
        self.moment = np.cumsum(other) - 1
        """Number of each death's moment: its stratum and time."""
        counts = np.diff(np.append(self.first, len(self.deaths)))
        # Efron: the k-th of d tied deaths finds k / d of the tied gone.
        gone = (np.arange(len(self.deaths)) - self.first[self.moment]) / counts[self.moment]
        self.later = np.flatnonzero(gone)
        self.gone = gone[self.later]

    def sums(self, values: Floats, *, efron: bool = True) -> Floats:
        """Sums of (..., patients) in order over each death's risk set, (..., deaths)."""
        total = self._remaining(values)[..., self.start]
        if efron and len(self.later):
            tied = np.add.reduceat(values[..., self.deaths], self.first, axis=-1)
            total[..., self.later] -= self.gone * tied[..., self.moment[self.later]]
        return np.asarray(total)

    def shares(self, parts: Floats) -> Floats:
        """Each patient's sum of parts (deaths,) over the deaths whose risk sets hold it.

        Of the deaths tied with its own a patient counts what Efron leaves it.
        """
        summed = np.bincount(self.start, parts, minlength=len(self.time))
        total = np.cumsum(summed)
        for begin, end in pairwise(self.bounds[1:]):
            total[begin:end] = np.cumsum(summed[begin:end])
        if len(self.later):
            lost = np.bincount(self.moment[self.later], self.gone * parts[self.later])
            lost = np.append(lost, np.zeros(len(self.first) - len(lost)))
            total[self.deaths] -= lost[self.moment]
        return np.asarray(total)

    def _remaining(self, values: Floats) -> Floats:
        """Sum of the values from each place to the end of its stratum."""
        if len(self.bounds) == 2:
            return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
        parts = [
            np.cumsum(values[..., begin:end][..., ::-1], axis=-1)[..., ::-1]
            for begin, end in pairwise(self.bounds)
        ]
        return np.concatenate(parts, axis=-1)


class Hazards(NamedTuple):
    """Hazard of each patient and of those at risk, as a linear predictor has them."""

    weight: Floats
    """(patients,) in the order of the sets: hazard against the highest of the stratum."""
    at_risk: Floats
    """(deaths,): sum of the weights at risk, of the tied only Efron's share."""
    top: Floats
    """(deaths,): log hazard of a weight of 1."""

    def log_likelihood(self, sets: RiskSets, ordered: Floats) -> float:
        """Log partial likelihood of the linear predictor that the hazards are of."""
        return float((ordered[sets.deaths] - self.top - np.log(self.at_risk)).sum())


def hazards(sets: RiskSets, ordered: Floats, *, efron: bool = True) -> Hazards:
    """Hazards of a linear predictor, (patients,) in the order of the sets."""
    tops = np.maximum.reduceat(ordered, sets.bounds[:-1])
    each = np.repeat(tops, np.diff(sets.bounds))
    weight = np.exp(ordered - each)
    return Hazards(weight, sets.sums(weight, efron=efron), each[sets.deaths])


def log_likelihood(sets: RiskSets, ordered: Floats, *, efron: bool = True) -> float:
    """Log partial likelihood of a linear predictor, (patients,) in the order of the sets.

    Ties by Efron's method, or by Breslow's.
    """
    return hazards(sets, ordered, efron=efron).log_likelihood(sets, ordered)


class Derivatives(NamedTuple):
    """The log partial likelihood at some coefficients."""

    value: float
    score: Floats
    """(terms,): first derivative."""
    information: Floats
    """(terms, terms): minus the second derivative."""


def derivatives(sets: RiskSets, terms: Floats, coefficients: Floats) -> Derivatives:
    """Log partial likelihood and its derivatives.

    Parameters
    ----------
    sets
        Follow-up.
    terms
        (terms, patients) in the order of the sets, each with a mean near 0: the
        information is a difference, which far from 0 loses digits.
    coefficients
        (terms,).
    """
    ordered = coefficients @ terms
    found = hazards(sets, ordered)
    mean = sets.sums(found.weight * terms) / found.at_risk
    value = found.log_likelihood(sets, ordered)
    slope = terms[:, sets.deaths].sum(axis=1) - mean.sum(axis=1)
    mass = found.weight * sets.shares(1 / found.at_risk)
    return Derivatives(value, slope, (mass * terms) @ terms.T - mean @ mean.T)


class Deaths(NamedTuple):
    """What the likelihood sees at each death: one row a death, by stratum and time."""

    patient: Ints
    """Place of the patient who died."""
    mean: Floats
    """(deaths, terms): mean of the terms over those at risk, weighted by hazard."""
    moment: Ints
    """Number of the death's stratum and time: deaths that are tied have the same."""


def at_deaths(sets: RiskSets, design: Floats, coefficients: Floats) -> Deaths:
    """Sum up who was at risk at each death, of a design (patients, terms)."""
    terms, centre = _centred(sets, design)
    found = hazards(sets, coefficients @ terms)
    mean = sets.sums(found.weight * terms) / found.at_risk
    return Deaths(sets.order[sets.deaths], mean.T + centre, sets.moment)


def information(
    sets: RiskSets, design: Floats, coefficients: Floats, weights: Floats | None = None
) -> Floats:
    """Covariances of the terms among those at risk, summed over the deaths.

    Parameters
    ----------
    sets, design, coefficients
        Follow-up; (patients, terms); (terms,).
    weights
        (patients,): how much each one's death counts; 1 if None.

    Returns
    -------
    (terms, terms); with weights of 1 minus the second derivative of the log
    partial likelihood.
    """
    terms, _ = _centred(sets, design)
    found = hazards(sets, coefficients @ terms)
    mean = sets.sums(found.weight * terms) / found.at_risk
    heavy = np.ones(len(sets.deaths)) if weights is None else weights[sets.order[sets.deaths]]
    mass = found.weight * sets.shares(heavy / found.at_risk)
    return np.asarray((mass * terms) @ terms.T - (heavy * mean) @ mean.T)


def _centred(sets: RiskSets, design: Floats) -> tuple[Floats, Floats]:
    """Terms by patients in the order of the sets, with means of 0, and what was taken off."""
    # Covariances do not depend on the origin; around the mean they lose no digits.
    centre = design.mean(axis=0)
    return np.ascontiguousarray((design - centre)[sets.order].T), centre


def expected_deaths(sets: RiskSets, linear_predictor: Floats) -> Floats:
    """Deaths that each patient's hazard adds up to over their follow-up, (patients,)."""
    found = hazards(sets, linear_predictor[sets.order])
    expected = np.empty(len(sets.order))
    expected[sets.order] = found.weight * sets.shares(1 / found.at_risk)
    return expected


class Baseline(NamedTuple):
    """Cumulative hazard of one stratum where the linear predictor is 0: a step function."""

    times: Floats
    """Moments of death, rising."""
    hazard: Floats
    """Cumulative hazard from each moment on; 0 before the first."""

    def at(self, days: Floats | float) -> Floats:
        """Cumulative hazard at some days."""
        height = np.concatenate([[0.0], self.hazard])
        return np.asarray(height[np.searchsorted(self.times, days, side="right")])


def baselines(sets: RiskSets, linear_predictor: Floats, *, efron: bool = True) -> list[Baseline]:
    """Cumulative baseline hazard of each stratum, in their order.

    Parameters
    ----------
    sets
        Follow-up.
    linear_predictor
        (patients,).
    efron
        Whether tied deaths reduce those at risk one after the other; Breslow's
        estimate if not.
    """
    found = hazards(sets, linear_predictor[sets.order], efron=efron)
    steps = np.add.reduceat(np.exp(-found.top) / found.at_risk, sets.first)
    moments = sets.time[sets.start[sets.first]]
    ends = np.searchsorted(sets.start[sets.first], sets.bounds)
    return [
        Baseline(moments[begin:end], np.cumsum(steps[begin:end])) for begin, end in pairwise(ends)
    ]
