"""Cox's proportional hazards: each area alone, and with the covariates."""

import math
import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST
from histoniche.survival.proportionality import proportional_hazards_p
from histoniche.survival.terms import Declared, Term, area_term, covariate_terms

ESTIMATES = ("hazard_ratio", "low", "high", "p", "ph_p", "concordance")

# A coefficient or a standard error of ten, per standard deviation of its term, is no estimate:
# the likelihood rises without end, since the term separates those who died from the others.
_BEYOND = 10.0

# lifelines stops by default where hazard ratios still differ from the maximum in the sixth digit;
# `precision` is compared with half the squared step in standard errors.
_PRECISION = {"precision": 1e-18, "r_precision": 0.0}


def fit_cox(
    patients: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    declared: Declared,
    covariates: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """Fit the univariable models and one multivariable model a region.

    Parameters
    ----------
    patients
        time_days, event and the covariates by patient.
    areas
        Patients by regions.
    declared
        What the covariates' columns mean.
    covariates
        Those that are used; if none is, there are no multivariable models.
    confidence
        Level of the intervals.

    Returns
    -------
    model ("univariable", "multivariable: CT"), term, kind, unit, n, events,
    hazard_ratio, low, high, p, q (over the univariable area terms, NaN
    elsewhere), ph_p, concordance (C-index of the model: 0.5 is chance), note
    (why a row has no estimate). Ties are handled by Efron's method, each model
    takes the patients in whom all its terms are known, and a small ph_p speaks
    against a hazard ratio that is constant over time; see
    `histoniche.survival.proportionality`.
    """
    fit = partial(_model, declared=declared, confidence=confidence)
    by_region = {str(region): area_term(areas[region]) for region in areas.columns}
    rows: list[dict[str, object]] = []
    for area in by_region.values():
        rows += fit("univariable", patients, area, ())
    for name in covariates:
        rows += fit("univariable", patients, None, (name,))
    for region, area in by_region.items() if covariates else ():
        model = f"multivariable: {region}"
        rows += fit(model, patients, area, covariates)
    table = pd.DataFrame(rows)
    family = (table["model"] == "univariable") & (table["kind"] == "area")
    q = np.full(len(table), np.nan)
    q[family] = false_discovery(table.loc[family, "p"].to_numpy(dtype="float64"))
    table.insert(list(table.columns).index("p") + 1, "q", q)
    return table


def _model(
    model: str,
    patients: pd.DataFrame,
    area: Term | None,
    covariates: Sequence[str],
    *,
    declared: Declared,
    confidence: float,
) -> list[dict[str, object]]:
    """Rows of one model, from the patients in whom everything is known."""
    complete = patients.dropna(subset=[*covariates])
    terms = []
    if area is not None:
        complete = complete[area.values.loc[complete.index].notna()]
        terms = [area._replace(values=area.values.loc[complete.index])]
    for name in covariates:
        terms += covariate_terms(complete, name, declared[name])
    count = {"n": len(complete), "events": int(complete["event"].sum())}
    return [
        {
            "model": model,
            "term": term.name,
            "kind": term.kind,
            "unit": term.unit,
            **count,
            **estimate,
        }
        for term, estimate in zip(
            terms, fit_terms(complete, terms, confidence=confidence), strict=True
        )
    ]


def fit_terms(
    patients: pd.DataFrame, terms: Sequence[Term], *, confidence: float
) -> list[dict[str, object]]:
    """Estimates of one model's terms.

    Parameters
    ----------
    patients
        time_days and event by patient, all complete.
    terms
        What enters the model, over the same patients. Terms that do not vary
        are left out of it.
    confidence
        Level of the intervals.

    Returns
    -------
    For each term hazard_ratio, low, high, p, ph_p, concordance and note; NaN
    with a note where there is no estimate.
    """
    varies = [term.values.nunique() > 1 for term in terms]
    used = [term for term, does in zip(terms, varies, strict=True) if does]
    events = int(patients["event"].sum())
    if events < FEWEST:
        return [_nothing(f"fewer than {FEWEST} events") for _ in terms]
    if any(term.kind == "area" and not does for term, does in zip(terms, varies, strict=True)):
        return [_nothing("the area does not vary") for _ in terms]
    if len(used) >= events:
        return [_nothing("as many terms as events") for _ in terms]
    found = iter(_fit(patients, used, confidence) if used else ())
    return [next(found) if does else _nothing("the term does not vary") for does in varies]


def _fit(
    patients: pd.DataFrame, terms: Sequence[Term], confidence: float
) -> list[dict[str, object]]:
    """Fit terms that vary; the same note on all if the likelihood has no maximum."""
    names = [f"x{position}" for position in range(len(terms))]
    columns = {name: term.values for name, term in zip(names, terms, strict=True)}
    frame = pd.DataFrame({**columns, "time": patients["time_days"], "event": patients["event"]})
    fitter = CoxPHFitter(alpha=1 - confidence)
    with warnings.catch_warnings():
        # What lifelines warns of, we test for below.
        warnings.simplefilter("ignore")
        try:
            fitter.fit(frame, "time", "event", fit_options=_PRECISION)
        except (ConvergenceError, np.linalg.LinAlgError):
            return [_nothing("the fit did not converge: collinear terms?") for _ in terms]
    spread = frame[names].std().to_numpy()
    size = np.maximum(np.abs(fitter.params_.loc[names]), fitter.standard_errors_.loc[names])
    if not (size.to_numpy() * spread < _BEYOND).all():
        return [_nothing("no finite estimate: separation or collinear terms") for _ in terms]
    bounds = np.exp(fitter.confidence_intervals_.loc[names].to_numpy())
    ph_p = proportional_hazards_p(
        frame["time"].to_numpy(dtype="float64"),
        frame["event"].to_numpy(dtype=bool),
        frame[names].to_numpy(dtype="float64"),
        fitter.params_.loc[names].to_numpy(dtype="float64"),
    )
    return [
        {
            "hazard_ratio": float(fitter.hazard_ratios_[name]),
            "low": float(low),
            "high": float(high),
            "p": float(fitter.summary.loc[name, "p"]),
            "ph_p": float(ph),
            "concordance": float(fitter.concordance_index_),
            "note": "",
        }
        for name, (low, high), ph in zip(names, bounds, ph_p, strict=True)
    ]


def _nothing(note: str) -> dict[str, object]:
    """No estimate, and why."""
    return {**dict.fromkeys(ESTIMATES, math.nan), "note": note}
