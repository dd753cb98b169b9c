"""Nomogram of a Cox model: points for each covariate, whose sum reads off survival."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.files import read_json, write_json
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.partial_likelihood import Floats
from histoniche.survival.terms import Covariate

FORMAT = 1
_PROBABILITIES = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01)


class Axis(NamedTuple):
    """Point axis of one covariate."""

    name: str
    unit: str
    labels: tuple[str, ...]
    """Round numbers, or levels."""
    points: tuple[float, ...]
    """Points of each label, 0 and above."""
    low: float
    """Lowest and highest value seen in the patients the model was fitted on."""
    high: float
    numeric: bool


class Nomogram(NamedTuple):
    """All that is needed to draw a nomogram and to read a patient's survival off it."""

    name: str
    axes: tuple[Axis, ...]
    points_per_unit: float
    """Points for a linear predictor greater by 1."""
    at_zero: float
    """Linear predictor of a patient with 0 points."""
    totals: tuple[float, ...]
    """Round totals of points, up to the greatest that a patient fitted on comes near."""
    days: tuple[float, ...]
    survival: tuple[float, ...]
    """Share alive after each of `days` at a linear predictor of 0."""
    n: int
    events: int

    def linear_predictor(self, total: float) -> float:
        """Log hazard ratio that a total of points stands for."""
        return self.at_zero + total / self.points_per_unit


def make_nomogram(
    model: CoxModel, patients: pd.DataFrame, *, name: str, days: Sequence[float]
) -> Nomogram:
    """Make the nomogram of a Cox model.

    Parameters
    ----------
    model
        Fitted on `patients`, without strata and splines: an axis is a straight scale.
    patients
        Those it was fitted on; they set how far the totals go, and their mean is where
        the linear predictor is 0.
    name
        What the model is called.
    days
        Days at which survival is read, such as 365, 730 and 1095.

    Returns
    -------
    The nomogram. The covariate whose axis spans the largest range of log hazard has
    0 to 100 points; a numeric axis runs from the round number at or below the lowest
    value seen to that at or above the highest. The same as `rms::nomogram` in R.

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, ch. 20; Iasonos et al. 2008, J Clin
    Oncol 26:1364-1370.
    """
    if not days or sorted(set(days)) != list(days):
        remedy = "give days in rising order, each once"
        raise InputError("a nomogram needs days to read survival at", column="days", remedy=remedy)
    if not name:
        raise InputError("a nomogram needs a name", remedy="name it")
    if model.strata or any(covariate.knots for covariate in model.covariates):
        remedy = "take a model without strata and splines"
        raise InputError("a nomogram has one scale a covariate", value=name, remedy=remedy)
    predictor = model.linear_predictor(model.fitted_on(patients))
    middle = float(predictor.mean())
    survival = tuple(model.baseline_survival(day) ** math.exp(middle) for day in days)
    ticks = [axis_ticks(covariate) for covariate in model.covariates]
    effects = _effects(model, ticks)
    per_unit = 100 / max(float(np.ptp(effect)) for effect in effects)
    axes = tuple(
        Axis(
            covariate.name,
            covariate.unit,
            covariate.levels or tuple(f"{tick:.10g}" for tick in tick_values),
            tuple(float(point) for point in (effect - effect.min()) * per_unit),
            covariate.low,
            covariate.high,
            not covariate.levels,
        )
        for covariate, tick_values, effect in zip(model.covariates, ticks, effects, strict=True)
    )
    centre = float(np.dot(model.centre, model.coefficients)) + middle
    at_zero = sum(float(effect.min()) for effect in effects) - centre
    top = round_ticks(float(predictor.min()) - middle, float(predictor.max()) - middle)[-1]
    greatest = 100.0 if len(axes) == 1 else max(100.0, (top - at_zero) * per_unit)
    totals = tuple(round_ticks(0.0, greatest))
    return Nomogram(
        *(name, axes, per_unit, at_zero, totals),
        *(tuple(map(float, days)), survival, model.n, model.events),
    )


