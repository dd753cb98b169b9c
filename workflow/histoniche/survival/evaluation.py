"""The job that fits models on the training cohort and applies them, unchanged, to the others."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort_performance import (
    YEAR,
    CohortPerformance,
    cohort_performance,
    year_name,
)
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.cox_model import CoxModel, write_models
from histoniche.survival.estimation import NO_TEST, ChiSquared, Penalty
from histoniche.survival.model_covariates import Models, covariates_of, read_cohorts
from histoniche.survival.model_fitting import CoxFit, fit_model
from histoniche.survival.nested import compare_nested, is_part_of
from histoniche.survival.terms import Declared
from histoniche.tables import write_table


def evaluate_models(
    patients: Path,
    cohorts: Path,
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
    area_unit: str = "",
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
        patient, time_days, event, covariates.
    cohorts
        patient, cohort (names of `histoniche.survival.cohorts`); who is absent takes no part.
    scores
        patient, score, kind, value: scores are covariates by the name of the score, and
        enter a model per standard deviation of the training.
    models
        See `histoniche.survival.model_covariates.Models`.
    declared
        What the columns of the patients mean.
    performance
        Written, one row a model and cohort: model, cohort, left_out (patients of
        the cohort with follow-up in whom something is not known), what `CohortPerformance.metrics`
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
    area_unit
        Unit of the scores of kind area, for labels.
    years
        Years at which AUC and Brier score are given; the last is the horizon.
    confidence, samples, seed
        Level of the intervals, bootstrap samples of the Brier scores, and seed.

    Raises
    ------
    InputError
        If follow-up is wrong, a model names what is not there, nobody is in the
        training, or another cohort has a level that the training lacks.
    """
    known = covariates_of(declared, scores, models, area_unit=area_unit)
    table = read_cohorts(patients, cohorts, scores, models)
    complete = table.dropna()
    start = complete[complete["cohort"] == TRAINING]
    fits = {name: _fit(start, entry, known, confidence) for name, entry in models.items()}
    ready = {name: fit.model for name, fit in fits.items() if fit.model is not None}
    cohorts_there = dict.fromkeys([TRAINING, *table["cohort"]])
    members = {name: complete[complete["cohort"] == name] for name in cohorts_there}
    found = {
        cohort: cohort_performance(
            mine,
            ready,
            years=years,
            confidence=confidence,
            samples=samples,
            seed=seed,
            names=("evaluate_models", cohort),
        )
        for cohort, mine in members.items()
    }
    measured = _performance(found, fits, table["cohort"].value_counts())
    write_table(measured, performance)
    write_table(_differences(found, fits), differences)
    write_table(_by_model({name: fit.coefficients for name, fit in fits.items()}), coefficients)
    write_table(_by_model({name: fit.tests for name, fit in fits.items()}), tests)
    write_table(_curves(found), curves)
    write_table(_predictions(members, ready, years), risks)
    write_models(ready, fitted)
    for row in measured[measured["note"] != ""].itertuples():
        logging.warning("%s in %s: %s", row.model, row.cohort, row.note)
    logging.info("%d models, %d cohorts, %d patients", len(models), len(members), len(complete))


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
        table.insert(place, "aic", aic if cohort == TRAINING else math.nan)
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
    fits: Mapping[str, CoxFit],
) -> pd.DataFrame:
    """Differences of the concordances in all cohorts, with q, and tests of nested models."""
    tables = [part.differences.assign(cohort=cohort) for cohort, part in found.items()]
    table = pd.concat(tables, ignore_index=True)
    for kind in ("harrell", "uno"):
        mine = table["kind"] == kind
        table.loc[mine, "q"] = false_discovery(np.asarray(table.loc[mine, "p"], dtype=np.float64))
    tests = {
        (first, second): _nested(fits, first, second) for first, second in combinations(fits, 2)
    }
    rows = [
        tests[str(first), str(second)] if cohort == TRAINING else NO_TEST
        for cohort, first, second in zip(
            table["cohort"], table["first"], table["second"], strict=True
        )
    ]
    table[["lr_chi2", "lr_df", "lr_p"]] = np.array(rows).reshape(-1, 3)
    return table[["cohort", *table.columns.drop("cohort")]]


def _nested(fits: Mapping[str, CoxFit], first: str, second: str) -> ChiSquared:
    """Likelihood-ratio test of the larger of two models; NaN if none holds the other."""
    one, other = fits[first].model, fits[second].model
    if one is None or other is None:
        return NO_TEST
    for old, new in ((one, other), (other, one)):
        if is_part_of(old, new):
            found = compare_nested(old, new)
            return ChiSquared(found.chi2, found.df, found.p)
    return NO_TEST


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
