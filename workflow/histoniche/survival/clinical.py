"""The job that weighs a score clinically: nomograms, calibration, added value, decision curves."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError
from histoniche.survival.clinical_findings import Findings, check_tables
from histoniche.survival.clinical_steps import Settings, check_deaths, evaluate_cohort
from histoniche.survival.cohorts import TRAINING, check_fitted_on_training, names_of
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.follow_up import check_day, size_of
from histoniche.survival.model_fitting import estimate_model
from histoniche.survival.nomogram import (
    Nomogram,
    make_nomogram,
    nomogram_table,
    write_no_nomogram,
    write_nomogram,
)
from histoniche.survival.observations import complete_patients, observations
from histoniche.survival.statements import state_model, state_nomogram
from histoniche.survival.terms import Declared
from histoniche.tables import read_table

CLINICAL = "clinical"
"""Name of the model of the covariates alone."""


def evaluate_clinically(
    patients: Path,
    scores: Path,
    cohorts: Path,
    *,
    score: str,
    units: Mapping[str, str],
    covariates: Sequence[str],
    declared: Declared,
    days: Sequence[float],
    cuts: Sequence[float],
    groups: int,
    confidence: float,
    bootstraps: int,
    seed: int,
    clinical_nomogram: Path,
    score_nomogram: Path,
    tables: Mapping[str, Path],
) -> None:
    """Weigh what a score adds to clinical covariates.

    Three Cox models are fitted to the training cohort, to the patients in whom all is
    known: the covariates alone ("clinical"), the covariates with the score, the score
    alone. In the training cohort what is apparent is corrected for optimism; in the
    others the models predict as they stand. What patients are too few for stands in the
    table of notes, with the reason, and stops nothing else.

    Parameters
    ----------
    patients
        patient, time_days, event, covariates.
    scores
        Long table: patient, score, kind, value.
    cohorts
        patient, cohort; who is not there is in none.
    score
        The score that is weighed. Higher must mean worse or better by the score's own
        nature; the model finds which.
    units
        Unit of the scores of a kind, such as that of areas; others have none.
    covariates, declared
        Clinical covariates, and what their columns mean.
    days
        Days of the survival axes, such as 365, 730 and 1096; the evaluation is made at
        each that a cohort's follow-up reaches.
    cuts
        Risks that divide the categories of the NRI.
    groups
        Groups of predicted risk in the calibration.
    confidence, bootstraps, seed
        Level of the intervals, samples of each bootstrap, seed of the run.
    clinical_nomogram, score_nomogram
        Written: nomograms as JSON.
    tables
        Written: a path for each of `histoniche.survival.clinical_findings.TABLES`.

    Raises
    ------
    InputError
        If a table lacks what is named.
    """
    check_tables(tables)
    sheet, unit = _with_score(read_table(patients), read_table(scores), score, units)
    meanings = {**declared, score: {"type": "numeric", "unit": unit}}
    known = complete_patients(sheet, [*covariates, score])
    names = {CLINICAL: [*covariates], f"{CLINICAL} + {score}": [*covariates, score]}
    placed = _placed(read_table(cohorts), known)
    settings = Settings(tuple(days), tuple(cuts), groups, confidence, bootstraps, seed)
    found = Findings()
    nomograms: Mapping[str, Nomogram] = {}
    reason = ""
    try:
        training = known.loc[placed.index[placed == TRAINING]]
        models = _fitted(training, meanings, {**names, score: [score]}, placed)
        reached = _reached(training, settings.days, found)
        nomograms = {n: make_nomogram(models[n], training, name=n, days=reached) for n in names}
    except InputError as error:
        reason = str(error)
        found.note("models", reason, cohort=TRAINING)
    else:
        _describe(models, nomograms, training, found)
        for cohort in names_of(placed):
            mine = known.loc[placed.index[placed == cohort]]
            evaluate_cohort(cohort, mine, models, settings, found)
    for name, path in zip(names, (clinical_nomogram, score_nomogram), strict=True):
        if nomograms:
            write_nomogram(nomograms[name], path)
        else:
            write_no_nomogram(name, reason, path)
    found.write(tables)
    logging.info("%s: %d patients in whom all is known", score, len(known))


def _with_score(
    sheet: pd.DataFrame, scores: pd.DataFrame, score: str, units: Mapping[str, str]
) -> tuple[pd.DataFrame, str]:
    """The sheet with one score as a column, by patient, and the score's unit."""
    mine = scores[scores["score"] == score]
    if mine.empty:
        remedy = nearest(score, map(str, scores["score"].unique()))
        raise InputError("no such score", column="clinical_use.scores", value=score, remedy=remedy)
    if score in sheet:
        remedy = "rename one of them"
        raise InputError("a covariate has the name of the score", value=score, remedy=remedy)
    joined = sheet.set_index("patient").join(mine.set_index("patient")["value"].rename(score))
    return joined, units.get(str(mine["kind"].iloc[0]), "")


def _placed(cohorts: pd.DataFrame, known: pd.DataFrame) -> "pd.Series[str]":
    """Cohort of each patient in whom all is known, the training cohort first."""
    placed = cohorts.set_index("patient")["cohort"]
    placed = placed[placed.index.isin(known.index)]
    return placed.sort_values(key=lambda names: names != TRAINING, kind="stable")


def _fitted(
    training: pd.DataFrame,
    meanings: Declared,
    names: Mapping[str, Sequence[str]],
    cohorts: "pd.Series[str]",
) -> dict[str, CoxModel]:
    """The models by name, fitted on the training cohort alone."""
    if training.empty:
        raise InputError(
            "no patient of the cohort training has follow-up, all covariates and the score",
            remedy="fill in the sheet, or use fewer covariates",
        )
    check_deaths(observations(training["time_days"], training["event"])[1])
    models = {
        name: estimate_model(training, covariates=terms, declared=meanings)
        for name, terms in names.items()
    }
    for name, model in models.items():
        seen = model.fitted_on(training).index
        check_fitted_on_training(seen, cohorts, what=f"the model {name}")
    return models


def _reached(training: pd.DataFrame, days: Sequence[float], found: Findings) -> list[float]:
    """The days at which survival can be read from the training cohort; at least one."""
    time, event = observations(training["time_days"], training["event"])
    reached = []
    for day in days:
        try:
            check_day(time, event, day)
            reached.append(day)
        except InputError as error:
            found.note("nomogram", error, cohort=TRAINING, days=day)
    if not reached:
        remedy = "choose years that its follow-up reaches"
        raise InputError("the cohort training can be read at none of the years", remedy=remedy)
    return reached


def _describe(
    models: Mapping[str, CoxModel],
    nomograms: Mapping[str, Nomogram],
    training: pd.DataFrame,
    found: Findings,
) -> None:
    """The models and nomograms as ticks and in words."""
    size = size_of(*observations(training["time_days"], training["event"]))
    for name, model in models.items():
        text = state_model(model, size, name=name)
        found.say("model", text, cohort=TRAINING, model=name)
    for name, nomogram in nomograms.items():
        found.add("nomogram_ticks", nomogram_table(nomogram), cohort=TRAINING, model=name)
        found.say("nomogram", state_nomogram(nomogram), cohort=TRAINING, model=name)
