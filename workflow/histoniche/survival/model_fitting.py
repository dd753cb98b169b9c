"""Fitting one Cox model: the model itself, its coefficients, and its tests."""

import logging
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.survival.cohort import FEWEST
from histoniche.survival.concordance import concordance
from histoniche.survival.cox_model import CoxModel, stratum_names
from histoniche.survival.estimation import (
    Estimate,
    Penalty,
    estimate,
    few_events_note,
    likelihood_ratio_tests,
    wald_intervals,
)
from histoniche.survival.outcome import check_columns, check_outcome
from histoniche.survival.partial_likelihood import Floats, Ints, RiskSets, baselines
from histoniche.survival.proportionality import GLOBAL, Transform, proportional_hazards_tests
from histoniche.survival.terms import Covariate, Declared, learn_covariate

_ESTIMATES = ("log_hazard", "error", "hazard_ratio", "low", "high", "p")
_WHOLE = ("term_chi2", "term_df", "term_p", "ph_chi2", "ph_df", "ph_p")


class CoxFit(NamedTuple):
    """A fitted model and what is known of it."""

    model: CoxModel | None
    """None where there is no estimate; the note says why."""
    coefficients: pd.DataFrame
    """One row a level (the reference too), numeric covariate or bend of a spline: covariate,
    term, level, reference (whether it is the reference), unit, n, events (of the level),
    log_hazard, error, hazard_ratio, low, high, p, and of the covariate as a whole term_chi2,
    term_df, term_p (likelihood ratio), ph_chi2, ph_df, ph_p; note."""
    tests: pd.DataFrame
    """One row: n, events, parameters, strata, penalty, l1_ratio, ties, log_likelihood, aic,
    likelihood_ratio_chi2, _df, _p, the same of wald and score, concordance (within the
    strata), low, high, ph_chi2, ph_df, ph_p (all terms at once), note."""


def fit_model(
    patients: pd.DataFrame,
    *,
    covariates: Sequence[str],
    declared: Declared,
    strata: Sequence[str] = (),
    penalty: Penalty | None = None,
    baseline: Literal["efron", "breslow"] = "efron",
    transform: Transform = "km",
    confidence: float = 0.95,
) -> CoxFit:
    """Fit one Cox model.

    Parameters
    ----------
    patients
        time_days, event, covariates and strata by patient. Those in whom all
        are known enter the model.
    covariates
        What enters it.
    declared
        What the covariates' columns mean; see `histoniche.survival.terms.learn_covariate`.
    strata
        Categorical covariates whose levels each have a baseline hazard of their own.
    penalty
        An elastic net; then there are no p, intervals or tests, since the
        coefficients are drawn to 0 by intent.
    baseline
        How tied deaths count in the baseline hazard. A penalty with a lasso's
        part takes Breslow's.
    transform
        Time of the tests of proportional hazards.
    confidence
        Level of the intervals.

    Returns
    -------
    The model, its coefficients and its tests. A note says what is wrong:
    separation, collinear terms, a term that does not vary, too few events, or
    more parameters than a tenth of the events (then there is an estimate, to be
    read with care).

    Raises
    ------
    InputError
        If a time is not positive, an event not 0 or 1, or a covariate is missing.
    """
    check_outcome(patients)
    check_columns(patients, [*covariates, *strata])
    complete = patients.dropna(subset=["time_days", "event", *covariates, *strata])
    learnt = tuple(learn_covariate(complete, name, declared[name]) for name in covariates)
    note, found, data = _impossible(complete, learnt), None, None
    if not note:
        data = model_data(complete, learnt, strata)
        found = estimate(data.times, data.events, data.design, strata=data.strata, penalty=penalty)
        note = found.note or few_events_note(data.design.shape[1], int(data.events.sum()))
    if note:
        logging.warning("Cox model of %s: %s", ", ".join(covariates), note)
    head = {"n": len(complete), "events": int(complete["event"].sum())}
    settings = _settings(strata, penalty)
    if found is None or data is None or found.note:
        width = sum(len(covariate.columns()) for covariate in learnt)
        table = _coefficients(complete, learnt, [[math.nan] * 6] * width, _no_tests(learnt))
        tests = {**head, "parameters": float(width), **settings, **_no_fit(), "note": note}
        return CoxFit(None, table.assign(note=note), pd.DataFrame([tests]))
    model = _freeze(data, learnt, found, strata=strata, penalty=penalty, baseline=baseline)
    ph = _proportionality(data, learnt, found, transform)
    table = _coefficients(
        complete, learnt, _estimates(found, confidence), _whole_tests(data, learnt, found, ph)
    )
    tests = {**head, "parameters": found.parameters, **settings, **_tests(data, found, confidence)}
    tests |= dict(zip(_WHOLE[3:], ph[GLOBAL], strict=True))
    return CoxFit(model, table.assign(note=note), pd.DataFrame([{**tests, "note": note}]))


