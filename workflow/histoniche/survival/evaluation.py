"""The job that fits models on the training cohort and applies them, unchanged, to the others."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort_performance import (
    YEAR,
    CohortPerformance,
    cohort_performance,
    year_name,
)
from histoniche.survival.cox_model import CoxModel, write_models
from histoniche.survival.estimation import NO_TEST, ChiSquared, Penalty, chi_squared
from histoniche.survival.model_fitting import CoxFit, fit_model
from histoniche.survival.observations import check_columns, check_observations
from histoniche.survival.terms import Declared
from histoniche.tables import read_table, write_table

Models = Mapping[str, Mapping[str, Any]]
"""Models by name: `covariates` (of the patients, or scores), and maybe `strata`, `penalty`
(strength) and `l1_ratio`."""

SCORE = {"type": "numeric", "per": "sd"}
"""How a score enters a model if it is not declared: per standard deviation of the training."""


def evaluate_models(
    patients: Path,
    *,
    scores: Path | None = None,
    models: Models,
    declared: Declared,
    performance: Path,
    differences: Path,
    coefficients: Path,
    tests: Path,
    curves: Path,
    risks: Path,
    fitted: Path,
    training: str = "training",
    years: Sequence[float] = (1, 2, 3),
    confidence: float = 0.95,
    samples: int = 500,
    seed: int = 0,
) -> None:
    """Fit models on the training cohort and measure them, unchanged, on every cohort.

    Every model sees the same patients of a cohort, those in whom the covariates
    and scores of all models are known: else neither AIC nor concordance could
    be compared. Nothing is fitted, chosen or scaled outside the training.

    Parameters
    ----------
    patients
        patient, time_days, event, cohort (all are training without it), covariates.
    scores
        patient, score, value: scores are covariates by the name of the score.
    models
        See `Models`.
    declared
        What the columns mean; scores need no entry.
    performance
        Written, one row a model and cohort: model, cohort, left_out (patients of
        the cohort in whom something is not known), what `CohortPerformance.metrics`
        has, and aic (NaN but in the training).
    differences
        Written, one row a cohort, pair of models and kind of concordance: what
        `CohortPerformance.differences` has, q over the pairs, and in the training,
        where one model has all that the other has, lr_chi2, lr_df, lr_p: the
        likelihood-ratio test of what it has more.
    coefficients, tests
        Written: what `CoxFit` has, by model.
    curves
        Written: what `CohortPerformance.curves` has, with cohort, n and events.
    risks
        Written: patient, cohort, model, linear_predictor, and alive_1y and so
        on, the predicted survival at the years.
    fitted
        Written: the models as JSON, for `histoniche.survival.cox_model.read_models`.
    training
        The cohort on which the models are fitted.
    years
        Years at which AUC and Brier score are given; the last is the horizon.
    confidence, samples, seed
        Level of the intervals, bootstrap samples of the Brier scores, and seed.

    Raises
    ------
    InputError
        If follow-up is wrong, a model names what is not there, the training
        cohort does not exist, or another cohort has a level that the training lacks.
    """
    known = {**dict.fromkeys(score_names(scores), SCORE), **declared}
    table = read_cohorts(patients, scores, models, training)
    complete = table.dropna()
    start = complete[complete["cohort"] == training]
    fits = {name: _fit(start, entry, known, confidence) for name, entry in models.items()}
    ready = {name: fit.model for name, fit in fits.items() if fit.model is not None}
    cohorts = [training, *(name for name in table["cohort"].unique() if name != training)]
    members = {cohort: complete[complete["cohort"] == cohort] for cohort in cohorts}
    found = {
        cohort: cohort_performance(
            members[cohort],
            ready,
            years=years,
            confidence=confidence,
            samples=samples,
            seed=seed,
            names=("evaluate_models", cohort),
        )
        for cohort in cohorts
    }
    measured = _performance(found, fits, table["cohort"].value_counts(), training)
    write_table(measured, performance)
    write_table(_differences(found, models, fits, training), differences)
    write_table(_by_model({name: fit.coefficients for name, fit in fits.items()}), coefficients)
    write_table(_by_model({name: fit.tests for name, fit in fits.items()}), tests)
    write_table(_curves(found), curves)
    write_table(_predictions(members, ready, years), risks)
    write_models(ready, fitted)
    for row in measured[measured["note"] != ""].itertuples():
        logging.warning("%s in %s: %s", row.model, row.cohort, row.note)
    logging.info("%d models, %d cohorts, %d patients", len(models), len(cohorts), len(complete))


def read_cohorts(
    patients: Path, scores: Path | None, models: Models, training: str
) -> pd.DataFrame:
    """Patients with known follow-up: time_days, event, cohort, and all that the models use.

    Raises
    ------
    InputError
        If follow-up is wrong, a model uses what is not there, or nobody is in the training.
    """
    table = read_table(patients).set_index("patient")
    check_observations(table, file=patients)
    table = table.dropna(subset=["time_days", "event"])
    if scores is not None:
        long = read_table(scores)
        for name in long["score"].unique():
            if name in table:
                remedy = "give the score another name"
                raise InputError(
                    "a covariate has this name", file=scores, value=name, remedy=remedy
                )
        wide = long.pivot(index="patient", columns="score", values="value")
        table = table.join(wide, how="left")
    if "cohort" not in table:
        table["cohort"] = training
    if table["cohort"].isna().any():
        raise InputError(
            f"patient {table.index[table['cohort'].isna()][0]} is in no cohort",
            file=patients,
            column="cohort",
            remedy=f"write {training} or the name of another cohort",
        )
    if training not in set(table["cohort"]):
        known = ", ".join(sorted(table["cohort"].unique()))
        remedy = f"choose among {known}"
        raise InputError(
            "nobody is in the training",
            file=patients,
            column="cohort",
            value=training,
            remedy=remedy,
        )
    used = [
        name
        for entry in models.values()
        for name in (*entry["covariates"], *entry.get("strata", ()))
    ]
    check_columns(table, used)
    return table[["time_days", "event", "cohort", *dict.fromkeys(used)]]


def score_names(scores: Path | None) -> list[str]:
    """Names of the scores in a long table."""
    return [] if scores is None else [str(name) for name in read_table(scores)["score"].unique()]


def _fit(
    patients: pd.DataFrame, entry: Mapping[str, Any], declared: Declared, confidence: float
) -> CoxFit:
    """Fit one model of the config."""
    return fit_model(
        patients,
        covariates=entry["covariates"],
        declared=declared,
        strata=entry.get("strata", ()),
        penalty=penalty_of(entry),
        confidence=confidence,
    )


def penalty_of(entry: Mapping[str, Any]) -> Penalty | None:
    """Penalty of a model's entry, None without one."""
    strength = float(entry.get("penalty", 0))
    return Penalty(strength, float(entry.get("l1_ratio", 0))) if strength > 0 else None


