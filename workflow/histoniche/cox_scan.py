"""Cox regressions of many scores at once, each alone: what a scan over all genes needs."""

from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 30
_CLOSE = 1e-9
# A hazard that changes by more than e^12 within one SD is a likelihood without a maximum.
_STEEPEST = 12.0
_BLOCK = 2048


class CoxScan(NamedTuple):
    """One Cox regression a row; NaN where the score is constant or has no finite estimate."""

    log_hazard: Floats
    """Log hazard ratio for one standard deviation (n - 1) of the score; > 0: more is worse."""
    error: Floats
    """Its standard error."""
    z: Floats
    """Wald's z."""
    p: Floats
    """Two-sided p of z."""


def cox_scan(scores: Floats, time: Floats, event: NDArray[np.bool_]) -> CoxScan:
    """Regress survival on each score alone, by Cox's model with Efron's ties.

    Parameters
    ----------
    scores
        (scores, patients), finite.
    time
        (patients,), any unit.
    event
        (patients,), whether the patient died at `time`; others were last seen then.

    Returns
    -------
    (scores,) each, equal to one `survival::coxph(Surv(time, event) ~ scale(score))` a row.

    Raises
    ------
    ValueError
        If the patients differ in number, a value is not finite, or nobody died.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Efron 1977, J Am Stat Assoc 72:557-565.
    """
    if scores.ndim != 2 or not scores.shape[1] == len(time) == len(event):
        raise ValueError(f"patients do not match: {scores.shape}, {len(time)} and {len(event)}")
    if not (np.isfinite(scores).all() and np.isfinite(time).all()):
        raise ValueError("values must be finite")
    if not event.any():
        raise ValueError("nobody died")
    risk = _RiskSets(time, event)
    found = [_fit(scores[start : start + _BLOCK], risk) for start in range(0, len(scores), _BLOCK)]
    log_hazard, error = (np.concatenate(column) for column in zip(*found, strict=True))
    z = log_hazard / error
    return CoxScan(log_hazard, error, z, 2 * scipy.special.ndtr(-np.abs(z)))


class _RiskSets:
    """Who was at risk when someone died: places in the order of falling time, one a death."""

    def __init__(self, time: Floats, event: NDArray[np.bool_]) -> None:
        # Of one time the dead come last, so that those are at risk who come up to a death's group.
        self.order = np.lexsort((event, -time))
        ordered, died = time[self.order], event[self.order]
        self.deaths = np.flatnonzero(died)
        ends = np.searchsorted(-ordered, -ordered[self.deaths], side="right") - 1
        self.at_risk = ends
        _, self.first, self.tied, counts = np.unique(
            ends, return_index=True, return_inverse=True, return_counts=True
        )
        # Efron: the k-th of d tied deaths finds k / d of the tied gone.
        places = np.arange(len(ends)) - self.first[self.tied]
        self.gone = places / counts[self.tied]

    def sums(self, values: Floats) -> Floats:
        """Sum of values over each death's risk set, (rows, deaths)."""
        total = np.cumsum(values, axis=1)[:, self.at_risk]
        tied = np.add.reduceat(values[:, self.deaths], self.first, axis=1)[:, self.tied]
        return np.asarray(total - self.gone * tied)


def _fit(scores: Floats, risk: _RiskSets) -> tuple[Floats, Floats]:
    """Newton's method on a block of scores: log hazard per SD, and its error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centred = scores - scores.mean(axis=1, keepdims=True)
        x = (centred / scores.std(axis=1, ddof=1, keepdims=True))[:, risk.order]
    x[np.ptp(scores, axis=1) == 0] = np.nan
    beta = np.zeros(len(x))
    likelihood, gradient, information = _derivatives(x, beta, risk)
    for _ in range(_STEPS):
        step = gradient / information
        # A step that does not help is halved; Newton's own is nearly always right.
        for _ in range(5):
            after = _derivatives(x, beta + step, risk)
            worse = after[0] < likelihood - 1e-9 * np.abs(likelihood)
            if not worse.any():
                break
            step = np.where(worse, step / 2, step)
        beta = beta + step
        likelihood, gradient, information = after
        if not (np.abs(step) > _CLOSE).any():
            break
    settled = (np.abs(step) <= 1e-6) & (np.abs(beta) < _STEEPEST) & (information > 0)
    beta = np.where(settled, beta, np.nan)
    return beta, np.where(settled, 1 / np.sqrt(np.where(settled, information, 1)), np.nan)


def _derivatives(x: Floats, beta: Floats, risk: _RiskSets) -> tuple[Floats, Floats, Floats]:
    """Log partial likelihood of each row, and its first and negative second derivative."""
    weight = np.exp(np.clip(beta[:, np.newaxis] * x, -500, 500))
    none, first, second = (risk.sums(weight * x**power) for power in (0, 1, 2))
    mean = first / none
    died = x[:, risk.deaths]
    likelihood = (beta[:, np.newaxis] * died - np.log(none)).sum(axis=1)
    return likelihood, (died - mean).sum(axis=1), (second / none - mean**2).sum(axis=1)
