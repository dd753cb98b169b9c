"""The job that weighs a score clinically: nomograms, calibration, added value, decision curves."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.added_value import (
    Nested,
    added_value,
    compare_nested,
    corrected_added_value,
)
from histoniche.survival.balance import balance_table
from histoniche.survival.calibration import calibrate
from histoniche.survival.cohorts import (
    TRAINING,
    check_fitted_on_training,
    cohorts_of_column,
    cohorts_of_split,
    follow_up_table,
    names_of,
)
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.decision_curve import decision_curves
from histoniche.survival.follow_up import Bools, Floats, check_day, size_of
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import make_nomogram, nomogram_table, write_nomogram
from histoniche.survival.observations import complete_patients, observations
from histoniche.survival.optimism import validate_model
from histoniche.survival.statements import (
    state_added_value,
    state_calibration,
    state_cohorts,
    state_decision_curves,
    state_model,
    state_nomogram,
)
from histoniche.survival.terms import Declared
from histoniche.tables import read_table, write_table

CLINICAL = "clinical"
TABLES = (
    "nomogram_ticks",
    "calibration_groups",
    "calibration_curves",
    "calibration_measures",
    "optimism",
    "added_value",
    "decision_curves",
    "balance",
    "follow_up",
    "statements",
)
"""What is written beside the two nomograms."""


class Settings(NamedTuple):
    """What the config says of the clinical evaluation."""

    days: tuple[float, ...]
    cuts: tuple[float, ...]
    groups: int
    confidence: float
    bootstraps: int
    seed: int


def evaluate_clinically(
    patients: Path,
    scores: Path,
    *,
    score: str,
    unit: str,
    covariates: Sequence[str],
    declared: Declared,
    days: Sequence[float],
    cuts: Sequence[float],
    confidence: float,
    bootstraps: int,
    seed: int,
    clinical_nomogram: Path,
    score_nomogram: Path,
    tables: Mapping[str, Path],
    groups: int = 4,
    split: Path | None = None,
    column: str | None = None,
) -> None:
    """Weigh what a score adds to clinical covariates.

    Three Cox models are fitted to the training cohort, to the patients in whom all is
    known: the covariates alone ("clinical"), the covariates with the score, the score
    alone. In the training cohort what is apparent is corrected for optimism; in the
    others the models predict as they stand.

    Parameters
    ----------
    patients
        patient, time_days, event, covariates.
    scores
        Long table: patient, score, value.
    score, unit
        The score that is weighed, and its unit. Higher must mean worse or better by the
        score's own nature; the model finds which.
    covariates, declared
        Clinical covariates, and what their columns mean.
    days
        Days of the survival axes, such as 365, 730 and 1095; the evaluation is made at
        each that follow-up reaches.
    cuts
        Risks that divide the categories of the NRI.
    confidence, bootstraps, seed
        Level of the intervals, samples of each bootstrap, seed of the run.
    clinical_nomogram, score_nomogram
        Written: nomograms as JSON.
    tables
        Written: a path for each of `TABLES`.
    groups
        Groups of predicted risk in the calibration.
    split, column
        Cohorts: a table patient and role, or a column of `patients`; without either all
        patients are the training cohort.

    Raises
    ------
    InputError
        If a table lacks what is named, or a model has no estimate.
    """
    check_tables(tables)
    sheet = _joined(read_table(patients), read_table(scores), score)
    meanings = {**declared, score: {"type": "numeric", "unit": unit}}
    known = complete_patients(sheet, [*covariates, score])
    cohorts = _cohorts(sheet, split, column)
    cohorts = _complete_cohorts(cohorts, known)
    training = known.loc[cohorts.index[cohorts == TRAINING]]
    names = {CLINICAL: [*covariates], f"{CLINICAL} + {score}": [*covariates, score]}
    models = {
        name: estimate_model(training, covariates=terms, declared=meanings)
        for name, terms in {**names, score: [score]}.items()
    }
    for name, model in models.items():
        check_fitted_on_training(model.patients, cohorts, what=f"the model {name}")
    settings = Settings(tuple(days), tuple(cuts), groups, confidence, bootstraps, seed)
    found = _evaluated(known, cohorts, models, settings)
    all_names = [*covariates, score]
    balance = balance_table(known, cohorts, declared=meanings, names=all_names, seed=seed)
    follow_up = follow_up_table(known, cohorts, confidence=confidence)
    found["balance"], found["follow_up"] = [balance], [follow_up]
    found["statements"].append(_statement("cohorts", "", state_cohorts(balance, follow_up)))
    paths = (clinical_nomogram, score_nomogram)
    size = size_of(*observations(training["time_days"], training["event"]))
    nomograms = [make_nomogram(models[name], training, name=name, days=days) for name in names]
    for nomogram in nomograms:
        text = state_model(models[nomogram.name], size, name=nomogram.name)
        found["statements"].append(_statement("model", nomogram.name, text))
        text = state_nomogram(nomogram)
        found["statements"].append(_statement("nomogram", nomogram.name, text))
        found["nomogram_ticks"].append(nomogram_table(nomogram).assign(model=nomogram.name))
    for nomogram, path in zip(nomograms, paths, strict=True):
        write_nomogram(nomogram, path)
    for name in TABLES:
        write_table(pd.concat(found[name], ignore_index=True), tables[name])
    logging.info("%d patients, %s", len(known), ", ".join(names_of(cohorts)))


def check_tables(tables: Mapping[str, Path]) -> None:
    """Raise a ValueError unless there is a path for each of `TABLES`."""
    if set(tables) != set(TABLES):
        raise ValueError(f"tables must be {', '.join(TABLES)}")


def _joined(sheet: pd.DataFrame, scores: pd.DataFrame, score: str) -> pd.DataFrame:
    """The sheet with one score as a column, by patient."""
    mine = scores[scores["score"] == score]
    if mine.empty:
        known = ", ".join(map(str, scores["score"].unique()))
        raise InputError("no such score", value=score, remedy=f"choose among {known}")
    if score in sheet:
        remedy = "rename one of them"
        raise InputError("a covariate has the name of the score", value=score, remedy=remedy)
    return sheet.set_index("patient").join(mine.set_index("patient")["value"].rename(score))


def _cohorts(sheet: pd.DataFrame, split: Path | None, column: str | None) -> "pd.Series[str]":
    """Cohort of each patient of the sheet."""
    if split is not None:
        return cohorts_of_split(read_table(split))
    if column is not None:
        return cohorts_of_column(sheet, column)
    return pd.Series(TRAINING, index=sheet.index, name="cohort")


def _complete_cohorts(cohorts: "pd.Series[str]", known: pd.DataFrame) -> "pd.Series[str]":
    """Cohorts of the patients in whom all is known; an InputError if none of them trains."""
    cohorts = cohorts[cohorts.index.isin(known.index)]
    if not (cohorts == TRAINING).any():
        raise InputError(
            "no patient of the cohort training has follow-up, all covariates and the score",
            remedy="fill in the sheet, or use fewer covariates",
        )
    return cohorts


class _Place(NamedTuple):
    """One cohort at one day, and all that is evaluated there."""

    cohort: str
    day: float
    patients: pd.DataFrame
    time: Floats
    event: Bools
    models: Mapping[str, CoxModel]
    settings: Settings

    @property
    def trained_here(self) -> bool:
        """Whether the models were fitted on these patients."""
        return self.cohort == TRAINING


def _evaluated(
    known: pd.DataFrame,
    cohorts: "pd.Series[str]",
    models: Mapping[str, CoxModel],
    settings: Settings,
) -> dict[str, list[pd.DataFrame]]:
    """Tables of every cohort and day, by their name in `TABLES`."""
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for cohort in names_of(cohorts):
        mine = known.loc[cohorts.index[cohorts == cohort]]
        time, event = observations(mine["time_days"], mine["event"])
        for day in settings.days:
            try:
                check_day(time, event, day)
            except InputError as error:
                logging.warning("cohort %s has no evaluation: %s", cohort, error)
                continue
            place = _Place(cohort, day, mine, time, event, models, settings)
            for step in (_calibrations, _added, _decisions):
                for name, table in step(place):
                    table.insert(0, "cohort", cohort)
                    table.insert(1, "days", day)
                    found[name].append(table)
    if not found["optimism"]:
        remedy = "choose days that its follow-up reaches"
        raise InputError(
            "the training cohort can be evaluated at no day", column="days", remedy=remedy
        )
    return found


def _calibrations(place: _Place) -> Iterator[tuple[str, pd.DataFrame]]:
    """Calibration of every model, corrected where it was fitted."""
    setting = place.settings
    shape: dict[str, Any] = {"days": place.day, "groups": setting.groups, "seed": setting.seed}
    shape["bootstraps"] = setting.bootstraps
    for name, model in place.models.items():
        risk = model.death_by(place.patients, place.day)
        level = setting.confidence
        found = calibrate(place.time, place.event, risk, **shape, confidence=level)
        groups, curve, indices = found.groups, found.curve, None
        if place.trained_here:
            validation = validate_model(model, place.patients, **shape)
            indices = validation.indices
            groups = groups.assign(corrected=validation.groups["corrected"])
            curve = curve.assign(corrected=validation.curve["corrected"])
            yield "optimism", indices.assign(model=name)
        yield "calibration_groups", groups.assign(model=name)
        yield "calibration_curves", curve.assign(model=name)
        yield "calibration_measures", found.measures.assign(model=name)
        words: dict[str, Any] = {"days": place.day, "confidence": level, "corrected": indices}
        text = state_calibration(found.measures, found.groups, **words)
        yield "statements", _statement("calibration", name, text)


def _added(place: _Place) -> Iterator[tuple[str, pd.DataFrame]]:
    """What the score adds to the clinical model."""
    (_, old), (name, new), *_ = place.models.items()
    setting = place.settings
    shape: dict[str, Any] = {"days": place.day, "cuts": setting.cuts, "seed": setting.seed}
    shape |= {"confidence": setting.confidence, "bootstraps": setting.bootstraps}
    nested: Nested | None = None
    if place.trained_here:
        nested = compare_nested(old, new)
        table = corrected_added_value(old, new, place.patients, **shape)
        test = {"lr_chi2": nested.chi2, "lr_df": nested.df, "lr_p": nested.p, "aic": nested.aic}
        table = table.assign(model=name, **test)
    else:
        before, after = (model.death_by(place.patients, place.day) for model in (old, new))
        table = added_value(place.time, place.event, before, after, **shape).assign(model=name)
    yield "added_value", table
    words: dict[str, Any] = {"days": place.day, "cuts": setting.cuts, "nested": nested}
    text = state_added_value(table, **words, confidence=setting.confidence)
    yield "statements", _statement("added value", name, text)


def _decisions(place: _Place) -> Iterator[tuple[str, pd.DataFrame]]:
    """Decision curves of every model."""
    setting = place.settings
    risks = {
        name: model.death_by(place.patients, place.day) for name, model in place.models.items()
    }
    table = decision_curves(
        place.time,
        place.event,
        risks,
        days=place.day,
        seed=setting.seed,
        confidence=setting.confidence,
        bootstraps=setting.bootstraps,
    )
    yield "decision_curves", table
    text = state_decision_curves(table, days=place.day, confidence=setting.confidence)
    yield "statements", _statement("decision curves", "", text)


def _statement(analysis: str, model: str, text: str) -> pd.DataFrame:
    """One row of the statements."""
    return pd.DataFrame([{"analysis": analysis, "model": model, "text": text}])
