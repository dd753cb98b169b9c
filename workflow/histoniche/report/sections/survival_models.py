"""Section on Cox models of covariates and scores: what they are, and what a score tells beside."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.report.blocks import (
    Block,
    Finding,
    FindingKind,
    Findings,
    Paragraph,
    Section,
    Table,
    not_run,
    table,
)
from histoniche.report.numbers import format_days, format_interval, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.sections.model_assumptions import assumption_blocks
from histoniche.report.sections.model_performance import performance_blocks
from histoniche.wording import count, join_words

_TITLE = "Survival models"
_Q = 0.05
_TABLES = ("model_performance", "model_differences", "model_coefficients", "model_tests")


def survival_models_section(results: Results) -> Section:
    """Report Cox models: what they are made of, whether a score adds to them, what they predict."""
    if not results.has(*_TABLES):
        return not_run("survival_models", _TITLE, "survival_models")
    level = percent(results.block("survival").get("confidence", 0.95))
    blocks: list[Block] = [
        Paragraph(_introduction(results, level)),
        *picture_of(
            results,
            "models_forest",
            "Hazard ratios",
            "Right of 1: shorter survival. Each model with all that it is made of.",
        ),
        _coefficients(results, level),
        *_independence(results),
        *_few_events(results.table("model_tests")),
        *performance_blocks(results, level),
        *assumption_blocks(results),
    ]
    return Section("survival_models", _TITLE, blocks)


def independence(results: Results) -> Iterator[Finding]:
    """Say of each score in a model with covariates whether it tells more than they do.

    q is over the scores of all such models.
    """
    if not results.has("model_coefficients", "model_tests"):
        return
    level = percent(results.block("survival").get("confidence", 0.95))
    tests = results.table("model_tests").set_index("model")
    full = results.table("model_coefficients")
    covariates = results.block("cohort").get("covariates", {})
    found = []
    for name, rows in full.groupby("model", sort=False):
        test = {str(key): value for key, value in tests.loc[str(name)].items()}
        names = list(dict.fromkeys(rows["covariate"]))
        beside = [one for one in names if one in covariates]
        by = f", stratified by {test['strata']}," if test["strata"] else ""
        if not beside or test["penalty"] > 0:
            continue
        head = f"Model {name}: beside {join_words(beside)}{by}"
        for row in records(rows[~rows["covariate"].isin(list(covariates))]):
            score = results.named(str(row["covariate"]))
            found.append({**row, "score": score, "head": head.rstrip(","), "warning": test["note"]})
    q = false_discovery(np.array([row["term_p"] for row in found], dtype=np.float64))
    for row, own in zip(found, q, strict=True):
        yield _stays(row, float(own), level)


def _stays(row: Mapping[str, Any], q: float, level: str) -> Finding:
    """One score beside the covariates of its model."""
    if pd.isna(row["p"]):
        reason = row["warning"] or "no estimate"
        return Finding(f"{row['head']}, {row['score']} has no hazard ratio: {reason}.", "caution")
    ratio = format_interval(row["hazard_ratio"], row["low"], row["high"])
    ratio = ratio.replace("(", f"({level} CI ")
    text = (
        f"{row['head']}, the hazard ratio of {row['score']} is {ratio} {row['unit']}; "
        f"likelihood-ratio p {format_p(row['term_p'])}, q {format_p(q)}; "
        f"{count(int(row['n']), 'patient')}, {count(int(row['events']), 'death')}. "
    )
    verdict: FindingKind = "open"
    if (row["low"] > 1 or row["high"] < 1) and q < _Q:
        verdict = "caution" if row["warning"] else "holds"
        direction = "shorter" if row["hazard_ratio"] > 1 else "longer"
        text += f"It stays independent of them: more of it goes with {direction} survival."
    else:
        text += "It is not shown to tell more than they do."
    if row["warning"]:
        text += f" To be read with care: {row['warning']}."
    return Finding(text, verdict)


def _introduction(results: Results, level: str) -> str:
    """Who was modelled, how, and which corrections were made."""
    measured = results.table("model_performance")
    first = measured[measured["model"] == measured["model"].iloc[0]]
    sizes = [
        f"{row['cohort']} ({count(int(row['n']), 'patient')}, {count(int(row['events']), 'death')}"
        + (f"; {int(row['left_out'])} left out)" if row["left_out"] else ")")
        for row in records(first)
    ]
    if len(sizes) > 1:
        where = "the cohort training and applied, unchanged, to the others. "
        where += f"Patients: {join_words(sizes)}"
    else:
        where = f"the cohort {sizes[0]}"
    text = f"Cox models of what was named beforehand, fitted to {where}. "
    if first["left_out"].any():
        text += (
            "Left out are patients in whom a covariate or score of any model is not known, so that "
            "all models see the same patients. "
        )
    if results.has("follow_up"):
        train = records(results.table("follow_up"))[0]
        known = [train[f"follow_up_{part}"] for part in ("days", "low", "high")]
        text += (
            f"Median follow-up of the training cohort: {format_days(*known)} by reverse "
            "Kaplan-Meier. "
        )
    return text + (
        "p of hazard ratios are for one test each, and not corrected for the number of covariates. "
        f"Intervals: {level}."
    )


def _coefficients(results: Results, level: str) -> Table:
    """Every covariate of every model, level by level."""
    rows, before = [], None
    for row in records(results.table("model_coefficients")):
        whole = (row["model"], row["covariate"])
        first, before = whole != before, whole
        ratio = format_interval(row["hazard_ratio"], row["low"], row["high"])
        rows.append(
            (
                str(row["model"]),
                str(row["covariate"]),
                f"{row['level']} (reference)" if row["reference"] else str(row["unit"]),
                f"{int(row['n']):,} / {int(row['events']):,}",
                "1" if row["reference"] else ratio,
                format_p(row["p"]),
                format_p(row["term_p"]) if first else "",
            )
        )
    heads = (
        *("model", "covariate", "compared", ">n / deaths", f">hazard ratio ({level})", ">p"),
        ">p of the covariate",
    )
    note = (
        "p: Wald's test of the row. p of the covariate: likelihood-ratio test of it as a whole, "
        "all its levels at once. A model with a penalty has neither, since its coefficients are "
        "drawn to no effect by intent."
    )
    return table("Hazard ratios of the models", heads, rows, note)


def _independence(results: Results) -> list[Block]:
    """The sentences on the scores, if a model has one beside covariates."""
    found = list(independence(results))
    return [Findings(found)] if found else []


def _few_events(tests: pd.DataFrame) -> list[Block]:
    """A caution for each model with a note, such as few deaths for its size."""
    noted = records(tests[tests["note"] != ""])
    if not noted:
        return []
    parts = [f"{row['model']}: {row['note']}" for row in noted]
    text = (
        f"Models to be read with care: {'; '.join(parts)}. With few deaths for its covariates a "
        "model follows chance in its patients, and does worse in others."
    )
    return [Paragraph(text, "caution")]
