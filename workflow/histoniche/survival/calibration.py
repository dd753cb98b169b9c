"""Calibration: whether as many die by a given day as a model predicts."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike

from histoniche.errors import InputError
from histoniche.randomness import generator
from histoniche.survival.estimation import estimate_from
from histoniche.survival.follow_up import (
    Bools,
    Floats,
    check_day,
    percentiles,
    resamples,
    survival_at,
)
from histoniche.survival.observations import observations
from histoniche.survival.partial_likelihood import RiskSets, baselines
from histoniche.survival.splines import knot_shares, restricted_cubic_spline

MEASURES = ("ratio", "intercept", "slope", "ici", "e50", "e90")
_GRID = 100
_EDGE = 1e-8
"""Risks of 0 and 1 are moved this far inside, where their log hazard is finite."""


class Calibration(NamedTuple):
    """How predicted and observed risk agree in some patients at one day."""

    groups: pd.DataFrame
    """group, from, to (bounds of the risk), n, events (by then), predicted, observed,
    low, high: mean prediction against one minus the Kaplan-Meier curve, log-log interval."""
    curve: pd.DataFrame
    """predicted, observed, low, high: the smooth curve with its bootstrap band."""
    measures: pd.DataFrame
    """measure, value, low, high, bootstraps; see `calibration_measures`. Of ici, e50 and e90,
    which are distances, a sample has more than the patients: the interval may lie above the
    value, and says no more than how far off a model may be."""


def calibrate(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    days: float,
    seed: int,
    groups: int = 4,
    knots: int = 3,
    confidence: float = 0.95,
    bootstraps: int = 500,
) -> Calibration:
    """Compare predicted with observed risk of dying by one day.

    Parameters
    ----------
    time, event
        (patients,): days, and 1 for those who died then.
    risk
        (patients,): predicted probability of dying by `days`, from a model that did not
        see these patients. Of a model that did, the comparison is too good; then see
        `histoniche.survival.optimism.validate_model`.
    days
        Day of the prediction.
    seed
        Seed of the run.
    groups
        Groups of equal size by predicted risk.
    knots
        Of the spline: 3 to 7.
    confidence
        Level of every interval.
    bootstraps
        Samples of the patients for the percentile intervals; the predictions stay.

    Raises
    ------
    InputError
        If follow-up does not reach the day, or a risk is no probability.
    """
    times, events, risks = check_predictions(time, event, risk, days)
    cuts = risk_cuts(risks, groups)
    grid = risk_grid(risks)
    samples = resamples(len(times), bootstraps, generator(seed, "calibration", f"{days:g}"))
    drawn = [
        _measured(times[sample], events[sample], risks[sample], days=days, knots=knots, grid=grid)
        for sample in samples
    ]
    smooth = smooth_calibration(times, events, risks, days, knots)
    measures = calibration_measures(times, events, risks, days=days, smooth=smooth)
    values = np.array([found for found, _ in drawn])
    low, high = percentiles(values, confidence)
    table = pd.DataFrame({"measure": MEASURES, "value": [measures[name] for name in MEASURES]})
    table["low"], table["high"] = low, high
    table["bootstraps"] = np.isfinite(values).sum(axis=0)
    curve = pd.DataFrame({"predicted": grid})
    curve["observed"] = smooth(grid)
    curve["low"], curve["high"] = percentiles(np.array([line for _, line in drawn]), confidence)
    compared = calibration_groups(times, events, risks, days=days, cuts=cuts, confidence=confidence)
    return Calibration(compared, curve, table)


def _measured(
    time: Floats, event: Bools, risk: Floats, *, days: float, knots: int, grid: Floats
) -> tuple[list[float], Floats]:
    """Measures and curve of one sample; NaN where it has no estimate."""
    curve = smooth_calibration(time, event, risk, days, knots)
    found = calibration_measures(time, event, risk, days=days, smooth=curve)
    return [found[name] for name in MEASURES], curve(grid)


def check_predictions(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, days: float
) -> tuple[Floats, Bools, Floats]:
    """Arrays of follow-up and risk, once they are known to be usable; else an InputError."""
    times, events = observations(time, event)
    check_day(times, events, days)
    risks = np.asarray(risk, dtype=np.float64)
    if risks.shape != times.shape:
        raise InputError(
            f"{risks.shape} predictions for {len(times)} patients",
            remedy="give one prediction for each patient",
        )
    wrong = ~((risks >= 0) & (risks <= 1))
    if wrong.any():
        raise InputError(
            "a predicted risk is a probability from 0 to 1",
            column="risk",
            value=float(risks[wrong][0]),
            remedy="give the probability of dying by the day, not the score itself",
        )
    if np.ptp(risks) == 0:
        remedy = "leave this model out"
        raise InputError("the predicted risk is the same in all patients", remedy=remedy)
    return times, events, risks


def risk_grid(risk: Floats) -> Floats:
    """Predicted risks at which a curve is drawn: from the 1st to the 99th percentile."""
    low, high = (float(np.percentile(risk, share)) for share in (1, 99))
    return np.linspace(low, high, _GRID)


def risk_cuts(risk: Floats, groups: int) -> Floats:
    """Bounds of groups of equal size, from 0 to 1; fewer groups where risks are tied."""
    inner = np.quantile(risk, np.arange(1, groups) / groups)
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def calibration_groups(
    time: Floats,
    event: Bools,
    risk: Floats,
    *,
    days: float,
    cuts: Sequence[float] | Floats,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Observed and predicted risk of groups, as `Calibration.groups` describes them.

    A group is above its lower bound and up to its upper one. Observed is NaN for fewer
    than two patients, and where their follow-up ends alive before the day.
    """
    place = _places(risk, cuts)
    rows = []
    for group in range(len(cuts) - 1):
        mine = place == group
        bounds = {"group": group + 1, "from": cuts[group], "to": cuts[group + 1]}
        died = int((event & (time <= days) & mine).sum())
        row = {**bounds, "n": int(mine.sum()), "events": died}
        gaps = (math.nan,) * 3
        if row["n"] > 1 and known_at(time[mine], event[mine], days):
            gaps = _died_by(time[mine], event[mine], days, confidence)
        row["predicted"] = float(risk[mine].mean()) if row["n"] else math.nan
        rows.append({**row, **dict(zip(("observed", "low", "high"), gaps, strict=True))})
    return pd.DataFrame(rows)


