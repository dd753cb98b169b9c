"""Log-rank tests of many scores at once, each cut in two: what a scan over all genes needs."""

from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

from histoniche.scan_inputs import Floats, check_scan

Counts = NDArray[np.int64]

CONSTANT = "the score does not vary"
ONE_SIDE = "all patients are on one side of the cut"
SMALL_SIDE = "too few patients are on one side of the cut"
NO_LOW_DEATHS = "nobody at or below the cut died"
NO_HIGH_DEATHS = "nobody above the cut died"
NO_INFORMATION = "nobody died while both groups were at risk"

# Numbers of a block: what a processor keeps close at hand.
_BLOCK = 1 << 17


class LogRankScan(NamedTuple):
    """One log-rank test a row, of the patients above a cut against the others."""

    log_hazard: Floats
    """Peto's log hazard ratio, (observed - expected) / variance; > 0: worse above the cut."""
    error: Floats
    """Its standard error."""
    chi2: Floats
    """The statistic, on one degree of freedom."""
    p: Floats
    """Its p."""
    cut: Floats
    """Patients above it are high, those at or below it low."""
    n_high: Counts
    """Patients above the cut."""
    events_high: Counts
    """Deaths among them."""
    expected_high: Floats
    """Deaths expected among them if both groups died alike."""
    note: NDArray[np.str_]
    """A caution, one of this module's; NaN stand where there is no test at all."""


def logrank_scan(
    scores: Floats,
    time: Floats,
    event: NDArray[np.bool_],
    *,
    quantile: float = 0.5,
    min_share: float = 0,
) -> LogRankScan:
    """Compare the survival of patients above and up to a quantile of each score.

    Parameters
    ----------
    scores
        (scores, patients), finite.
    time
        (patients,), any unit.
    event
        (patients,), whether the patient died at `time`; others were last seen then.
    quantile
        Between 0 and 1; the cut is this quantile of the score by linear interpolation,
        0.5 the median. A patient at the cut is low.
    min_share
        Smallest share of the patients on either side of a cut that is tested, rounded down: where
        many patients share the lowest value, a quantile may leave one patient above it, and
        chi-squared says nothing of one patient.

    Returns
    -------
    (scores,) each; `chi2` is that of `survival::survdiff(Surv(time, event) ~ score > cut)`.
    A score with everybody, or too many, on one side of the cut has no test. One with a side on
    which nobody died has a test and a note: its hazard ratio has no finite maximum, and
    `log_hazard` is but the first step towards it.

    Raises
    ------
    ValueError
        If the patients differ in number, a value is not finite, the quantile is not
        between 0 and 1, or nobody died.

    References
    ----------
    Mantel 1966, Cancer Chemother Rep 50:163-170; Yusuf, Peto et al. 1985, Prog Cardiovasc
    Dis 27:335-371, for the hazard ratio.
    """
    check_scan(scores, time, event)
    if not 0 < quantile < 1:
        raise ValueError("the quantile must lie between 0 and 1")
    order = np.argsort(-time, kind="stable")
    size = max(1, _BLOCK // len(time))
    parts = []
    for start in range(0, len(scores), size):
        some = scores[start : start + size]
        limit = _row_quantile(some, quantile)
        high = (some > limit[:, np.newaxis]).T[order]
        parts.append((limit, *_compare(high, time[order], event[order])))
    cut, n, events, expected, variance = map(np.concatenate, zip(*parts, strict=True))
    small = np.minimum(n, len(time) - n) < int(len(time) * min_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where((variance > 0) & ~small, events - expected, np.nan)
        chi2, log_hazard, error = excess**2 / variance, excess / variance, 1 / np.sqrt(variance)
    p = scipy.special.chdtrc(1, chi2)
    note = _notes((len(time), int(event.sum())), n, events, variance, small)
    alike = np.flatnonzero(note == ONE_SIDE)
    note[alike[np.ptp(scores[alike], axis=1) == 0]] = CONSTANT
    error[np.isnan(excess)] = np.nan
    return LogRankScan(log_hazard, error, chi2, p, cut, n, events, expected, note)


def _row_quantile(scores: Floats, quantile: float) -> Floats:
    """The same as `numpy.quantile(scores, quantile, axis=1)`, without its copies."""
    place = quantile * (scores.shape[1] - 1)
    low = int(place)
    share = place - low
    parts = np.partition(scores, low, axis=1)
    below = parts[:, low]
    if share == 0:
        return below.copy()
    above = parts[:, low + 1 :].min(axis=1)
    if share < 0.5:
        return np.asarray(below + (above - below) * share)
    return np.asarray(above - (above - below) * (1 - share))


def _compare(
    high: NDArray[np.bool_], time: Floats, event: NDArray[np.bool_]
) -> tuple[Counts, Counts, Floats, Floats]:
    """Size, deaths, expected deaths and variance of the high group of each score.

    Parameters
    ----------
    high
        (patients, scores); patients by falling time.
    """
    # Both groups' numbers are sums over the moments at which somebody died; the patients who
    # came to be at risk between two moments are added from one moment to the next.
    moments = np.flatnonzero(np.diff(np.append(time, -np.inf)))
    starts = np.append(0, moments[:-1] + 1)
    at_risk, events, expected, variance = np.zeros((4, high.shape[1]))
    for start, end in zip(starts.tolist(), (moments + 1).tolist(), strict=True):
        deaths = 0
        for patient in range(start, end):
            at_risk += high[patient]
            if event[patient]:
                events += high[patient]
                deaths += 1
        if deaths:
            share = at_risk / end
            expected += deaths * share
            share -= share * share
            variance += deaths * (end - deaths) / max(end - 1, 1) * share
    return at_risk.astype(np.int64), events.astype(np.int64), expected, variance


def _notes(
    size: tuple[int, int], n: Counts, events: Counts, variance: Floats, small: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """What is to be said against each test; empty where nothing is.

    Parameters
    ----------
    size
        Patients and deaths in all.
    """
    patients, deaths = size
    cases = {
        ONE_SIDE: (n == 0) | (n == patients),
        SMALL_SIDE: small,
        NO_INFORMATION: ~(variance > 0),
        NO_HIGH_DEATHS: events == 0,
        NO_LOW_DEATHS: events == deaths,
    }
    return np.select(list(cases.values()), list(cases), "")
