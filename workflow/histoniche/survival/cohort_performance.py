"""How well fitted models predict one cohort, beside each other on the same patients."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.survival.cohort import FEWEST
from histoniche.survival.concordance import Concordance, compare_concordance, concordance
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.performance import (
    Floats,
    auc_at,
    bootstrap_intervals,
    brier_scores,
    integrated_brier,
)

YEAR = 365.25
_GRID = 50


class CohortPerformance(NamedTuple):
    """What one cohort says of the models."""

    metrics: pd.DataFrame
    """One row a model: model, n, events, harrell, uno, for each year auc_1y, brier_1y and
    brier_null_1y, then ibs, ibs_null, ibs_gain, each with _low and _high but the null's; note."""
    differences: pd.DataFrame
    """One row a pair of models and kind of concordance: first, second, kind, n, events,
    difference (first minus second), low, high, p."""
    curves: pd.DataFrame
    """model, metric (auc, brier, brier_null), time_days, value, low, high."""
    n: int
    events: int


class _Predicted(NamedTuple):
    """A cohort's follow-up and each model's risk scores and survival."""

    times: Floats
    events: NDArray[np.bool_]
    scores: Mapping[str, Floats]
    survival: Mapping[str, Floats]
    days: Floats
    """Days of the survival, from 0 to the horizon."""


def year_name(years: float) -> str:
    """How the columns name a year: 1y, 1.5y."""
    return f"{years:g}y"


def cohort_performance(
    patients: pd.DataFrame,
    models: Mapping[str, CoxModel],
    *,
    years: Sequence[float],
    confidence: float,
    samples: int,
    seed: int,
    names: Sequence[object] = (),
) -> CohortPerformance:
    """Measure models on one cohort; nothing is fitted.

    Parameters
    ----------
    patients
        time_days, event and all that the models need, complete.
    models
        Fitted models by name.
    years
        Years at which AUC and Brier score are given. The last is the horizon:
        Uno's concordance looks no further, and the Brier score is integrated up to it.
    confidence, samples, seed, names
        Level of the intervals; of the Brier scores they are percentiles of
        bootstrap `samples` of the patients, of concordance and AUC normal.

    Returns
    -------
    See `CohortPerformance`. `ibs_gain` is 1 - ibs / ibs_null: above 0 the model
    predicts better than one Kaplan-Meier curve for all. NaN with a note where
    fewer than five died or follow-up ends before the horizon. An AUC is given
    where at least five have died and at least five are alive.
    """
    horizon = YEAR * max(years)
    days = np.union1d(np.linspace(0, horizon, _GRID + 1), YEAR * np.asarray(years))
    data = _predict(patients, models, days)
    enough = int(data.events.sum()) >= FEWEST
    rows = {name: _head(data) for name in models}
    curves: list[pd.DataFrame] = []
    pairs: list[dict[str, Any]] = []
    if enough and models:
        agreed = {name: _concordances(data, risk, horizon) for name, risk in data.scores.items()}
        for name, (harrell, uno) in agreed.items():
            rows[name] |= _interval("harrell", harrell.value, *harrell.interval(confidence))
            rows[name] |= _interval("uno", uno.value, *uno.interval(confidence))
            curve = _auc_curve(data, name, confidence)
            rows[name] |= _at_years(curve, "auc", years)
            curves.append(curve)
        found = _brier(data, confidence=confidence, samples=samples, seed=seed, names=names)
        for name in models:
            rows[name] |= _at_years(found.curves[name], "brier", years)
            rows[name] |= _at_years(found.curves[name], "brier_null", years)
            rows[name] |= found.whole[name]
            curves.append(found.curves[name])
        pairs = _differences(agreed, _head(data), confidence)
    last = data.times.max() if len(data.times) else 0.0
    note = "" if enough else f"fewer than {FEWEST} events"
    if enough and last < horizon:
        note = f"follow-up ends at day {last:.0f}"
    table = pd.DataFrame([{"model": name, **row, "note": note} for name, row in rows.items()])
    return CohortPerformance(
        table.reindex(columns=["model", *metric_names(years), "note"]),
        pd.DataFrame(pairs, columns=_DIFFERENCE).astype(_NUMBERS),
        pd.concat(curves) if curves else _no_curves(),
        **_head(data),
    )


_DIFFERENCE = ["first", "second", "kind", "n", "events", "difference", "low", "high", "p"]
_NUMBERS = {"n": int, "events": int, **dict.fromkeys(_DIFFERENCE[5:], float)}
_CURVE = ["model", "metric", "time_days", "value", "low", "high"]


def metric_names(years: Sequence[float]) -> list[str]:
    """Columns of the metrics between model and note."""
    with_interval = ["harrell", "uno", *(f"auc_{year_name(year)}" for year in years)]
    names = ["n", "events"]
    for name in with_interval:
        names += [name, f"{name}_low", f"{name}_high"]
    for year in map(year_name, years):
        names += [f"brier_{year}", f"brier_{year}_low", f"brier_{year}_high", f"brier_null_{year}"]
    return [*names, *("ibs", "ibs_low", "ibs_high", "ibs_null"), *_interval("ibs_gain", 0, 0, 0)]


