"""Cox regressions of many scores at once, each alone: what a scan over all genes needs."""

from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

from histoniche.scan_inputs import Floats, check_scan

CONSTANT = "the score does not vary"
SEPARATION = "no finite estimate: separation"
UNSETTLED = "the fit did not converge"

_STEPS = 40
_CLOSE = 1e-9
# A hazard that changes by more than e^12 within one SD is a likelihood without a maximum.
_STEEPEST = 12.0
_LONGEST_STEP = 3.0
_LARGEST_EXPONENT = 500.0
# Numbers of a block: what a processor keeps close at hand.
_BLOCK = 1 << 17


class CoxScan(NamedTuple):
    """One Cox regression a row; NaN with a note where the score has no finite estimate."""

    log_hazard: Floats
    """Log hazard ratio for one standard deviation (n - 1) of the score; > 0: more is worse."""
    error: Floats
    """Its standard error."""
    z: Floats
    """Wald's z."""
    p: Floats
    """Two-sided p of z."""
    note: NDArray[np.str_]
    """Why there is no estimate: `CONSTANT`, `SEPARATION` or `UNSETTLED`; empty where there is."""


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
    A score that separates the patients, so that whoever dies always has the highest (or
    always the lowest) of those at risk, has a likelihood that rises without end: it gets
    NaN and a note, and so does a hazard ratio beyond e^12 for one standard deviation.

    Raises
    ------
    ValueError
        If the patients differ in number, a value is not finite, or nobody died.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Efron 1977, J Am Stat Assoc 72:557-565.
    """
    check_scan(scores, time, event)
    risk = _RiskSets(time, event)
    beta, error = np.full((2, len(scores)), np.nan)
    note = np.full(len(scores), "", dtype=f"<U{max(map(len, (CONSTANT, SEPARATION, UNSETTLED)))}")
    size = max(1, _BLOCK // len(time))
    for start in range(0, len(scores), size):
        block = slice(start, start + size)
        beta[block], error[block], note[block] = _fit(scores[block], risk)
    z = beta / error
    return CoxScan(beta, error, z, 2 * scipy.special.ndtr(-np.abs(z)), note)


class _RiskSets:
    """Who was at risk when someone died: places in the order of falling time, one a death."""

    def __init__(self, time: Floats, event: NDArray[np.bool_]) -> None:
        # Of one time the dead come last, so that those are at risk who come up to a death's group.
        self.order = np.lexsort((event, -time))
        ordered, died = time[self.order], event[self.order]
        self.deaths = np.flatnonzero(died)
        self.at_risk = np.searchsorted(-ordered, -ordered[self.deaths], side="right") - 1
        _, self.first, tied, counts = np.unique(
            self.at_risk, return_index=True, return_inverse=True, return_counts=True
        )
        # Efron: the k-th of d tied deaths finds k / d of the tied gone.
        gone = (np.arange(len(tied)) - self.first[tied]) / counts[tied]
        self.later = np.flatnonzero(gone)
        self.gone, self.tied = gone[self.later, np.newaxis], tied[self.later]

    def sums(self, values: Floats) -> Floats:
        """Sum of values (patients in order, scores) over each death's risk set."""
        total = _running(np.add, values)[self.at_risk]
        if len(self.later):
            tied = np.add.reduceat(values[self.deaths], self.first, axis=0)
            total[self.later] -= self.gone * tied[self.tied]
        return total

    def derivatives(self, x: Floats, beta: Floats) -> tuple[Floats, Floats]:
        """First and negative second derivative of each score's log partial likelihood."""
        weight = np.exp(np.clip(beta * x, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
        none = self.sums(weight)
        weight *= x
        mean = self.sums(weight)
        mean /= none
        weight *= x
        second = self.sums(weight)
        second /= none
        second -= mean * mean
        return x[self.deaths].sum(axis=0) - mean.sum(axis=0), second.sum(axis=0)

    def separated(self, x: Floats) -> NDArray[np.bool_]:
        """Whether every death has the highest value of those at risk, or every one the lowest."""
        dying = x[self.deaths]
        ends = [_running(reach, x)[self.at_risk] for reach in (np.maximum, np.minimum)]
        return np.logical_or(*((dying == end).all(axis=0) for end in ends))


def _running(combine: np.ufunc, values: Floats) -> Floats:
    """Combine down the rows; row by row, which is five times as fast as `combine.accumulate`."""
    found = np.empty_like(values)
    found[0] = values[0]
    for row in range(1, len(values)):
        combine(found[row - 1], values[row], out=found[row])
    return found


def _fit(scores: Floats, risk: _RiskSets) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Log hazard per SD, its error and a note for each of a block of scores."""
    varies = np.ptp(scores, axis=1) > 0
    x = scores[varies][:, risk.order].T.copy()
    x -= x.mean(axis=0)
    x /= x.std(axis=0, ddof=1)
    beta, information, settled = _maximise(x, risk)
    # Far up such a likelihood the slope rounds to nothing, which looks like a maximum.
    separated = risk.separated(x)
    settled &= ~separated
    separated |= np.abs(beta) >= _STEEPEST
    found, error = np.full((2, len(scores)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[varies] = np.where(settled, beta, np.nan)
        error[varies] = np.where(settled, 1 / np.sqrt(information), np.nan)
    note = np.full(len(scores), CONSTANT, dtype=object)
    note[varies] = np.select([settled, separated], ["", SEPARATION], UNSETTLED)
    return found, error, note


def _maximise(x: Floats, risk: _RiskSets) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Newton's method, each score's steps kept between slopes that point at each other.

    The log likelihood is concave: its maximum lies above every place where it rises.
    """
    beta, information = np.zeros((2, x.shape[1]))
    settled = np.zeros(x.shape[1], dtype=bool)
    below, above = np.full(x.shape[1], -np.inf), np.full(x.shape[1], np.inf)
    left = np.arange(x.shape[1])
    for _ in range(_STEPS):
        here = beta[left]
        slope, information[left] = risk.derivatives(x, here)
        below[left] = np.where(slope > 0, here, below[left])
        above[left] = np.where(slope < 0, here, above[left])
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.clip(slope / information[left], -_LONGEST_STEP, _LONGEST_STEP)
            there = here + step
            middle = (below[left] + above[left]) / 2
        beyond = ((there < below[left]) | (there > above[left])) & np.isfinite(middle)
        beta[left] = np.where(beyond, middle, there)
        done = np.abs(step) <= _CLOSE
        settled[left] = done & (np.abs(there) < _STEEPEST) & (information[left] > 0)
        # A step that is no number leaves no way on.
        stay = ~done & (np.abs(beta[left]) < _STEEPEST)
        left, x = left[stay], x[:, stay]
        if not len(left):
            break
    return beta, information, settled