def axis_ticks(covariate: Covariate) -> list[float]:
    """Where an axis has ticks: round numbers around the range seen, or places of the levels."""
    if covariate.levels:
        return [float(place) for place in range(len(covariate.levels))]
    return round_ticks(covariate.low, covariate.high)


def _effects(model: CoxModel, ticks: Sequence[Sequence[float]]) -> list[Floats]:
    """Log hazard of every tick against a value of 0, or the reference."""
    effects: list[Floats] = []
    place = 0
    for covariate, values in zip(model.covariates, ticks, strict=True):
        width = len(covariate.columns())
        mine = np.array(model.coefficients[place : place + width])
        place += width
        if covariate.levels:
            effects.append(np.concatenate([[0.0], mine]))
        else:
            effects.append(mine[0] / covariate.per * np.asarray(values))
    return effects


def round_ticks(low: float, high: float, wanted: int = 10) -> list[float]:
    """About `wanted` round numbers that cover a range, as R's `pretty` chooses them."""
    size = high - low
    cell = max(abs(low), abs(high)) if size == 0 else size / wanted
    cell = cell or 1.0
    power = 10.0 ** math.floor(math.log10(cell))
    unit = power
    for factor, bias in ((2, 1.5), (5, 2.75), (10, 1.5)):
        if factor * power - cell < bias * (cell - unit):
            unit = factor * power
    first, last = math.floor(low / unit + 1e-7), math.ceil(high / unit - 1e-7)
    return [float(f"{step * unit:.12g}") for step in range(first, last + 1)]


def probability(
    nomogram: Nomogram, patient: Mapping[str, object], days: float, *, extrapolate: bool = False
) -> float:
    """Probability of a patient of being alive after `days`.

    Parameters
    ----------
    nomogram
        See `make_nomogram`.
    patient
        Value of every covariate, in the axis's unit, or the level.
    days
        One of the nomogram's days.
    extrapolate
        Whether a value outside the range seen is used, with a warning, and not refused.

    Raises
    ------
    InputError
        If a covariate is missing, a level unknown, a value no number or outside the
        range seen, or the nomogram has no such day.
    """
    if days not in nomogram.days:
        known = ", ".join(f"{day:g}" for day in nomogram.days)
        remedy = f"choose among {known}"
        raise InputError("the nomogram has no such day", column="days", value=days, remedy=remedy)
    total = total_points(nomogram, patient, extrapolate=extrapolate)
    survival = nomogram.survival[nomogram.days.index(days)]
    return float(survival ** math.exp(nomogram.linear_predictor(total)))


def total_points(
    nomogram: Nomogram, patient: Mapping[str, object], *, extrapolate: bool = False
) -> float:
    """Sum of a patient's points; errors as of `probability`."""
    return sum(_points(axis, patient, extrapolate=extrapolate) for axis in nomogram.axes)


def _points(axis: Axis, patient: Mapping[str, object], *, extrapolate: bool) -> float:
    """Points of a patient on one axis."""
    if axis.name not in patient:
        raise InputError("the covariate is missing", column=axis.name, remedy="give its value")
    value = patient[axis.name]
    if not axis.numeric:
        if str(value) not in axis.labels:
            remedy = f"choose among {', '.join(axis.labels)}"
            raise InputError("unknown level", column=axis.name, value=value, remedy=remedy)
        return axis.points[axis.labels.index(str(value))]
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        remedy = "give a number"
        raise InputError("not a finite number", column=axis.name, value=value, remedy=remedy)
    if not axis.low <= number <= axis.high:
        seen = f"{axis.low:g} to {axis.high:g} {axis.unit}".strip()
        if not extrapolate:
            raise InputError(
                f"outside the range of the patients it was made from, {seen}",
                column=axis.name,
                value=value,
                remedy="the nomogram says nothing of such a patient",
            )
        logging.warning("%s %g is outside the range seen, %s", axis.name, number, seen)
    first, last = float(axis.labels[0]), float(axis.labels[-1])
    slope = (axis.points[-1] - axis.points[0]) / (last - first)
    return axis.points[0] + slope * (number - first)


