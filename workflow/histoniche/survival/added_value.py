"""What a new model adds to an old one: reclassification, discrimination, likelihood."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from histoniche.randomness import generator
from histoniche.survival.calibration import check_predictions
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.follow_up import (
    Bools,
    Floats,
    check_day,
    counted,
    percentiles,
    resamples,
    rising_shares,
    seen_alive,
    survival_at,
    uncensored_weights,
)
from histoniche.survival.nested import compare_nested
from histoniche.survival.refitting import data_of, refit

MEASURES = ("NRI, categories", "NRI, continuous", "IDI")
PARTS = ("event", "nonevent", "total")


def added_value(
    time: ArrayLike,
    event: ArrayLike,
    old: ArrayLike,
    new: ArrayLike,
    *,
    days: float,
    cuts: Sequence[float],
    seed: int,
    confidence: float = 0.95,
    bootstraps: int = 1000,
) -> pd.DataFrame:
    """Net reclassification and integrated discrimination improvement of censored data.

    Parameters
    ----------
    time, event
        (patients,): days, and 1 for those who died then.
    old, new
        (patients,): risk of dying by `days` as either model predicts it. Of models that
        were fitted on these very patients the numbers are too good.
    days
        Day of the predictions.
    cuts
        Risks that divide the categories, such as 0.3 and 0.6; a patient at a cut is in
        the category above it.
    seed
        Seed of the run.
    confidence
        Level of the percentile intervals.
    bootstraps
        Samples of the patients; the predictions stay.

    Returns
    -------
    measure (`MEASURES`), part (`PARTS`), value, low, high, n, events (by `days`),
    bootstraps. NRI of events: share of those who die that moves up in risk less the
    share that moves down; of nonevents: share of the survivors that moves down less the
    share that moves up; total: their sum, from -2 to 2. Any change counts for the
    continuous one. IDI: by how much the mean risk of those who die rises, and that of
    the survivors falls, from -2 to 2. All above 0: the new model is better. Who dies
    among those moved is estimated by the Kaplan-Meier curve, which stays where it is
    beyond the last follow-up; the IDI weights by the probability of being censored.

    References
    ----------
    Pencina, D'Agostino and Steyerberg 2011, Stat Med 30:11-21; Uno, Tian, Cai, Kohane and
    Wei 2013, Stat Med 32:2430-2442.
    """
    times, events, before = check_predictions(time, event, old, days)
    after = check_predictions(time, event, new, days)[2]
    edges = _checked_cuts(cuts)
    weights = counted(
        resamples(len(times), bootstraps, generator(seed, "added value", f"{days:g}"))
    )
    follow_up = (times, events, before, after)
    found = improvements(*follow_up, days=days, cuts=edges)
    drawn = improvements(*follow_up, days=days, cuts=edges, weights=weights)
    low, high = percentiles(drawn, confidence)
    columns = {"value": found, "low": low, "high": high}
    died = int((events & (times <= days)).sum())
    return _table(columns, len(times), died, np.isfinite(drawn).sum(axis=0))


def corrected_added_value(
    old: CoxModel,
    new: CoxModel,
    patients: pd.DataFrame,
    *,
    days: float,
    cuts: Sequence[float],
    seed: int,
    confidence: float = 0.95,
    bootstraps: int = 500,
) -> pd.DataFrame:
    """What a model adds in the patients that both were fitted on, less the optimism in it.

    In each bootstrap sample both models are fitted anew and compared there and in all
    patients; the mean difference is the optimism (see
    `histoniche.survival.optimism.validate_model`), and the percentile interval of the
    samples is shifted by it.

    Parameters
    ----------
    old, new
        Nested, fitted on `patients`.
    patients
        time_days, event and the covariates.
    days, cuts, seed, confidence
        See `added_value`.
    bootstraps
        Number of samples.

    Returns
    -------
    As `added_value`, `value` corrected, and apparent and optimism beside it.

    References
    ----------
    Harrell, Lee and Mark 1996, Stat Med 15:361-387; Noma, Shinozaki, Iba, Teramukai and
    Furukawa 2021, Stat Med 40:5691-5701 (interval).
    """
    compare_nested(old, new)
    edges = _checked_cuts(cuts)
    data = [data_of(model, patients) for model in (old, new)]
    time, event, designs = data[0].times, data[0].events, [one.design for one in data]
    check_day(time, event, days)
    everybody = np.arange(len(time))
    measure = partial(_refitted, time, event, designs, days=days, cuts=edges)
    apparent = measure(everybody, [everybody])[0]
    draws = resamples(len(time), bootstraps, generator(seed, "added value refit", f"{days:g}"))
    pairs = np.array([measure(sample, [sample, everybody]) for sample in draws])
    used = np.isfinite(pairs).all(axis=1)
    pairs[~np.repeat(used[:, np.newaxis], 2, axis=1)] = np.nan
    optimism = np.nanmean(pairs[:, 0] - pairs[:, 1], axis=0)
    low, high = percentiles(pairs[:, 0], confidence)
    columns = {"value": apparent - optimism, "low": low - optimism, "high": high - optimism}
    died = int((event & (time <= days)).sum())
    table = _table(columns, len(time), died, used.sum(axis=0))
    return table.assign(apparent=apparent, optimism=optimism)


def _refitted(
    time: Floats,
    event: Bools,
    designs: Sequence[Floats],
    fitted_on: NDArray[np.int64],
    compared_in: Sequence[NDArray[np.int64]],
    *,
    days: float,
    cuts: Floats,
) -> list[Floats]:
    """Improvements in some patients between two models fitted on others; NaN without a fit."""
    fits = [refit(time[fitted_on], event[fitted_on], design[fitted_on]) for design in designs]
    risks = [
        fit.death_by(design, days)
        for fit, design in zip(fits, designs, strict=True)
        if fit is not None
    ]
    if len(risks) < len(fits):
        return [np.full(len(MEASURES) * len(PARTS), np.nan) for _ in compared_in]
    return [
        improvements(time[who], event[who], *(risk[who] for risk in risks), days=days, cuts=cuts)
        for who in compared_in
    ]


def improvements(
    time: Floats,
    event: Bools,
    old: Floats,
    new: Floats,
    *,
    days: float,
    cuts: Floats,
    weights: Floats | None = None,
) -> Floats:
    """Every measure of `added_value`, (..., 9), for (..., patients) weights."""
    before, after = (np.searchsorted(cuts, risk, side="right") for risk in (old, new))
    moves = [(after > before, after < before), (new > old, new < old)]
    parts = [net_reclassification(time, event, *move, days=days, weights=weights) for move in moves]
    parts.append(discrimination_improvement(time, event, new - old, days=days, weights=weights))
    return np.concatenate(parts, axis=-1)


def _table(columns: Mapping[str, Floats], n: int, events: int, bootstraps: Floats) -> pd.DataFrame:
    """One row a measure and part."""
    head = {"measure": np.repeat(MEASURES, len(PARTS)), "part": PARTS * len(MEASURES)}
    size = {"n": n, "events": events, "bootstraps": bootstraps}
    return pd.DataFrame({**head, **columns, **size})


def _checked_cuts(cuts: Sequence[float]) -> Floats:
    """Cuts as an array; raises an InputError if they do not divide the risks."""
    remedy = "give the risks at which a decision changes, such as 0.3 and 0.6"
    return rising_shares(cuts, key="cuts", what="cuts of risk", remedy=remedy)


def net_reclassification(
    time: Floats,
    event: Bools,
    up: Bools,
    down: Bools,
    *,
    days: float,
    weights: Floats | None = None,
) -> Floats:
    """NRI of events, of nonevents and in total, (..., 3), for (..., patients) weights.

    `up` and `down` say whose predicted risk the new model raises and lowers. NaN where
    nobody, or everybody, dies by `days`.
    """
    weights = np.ones(len(time)) if weights is None else weights
    alive = survival_at(time, event, days, weights)
    net_dead, net_alive = np.zeros_like(alive), np.zeros_like(alive)
    for sign, moved in ((1, up), (-1, down)):
        share = weights @ moved / weights.sum(axis=-1)
        living = survival_at(time, event, days, weights * moved)
        net_dead = net_dead + sign * share * (1 - living)
        net_alive = net_alive - sign * share * living
    with np.errstate(invalid="ignore", divide="ignore"):
        dead = np.where(alive < 1, net_dead / (1 - alive), math.nan)
        still = np.where(alive > 0, net_alive / alive, math.nan)
    return np.stack([dead, still, dead + still], axis=-1)


def discrimination_improvement(
    time: Floats,
    event: Bools,
    change: Floats,
    *,
    days: float,
    weights: Floats | None = None,
) -> Floats:
    """IDI of events, of nonevents and in total, (..., 3), for (..., patients) weights.

    `change` is the risk of the new model less that of the old one.
    """
    weights = np.ones(len(time)) if weights is None else weights
    dead = event & (time <= days)
    cases = weights * np.where(dead, uncensored_weights(time, event, days, weights), 0.0)
    controls = weights * seen_alive(time, event, days)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = cases @ change / cases.sum(axis=-1)
        fall = -(controls @ change) / controls.sum(axis=-1)
    return np.stack([rise, fall, rise + fall], axis=-1)
