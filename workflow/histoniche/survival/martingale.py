"""Martingale residuals of a Cox model: deaths seen minus deaths expected, patient by patient."""

import numpy as np
from numpy.typing import NDArray

from histoniche.survival.partial_likelihood import Floats, Ints, at_deaths


def martingale_residuals(
    times: Floats,
    events: NDArray[np.bool_],
    design: Floats,
    coefficients: Floats,
    *,
    strata: Ints | None = None,
) -> Floats:
    """Deaths seen minus deaths expected under a Cox model with Efron's ties.

    Parameters
    ----------
    times, events
        (patients,): time and whether the patient died then.
    design
        (patients, terms); with no term, the residuals of the empty model.
    coefficients
        (terms,).
    strata
        (patients,): number of each patient's stratum.

    Returns
    -------
    (patients,): 1 at most; above 0 who died sooner than expected. Their sum is
    0. The same as R's `residuals(coxph(...), type = "martingale")`.

    References
    ----------
    Therneau et al. 1990, Biometrika 77:147-160.
    """
    # The kernel wants a column; one without a coefficient changes nothing.
    x = design if design.shape[1] else np.zeros((len(times), 1))
    beta = coefficients if design.shape[1] else np.zeros(1)
    deaths = at_deaths(times, events, x, beta, strata)
    groups = np.zeros(len(times), dtype=np.intp) if strata is None else strata
    expected = np.zeros(len(times))
    when, where = times[deaths.patient], groups[deaths.patient]
    steps = np.exp(-deaths.log_total)
    counts = np.bincount(deaths.moment)
    first = np.concatenate([[0], np.cumsum(counts)])[deaths.moment]
    # Of d tied deaths each is at risk for a share 1 - k / d of the k-th step.
    share = 1 - (np.arange(len(when)) - first) / counts[deaths.moment]
    for group in np.unique(where):
        mine, members = where == group, groups == group
        moments, place = np.unique(when[mine], return_inverse=True)
        whole = np.concatenate([[0.0], np.cumsum(np.bincount(place, steps[mine]))])
        own = np.bincount(place, (steps * share)[mine])
        upper = np.searchsorted(moments, times[members], side="right")
        hazard = whole[upper]
        dying = events[members]
        hazard[dying] = whole[upper[dying] - 1] + own[upper[dying] - 1]
        expected[members] = hazard
    return np.asarray(events - expected * np.exp(x @ beta))
