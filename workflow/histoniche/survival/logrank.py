"""Log-rank tests: weighted, stratified, and of trend."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.survival.observations import Events, Floats, observations

Codes = NDArray[np.intp]

NO_INFORMATION = "the groups were never at risk together while somebody died"
_SINGULAR = 1e-12


class LogRank(NamedTuple):
    """A log-rank test between groups."""

    statistic: float
    """Chi-squared; NaN if there is nothing to compare."""
    df: int
    """Its degrees of freedom: one less than the groups that were at risk together."""
    p: float
    n: int
    events: int
    groups: pd.DataFrame
    """group, n, events, expected (deaths if all groups died alike), ratio (events / expected:
    above 1, worse than the others), then weighted_events and weighted_expected, which the
    statistic is made of."""
    note: str
    """A caution: groups without a death, or why there is no test."""


class Trend(NamedTuple):
    """A log-rank test of trend over ordered groups."""

    z: float
    """Standard normal without a trend; > 0: the later a group in the order, the worse."""
    p: float
    """Two-sided."""
    n: int
    events: int
    groups: pd.DataFrame
    """As in `LogRank`, with the score of every group."""
    note: str


class _Sums(NamedTuple):
    """What the tests are made of, summed over times and strata."""

    labels: list[Hashable]
    n: NDArray[np.int64]
    events: Floats
    expected: Floats
    weighted_events: Floats
    weighted_expected: Floats
    variance: Floats
    """(groups, groups), of the weighted events."""


def log_rank(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    rho: float = 0,
    gamma: float = 0,
    strata: ArrayLike | None = None,
    order: Sequence[Hashable] | None = None,
) -> LogRank:
    """Test whether groups of patients die alike, by Fleming and Harrington's log-rank tests.

    Parameters
    ----------
    times, events
        (patients,): time, above 0, and whether the patient died then (1) or was last seen (0).
    groups
        (patients,): the group of each; two or more.
    rho, gamma
        A death at time t weighs S(t-)^rho (1 - S(t-))^gamma, S being the Kaplan-Meier curve of
        all groups together (of the stratum). 0, 0: the log-rank test. 1, 0: Peto and Peto's
        version of Wilcoxon's test, where early deaths weigh most. 0, 1: late deaths.
    strata
        (patients,): groups are compared within strata alone; None: one stratum.
    order
        The groups in the order in which they are listed; sorted if None.

    Returns
    -------
    As `survival::survdiff(Surv(times, events) ~ groups + strata(strata), rho = rho)` has it.

    Raises
    ------
    InputError
        If times or events are not what they should be, nobody died, or there is one group only.

    References
    ----------
    Mantel 1966, Cancer Chemother Rep 50:163-170; Harrington and Fleming 1982, Biometrika
    69:553-566; Fleming and Harrington 1991, Counting Processes and Survival Analysis.
    """
    sums = _sums(times, events, groups, rho=rho, gamma=gamma, strata=strata, order=order)
    excess = (sums.weighted_events - sums.weighted_expected)[:-1]
    inverse, df = _inverse(sums.variance[:-1, :-1])
    statistic = float(excess @ inverse @ excess) if df else math.nan
    p = float(scipy.stats.chi2.sf(statistic, df)) if df else math.nan
    note = _note(sums) if df else NO_INFORMATION
    total = int(sums.n.sum()), int(sums.events.sum())
    return LogRank(statistic, df, p, *total, _group_table(sums), note)


def log_rank_trend(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    order: Sequence[Hashable] | None = None,
    scores: Sequence[float] | None = None,
    rho: float = 0,
    gamma: float = 0,
    strata: ArrayLike | None = None,
) -> Trend:
    """Test whether ordered groups die the sooner the later they stand in the order.

    Parameters
    ----------
    times, events, groups, rho, gamma, strata
        See `log_rank`.
    order
        The groups from first to last; sorted if None.
    scores
        A number for each group in this order; 0, 1, 2 and so on if None.

    References
    ----------
    Tarone 1975, Biometrika 62:679-682.
    """
    sums = _sums(times, events, groups, rho=rho, gamma=gamma, strata=strata, order=order)
    at = np.arange(len(sums.labels), dtype=float) if scores is None else np.asarray(scores, float)
    if len(at) != len(sums.labels):
        raise InputError(
            f"{len(at)} scores for {len(sums.labels)} groups", remedy="give one for each group"
        )
    variance = float(at @ sums.variance @ at)
    known = variance > _SINGULAR * float(np.trace(sums.variance)) * float(at @ at)
    excess = float(at @ (sums.weighted_events - sums.weighted_expected))
    z = excess / math.sqrt(variance) if known else math.nan
    p = 2 * float(scipy.stats.norm.sf(abs(z)))
    table = _group_table(sums)
    table.insert(1, "score", at)
    note = _note(sums) if known else NO_INFORMATION
    return Trend(z, p, int(sums.n.sum()), int(sums.events.sum()), table, note)


def _sums(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    rho: float,
    gamma: float,
    strata: ArrayLike | None,
    order: Sequence[Hashable] | None,
) -> _Sums:
    """Check the input and sum over the strata."""
    if rho < 0 or gamma < 0:
        raise InputError("weights of a log-rank test", value=(rho, gamma), remedy="give 0 or more")
    time, died = observations(times, events)
    codes, labels = coded(groups, order, len(time))
    among = np.zeros(len(time), dtype=np.intp)
    if strata is not None:
        among = coded(strata, None, len(time), what="stratum", fewest=1)[0]
    parts = [
        _stratum(time[inside], died[inside], codes[inside], len(labels), weights=(rho, gamma))
        for inside in (among == stratum for stratum in np.unique(among))
    ]
    summed = [np.sum(part, axis=0) for part in zip(*parts, strict=True)]
    return _Sums(labels, np.bincount(codes, minlength=len(labels)), *summed)


def _stratum(
    time: Floats, died: Events, codes: Codes, groups: int, *, weights: tuple[float, float]
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Events, expected, both weighted, and the variance of the weighted in one stratum."""
    moments, moment_of = np.unique(time[died], return_inverse=True)
    deaths = np.zeros((len(moments), groups))
    np.add.at(deaths, (moment_of, codes[died]), 1)
    at_risk = np.column_stack(
        [(codes == g).sum() - np.searchsorted(np.sort(time[codes == g]), moments) for g in
         range(groups)]
    ).astype(float)  # fmt: skip
    d, n = deaths.sum(axis=1), at_risk.sum(axis=1)
    before = np.append(1.0, np.cumprod(1 - d / n))[:-1]
    weight = before ** weights[0] * (1 - before) ** weights[1]
    share = at_risk / n[:, np.newaxis]
    expected = d[:, np.newaxis] * share
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag(spread @ share) - share.T @ (spread[:, np.newaxis] * share)
    return deaths.sum(axis=0), expected.sum(axis=0), weight @ deaths, weight @ expected, variance


