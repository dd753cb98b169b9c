"""What an analysis did and found, in the words that a methods section wants."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from histoniche.survival.balance import SURVIVAL
from histoniche.survival.cox_model import CoxModel
from histoniche.survival.decision_curve import ALL, NONE
from histoniche.survival.estimation import few_events_note
from histoniche.survival.follow_up import Size
from histoniche.survival.nested import Nested
from histoniche.survival.nomogram import Nomogram
from histoniche.survival.terms import rounded
from histoniche.wording import join_words

_PARTS = {"event": "deaths", "nonevent": "survivors", "total": "in total"}


def state_size(size: Size) -> str:
    """Patients, deaths and follow-up: "n = 227 patients, 164 deaths, median follow-up 840 days"."""
    head = f"n = {size.n:,} patients, {size.events:,} deaths"
    if size.events == size.n:
        return f"{head}, nobody censored"
    if math.isnan(size.median_days):
        return f"{head}, median follow-up not reached (reverse Kaplan-Meier)"
    ends = f"{_days(size.low)} to {_days(size.high)}"
    return (
        f"{head}, median follow-up {size.median_days:,.0f} days "
        f"(95 % interval {ends}; reverse Kaplan-Meier)"
    )


def state_model(model: CoxModel, size: Size, *, name: str) -> str:
    """The model, its covariates and what it rests on."""
    terms = []
    for covariate in model.covariates:
        if covariate.levels:
            others = ", ".join(covariate.levels[1:])
            terms.append(f"{covariate.name} ({others} against {covariate.levels[0]})")
        else:
            amount = "" if covariate.per == 1 else f"{rounded(covariate.per)} "
            terms.append(f"{covariate.name} (per {amount}{covariate.unit or 'unit'})")
    each = model.events / len(model.coefficients)
    few = few_events_note(len(model.coefficients), model.events)
    warning = " Fewer than ten events a parameter: expect overfitting." if few else ""
    return (
        f"Cox model {name}: {', '.join(terms)}; fitted to {state_size(size)}; ties by Efron's "
        f"method; {each:.1f} events a parameter; AIC {model.aic:,.1f}.{warning}"
    )


def state_nomogram(nomogram: Nomogram) -> str:
    """How a nomogram is read."""
    days = join_words([f"{day:g}" for day in nomogram.days])
    return (
        f"Nomogram of the Cox model {nomogram.name}, from n = {nomogram.n:,} patients with "
        f"{nomogram.events:,} deaths. Add the points of every covariate; below their total "
        f"stands the probability of being alive after {days} days."
    )


def state_calibration(
    measures: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    days: float,
    confidence: float,
    corrected: pd.DataFrame | None = None,
) -> str:
    """Calibration at one day, and what is left of it after correction for optimism.

    Parameters
    ----------
    measures, groups
        As `histoniche.survival.calibration.Calibration` has them.
    days, confidence
        Day of the predictions, and level of the intervals.
    corrected
        `histoniche.survival.optimism.Validation.indices`, where the model was fitted on
        these patients.
    """
    table = measures.set_index("measure")
    text = (
        f"Calibration at {days:g} days in n = {int(groups['n'].sum()):,} patients, "
        f"{int(groups['events'].sum()):,} of whom had died by then: "
        f"observed over predicted risk {_estimate(table.loc['ratio'])}, "
        f"slope {_estimate(table.loc['slope'])}, intercept {_estimate(table.loc['intercept'])} "
        f"({_level(confidence)} percentile intervals of {int(table['bootstraps'].max()):,} "
        # Of a distance they would be too high: chance in a sample only adds to it.
        "bootstrap samples), integrated calibration index "
        f"{_number(table.loc['ici', 'value'], 3)}."
    )
    if corrected is None:
        return text
    found = corrected.set_index("index")
    slope, ici = (
        f"{_number(found.loc[name, 'corrected'], decimals)} (Monte-Carlo error "
        f"{_number(found.loc[name, 'error'], decimals + 1)})"
        for name, decimals in (("slope", 2), ("ici", 3))
    )
    return (
        f"{text} The model was fitted on these patients; corrected for optimism by "
        f"{int(found['bootstraps'].max()):,} bootstrap samples with the model refitted in each, "
        f"the slope is {slope} and the integrated calibration index {ici}."
    )


def state_added_value(
    table: pd.DataFrame,
    *,
    days: float,
    confidence: float,
    cuts: Sequence[float],
    nested: Nested | None = None,
) -> str:
    """What the new model adds: NRI, IDI and, where given, the test of the nested models."""
    rows = table.set_index(["measure", "part"])
    first = table.iloc[0]
    parts = []
    for measure in dict.fromkeys(table["measure"]):
        inner = "; ".join(
            f"{_PARTS[part]} {_estimate(rows.loc[(measure, part)], 3)}"
            for part in ("total", "event", "nonevent")
        )
        parts.append(f"{measure}: {inner}")
    kind = "categories divided at " + join_words([f"{cut:g}" for cut in cuts])
    how = f"{_level(confidence)} intervals of {int(first['bootstraps']):,} bootstrap samples"
    if "optimism" in table:
        how += " with both models refitted, corrected for optimism"
    text = (
        f"Added value at {days:g} days in n = {int(first['n']):,} patients, "
        f"{int(first['events']):,} of whom had died by then ({kind}; {how}). {'. '.join(parts)}."
    )
    if nested is None:
        return text
    return (
        f"{text} Likelihood-ratio test of the nested models in n = {nested.n:,} patients, "
        f"{nested.events:,} deaths: chi-square {nested.chi2:.2f}, {nested.df} df, "
        f"p = {_p(nested.p)}; AIC {_signed(nested.aic)}."
    )


def state_decision_curves(table: pd.DataFrame, *, days: float, confidence: float) -> str:
    """Over which thresholds each model does better than treating all and none."""
    wide = table.pivot(index="threshold", columns="model", values="net_benefit")
    default = wide[[ALL, NONE]].max(axis=1)
    found = []
    for model in [name for name in dict.fromkeys(table["model"]) if name not in (ALL, NONE)]:
        better = wide.index[wide[model] > default + 1e-12]
        if len(better):
            found.append(
                f"{model} has more net benefit than treating all or none at {len(better)} of "
                f"{len(wide)} thresholds, between {better.min():g} and {better.max():g}"
            )
        else:
            found.append(f"{model} has at no threshold more net benefit than treating all or none")
    first = table.iloc[0]
    return (
        f"Decision curves at {days:g} days in n = {int(first['n']):,} patients, "
        f"{int(first['events']):,} of whom had died by then; {_level(confidence)} bootstrap "
        f"bands. {'. '.join(found)}."
    )


def state_cohorts(balance: pd.DataFrame, follow_up: pd.DataFrame) -> str:
    """The cohorts, and in what they differ."""
    sizes = [
        f"{row.cohort} n = {row.n:,}, {row.events:,} deaths, median follow-up in days "
        f"{_days(row.follow_up_days)}"
        for row in follow_up.itertuples()
    ]
    tests = balance.drop_duplicates("covariate")
    tested = tests[tests["p"].notna()]
    if tested.empty:
        return f"Cohort: {'; '.join(sizes)}."
    differ = [
        f"{row.covariate} ({row.test}, p = {_p(row.p)}, q = {_p(row.q)})"
        for row in tested[tested["q"] < 0.05].itertuples()
    ]
    far = balance.loc[(balance["smd"] > 0.1) & (balance["covariate"] != SURVIVAL), "covariate"]
    apart = list(dict.fromkeys(far))
    verdict = f"differ in {', '.join(differ)}" if differ else "differ in none at q < 0.05"
    beyond = f" Standardised differences above 0.1: {', '.join(apart)}." if apart else ""
    return (
        f"Cohorts: {'; '.join(sizes)}. Of {len(tested)} variables tested they {verdict} "
        f"(Benjamini-Hochberg).{beyond}"
    )


def _estimate(row: Any, decimals: int = 2) -> str:
    """A value with its interval."""
    value, low, high = (_number(row[name], decimals) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _number(value: Any, decimals: int = 2) -> str:
    """A number with a true minus sign, or a dash."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    text = text.lstrip("-") if float(text) == 0 else text
    return text.replace("-", "−")


def _signed(value: float) -> str:
    """A difference with its sign."""
    return f"{'+' if value >= 0 else '−'}{abs(value):.1f}"


def _p(value: Any) -> str:
    """A p or q value."""
    return f"{value:.1e}" if value < 0.001 else f"{value:.3g}"


def _days(value: Any) -> str:
    """A number of days, or that there is none."""
    return f"{value:,.0f}" if math.isfinite(value) else "not reached"


def _level(confidence: float) -> str:
    """A level in per cent."""
    return f"{100 * confidence:g} %"
