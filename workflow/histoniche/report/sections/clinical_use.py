"""Section on clinical use: what scores add to clinical covariates, and nomograms of both."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.report.blocks import (
    Block,
    Bullets,
    Heading,
    Paragraph,
    Picture,
    Section,
    Table,
    not_run,
    table,
)
from histoniche.report.figures.added_value import PARTS
from histoniche.report.figures.nomogram import duration
from histoniche.report.numbers import MISSING, format_interval, format_number, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.survival.cohorts import TRAINING
from histoniche.tables import read_table
from histoniche.wording import join_words

Tables = dict[str, pd.DataFrame]

_TITLE = "Clinical use"
_P = 0.05
_EVENTS_A_PARAMETER = 10
_READING = (
    "To read a nomogram: find the patient's value on each covariate's axis, go straight up to "
    "Points, add the points, find their sum on Total points, and go straight down to the share "
    "alive. `histoniche predict` reads it from numbers."
)


def clinical_section(results: Results) -> Section:
    """Report what each score adds to the clinical covariates."""
    found = _by_score(results)
    if not found:
        return not_run("clinical_use", _TITLE, "clinical_use")
    level = percent(results.block("survival").get("confidence", 0.95))
    blocks: list[Block] = [
        Paragraph(
            "Research use only: nothing here is validated for decisions on a patient.", "caution"
        ),
        Paragraph(
            f"Each score is weighed against {_clinical(results)}: Cox models of the covariates "
            "alone, with the score, and of the score alone, all fitted to the same patients of the "
            "training cohort. There, what is apparent is corrected for optimism, by fitting the "
            "models anew in bootstrap samples; in every other cohort the models predict as they "
            f"stand. {_READING} Intervals: {level}."
        ),
    ]
    for score, tables in found.items():
        blocks += _score(results, score, tables)
    return Section("clinical_use", _TITLE, blocks)


def _by_score(results: Results) -> dict[str, Tables]:
    """Tables of each score, by name."""
    found: dict[str, Tables] = {}
    for path in results.paths("clinical"):
        found.setdefault(Path(path).parent.name, {})[path.stem] = read_table(path)
    return found


def _clinical(results: Results) -> str:
    """The clinical covariates in words."""
    declared = results.block("cohort").get("covariates", {})
    return join_words(list(results.block("clinical_use").get("covariates", declared)))


def _score(results: Results, score: str, tables: Tables) -> Iterator[Block]:
    """All of one score."""
    yield Heading(f"{score} beside {_clinical(results)}")
    with_score = ""
    if len(tables["models"]):
        tested = records(tables["models"][tables["models"]["lr_p"].notna()])[0]
        with_score = str(tested["model"])
        yield from _verdict(score, tested)
        yield _models(tables["models"])
    yield from _pictures(results, score)
    if len(tables["optimism"]):
        yield _corrected(tables)
    if len(tables["added_value"]):
        yield _added(results, tables["added_value"])
    yield from _notes(tables["notes"])
    if len(tables["statements"]):
        text = f"In words, for a methods section; more in survival/clinical/{score}/statements.tsv:"
        yield Paragraph(text, "muted")
        yield Bullets(_statements(tables["statements"], with_score))


def _verdict(score: str, tested: dict[str, Any]) -> Iterator[Paragraph]:
    """The test of added value in a sentence, and a caution where deaths are few."""
    text = (
        f"Does {score} add to the covariates? Likelihood-ratio test in {tested['n']:,} patients, "
        f"{tested['events']:,} deaths of the training cohort: "
        f"χ² {format_number(tested['lr_chi2'])}, {int(tested['lr_df'])} df, "
        f"p {format_p(tested['lr_p'])}; AIC changes by {format_number(tested['aic_change'])} "
        "(below 0 is better). "
    )
    text += (
        "It does here; a second cohort has to confirm it."
        if tested["lr_p"] < _P
        else "That is not shown here; with few deaths it may still do so."
    )
    yield Paragraph(text)
    each = tested["events"] / tested["parameters"]
    if each < _EVENTS_A_PARAMETER:
        text = (
            f"{tested['parameters']} parameters for {tested['events']:,} deaths, fewer than "
            f"{_EVENTS_A_PARAMETER} deaths each: expect the model to do worse in new patients."
        )
        yield Paragraph(text, "caution")


def _models(models: pd.DataFrame) -> Table:
    """C-index and AIC by model and cohort."""
    rows = [
        (
            str(row["cohort"]),
            str(row["model"]),
            f"{row['n']:,} / {row['events']:,}",
            f"{row['parameters']:,}",
            format_interval(row["c_index"], row["low"], row["high"]),
            MISSING if math.isnan(row["aic"]) else f"{row['aic']:,.1f}",
        )
        for row in records(models)
    ]
    heads = ("cohort", "model", ">n / deaths", ">parameters", ">C-index", ">AIC")
    note = (
        "C-index (Harrell): 0.5 is chance, 1 perfect; in the training cohort it is too good. AIC "
        "compares models of the same patients only: lower is better."
    )
    return table("Models", heads, rows, note)


def _pictures(results: Results, score: str) -> Iterator[Picture]:
    """Nomograms, calibration, added value and decision curves."""
    calibration = (
        "On the diagonal as many die as predicted. Slope 1 is right; below 1 predictions are too "
        "extreme."
    )
    decisions = (
        "A model is of use at thresholds where its curve lies above treating all and treating none."
    )
    elsewhere = ", cohorts that no model was fitted on"
    for stem, title, caption in (
        ("clinical_nomogram", "Nomogram without the score", "Total points down to share alive."),
        ("score_nomogram", f"Nomogram with {score}", "Total points down to share alive."),
        ("clinical_calibration", "Calibration", calibration),
        ("held_out_calibration", f"Calibration{elsewhere}", calibration),
        ("added_value", "Added value", f"Right of 0 predictions with {score} are better."),
        ("decision_curves", "Decision curves", decisions),
        ("held_out_decisions", f"Decision curves{elsewhere}", decisions),
    ):
        yield from picture_of(results, f"{stem}_{score}", title, caption)


def _corrected(tables: Tables) -> Table:
    """Calibration of the training cohort, apparent and corrected."""
    found = tables["optimism"][tables["optimism"]["index"].isin(["slope", "ici", "r2"])]
    groups = tables["calibration_groups"]
    groups = groups[groups["cohort"] == TRAINING]
    rows = []
    for (days, model), part in found.groupby(["days", "model"], sort=False):
        by_index = {row["index"]: row for row in records(part)}
        mine = groups[(groups["days"] == days) & (groups["model"] == model)]
        rows.append(
            (
                str(model),
                _at(days),
                f"{mine['n'].sum():,} / {mine['events'].sum():,}",
                *(_pair(by_index[name], decimals) for name, decimals in _INDICES.values()),
                f"{by_index['slope']['bootstraps']:,}",
            )
        )
    heads = ("model", "at", ">n / deaths by then", *(f">{name}" for name in _INDICES), ">samples")
    note = (
        "Apparent → corrected for optimism (± Monte-Carlo error of the correction). Slope: 1 is "
        "right. ICI: mean distance of predicted from observed risk, 0 is right. R²: Nagelkerke's, "
        "0 if the model tells nothing, 1 if it tells all."
    )
    return table("Calibration corrected for optimism, training cohort", heads, rows, note)


_INDICES = {"slope": ("slope", 2), "ICI": ("ici", 3), "R²": ("r2", 2)}
"""Heads of the corrected indices, with their names and decimals."""


def _pair(row: dict[str, Any], decimals: int) -> str:
    """An index apparent and corrected: "1.00 → 0.87 (± 0.03)"."""
    values = [f"{row[name]:.{decimals}f}".replace("-", "−") for name in ("apparent", "corrected")]
    return f"{values[0]} → {values[1]} (± {row['error']:.{decimals}f})"


def _added(results: Results, added: pd.DataFrame) -> Table:
    """NRI and IDI by cohort and day."""
    rows = []
    for (cohort, days, measure), part in added.groupby(["cohort", "days", "measure"], sort=False):
        by_part = {row["part"]: row for row in records(part)}
        first = records(part)[0]
        rows.append(
            (
                str(cohort),
                _at(days),
                f"{first['n']:,} / {first['events']:,}",
                str(measure),
                *(_interval(by_part[name]) for name in PARTS),
                f"{first['bootstraps']:,}",
            )
        )
    parts = [f">{name}" for name in PARTS.values()]
    heads = ("cohort", "at", ">n / deaths by then", "measure", *parts, ">samples")
    cuts = join_words([percent(cut) for cut in results.block("clinical_use").get("cuts", [])])
    note = (
        f"Categories of risk divided at {cuts}. Above 0: better with the score. In the training "
        "cohort corrected for optimism. An interval above 0 is no test: the likelihood-ratio test "
        "is."
    )
    return table("Reclassification (NRI) and discrimination (IDI)", heads, rows, note)


def _interval(row: dict[str, Any]) -> str:
    """An improvement with its interval."""
    return format_interval(row["value"], row["low"], row["high"])


def _at(days: object) -> str:
    """A day in words that do not break."""
    return duration(float(str(days))).replace(" ", "\u00a0")


def _notes(notes: pd.DataFrame) -> Iterator[Block]:
    """What could not be had."""
    if notes.empty:
        return
    yield Paragraph("What these patients are too few for, or not followed long enough:", "caution")
    yield Bullets([f"{_place(row)}: {row['note']}." for row in records(notes)])


def _statements(statements: pd.DataFrame, with_score: str) -> list[str]:
    """What is said of both models, and how the one with the score does."""
    told = []
    for row in records(statements):
        if row["analysis"] == "calibration" and row["model"] != with_score:
            continue
        model = f"Model {row['model']}. " if row["analysis"] == "calibration" else ""
        cohort = "" if row["cohort"] == TRAINING else f"Cohort {row['cohort']}. "
        told.append(f"{cohort}{model}{row['text']}")
    return told


def _place(row: dict[str, Any]) -> str:
    """Cohort, analysis, model and day of a note."""
    parts = [f"cohort {row['cohort']}", str(row["analysis"]), str(row["model"])]
    days = "" if math.isnan(row["days"]) else duration(row["days"])
    return ", ".join(part for part in [*parts, days] if part)