def _predict(patients: pd.DataFrame, models: Mapping[str, CoxModel], days: Floats) -> _Predicted:
    """Apply every model to the patients."""
    scores, survival = {}, {}
    for name, model in models.items():
        day = min(float(days[-1]), *model.last_day.values())
        scores[name] = np.asarray(model.risk_score(patients, day), dtype=np.float64)
        alive = model.survival(patients, days.tolist())
        survival[name] = np.asarray(alive, dtype=np.float64)
    times = np.asarray(patients["time_days"], dtype=np.float64)
    return _Predicted(times, patients["event"].to_numpy() == 1, scores, survival, days)


def _head(data: _Predicted) -> dict[str, Any]:
    """Size of the cohort."""
    return {"n": len(data.times), "events": int(data.events.sum())}


def _interval(name: str, value: float, low: float, high: float) -> dict[str, float]:
    """A number and its interval as columns."""
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _concordances(
    data: _Predicted, risk: Floats, horizon: float
) -> tuple[Concordance, Concordance]:
    """Harrell's concordance and Uno's."""
    return (
        concordance(data.times, data.events, risk),
        concordance(data.times, data.events, risk, kind="uno", horizon=horizon),
    )


def _auc_curve(data: _Predicted, name: str, confidence: float) -> pd.DataFrame:
    """AUC at every day by which enough patients have died and after which enough are alive."""
    rows = []
    for day in data.days:
        auc = auc_at(data.times, data.events, data.scores[name], day=float(day))
        if min(auc.cases, auc.controls) >= FEWEST:
            rows.append((name, "auc", day, auc.value, *auc.interval(confidence)))
    return pd.DataFrame(rows, columns=_CURVE).astype(_no_curves().dtypes)


def _at_years(curve: pd.DataFrame, metric: str, years: Sequence[float]) -> dict[str, float]:
    """A metric at the years, as columns."""
    mine = curve[curve["metric"] == metric]
    numbers = mine[["time_days", "value", "low", "high"]].to_numpy(dtype="float64").tolist()
    known = {day: (value, low, high) for day, value, low, high in numbers}
    row: dict[str, float] = {}
    for year in years:
        found = known.get(YEAR * year, (math.nan,) * 3)
        row |= _interval(f"{metric}_{year_name(year)}", *found)
    return row


class _Brier(NamedTuple):
    """Brier scores of all models."""

    curves: Mapping[str, pd.DataFrame]
    whole: Mapping[str, dict[str, float]]
    """ibs, ibs_null and ibs_gain of each model."""


def _brier(
    data: _Predicted, *, confidence: float, samples: int, seed: int, names: Sequence[object]
) -> _Brier:
    """Brier scores of all models by the day and integrated, with bootstrap intervals."""

    def scores(places: NDArray[np.intp]) -> Floats:
        """(models and null, days + 2): by day, integrated, and gain over the null."""
        rows = []
        for survival in data.survival.values():
            found = brier_scores(
                data.times[places], data.events[places], survival[places], data.days
            )
            rows.append(found.model)
        table = np.array([*rows, found.null])
        whole = np.array([integrated_brier(row, data.days) for row in table])
        return np.column_stack([table, whole, 1 - whole / whole[-1]])

    size = len(data.times)
    value = scores(np.arange(size))
    low, high = bootstrap_intervals(
        scores, size, samples=samples, confidence=confidence, seed=seed, names=names
    )
    curves, whole = {}, {}
    for row, name in enumerate(data.survival):
        parts = []
        for metric, place in (("brier", row), ("brier_null", -1)):
            columns = {"value": value[place], "low": low[place], "high": high[place]}
            head = {"model": name, "metric": metric, "time_days": data.days}
            part = pd.DataFrame(head | {key: column[:-2] for key, column in columns.items()})
            parts.append(part[part["value"].notna()])
        curves[name] = pd.concat(parts)
        whole[name] = _interval("ibs", value[row, -2], low[row, -2], high[row, -2])
        whole[name] |= {"ibs_null": float(value[-1, -2])}
        whole[name] |= _interval("ibs_gain", value[row, -1], low[row, -1], high[row, -1])
    return _Brier(curves, whole)


def _differences(
    agreed: Mapping[str, tuple[Concordance, Concordance]],
    head: Mapping[str, Any],
    confidence: float,
) -> list[dict[str, Any]]:
    """Difference of the concordances of every two models."""
    rows = []
    for first, second in combinations(agreed, 2):
        for kind, one, other in zip(("harrell", "uno"), agreed[first], agreed[second], strict=True):
            found = compare_concordance(one, other, confidence=confidence)
            values = dict(zip(("difference", "low", "high", "p"), found, strict=True))
            rows.append({"first": first, "second": second, "kind": kind, **head, **values})
    return rows


def _no_curves() -> pd.DataFrame:
    """Curves of a cohort in which too few died."""
    return pd.DataFrame(columns=_CURVE).astype(dict.fromkeys(_CURVE[2:], float))
