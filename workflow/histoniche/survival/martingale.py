"""Martingale residuals of a Cox model: deaths seen minus deaths expected, patient by patient."""

import numpy as np
from numpy.typing import NDArray

from histoniche.survival.partial_likelihood import Floats, Ints, RiskSets, expected_deaths


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
    expected = expected_deaths(RiskSets(times, events, strata), design @ coefficients)
    return np.asarray(events - expected)
