"""Survival of patients with little and with much of a region: Kaplan-Meier and log-rank."""

import math
from typing import Literal, get_args

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import median_survival_times

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST
from histoniche.survival.comparison import hazard_ratio

Group = Literal["low", "high"]
GROUPS: tuple[Group, ...] = get_args(Group)


def compare_groups(
    patients: pd.DataFrame, areas: pd.DataFrame, *, cut: float, confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide the patients by each region's area and compare their survival.

    Parameters
    ----------
    patients
        time_days and event by patient.
    areas
        Patients by regions.
    cut
        Quantile of the area: patients above it are `high`, the others `low`.
    confidence
        Level of the intervals.

    Returns
    -------
    groups
        region, cut, cut_quantile, group, n, events, median_days, median_low,
        median_high (NaN where not reached), hazard_ratio of high against low by Cox's
        model with hazard_low, hazard_high, chi2 and p of the log-rank test, q
        over the regions, note (why there is no test, or no ratio).
    curves
        region, group, time_days, survival, low, high, at_risk, events,
        censored: the steps of each curve from time 0, with log-log intervals;
        `at_risk` just before the time.
    """
    groups, curves = [], []
    for region in areas.columns:
        area = areas[region].dropna()
        followed = patients.loc[area.index]
        value = float(area.quantile(cut)) if len(area) else math.nan
        high = area > value
        test = _test(followed, high, confidence=confidence)
        for group in GROUPS:
            members = followed[high if group == "high" else ~high]
            curve, median = survival_curve(members, confidence=confidence)
            head = {"region": region, "cut": value, "cut_quantile": cut, "group": group}
            count = {"n": len(members), "events": int(members["event"].sum())}
            groups.append({**head, **count, **median, **test})
            if len(members):
                curves.append(curve.assign(region=region, group=group))
    table = pd.DataFrame(groups)
    first = table["group"] == GROUPS[0]
    q = np.repeat(false_discovery(table.loc[first, "p"].to_numpy()), len(GROUPS))
    table.insert(list(table.columns).index("p") + 1, "q", q)
    steps = pd.concat(curves, ignore_index=True)
    return table, steps[["region", "group", *steps.columns.drop(["region", "group"])]]


def survival_curve(
    patients: pd.DataFrame, *, confidence: float
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Kaplan-Meier curve of some patients and its median, by lifelines.

    `histoniche.survival.curves` follows R in two things that lifelines has otherwise: no
    bounds where the curve is at 0, and a median in the middle of a part level at one half.

    Parameters
    ----------
    patients
        time_days and event.
    confidence
        Level of the log-log intervals.

    Returns
    -------
    time_days, survival, low, high, at_risk, events, censored, from time 0 (no
    row for no patient); and median_days, median_low, median_high, NaN where
    the curve or its bound does not come down to one half.
    """
    columns = ["time_days", "survival", "low", "high", "at_risk", "events", "censored"]
    if patients.empty:
        missing = dict.fromkeys(("median_days", "median_low", "median_high"), math.nan)
        return pd.DataFrame(columns=columns, dtype=float), missing
    fitter = KaplanMeierFitter(alpha=1 - confidence)
    fitter.fit(patients["time_days"], patients["event"])
    bounds = fitter.confidence_interval_
    events = fitter.event_table
    curve = pd.DataFrame(
        {
            "time_days": events.index.to_numpy(),
            "survival": fitter.survival_function_.iloc[:, 0].to_numpy(),
            "low": bounds.iloc[:, 0].to_numpy(),
            "high": bounds.iloc[:, 1].to_numpy(),
            "at_risk": events["at_risk"].to_numpy(),
            "events": events["observed"].to_numpy(),
            "censored": events["censored"].to_numpy(),
        }
    )
    medians = [float(fitter.median_survival_time_)]
    medians += [float(median_survival_times(bounds.iloc[:, side])) for side in (0, 1)]
    finite = [median if math.isfinite(median) else math.nan for median in medians]
    return curve, dict(zip(("median_days", "median_low", "median_high"), finite, strict=True))


def _test(
    patients: pd.DataFrame, high: "pd.Series[bool]", *, confidence: float
) -> dict[str, object]:
    """Hazard ratio and log-rank test between the groups, or a note why there is none."""
    found = dict.fromkeys(("hazard_ratio", "hazard_low", "hazard_high", "chi2", "p"), math.nan)
    note = ""
    if len(patients) < FEWEST:
        note = f"fewer than {FEWEST} patients"
    elif not high.any() or high.all():
        note = "all patients are on one side of the cut"
    elif patients["event"].sum() == 0:
        note = "nobody died"
    if note:
        return {**found, "note": note}
    times, events = patients["time_days"], patients["event"]
    test = logrank_test(times[high], times[~high], events[high], events[~high])
    hazard = hazard_ratio(
        times.to_numpy("float64"), events.to_numpy(bool), high.to_numpy(), confidence=confidence
    )
    return {
        "hazard_ratio": hazard.ratio,
        "hazard_low": hazard.low,
        "hazard_high": hazard.high,
        "chi2": float(test.test_statistic),
        "p": float(test.p_value),
        "note": f"hazard ratio: {hazard.note}" if hazard.note else "",
    }
