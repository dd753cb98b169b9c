"""Whether the hazard ratios of a Cox model stay the same over time."""

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def proportional_hazards_p(
    times: Floats, events: NDArray[np.bool_], design: Floats, coefficients: Floats
) -> Floats:
    """Score test of each term for a coefficient that changes with time.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    design
        (patients, terms).
    coefficients
        (terms,), where the likelihood has its maximum under Efron's ties.

    Returns
    -------
    p of each term, one degree of freedom: small where the term's log hazard
    ratio goes up or down with time, measured by one minus the Kaplan-Meier
    curve just before it. NaN where the deaths tell nothing of time. The same
    as R's `cox.zph` from survival 3.0 on.

    References
    ----------
    Grambsch and Therneau 1994, Biometrika 81:515-526.
    """
    centred = design - design.mean(axis=0)
    risk = np.exp(centred @ coefficients)
    moments = np.unique(times[events])
    clock = _died_before(times, events, moments)
    deaths = np.array([int((events & (times == moment)).sum()) for moment in moments])
    clock = clock - np.average(clock, weights=deaths)
    terms = design.shape[1]
    score = np.zeros(terms)
    information = np.zeros((3, terms, terms))
    for moment, hand, count in zip(moments, clock, deaths, strict=True):
        dying = events & (times == moment)
        score += hand * centred[dying].sum(axis=0)
        for step in range(count):
            weights = risk * ((times >= moment) - dying * (step / count))
            weights /= weights.sum()
            mean = weights @ centred
            spread = (centred - mean).T @ (weights[:, np.newaxis] * (centred - mean))
            score -= hand * mean
            information += spread * np.array([1, hand, hand * hand])[:, np.newaxis, np.newaxis]
    return _test_each(score, *information)


def _died_before(times: Floats, events: NDArray[np.bool_], moments: Floats) -> Floats:
    """One minus the Kaplan-Meier curve just before each moment at which somebody died."""
    at_risk = np.array([(times >= moment).sum() for moment in moments])
    deaths = np.array([(events & (times == moment)).sum() for moment in moments])
    surviving = np.cumprod(1 - deaths / at_risk)
    return 1 - np.concatenate([[1.0], surviving[:-1]])


def _test_each(score: Floats, plain: Floats, mixed: Floats, squared: Floats) -> Floats:
    """Test each term's score, given the information on it and on the coefficients."""
    statistics = []
    for term, value in enumerate(score):
        known = mixed[term] @ np.linalg.solve(plain, mixed[term])
        # No information on a change, as when all died at one moment: no test, NaN.
        left = squared[term, term] - known
        statistics.append(value * value / left if left > 0 else np.nan)
    return np.asarray(scipy.stats.chi2.sf(statistics, 1), dtype=np.float64)