def _places(risk: Floats, cuts: Sequence[float] | Floats) -> "np.ndarray[tuple[int], np.dtype]":
    """Number of each patient's group."""
    inner = np.asarray(cuts, dtype=np.float64)[1:-1]
    return np.searchsorted(inner, risk, side="left")


def known_at(time: Floats, event: Bools, days: float) -> bool:
    """Whether the Kaplan-Meier curve reaches the day, or everybody died before."""
    return bool(time.max() >= days or event[time == time.max()].all())


def _died_by(
    time: Floats, event: Bools, days: float, confidence: float
) -> tuple[float, float, float]:
    """One minus the Kaplan-Meier curve at one day, with its log-log interval."""
    fitter = KaplanMeierFitter(alpha=1 - confidence).fit(time, event)
    bounds = fitter.confidence_interval_
    row = bounds.loc[bounds.index <= days].iloc[-1].to_numpy(dtype=float)
    return 1 - float(fitter.predict(days)), 1 - float(row[1]), 1 - float(row[0])


def group_gaps(time: Floats, event: Bools, risk: Floats, days: float, cuts: Floats) -> Floats:
    """Observed minus predicted risk of each group; NaN as in `calibration_groups`."""
    member = np.equal.outer(np.arange(len(cuts) - 1), _places(risk, cuts))
    sizes = member.sum(axis=1)
    observed = 1 - survival_at(time, event, days, member.astype(np.float64))
    known = [
        size > 1 and known_at(time[mine], event[mine], days)
        for size, mine in zip(sizes, member, strict=True)
    ]
    predicted = member @ risk / np.maximum(sizes, 1)
    return np.where(known, observed - predicted, np.nan)


