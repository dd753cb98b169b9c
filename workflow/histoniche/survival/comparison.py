"""Groups of patients side by side: curves, medians, log-rank test, hazard ratio, follow-up."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike

from histoniche.cox_scan import cox_scan
from histoniche.survival.curves import Bands, curves_by_group, median_follow_up, survival_quantiles
from histoniche.survival.logrank import log_rank
from histoniche.survival.observations import Events, Floats, observations


class HazardRatio(NamedTuple):
    """Hazard of one group over that of another; NaN with a note where it has no estimate."""

    ratio: float
    low: float
    high: float
    p: float
    """Wald's, two-sided."""
    note: str


class Comparison(NamedTuple):
    """Two tables that a figure and a methods section are made from."""

    groups: pd.DataFrame
    """One row a group: group (its name), n, events, expected, median_days, median_low, median_high
    (NaN where not reached); then, the same in every row, n_all, events_all, follow_up_days,
    follow_up_low, follow_up_high, rho, gamma, stratified, statistic, df, p, hazard_ratio,
    hazard_low, hazard_high (the second group against the first; NaN unless there are two,
    without strata), confidence, note."""
    curves: pd.DataFrame
    """See `histoniche.survival.curves.curves_by_group`."""


def compare_survival(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    order: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    bands: Bands = "log-log",
    rho: float = 0,
    gamma: float = 0,
    strata: ArrayLike | None = None,
) -> Comparison:
    """Compare the survival of groups of patients.

    Parameters
    ----------
    times, events, groups, order, rho, gamma, strata
        See `histoniche.survival.logrank.log_rank`.
    confidence, bands
        Level of every interval, and scale of those of the curves.

    Returns
    -------
    Groups and curves; a hazard ratio above 1 says that the second group dies sooner.
    """
    time, died = observations(times, events)
    labels = np.asarray(groups, dtype=object)
    test = log_rank(time, died, labels, rho=rho, gamma=gamma, strata=strata, order=order)
    curves = curves_by_group(time, died, labels, confidence=confidence, bands=bands)
    names = test.groups["group"].tolist()
    table = test.groups[["group", "n", "events", "expected"]].assign(
        **_medians(curves, names), n_all=test.n, events_all=test.events
    )
    follow_up = median_follow_up(time, died, confidence=confidence, bands=bands)
    for name, value in zip(("days", "low", "high"), follow_up, strict=True):
        table[f"follow_up_{name}"] = value
    hazard = HazardRatio(np.nan, np.nan, np.nan, np.nan, "")
    if len(names) == 2 and strata is None:
        hazard = hazard_ratio(time, died, labels == names[1], confidence=confidence)
    missing = f"hazard ratio: {hazard.note}" if hazard.note else ""
    table = table.assign(
        group=[str(name) for name in names],
        rho=float(rho),
        gamma=float(gamma),
        stratified=strata is not None,
        statistic=test.statistic,
        df=test.df,
        p=test.p,
        hazard_ratio=hazard.ratio,
        hazard_low=hazard.low,
        hazard_high=hazard.high,
        confidence=confidence,
        note="; ".join(note for note in (test.note, missing) if note),
    )
    ranked = pd.Categorical(curves["group"], categories=names).codes
    curves = curves.iloc[np.argsort(ranked, kind="stable")].reset_index(drop=True)
    return Comparison(table, curves.assign(group=curves["group"].astype(str)))


def _medians(curves: pd.DataFrame, names: Sequence[Hashable]) -> dict[str, list[float]]:
    """Median survival of each group with its interval."""
    found = [survival_quantiles(curves[curves["group"] == name]).iloc[0] for name in names]
    columns = {"median_days": "time_days", "median_low": "low", "median_high": "high"}
    return {ours: [float(row[name]) for row in found] for ours, name in columns.items()}


def hazard_ratio(
    times: Floats, events: Events, second: Events, *, confidence: float = 0.95
) -> HazardRatio:
    """Hazard ratio of the patients of a second group against the others, by Cox's model.

    Parameters
    ----------
    times, events, second
        (patients,): time, whether the patient died then, whether they are in the second group.
    """
    score = second.astype(np.float64)
    scan = cox_scan(score[np.newaxis], times, events)
    # The scan's ratio is that of one standard deviation.
    per = float(score.std(ddof=1))
    log_ratio, error = (float(one[0]) / per if per else np.nan for one in scan[:2])
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * error
    ratio, low, high = (float(np.exp(log_ratio + sign * reach)) for sign in (0, -1, 1))
    return HazardRatio(ratio, low, high, float(scan.p[0]), str(scan.note[0]))
