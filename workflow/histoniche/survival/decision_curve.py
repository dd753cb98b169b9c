"""Decision curves: whether acting on a model's risk does more good than harm."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from histoniche.errors import InputError
from histoniche.randomness import generator
from histoniche.survival.calibration import check_predictions
from histoniche.survival.follow_up import (
    Bools,
    Floats,
    check_day,
    counted,
    percentiles,
    resamples,
    rising_shares,
    survival_at,
)
from histoniche.survival.observations import observations

ALL, NONE = "treat all", "treat none"


def decision_curves(
    time: ArrayLike,
    event: ArrayLike,
    risks: Mapping[str, ArrayLike],
    *,
    days: float,
    seed: int,
    thresholds: Sequence[float] | None = None,
    confidence: float = 0.95,
    bootstraps: int = 500,
) -> pd.DataFrame:
    """Net benefit of treating those whose predicted risk reaches a threshold.

    Parameters
    ----------
    time, event
        (patients,): days, and 1 for those who died then.
    risks
        Risk of dying by `days`, (patients,), by the model's name; the first is the one
        that the others are compared with. Of a model that was fitted on these patients
        the curve is too good.
    days
        Day of the predictions.
    seed
        Seed of the run.
    thresholds
        Risks from which on a patient would be treated, above 0 and below 1; every
        hundredth from 0.01 to 0.99 if None.
    confidence
        Level of the percentile bands.
    bootstraps
        Samples of the patients; the predictions stay, and all models have the same.

    Returns
    -------
    model (those given, then `ALL` and `NONE`), threshold, n, events (by `days`), positive
    (patients at or above the threshold), net_benefit, low, high, gain (net benefit less
    that of the first model), gain_low, gain_high (NaN of the first model itself). Net
    benefit is the share of patients rightly treated less the share wrongly treated, the
    latter times the odds of the threshold; treating nobody has 0. Among the positive the
    share who die is that of their Kaplan-Meier curve, which stays where it is beyond
    their last follow-up.

    References
    ----------
    Vickers, Cronin, Elkin and Gonen 2008, BMC Med Inform Decis Mak 8:53.
    """
    times, events = observations(time, event)
    check_day(times, events, days)
    known = {name: check_predictions(times, events, risk, days)[2] for name, risk in risks.items()}
    if not known or known.keys() & {ALL, NONE}:
        remedy = "give each model's risk under a name of its own"
        raise InputError("decision curves need models", value=list(risks), remedy=remedy)
    places = _checked_thresholds(thresholds)
    draws = resamples(len(times), bootstraps, generator(seed, "decision curve", f"{days:g}"))
    # The first row of weights is the patients themselves, the others are the samples.
    weights = np.vstack([np.ones(len(times)), counted(draws)])
    everybody = np.ones_like(times)
    curves = {
        name: net_benefit(times, events, risk, days=days, thresholds=places, weights=weights)
        for name, risk in {**known, ALL: everybody}.items()
    }
    curves[NONE] = np.zeros_like(curves[ALL])
    first = curves[next(iter(known))]
    died = int((events & (times <= days)).sum())
    tables = []
    for name, benefit in curves.items():
        low, high = percentiles(benefit[1:], confidence)
        gain = benefit - first
        gain_low, gain_high = percentiles(gain[1:], confidence)
        risk = known.get(name, everybody if name == ALL else np.zeros_like(times))
        columns = {"model": name, "threshold": places, "n": len(times), "events": died}
        positive = (risk >= places[:, np.newaxis]).sum(axis=1)
        curve = {"positive": positive, "net_benefit": benefit[0], "low": low, "high": high}
        gains = {"gain": gain[0], "gain_low": gain_low, "gain_high": gain_high}
        table = pd.DataFrame({**columns, **curve, **gains})
        if benefit is first:
            table[list(gains)] = np.nan
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _checked_thresholds(thresholds: Sequence[float] | None) -> Floats:
    """Thresholds as an array; raises an InputError unless they lie between 0 and 1."""
    if thresholds is None:
        return np.arange(1, 100) / 100
    remedy = "give risks from which on a patient would be treated, such as 0.2 to 0.8"
    return rising_shares(thresholds, key="thresholds", what="thresholds", remedy=remedy)


def net_benefit(
    time: Floats,
    event: Bools,
    risk: Floats,
    *,
    days: float,
    thresholds: Floats,
    weights: Floats,
) -> Floats:
    """Net benefit of (samples, patients) weights, (samples, thresholds); see `decision_curves`."""
    found = np.zeros((len(weights), len(thresholds)))
    total = weights.sum(axis=1)
    for place, threshold in enumerate(thresholds):
        positive = risk >= threshold
        if not positive.any():
            continue
        mine = weights[:, positive]
        alive = survival_at(time[positive], event[positive], days, mine)
        share = mine.sum(axis=1) / total
        odds = threshold / (1 - threshold)
        found[:, place] = share * ((1 - alive) - alive * odds)
    return found
