"""Cox's proportional hazards: each area alone, and with the covariates."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST
from histoniche.survival.concordance import concordance
from histoniche.survival.estimation import (
    estimate,
    few_events_note,
    likelihood_ratio_tests,
    wald_intervals,
)
from histoniche.survival.observations import check_columns, check_observations
from histoniche.survival.partial_likelihood import Floats
from histoniche.survival.proportionality import GLOBAL, proportional_hazards_tests
from histoniche.survival.terms import Declared, Term, area_term, covariate_terms

ESTIMATES = ("hazard_ratio", "low", "high", "p", "ph_p", "concordance")
TESTS = ("term_df", "term_p", "term_ph_p", "model_p", "model_ph_p", "aic")


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
    elsewhere), ph_p, concordance (C-index of the model: 0.5 is chance), then

    adjusted_q
        q over the area terms of the multivariable models, NaN elsewhere.
    covariate, level, reference
        What the term stands for, of a categorical covariate.
    level_n, level_events, reference_n, reference_events
        Patients and deaths of the level and of the reference.
    term_df, term_p, term_ph_p
        Likelihood-ratio test, and test of proportional hazards, of the whole
        covariate: all its levels are one term.
    model_p, model_ph_p, aic
        Likelihood-ratio test, test of proportional hazards and Akaike's
        criterion of the model.
    note
        Why a row has no estimate, or that the model has more parameters than a
        tenth of its events.

    Ties are handled by Efron's method, each model takes the patients in whom
    all its terms are known, and a small ph_p speaks against a hazard ratio that
    is constant over time; see `histoniche.survival.proportionality`.

    Raises
    ------
    InputError
        If a time is not positive, an event not 0 or 1, or a covariate is missing.
    """
    check_observations(patients)
    check_columns(patients, covariates)
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
    alone, area_rows = table["model"] == "univariable", table["kind"] == "area"
    place = list(table.columns).index("p") + 1
    table.insert(place, "q", _q_within(table["p"], alone & area_rows))
    place = list(table.columns).index("concordance") + 1
    table.insert(place, "adjusted_q", _q_within(table["p"], ~alone & area_rows))
    return table


def _q_within(p: "pd.Series[float]", family: "pd.Series[bool]") -> Floats:
    """Benjamini-Hochberg's q over the rows of a family, NaN elsewhere."""
    q = np.full(len(p), np.nan)
    q[family] = false_discovery(np.asarray(p[family], dtype=np.float64))
    return q


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
    complete = patients.dropna(subset=["time_days", "event", *covariates])
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
            **found,
        }
        for term, found in zip(
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
    For each term hazard_ratio, low, high, p, ph_p, concordance, what it stands
    for, its tests and note, as `fit_cox` has them; NaN with a note where there
    is no estimate.
    """
    varies = [term.values.nunique() > 1 for term in terms]
    used = [term for term, does in zip(terms, varies, strict=True) if does]
    events = int(patients["event"].sum())
    whole_note = ""
    if events < FEWEST:
        whole_note = f"fewer than {FEWEST} events"
    elif any(term.kind == "area" and not does for term, does in zip(terms, varies, strict=True)):
        whole_note = "the area does not vary"
    elif len(used) >= events:
        whole_note = "as many terms as events"
    if whole_note:
        estimates = iter([_nothing(whole_note)] * len(terms))
        varies = [True] * len(terms)
    else:
        estimates = iter(_fit(patients, used, confidence) if used else ())
    return [
        _with_levels(
            patients, term, terms, next(estimates) if does else _nothing("the term does not vary")
        )
        for term, does in zip(terms, varies, strict=True)
    ]


def _fit(
    patients: pd.DataFrame, terms: Sequence[Term], confidence: float
) -> list[dict[str, object]]:
    """Fit terms that vary; the same note on all if the likelihood has no maximum."""
    times = patients["time_days"].to_numpy(dtype="float64")
    events = patients["event"].to_numpy(dtype="float64") == 1
    design = np.asarray(np.column_stack([term.values for term in terms]), dtype=np.float64)
    found = estimate(times, events, design)
    if found.note:
        return [_nothing(found.note) for _ in terms]
    owners = [term.covariate or term.name for term in terms]
    groups = {
        owner: [place for place, other in enumerate(owners) if other == owner] for owner in owners
    }
    tested = {f"term {owner}": columns for owner, columns in groups.items()}
    tested |= {f"column {place}": [place] for place in range(len(terms))}
    ph = proportional_hazards_tests(times, events, design, found.coefficients, tested)
    ph_p = ph.set_index("term")["p"]
    whole = likelihood_ratio_tests(times, events, design, groups, found)
    intervals = wald_intervals(found, confidence)
    risk = design @ found.coefficients
    return [
        {
            **dict(zip(("hazard_ratio", "low", "high", "p"), interval, strict=True)),
            "ph_p": float(ph_p[f"column {place}"]),
            "concordance": concordance(times, events, risk).value,
            "term_df": float(len(groups[owner])),
            "term_p": whole[owner].p,
            "term_ph_p": float(ph_p[f"term {owner}"]),
            "model_p": found.likelihood_ratio.p,
            "model_ph_p": float(ph_p[GLOBAL]),
            "aic": found.aic,
            "note": few_events_note(len(terms), int(events.sum())),
        }
        for place, (owner, interval) in enumerate(zip(owners, intervals, strict=True))
    ]


def _nothing(note: str) -> dict[str, object]:
    """No estimate, and why."""
    return {**dict.fromkeys((*ESTIMATES, *TESTS), math.nan), "note": note}


def _with_levels(
    patients: pd.DataFrame, term: Term, terms: Sequence[Term], found: dict[str, object]
) -> dict[str, object]:
    """Estimates of a term, what it stands for, its tests and the note, in this order."""
    counts = dict.fromkeys(("level_n", "level_events", "reference_n", "reference_events"), math.nan)
    if term.level:
        siblings = [other.values for other in terms if other.covariate == term.covariate]
        # Whoever has none of the other levels has the reference.
        neither = sum(siblings, start=0 * term.values) == 0
        for name, has in (("level", term.values == 1), ("reference", neither)):
            counts[f"{name}_n"] = float(has.sum())
            counts[f"{name}_events"] = float(patients.loc[has, "event"].sum())
    return {
        **{key: found[key] for key in ESTIMATES},
        "covariate": term.covariate or term.name,
        "level": term.level,
        "reference": term.reference,
        **counts,
        **{key: found[key] for key in TESTS},
        "note": found["note"],
    }
