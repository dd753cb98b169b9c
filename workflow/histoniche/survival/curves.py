"""Kaplan-Meier curves: bands, quantiles, survival at given times, numbers at risk, follow-up."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike

from histoniche.errors import InputError
from histoniche.survival.observations import Floats, observations

Bands = Literal["log-log", "log"]
BANDS: tuple[Bands, ...] = ("log-log", "log")
"""Scales on which an interval of survival is symmetric."""

# Of the size that R takes two levels of survival for the same.
_SAME = 1.5e-8


class FollowUpTime(NamedTuple):
    """Median follow-up with its interval; NaN where it is not reached."""

    median: float
    low: float
    high: float


def kaplan_meier(
    times: ArrayLike, events: ArrayLike, *, confidence: float = 0.95, bands: Bands = "log-log"
) -> pd.DataFrame:
    """Kaplan-Meier curve with pointwise confidence bands by Greenwood's variance.

    lifelines and scikit-survival know the log-log bands alone.

    Parameters
    ----------
    times, events
        (patients,): days, above 0, and whether the patient died then (1) or was last seen (0).
    confidence
        Level of the bands.
    bands
        `log-log`: symmetric on the scale of log(-log S), the better in small groups; `log`:
        symmetric on that of log S, R's default, cut off at 1.

    Returns
    -------
    time_days, survival, low, high, at_risk (just before the time), events, censored: one row a
    time from 0 on. The bounds are 1 before the first death, and NaN where the curve is at 0.

    References
    ----------
    Kaplan and Meier 1958, J Am Stat Assoc 53:457-481; Kalbfleisch and Prentice 1980, The
    Statistical Analysis of Failure Time Data, for the log-log bands.
    """
    _check(confidence, bands)
    time, died = observations(times, events, fewest=1, deaths=False)
    moments, place = np.unique(time, return_inverse=True)
    deaths = np.bincount(place, died, len(moments))
    leaving = np.bincount(place, minlength=len(moments))
    at_risk = len(time) - np.append(0, np.cumsum(leaving)[:-1])
    survival = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore"):
        variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
    low, high = _bounds(survival, np.sqrt(variance), confidence, bands)
    return pd.DataFrame(
        {
            "time_days": np.append(0.0, moments),
            "survival": np.append(1.0, survival),
            "low": np.append(1.0, low),
            "high": np.append(1.0, high),
            "at_risk": np.append(len(time), at_risk),
            "events": np.append(0, deaths).astype(int),
            "censored": np.append(0, leaving - deaths).astype(int),
        }
    )


def curves_by_group(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    confidence: float = 0.95,
    bands: Bands = "log-log",
) -> pd.DataFrame:
    """Kaplan-Meier curve of each group: the group, then the columns of `kaplan_meier`."""
    time, died = observations(times, events, deaths=False)
    labels = pd.Series(np.asarray(groups, dtype=object))
    curves = {
        label: kaplan_meier(time[rows], died[rows], confidence=confidence, bands=bands)
        for label, rows in ((label, (labels == label).to_numpy()) for label in labels.unique())
    }
    return pd.concat(curves, names=["group"]).reset_index(level=0).reset_index(drop=True)


def survival_quantiles(curve: pd.DataFrame, shares: Sequence[float] = (0.5,)) -> pd.DataFrame:
    """Times by which given shares of the patients have died, after Brookmeyer and Crowley.

    Parameters
    ----------
    curve
        What `kaplan_meier` gives.
    shares
        Between 0 and 1; 0.5 is the median survival time.

    Returns
    -------
    share, time_days, low, high. A quantile is where the curve comes down to 1 - share, and its
    bounds are where the bands do; NaN where they do not. Where the curve runs level just there,
    it is the middle of the level part, as in R.

    References
    ----------
    Brookmeyer and Crowley 1982, Biometrics 38:29-41.
    """
    for share in shares:
        if not 0 < share < 1:
            raise InputError("a share of deaths", value=share, remedy="give one between 0 and 1")
    times = curve["time_days"].to_numpy(dtype="float64")
    rows = [
        (share, *(_crossing(times, curve[name].to_numpy(dtype="float64"), 1 - share)
                  for name in ("survival", "low", "high")))
        for share in shares
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["share", "time_days", "low", "high"], dtype=float)


def survival_at(curve: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
    """Survival at given times.

    Parameters
    ----------
    curve
        What `kaplan_meier` gives.
    times
        Days, 0 or more.

    Returns
    -------
    time_days, survival, low, high, at_risk (just before the time), events (deaths up to the
    time). Survival is NaN after the last time at which anybody was seen.
    """
    known = curve["time_days"].to_numpy(dtype="float64")
    wanted = np.asarray(times, dtype=float)
    if not (wanted >= 0).all():
        raise InputError("times of survival", value=list(times), remedy="give 0 or more")
    step = np.searchsorted(known, wanted, side="right") - 1
    found = curve.iloc[step][["survival", "low", "high"]].reset_index(drop=True)
    found[wanted > known[-1]] = np.nan
    found.insert(0, "time_days", wanted)
    deaths = curve["events"].cumsum().to_numpy()[step]
    return found.assign(at_risk=at_risk(curve, times), events=deaths)


def at_risk(curve: pd.DataFrame, times: Sequence[float]) -> list[int]:
    """Patients of one curve under observation just before each time."""
    later = np.searchsorted(curve["time_days"].to_numpy(dtype="float64"), np.asarray(times, float))
    return [int(n) for n in np.append(curve["at_risk"].to_numpy(), 0)[later]]


def at_risk_table(curves: pd.DataFrame, *, most: int = 6) -> pd.DataFrame:
    """Numbers at risk at round times, as they stand under a figure.

    Parameters
    ----------
    curves
        What `curves_by_group` gives.
    most
        Most steps of time.

    Returns
    -------
    group, time_days, at_risk, died and censored (both before the time).
    """
    times = round_times(float(curves["time_days"].max()), most=most)
    tables = []
    for group, curve in curves.groupby("group", sort=False):
        left = np.searchsorted(curve["time_days"].to_numpy(dtype="float64"), times)
        gone = {
            name: np.append(0, curve[column].cumsum())[left]
            for name, column in (("died", "events"), ("censored", "censored"))
        }
        row = {"group": group, "time_days": times, "at_risk": at_risk(curve, times), **gone}
        tables.append(pd.DataFrame(row))
    return pd.concat(tables, ignore_index=True)


def round_times(longest: float, *, most: int) -> list[float]:
    """Round times from 0 up to the longest or the next one after it, in `most` steps at most."""
    raw = max(longest, 1.0) / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    return [float(tick) for tick in np.arange(0, longest + step, step)]


def median_follow_up(
    times: ArrayLike, events: ArrayLike, *, confidence: float = 0.95, bands: Bands = "log-log"
) -> FollowUpTime:
    """Median follow-up by the reverse Kaplan-Meier method, in which death ends observation.

    Returns
    -------
    How long the median patient would have been observed had nobody died; NaN if so many died
    early that it is not reached, as when nobody was censored.

    References
    ----------
    Schemper and Smith 1996, Control Clin Trials 17:343-346.
    """
    time, died = observations(times, events, fewest=1, deaths=False)
    curve = kaplan_meier(time, ~died, confidence=confidence, bands=bands)
    found = survival_quantiles(curve).iloc[0]
    return FollowUpTime(*(float(found[name]) for name in ("time_days", "low", "high")))


def _check(confidence: float, bands: Bands) -> None:
    """Raise an error if the settings of the bands are wrong."""
    if bands not in BANDS:
        raise InputError("no such bands", value=bands, remedy=f"choose among {', '.join(BANDS)}")
    if not 0 < confidence < 1:
        raise InputError("a confidence level", value=confidence, remedy="give one between 0 and 1")


def _bounds(
    survival: Floats, error: Floats, confidence: float, bands: Bands
) -> tuple[Floats, Floats]:
    """Bounds of survival; `error` is that of log survival."""
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(survival)
        if bands == "log":
            low, high = np.exp(logs - reach), np.minimum(1, np.exp(logs + reach))
        else:
            low, high = (survival ** np.exp(sign * reach / logs) for sign in (-1, 1))
    for bound in (low, high):
        bound[survival == 1] = 1
        bound[survival == 0] = np.nan
    return low, high


def _crossing(times: Floats, values: Floats, level: float) -> float:
    """Time at which falling steps come down to a level; the middle of a part level with it."""
    down = np.flatnonzero(values <= level + _SAME)
    if not len(down):
        return math.nan
    below = np.flatnonzero(values < level - _SAME)
    first, last = times[down[0]], times[below[0]] if len(below) else times[-1]
    return float(first + last) / 2 if values[down[0]] >= level - _SAME else float(first)