def coded(
    labels: ArrayLike,
    order: Sequence[Hashable] | None,
    patients: int,
    *,
    what: str = "group",
    fewest: int = 2,
) -> tuple[Codes, list[Hashable]]:
    """Place of each label in the order, and the labels that occur."""
    values = pd.Series(np.asarray(labels, dtype=object))
    if len(values) != patients:
        raise InputError(f"{patients} patients, {len(values)} labels", remedy=f"give each a {what}")
    if values.isna().any():
        row = int(np.flatnonzero(values.isna())[0])
        raise InputError(f"patient {row + 1} has no {what}", remedy="name it or leave them out")
    present = set(values)
    known = sorted(present) if order is None else [one for one in order if one in present]
    if len(known) < len(present):
        odd = next(iter(present - set(known)))
        raise InputError(f"no such {what}", value=odd, remedy="name it in the order")
    if len(known) < fewest:
        raise InputError(
            "all patients are in one group", value=known[0], remedy="give two groups or more"
        )
    return pd.Categorical(values, categories=known).codes.astype(np.intp), known


def _inverse(variance: Floats) -> tuple[Floats, int]:
    """Inverse and rank; of less than full rank where groups were never at risk together."""
    largest = float(np.abs(np.diag(variance)).max(initial=0))
    if not largest > 0:
        return np.zeros_like(variance), 0
    rank = int(np.linalg.matrix_rank(variance, tol=_SINGULAR * largest, hermitian=True))
    if rank == len(variance):
        return np.asarray(np.linalg.inv(variance), np.float64), rank
    inverse = np.linalg.pinv(variance, rcond=_SINGULAR, hermitian=True)
    return np.asarray(inverse, np.float64), rank


def _group_table(sums: _Sums) -> pd.DataFrame:
    """One row a group."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(sums.expected > 0, sums.events / sums.expected, np.nan)
    return pd.DataFrame(
        {
            "group": sums.labels,
            "n": sums.n,
            "events": sums.events.astype(int),
            "expected": sums.expected,
            "ratio": ratio,
            "weighted_events": sums.weighted_events,
            "weighted_expected": sums.weighted_expected,
        }
    )


def _note(sums: _Sums) -> str:
    """Caution on groups in which nobody died."""
    none = [str(label) for label, dead in zip(sums.labels, sums.events, strict=True) if not dead]
    return f"nobody died in {', '.join(none)}" if none else ""