def _performance(
    found: Mapping[str, CohortPerformance],
    fits: Mapping[str, CoxFit],
    sizes: "pd.Series[int]",
    training: str,
) -> pd.DataFrame:
    """One row a model and cohort, in the order of the models."""
    tables = []
    for cohort, measured in found.items():
        table = measured.metrics.set_index("model").reindex(list(fits)).reset_index()
        table.insert(1, "cohort", cohort)
        table.insert(2, "left_out", sizes[cohort] - measured.n)
        table["n"], table["events"] = measured.n, measured.events
        aic = [float(fits[name].tests["aic"].iloc[0]) for name in table["model"]]
        place = list(table.columns).index("note")
        table.insert(place, "aic", aic if cohort == training else math.nan)
        # What is wrong with the model goes before what is wrong with the cohort.
        notes = [str(fits[name].tests["note"].iloc[0]) for name in table["model"]]
        both = zip(notes, table["note"].fillna(""), strict=True)
        table["note"] = ["; ".join(part for part in pair if part) for pair in both]
        tables.append(table)
    full = pd.concat(tables, ignore_index=True)
    rank = {name: place for place, name in enumerate(fits)}
    return full.sort_values("model", key=lambda names: names.map(rank), kind="stable")


def _differences(
    found: Mapping[str, CohortPerformance],
    models: Models,
    fits: Mapping[str, CoxFit],
    training: str,
) -> pd.DataFrame:
    """Differences of the concordances in all cohorts, with q, and tests of nested models."""
    tables = [part.differences.assign(cohort=cohort) for cohort, part in found.items()]
    table = pd.concat(tables, ignore_index=True)
    for kind in ("harrell", "uno"):
        mine = table["kind"] == kind
        table.loc[mine, "q"] = false_discovery(np.asarray(table.loc[mine, "p"], dtype=np.float64))
    tests = {
        (first, second): _nested(models, fits, first, second)
        for first, second in combinations(models, 2)
    }
    rows = [
        tests[str(first), str(second)] if cohort == training else NO_TEST
        for cohort, first, second in zip(
            table["cohort"], table["first"], table["second"], strict=True
        )
    ]
    table[["lr_chi2", "lr_df", "lr_p"]] = np.array(rows).reshape(-1, 3)
    return table[["cohort", *table.columns.drop("cohort")]]


def _nested(models: Models, fits: Mapping[str, CoxFit], first: str, second: str) -> ChiSquared:
    """Likelihood-ratio test of the larger of two models; NaN if none holds the other."""
    if penalty_of(models[first]) or penalty_of(models[second]):
        return NO_TEST
    parts = [
        (set(models[name]["covariates"]), tuple(models[name].get("strata", ())))
        for name in (first, second)
    ]
    (one, strata), (other, their_strata) = parts
    if strata != their_strata or one == other or not (one < other or other < one):
        return NO_TEST
    larger, smaller = (second, first) if one < other else (first, second)
    row, less = (fits[name].tests.iloc[0] for name in (larger, smaller))
    gain = 2 * (float(row["log_likelihood"]) - float(less["log_likelihood"]))
    return chi_squared(gain, float(row["parameters"]) - float(less["parameters"]))


def _by_model(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of all models below each other."""
    return pd.concat(tables, names=["model"]).reset_index(level=0).reset_index(drop=True)


def _curves(found: Mapping[str, CohortPerformance]) -> pd.DataFrame:
    """Curves of all cohorts below each other."""
    tables = [
        part.curves.assign(cohort=cohort, n=part.n, events=part.events)
        for cohort, part in found.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _predictions(
    members: Mapping[str, pd.DataFrame], models: Mapping[str, CoxModel], years: Sequence[float]
) -> pd.DataFrame:
    """What every model says of every patient."""
    names = [f"alive_{year_name(year)}" for year in years]
    tables = [pd.DataFrame(columns=["patient", "cohort", "model", "linear_predictor", *names])]
    for cohort, patients in members.items():
        for name, model in models.items():
            alive = model.survival(patients, [YEAR * year for year in years])
            table = alive.set_axis(names, axis=1)
            table.insert(0, "linear_predictor", model.linear_predictor(patients))
            tables.append(table.reset_index().assign(cohort=cohort, model=name))
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)[
        list(tables[0].columns)
    ]