class ModelData(NamedTuple):
    """What a model is fitted to, as arrays over the patients in whom all is known."""

    times: Floats
    events: NDArray[np.bool_]
    design: Floats
    strata: Ints | None
    names: "pd.Series[str]"
    """Name of each patient's stratum."""


def model_data(
    complete: pd.DataFrame, learnt: Sequence[Covariate], strata: Sequence[str]
) -> ModelData:
    """Patients as arrays: columns of the covariates in their order, strata numbered."""
    names = stratum_names(complete, strata)
    parts = [np.empty((len(complete), 0))]
    parts += [covariate.encode(complete).to_numpy(dtype="float64") for covariate in learnt]
    return ModelData(
        complete["time_days"].to_numpy(dtype="float64"),
        complete["event"].to_numpy(dtype="float64") == 1,
        np.asarray(np.column_stack(parts), dtype=np.float64),
        np.unique(names, return_inverse=True)[1].astype(np.intp) if strata else None,
        names,
    )


def term_columns(learnt: Sequence[Covariate]) -> dict[str, list[int]]:
    """Places of each covariate's columns in the design."""
    places, start = {}, 0
    for covariate in learnt:
        width = len(covariate.columns())
        places[covariate.name] = list(range(start, start + width))
        start += width
    return places


def _impossible(complete: pd.DataFrame, learnt: Sequence[Covariate]) -> str:
    """Why no model can be fitted, or nothing."""
    events = int(complete["event"].sum())
    if events < FEWEST:
        return f"fewer than {FEWEST} events"
    for covariate in learnt:
        if complete[covariate.name].nunique() < 2:
            return f"{covariate.name} does not vary"
    if sum(len(covariate.columns()) for covariate in learnt) >= events:
        return "as many parameters as events"
    return ""


def _freeze(
    data: ModelData,
    learnt: tuple[Covariate, ...],
    found: Estimate,
    *,
    strata: Sequence[str],
    penalty: Penalty | None,
    baseline: str,
) -> CoxModel:
    """The model at the estimate, with its baseline hazards."""
    numeric = np.concatenate(
        [[covariate.type == "numeric"] * len(covariate.columns()) for covariate in learnt]
    )
    centre = np.where(numeric, data.design.mean(axis=0), 0.0)
    known, numbers = np.unique(data.names, return_inverse=True)
    sets = RiskSets(data.times, data.events, data.strata)
    predictor = (data.design - centre) @ found.coefficients
    hazards = baselines(sets, predictor, efron=found.efron and baseline == "efron")
    return CoxModel(
        covariates=learnt,
        coefficients=tuple(found.coefficients.tolist()),
        centre=tuple(centre.tolist()),
        strata=tuple(strata),
        baselines={
            str(name): tuple(zip(hazard.times.tolist(), hazard.hazard.tolist(), strict=True))
            for name, hazard in zip(known, hazards, strict=True)
        },
        last_day={
            str(name): float(data.times[numbers == number].max())
            for number, name in enumerate(known)
        },
        ties="efron" if found.efron else "breslow",
        penalty=penalty,
        n=len(data.times),
        events=int(data.events.sum()),
    )


