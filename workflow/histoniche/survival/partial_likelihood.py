"""Cox's partial likelihood and what it is made of, with Efron's ties and strata."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Deaths(NamedTuple):
    """What the likelihood sees at each death: one row a death, by stratum and time."""

    patient: Ints
    """Place of the patient who died."""
    log_total: Floats
    """Log of the summed hazards of those at risk, of the tied only Efron's share."""
    log_at_risk: Floats
    """The same with all of the tied, as Breslow has it."""
    mean: Floats
    """(deaths, terms): mean of the terms over those at risk, weighted by hazard."""
    spread: Floats
    """(deaths, terms, terms): their covariance, weighted alike."""
    moment: Ints
    """Number of the death's stratum and time: deaths that are tied have the same, and the
    first of them finds all others still at risk."""


def at_deaths(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    coefficients: Floats,
    strata: Ints | None = None,
) -> Deaths:
    """Sum up who was at risk at each death.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    design
        (patients, terms).
    coefficients
        (terms,).
    strata
        (patients,): number of each patient's stratum; one stratum if None.

    References
    ----------
    Efron 1977, J Am Stat Assoc 72:557-565.
    """
    groups = np.zeros(len(times), dtype=np.intp) if strata is None else strata
    # Covariances do not depend on the origin; around the mean they lose no digits.
    centre = design.mean(axis=0)
    parts = [
        _at_deaths_of_one(times, events, design - centre, coefficients, members)
        for members in (np.flatnonzero(groups == group) for group in np.unique(groups))
        if events[members].any()
    ]
    offset = float(centre @ coefficients)
    first = np.cumsum([0, *(part.moment.max() + 1 for part in parts)])
    return Deaths(
        np.concatenate([part.patient for part in parts]),
        np.concatenate([part.log_total for part in parts]) + offset,
        np.concatenate([part.log_at_risk for part in parts]) + offset,
        np.concatenate([part.mean for part in parts]) + centre,
        np.concatenate([part.spread for part in parts]),
        np.concatenate([part.moment + start for part, start in zip(parts, first, strict=False)]),
    )


def _at_deaths_of_one(
    times: Floats, events: NDArray[np.bool_], design: Floats, coefficients: Floats, members: Ints
) -> Deaths:
    """The deaths of one stratum, in order of time."""
    # Of one time the dead come last, so that those are at risk who come up to a death's group.
    order = members[np.lexsort((events[members], -times[members]))]
    time, x = times[order], design[order]
    eta = x @ coefficients
    top = float(eta.max())
    weight = np.exp(eta - top)
    deaths = np.flatnonzero(events[order])
    ends = np.searchsorted(-time, -time[deaths], side="right") - 1
    _, first, tied, counts = np.unique(
        ends, return_index=True, return_inverse=True, return_counts=True
    )
    gone = (np.arange(len(deaths)) - first[tied]) / counts[tied]

    def total(values: Floats) -> Floats:
        """Sum over each death's risk set, Efron's share of the tied taken off."""
        lost = np.add.reduceat(values[deaths], first, axis=0)[tied]
        summed = np.cumsum(values, axis=0)[ends]
        return summed - gone.reshape(-1, *[1] * (values.ndim - 1)) * lost

    none = total(weight)
    mean = total(weight[:, np.newaxis] * x) / none[:, np.newaxis]
    outer = x[:, :, np.newaxis] * x[:, np.newaxis, :]
    second = total(weight[:, np.newaxis, np.newaxis] * outer) / none[:, np.newaxis, np.newaxis]
    spread = second - mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
    # By rising time; the tied keep the order in which they go.
    back = np.argsort(-tied, kind="stable")
    return Deaths(
        order[deaths][back],
        (np.log(none) + top)[back],
        (np.log(np.cumsum(weight)[ends]) + top)[back],
        mean[back],
        spread[back],
        (tied.max() - tied)[back],
    )


def log_likelihood(deaths: Deaths, linear_predictor: Floats) -> float:
    """Log partial likelihood; the linear predictor is that of `at_deaths`' coefficients."""
    return float((linear_predictor[deaths.patient] - deaths.log_total).sum())


def score(deaths: Deaths, design: Floats) -> Floats:
    """(terms,): first derivative of the log partial likelihood."""
    return np.asarray((design[deaths.patient] - deaths.mean).sum(axis=0))


def information(deaths: Deaths) -> Floats:
    """(terms, terms): minus the second derivative of the log partial likelihood."""
    return np.asarray(deaths.spread.sum(axis=0))


class Baseline(NamedTuple):
    """Cumulative hazard of one stratum where the linear predictor is 0: a step function."""

    times: Floats
    """Moments of death, rising."""
    hazard: Floats
    """Cumulative hazard from each moment on; 0 before the first."""


def baselines(
    deaths: Deaths, times: Floats, strata: Ints, *, efron: bool
) -> Iterator[tuple[int, Baseline]]:
    """Cumulative baseline hazard of each stratum in which somebody died.

    Parameters
    ----------
    deaths
        What `at_deaths` gives at the coefficients.
    times, strata
        (patients,).
    efron
        Whether tied deaths reduce those at risk one after the other; Breslow's
        estimate if not.
    """
    steps = np.exp(-(deaths.log_total if efron else deaths.log_at_risk))
    where, when = strata[deaths.patient], times[deaths.patient]
    for stratum in np.unique(where):
        mine = where == stratum
        moments, place = np.unique(when[mine], return_inverse=True)
        yield int(stratum), Baseline(moments, np.cumsum(np.bincount(place, steps[mine])))