def calibration_measures(
    time: Floats, event: Bools, risk: Floats, *, days: float, smooth: "SmoothCurve"
) -> dict[str, float]:
    """Numbers that sum up calibration at one day.

    Parameters
    ----------
    time, event, risk, days
        See `calibrate`.
    smooth
        The smooth curve of these patients, as `smooth_calibration` has it.

    Returns
    -------
    ratio
        Observed over mean predicted risk: 1 is right, above 1 more died than predicted.
    intercept
        Log of observed over predicted cumulative hazard, the slope held at 1: 0 is right,
        above 0 more died than predicted.
    slope
        Of the log hazard on the predicted one: 1 is right, below 1 predictions are too
        extreme, as of an overfitted model.
    ici, e50, e90
        Mean, median and 90th percentile of the distance between predicted risk and the
        smooth curve over the patients: 0 is right.

    The slope and the distances are NaN where the predictions separate those who died
    from the others.

    References
    ----------
    Austin, Harrell and van Klaveren 2020, Stat Med 39:2714-2742 (curve, ICI, E50, E90);
    Crowson, Atkinson and Therneau 2016, Stat Methods Med Res 25:1692-1706.
    """
    sets, predictor = RiskSets(time, event), log_hazard(risk)
    reached = float(baselines(sets, predictor)[0].at(days))
    gap = np.abs(smooth(risk) - risk)
    return {
        "ratio": float(1 - survival_at(time, event, days)) / float(risk.mean()),
        "intercept": math.log(reached) if reached > 0 else math.nan,
        "slope": float(estimate_from(sets, predictor[:, np.newaxis]).coefficients[0]),
        "ici": float(gap.mean()),
        "e50": float(np.median(gap)),
        "e90": float(np.quantile(gap, 0.9)),
    }


class SmoothCurve(NamedTuple):
    """Observed risk as a smooth function of the predicted one."""

    knots: Floats
    coefficients: Floats
    centre: float
    hazard: float

    def __call__(self, risk: Floats) -> Floats:
        """Observed risk where the predicted one is `risk`; NaN if the curve has no estimate."""
        predictor = _spline(log_hazard(risk), self.knots) @ self.coefficients - self.centre
        # Beyond e^50 everybody has died; a sample's spline may go further than numbers do.
        return np.asarray(-np.expm1(-self.hazard * np.exp(np.minimum(predictor, 50))))


def smooth_calibration(
    time: Floats, event: Bools, risk: Floats, days: float, knots: int = 3
) -> SmoothCurve:
    """Cox model of a restricted cubic spline of the predicted log hazard, as Austin et al. have it.

    Where predictions take too few values for the knots to differ it is a straight line.
    """
    predictor = log_hazard(risk)
    places = np.quantile(predictor, knot_shares(knots))
    places = places if (np.diff(places) > 0).all() else places[:0]
    sets, design = RiskSets(time, event), _spline(predictor, places)
    coefficients = estimate_from(sets, design).coefficients
    fitted = design @ coefficients
    centre = float(fitted.mean())
    reached = float(baselines(sets, fitted - centre)[0].at(days))
    return SmoothCurve(places, coefficients, centre, reached)


def log_hazard(risk: Floats) -> Floats:
    """Complementary log-log of a risk: the log of the cumulative hazard it stands for."""
    return np.asarray(np.log(-np.log1p(-np.clip(risk, _EDGE, 1 - _EDGE))))


def _spline(values: Floats, knots: Floats) -> Floats:
    """Restricted cubic spline, (values, knots - 1); a straight line without knots."""
    if not len(knots):
        return values[:, np.newaxis]
    return restricted_cubic_spline(values, knots)
