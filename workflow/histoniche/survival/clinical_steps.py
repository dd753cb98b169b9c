"""The steps of a clinical evaluation: one cohort, day by day and model by model."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.added_value import (
    added_value,
    corrected_added_value,
)
from histoniche.survival.calibration import calibrate
from histoniche.survival.clinical_findings import Findings
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.concordance import concordance
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.decision_curve import decision_curves
from histoniche.survival.follow_up import Bools, Floats, check_day
from histoniche.survival.nested import Nested, compare_nested
from histoniche.survival.observations import observations
from histoniche.survival.optimism import validate_model
from histoniche.survival.statements import (
    state_added_value,
    state_calibration,
    state_decision_curves,
)


class Settings(NamedTuple):
    """What the config says of the clinical evaluation."""

    days: tuple[float, ...]
    cuts: tuple[float, ...]
    groups: int
    confidence: float
    bootstraps: int
    seed: int


class _Place(NamedTuple):
    """One cohort, at one day where that matters, and all that is evaluated there."""

    cohort: str
    patients: pd.DataFrame
    time: Floats
    event: Bools
    models: Mapping[str, CoxModel]
    settings: Settings
    day: float = math.nan

    @property
    def trained_here(self) -> bool:
        """Whether the models were fitted on these patients."""
        return self.cohort == TRAINING

    @property
    def where(self) -> dict[str, Any]:
        """What the findings are filed under."""
        return {"cohort": self.cohort, "days": self.day}


def evaluate_cohort(
    cohort: str,
    patients: pd.DataFrame,
    models: Mapping[str, CoxModel],
    settings: Settings,
    found: Findings,
) -> None:
    """Evaluate the models in one cohort, and note what it is too small or too short for.

    Parameters
    ----------
    cohort, patients
        Name of the cohort, and its patients: time_days, event and all that the models need.
    models
        By name, fitted on the cohort training: without the score, with it, the score alone.
    settings
        See `Settings`.
    found
        What the findings are added to.
    """
    try:
        time, event = observations(patients["time_days"], patients["event"])
        check_deaths(event)
    except InputError as error:
        found.note("evaluation", error, cohort=cohort)
        return
    whole = _Place(cohort, patients, time, event, models, settings)
    _rank(whole, found)
    for day in settings.days:
        place = whole._replace(day=day)
        try:
            check_day(time, event, day)
            check_deaths(event & (time <= day))
        except InputError as error:
            found.note("evaluation", error, **place.where)
            continue
        for name, model in models.items():
            _calibrate(place, name, model, found)
        for analysis, step in (("added value", _compare), ("decision curves", _decide)):
            try:
                step(place, found)
            except InputError as error:
                found.note(analysis, error, **place.where)


def check_deaths(died: Bools) -> None:
    """Raise an InputError where so few died that no number is reported."""
    deaths = int(died.sum())
    if deaths < FEWEST:
        raise InputError(
            f"{deaths} of {len(died)} patients died, {FEWEST} are needed",
            remedy="follow them longer, or bring more patients",
        )


def _rank(place: _Place, found: Findings) -> None:
    """C-index of every model; where it was fitted also its AIC and likelihood-ratio test."""
    size = {"n": len(place.time), "events": int(place.event.sum())}
    first = next(iter(place.models.values()))
    for name, model in place.models.items():
        row: dict[str, Any] = {**size, "parameters": len(model.coefficients)}
        try:
            index = concordance(
                place.time, place.event, np.asarray(model.linear_predictor(place.patients))
            )
        except InputError as error:
            found.note("C-index", error, **place.where, model=name)
            continue
        low, high = index.interval(place.settings.confidence)
        row |= {"c_index": index.value, "low": low, "high": high}
        row["aic"] = model.aic if place.trained_here else math.nan
        larger = len(model.covariates) > len(first.covariates)
        nested = compare_nested(first, model) if place.trained_here and larger else None
        test = (nested.chi2, nested.df, nested.p, nested.aic) if nested else (math.nan,) * 4
        row |= dict(zip(("lr_chi2", "lr_df", "lr_p", "aic_change"), test, strict=True))
        found.add("models", pd.DataFrame([row]), **place.where, model=name)


def _calibrate(place: _Place, name: str, model: CoxModel, found: Findings) -> None:
    """Calibration of one model, corrected where it was fitted."""
    setting = place.settings
    where = {**place.where, "model": name}
    shape: dict[str, Any] = {"days": place.day, "groups": setting.groups, "seed": setting.seed}
    shape["bootstraps"] = setting.bootstraps
    level = setting.confidence
    try:
        risk = np.asarray(model.death_by(place.patients, place.day))
        calibration = calibrate(place.time, place.event, risk, **shape, confidence=level)
    except InputError as error:
        found.note("calibration", error, **where)
        return
    groups, curve, indices = calibration.groups, calibration.curve, None
    if place.trained_here:
        try:
            validation = validate_model(model, place.patients, **shape)
        except InputError as error:
            found.note("correction for optimism", error, **where)
        else:
            indices = validation.indices
            groups = groups.assign(corrected=validation.groups["corrected"])
            curve = curve.assign(corrected=validation.curve["corrected"])
            found.add("optimism", indices, **where)
    _note_groups(groups, setting.groups, where, found)
    found.add("calibration_groups", groups, **where)
    found.add("calibration_curves", curve, **where)
    found.add("calibration_measures", calibration.measures, **where)
    words: dict[str, Any] = {"days": place.day, "confidence": level, "corrected": indices}
    text = state_calibration(calibration.measures, calibration.groups, **words)
    found.say("calibration", text, **where)


def _note_groups(
    groups: pd.DataFrame, wanted: int, where: Mapping[str, Any], found: Findings
) -> None:
    """Note groups of predicted risk that there are not, or of which nothing is observed."""
    if len(groups) < wanted:
        text = f"{len(groups)} groups of predicted risk in place of {wanted}: risks are tied"
        found.note("calibration", text, **where)
    unknown = int(groups["observed"].isna().sum())
    if unknown:
        text = (
            f"{unknown} of {len(groups)} groups of predicted risk have no observed risk: fewer "
            "than two patients, or follow-up that ends before the day"
        )
        found.note("calibration", text, **where)


def _compare(place: _Place, found: Findings) -> None:
    """What the score adds to the clinical model."""
    (_, old), (name, new), *_ = place.models.items()
    setting = place.settings
    shape: dict[str, Any] = {"days": place.day, "cuts": setting.cuts, "seed": setting.seed}
    shape |= {"confidence": setting.confidence, "bootstraps": setting.bootstraps}
    nested: Nested | None = None
    if place.trained_here:
        nested = compare_nested(old, new)
        table = corrected_added_value(old, new, place.patients, **shape)
    else:
        before, after = (
            np.asarray(model.death_by(place.patients, place.day)) for model in (old, new)
        )
        table = added_value(place.time, place.event, before, after, **shape)
    found.add("added_value", table, **place.where, model=name)
    words: dict[str, Any] = {"days": place.day, "cuts": setting.cuts, "nested": nested}
    text = state_added_value(table, **words, confidence=setting.confidence)
    found.say("added value", text, **place.where, model=name)


def _decide(place: _Place, found: Findings) -> None:
    """Decision curves of every model."""
    setting = place.settings
    risks = {
        name: model.death_by(place.patients, place.day) for name, model in place.models.items()
    }
    shape: dict[str, Any] = {"confidence": setting.confidence, "bootstraps": setting.bootstraps}
    table = decision_curves(
        place.time, place.event, risks, days=place.day, seed=setting.seed, **shape
    )
    found.add("decision_curves", table, **place.where)
    text = state_decision_curves(table, days=place.day, confidence=setting.confidence)
    found.say("decision curves", text, **place.where)