def _coefficients(
    complete: pd.DataFrame,
    learnt: Sequence[Covariate],
    estimates: Sequence[Sequence[float]],
    whole: dict[str, Sequence[float]],
) -> pd.DataFrame:
    """One row a level, numeric covariate or bend; of a reference, a hazard ratio of 1."""
    rows: list[dict[str, Any]] = []
    column = iter(estimates)
    for covariate in learnt:
        values, died = complete[covariate.name], complete["event"] == 1
        base = {"covariate": covariate.name}
        tests = dict(zip(_WHOLE, whole[covariate.name], strict=True))
        reference = dict(zip(_ESTIMATES, (0.0, math.nan, 1.0, *[math.nan] * 3), strict=True))
        for level in covariate.levels:
            has = values.map(str) == level
            counts = {"n": int(has.sum()), "events": int((has & died).sum())}
            first = level == covariate.levels[0]
            found = reference if first else dict(zip(_ESTIMATES, next(column), strict=True))
            name, unit = f"{covariate.name}: {level}", f"{level} vs {covariate.levels[0]}"
            head = {"term": name, "level": level, "reference": first}
            unit = "reference" if first else unit
            rows.append({**base, **head, "unit": unit, **counts, **found, **tests})
        counts = {"n": len(values), "events": int(died.sum())}
        if covariate.type == "numeric":
            for name, unit in zip(covariate.columns(), covariate.compared(), strict=True):
                head = {"term": name, "level": "", "reference": False, "unit": unit}
                found = dict(zip(_ESTIMATES, next(column), strict=True))
                rows.append({**base, **head, **counts, **found, **tests})
    return pd.DataFrame(rows)


def _estimates(found: Estimate, confidence: float) -> list[list[float]]:
    """Log hazard, its error, hazard ratio, interval and p of each column."""
    errors = np.sqrt(np.diag(found.covariance))
    return [
        [float(beta), float(error), *interval]
        for beta, error, interval in zip(
            found.coefficients, errors, wald_intervals(found, confidence), strict=True
        )
    ]


def _proportionality(
    data: ModelData, learnt: Sequence[Covariate], found: Estimate, transform: Transform
) -> dict[str, tuple[float, float, float]]:
    """Chi-squared, df and p of every covariate and of all; NaN under a penalty."""
    groups = term_columns(learnt)
    if np.isnan(found.covariance).any():
        return dict.fromkeys([*groups, GLOBAL], (math.nan,) * 3)
    table = proportional_hazards_tests(
        data.times,
        data.events,
        data.design,
        found.coefficients,
        groups,
        transform=transform,
        strata=data.strata,
    )
    numbers = table[["chi2", "df", "p"]].to_numpy(dtype="float64").tolist()
    return {
        str(term): (chi2, df, p) for term, (chi2, df, p) in zip(table["term"], numbers, strict=True)
    }


def _whole_tests(
    data: ModelData,
    learnt: Sequence[Covariate],
    found: Estimate,
    ph: dict[str, tuple[float, float, float]],
) -> dict[str, Sequence[float]]:
    """Likelihood-ratio test and test of proportional hazards of each covariate."""
    if np.isnan(found.covariance).any():
        return _no_tests(learnt)
    tests = likelihood_ratio_tests(
        data.times, data.events, data.design, term_columns(learnt), found, strata=data.strata
    )
    return {name: (*test, *ph[name]) for name, test in tests.items()}


def _no_tests(learnt: Sequence[Covariate]) -> dict[str, Sequence[float]]:
    """No test of any covariate."""
    return {covariate.name: [math.nan] * len(_WHOLE) for covariate in learnt}


def _settings(strata: Sequence[str], penalty: Penalty | None) -> dict[str, Any]:
    """What was asked of the model, as its row of tests has it."""
    return {
        "strata": ", ".join(strata),
        "penalty": 0.0 if penalty is None else penalty.strength,
        "l1_ratio": 0.0 if penalty is None else penalty.l1_ratio,
        "ties": "breslow" if penalty is not None and penalty.l1_ratio > 0 else "efron",
    }


def _tests(data: ModelData, found: Estimate, confidence: float) -> dict[str, float]:
    """Tests of the whole model, its criterion and its concordance."""
    row = {"log_likelihood": found.log_likelihood, "aic": found.aic}
    for name, test in (
        ("likelihood_ratio", found.likelihood_ratio),
        ("wald", found.wald),
        ("score", found.score),
    ):
        row |= {f"{name}_chi2": test.chi2, f"{name}_df": test.df, f"{name}_p": test.p}
    risk = data.design @ found.coefficients
    agreed = concordance(data.times, data.events, risk, strata=data.strata)
    low, high = agreed.interval(confidence)
    return {**row, "concordance": agreed.value, "low": low, "high": high}


def _no_fit() -> dict[str, float]:
    """What `_tests` gives and the test of proportional hazards, without an estimate."""
    tests = [
        f"{name}_{part}"
        for name in ("likelihood_ratio", "wald", "score")
        for part in ("chi2", "df", "p")
    ]
    names = ("log_likelihood", "aic", *tests, "concordance", "low", "high", *_WHOLE[3:])
    return dict.fromkeys(names, math.nan)