def nomogram_table(nomogram: Nomogram) -> pd.DataFrame:
    """Every tick of a nomogram.

    Returns
    -------
    axis ("covariate", "total", "survival"), name, unit, tick, points; of the totals and
    of the survival axes linear_predictor and `survival_<days>d`, the share alive by then;
    NaN elsewhere.
    """
    rows: list[dict[str, object]] = [
        {"axis": "covariate", "name": axis.name, "unit": axis.unit, "tick": label, "points": points}
        for axis in nomogram.axes
        for label, points in zip(axis.labels, axis.points, strict=True)
    ]
    for total in nomogram.totals:
        row = {"axis": "total", "name": "total points", "unit": "", "tick": f"{total:g}"}
        rows.append({**row, **_read(nomogram, total)})
    for days in nomogram.days:
        for share, total in survival_ticks(nomogram, days):
            row = {"axis": "survival", "name": f"survival {days:g} days", "unit": ""}
            rows.append({**row, "tick": f"{share:g}", **_read(nomogram, total)})
    return pd.DataFrame(rows)


def _read(nomogram: Nomogram, total: float) -> dict[str, object]:
    """Points, linear predictor and survival of a total."""
    predictor = nomogram.linear_predictor(total)
    alive = {
        f"survival_{days:g}d": share ** math.exp(predictor)
        for days, share in zip(nomogram.days, nomogram.survival, strict=True)
    }
    return {"points": total, "linear_predictor": predictor, **alive}


def survival_ticks(nomogram: Nomogram, days: float) -> list[tuple[float, float]]:
    """Round probabilities of being alive after `days`, each with its total of points."""
    base = nomogram.survival[nomogram.days.index(days)]
    if not 0 < base < 1:
        return []
    found = []
    for share in _PROBABILITIES:
        predictor = math.log(math.log(share) / math.log(base))
        total = (predictor - nomogram.at_zero) * nomogram.points_per_unit
        if -1e-9 <= total <= nomogram.totals[-1] + 1e-9:
            found.append((share, total))
    return found


def write_nomogram(nomogram: Nomogram, path: Path) -> None:
    """Write a nomogram as JSON."""
    axes = [axis._asdict() for axis in nomogram.axes]
    write_json({"format": FORMAT, **nomogram._asdict(), "axes": axes}, path)


class NoNomogramError(InputError):
    """A nomogram that could not be made, and why."""

    def __init__(self, reason: str, *, model: str, file: Path) -> None:
        self.reason, self.model = reason, model
        remedy = "the run made no nomogram of these patients"
        super().__init__(reason, file=file, value=model, remedy=remedy)


def write_no_nomogram(model: str, reason: str, path: Path) -> None:
    """Write why there is no nomogram of a model, which `read_nomogram` then says."""
    write_json({"format": FORMAT, "name": model, "note": reason}, path)


def read_nomogram(path: Path) -> Nomogram:
    """Read what `write_nomogram` wrote; raises an InputError if the file is none."""
    remedy = "give a file that HistoNiche wrote as a nomogram"
    try:
        content: dict[str, Any] = read_json(path)
        if content.pop("format") != FORMAT:
            raise InputError(
                "another format of nomogram", file=path, remedy="make it with this version"
            )
        if "note" in content:
            raise NoNomogramError(content["note"], model=content["name"], file=path)
        axes = tuple(
            Axis(**{**axis, "labels": tuple(axis["labels"]), "points": tuple(axis["points"])})
            for axis in content.pop("axes")
        )
        tuples = {key: tuple(content[key]) for key in ("totals", "days", "survival")}
        return Nomogram(**{**content, **tuples, "axes": axes})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("this is no nomogram", file=path, remedy=remedy) from error
