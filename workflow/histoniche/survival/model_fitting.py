"""Fitting one Cox model: the model itself, its coefficients, and its tests."""

import logging
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from histoniche.cohort.splits import patient_digest
from histoniche.errors import InputError
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.estimation import Estimate, Penalty, estimate, few_events_note, no_estimate
from histoniche.survival.model_data import ModelData, model_data
from histoniche.survival.model_tables import coefficient_table, test_table
from histoniche.survival.observations import complete_patients
from histoniche.survival.partial_likelihood import RiskSets, baselines
from histoniche.survival.proportionality import Transform
from histoniche.survival.terms import Covariate, Declared, learn_covariate


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
        If a time is not positive, an event not 0 or 1, or a covariate is missing
        or not declared.
    """
    fitted = _fitted(patients, covariates, declared, strata=strata, penalty=penalty)
    if fitted.note:
        logging.warning("Cox model of %s: %s", ", ".join(covariates), fitted.note)
    model = None
    if not fitted.failed:
        model = _freeze(fitted, strata=strata, penalty=penalty, baseline=baseline)
    settings = {
        "strata": ", ".join(strata),
        "penalty": 0.0 if penalty is None else penalty.strength,
        "l1_ratio": 0.0 if penalty is None else penalty.l1_ratio,
        "ties": "breslow" if penalty is not None and penalty.l1_ratio > 0 else "efron",
    }
    shape = (fitted.patients, fitted.covariates, fitted.data, fitted.found)
    coefficients = coefficient_table(*shape, confidence=confidence, transform=transform)
    tests = test_table(*shape, settings, confidence=confidence, transform=transform)
    return CoxFit(model, coefficients.assign(note=fitted.note), tests.assign(note=fitted.note))


def estimate_model(
    patients: pd.DataFrame,
    *,
    covariates: Sequence[str],
    declared: Declared,
    strata: Sequence[str] = (),
    penalty: Penalty | None = None,
    baseline: Literal["efron", "breslow"] = "efron",
) -> CoxModel:
    """Fit one Cox model as `fit_model` does, without its tables.

    Raises
    ------
    InputError
        As `fit_model`, and where there is no estimate.
    """
    fitted = _fitted(patients, covariates, declared, strata=strata, penalty=penalty)
    name = f"Cox model of {', '.join(covariates)}"
    if fitted.failed:
        raise InputError(
            f"{name}: {fitted.note}",
            remedy="leave out a covariate, join its rare levels, or bring more patients",
        )
    if fitted.note:
        logging.warning("%s: %s", name, fitted.note)
    return _freeze(fitted, strata=strata, penalty=penalty, baseline=baseline)


class _Fitted(NamedTuple):
    """An estimate and what it was made from."""

    patients: pd.DataFrame
    """Those in whom all is known."""
    covariates: tuple[Covariate, ...]
    data: ModelData
    found: Estimate
    note: str
    """Why there is no estimate, or how it is to be read."""

    @property
    def failed(self) -> bool:
        """Whether there is no estimate."""
        return bool(self.found.note)


def _fitted(
    patients: pd.DataFrame,
    covariates: Sequence[str],
    declared: Declared,
    *,
    strata: Sequence[str],
    penalty: Penalty | None,
) -> _Fitted:
    """Learn the covariates from the patients in whom all is known, and fit."""
    if not covariates:
        raise InputError("a model needs a covariate", remedy="name one at least")
    complete = complete_patients(patients, [*covariates, *strata])
    for name in covariates:
        if name not in declared:
            remedy = f"declare it as numeric or categorical, or choose among {', '.join(declared)}"
            raise InputError("the covariate is not declared", column=name, remedy=remedy)
    learnt = tuple(learn_covariate(complete, name, declared[name]) for name in covariates)
    data = model_data(complete, learnt, strata)
    note = _impossible(complete, learnt)
    if note:
        found = no_estimate(data.design.shape[1], note)
    else:
        found = estimate(data.times, data.events, data.design, strata=data.strata, penalty=penalty)
        note = found.note or few_events_note(data.design.shape[1], int(data.events.sum()))
    return _Fitted(complete, learnt, data, found, note)


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
    fitted: _Fitted,
    *,
    strata: Sequence[str],
    penalty: Penalty | None,
    baseline: str,
) -> CoxModel:
    """The model at the estimate, with its baseline hazards."""
    data, found = fitted.data, fitted.found
    numeric = np.concatenate(
        [
            [covariate.type == "numeric"] * len(covariate.columns())
            for covariate in fitted.covariates
        ]
    )
    centre = np.where(numeric, data.design.mean(axis=0), 0.0)
    known, numbers = np.unique(data.names, return_inverse=True)
    sets = RiskSets(data.times, data.events, data.strata)
    predictor = (data.design - centre) @ found.coefficients
    hazards = baselines(sets, predictor, efron=found.efron and baseline == "efron")
    return CoxModel(
        covariates=fitted.covariates,
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
        parameters=found.parameters,
        log_likelihood=found.log_likelihood,
        null_log_likelihood=found.null_log_likelihood,
        patients=tuple(sorted(patient_digest(str(name)) for name in fitted.patients.index)),
    )
