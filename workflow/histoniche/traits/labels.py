"""Labels of a trait: the class of each slide, from a column of a sheet or from expression."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table
from histoniche.traits.gene_values import DIGITS, percentiles, read_gene

Classes = Sequence[object] | Mapping[str, Sequence[object]]
"""Classes in their declared order; a mapping says which values of the column each one holds."""

IN, NEAR, FAR, UNLABELLED = "in", "near", "far", "unlabelled"
"""Sets: with a class to learn from; out of distribution, next to the cuts and elsewhere; neither
learned from nor evaluated."""

LOW, HIGH = "low", "high"
"""Classes of expression; the second is the positive one."""

DTYPES: dict[str, Any] = {
    "slide": object,
    "patient": object,
    "trait": object,
    "class": object,
    "value": "float64",
    "percentile": "float64",
    "set": object,
    "reason": object,
}
"""Columns of a table of labels, one row a slide."""

_MISSING = ("", "NA", "NaN", "nan", "None", "[Not Available]", "[Unknown]", "[Not Evaluated]")


def label_slides(
    slides: Sequence[Mapping[str, Any]],
    out: Path,
    *,
    trait: str,
    settings: Mapping[str, Any],
    patients: Path | None = None,
    expression: Path | None = None,
    fewest: int = 3,
) -> None:
    """Write the labels of one trait.

    Parameters
    ----------
    slides
        One mapping a slide: slide, patient, and a column that labels slides.
    out
        Written: `DTYPES`.
    trait
        Its name.
    settings
        The trait's block of the config: `labels` with `column`, `of` (patients or
        slides) and `classes`, or `expression` with `gene`, `low`, `high` and `near`.
    patients
        The cohort's patients; needed for a column of theirs.
    expression
        gene, then one column a patient; needed for expression.
    fewest
        Fewest patients of each class.

    Raises
    ------
    InputError
        If there is no such column or gene, or a class has too few patients.
    """
    table = pd.DataFrame.from_records([dict(slide) for slide in slides])
    if "expression" in settings:
        block = dict(settings["expression"])
        values = read_gene(expression, block.pop("gene"), trait=trait)
        found = expression_labels(table, values, trait=trait, fewest=fewest, **block)
    else:
        block = dict(settings["labels"])
        by_slide = block.get("of", "patients") == "slides"
        sheet = table if by_slide or patients is None else read_table(patients)
        found = column_labels(
            table,
            _column(sheet, "slide" if by_slide else "patient", block["column"], trait),
            trait=trait,
            classes=block["classes"],
            fewest=fewest,
        )
    write_table(found, out)
    left = found[found["set"] == UNLABELLED]
    for reason, count in left["reason"].value_counts().items():
        logging.info("%s: %d slides left out: %s", trait, count, reason)


def class_values(classes: Classes, *, trait: str) -> dict[str, list[str]]:
    """Values of the column that each class holds, classes in their declared order.

    Raises
    ------
    InputError
        If there are fewer than two classes, or a value is in two of them.
    """
    if isinstance(classes, Mapping):
        held = {str(name): [_text(one) for one in values] for name, values in classes.items()}
    else:
        held = {_text(name): [_text(name)] for name in classes}
    problem = ""
    if len(held) < 2 or len(held) < len(classes):
        problem = "a trait needs two or more classes of different names"
    values = [value for own in held.values() for value in own]
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        problem = f"the value {twice[0]} is in two classes"
    if problem:
        remedy = "mend the classes"
        raise InputError(problem, column=f"traits.named.{trait}.labels.classes", remedy=remedy)
    return held


def column_labels(
    slides: pd.DataFrame, values: "pd.Series[Any]", *, trait: str, classes: Classes, fewest: int
) -> pd.DataFrame:
    """Labels from a column of the patients or of the slides.

    Parameters
    ----------
    slides
        slide and patient.
    values
        The column, with an index called patient or slide. Whole numbers are
        taken as text without decimals.
    trait, fewest
        As for `label_slides`.
    classes
        See `Classes`. Slides of a value that no class holds are left out, so
        that a step of a chain can be of some of the values.

    Returns
    -------
    `DTYPES`, one row a slide; who has no class is `unlabelled`, with the reason.
    """
    held = class_values(classes, trait=trait)
    owner = {value: name for name, own in held.items() for value in own}
    key, column = str(values.index.name), str(values.name)
    known = {str(name): _text(value) for name, value in values.items()}
    rows = []
    for slide, patient in zip(slides["slide"], slides["patient"], strict=True):
        value = known.get(str(slide if key == "slide" else patient))
        label = owner.get(value) if value is not None else None
        reason = ""
        if value is None:
            reason = f"the {key} is not in the sheet"
        elif value in _MISSING:
            reason = f"no value of {column}"
        elif label is None:
            reason = f"{column} {value} is in no class"
        rows.append((slide, patient, trait, label, np.nan, np.nan, _set(label), reason))
    table = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    check_classes(table, list(held), fewest=fewest)
    return table


def expression_labels(
    slides: pd.DataFrame,
    values: "pd.Series[float]",
    *,
    trait: str,
    low: float = 0.2,
    high: float = 0.8,
    near: float = 0.1,
    fewest: int,
) -> pd.DataFrame:
    """Labels from the expression of a gene, as in PathoMCH.

    Percentiles are those among the measured patients who have a slide, each
    patient counted once, test patients included as in the paper: a label says
    how a patient stands in the cohort. Below `low` a patient is low and above
    `high` high, and networks learn from these. The others are out of
    distribution: `near` up to a width of `near` from the cut, that is
    low <= percentile < low + near and high - near < percentile <= high, `far`
    between. Their class is high above the median and low below, and none at
    percentile 0.5 itself. Patients of equal expression are never parted.

    Parameters
    ----------
    slides
        slide and patient.
    values
        Expression by patient; NaN is not measured.
    trait, fewest
        As for `label_slides`.

    Returns
    -------
    `DTYPES`, one row a slide.

    Raises
    ------
    InputError
        If the cuts are out of order, or a class has too few patients, as it does where so
        many share the lowest value that their middle is above the cut.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, Results and Methods (Training).
    """
    if not 0 < low < high < 1 or near < 0 or round(low + near, DIGITS) > round(high - near, DIGITS):
        remedy = "keep 0 < low < high < 1, and near at most half of what is between"
        column = f"traits.named.{trait}.expression"
        raise InputError("the cuts are out of order", column=column, remedy=remedy)
    shown = values[values.index.isin(set(slides["patient"].astype(str)))].dropna()
    ranked = pd.Series(percentiles(shown), index=shown.index)
    rows: list[tuple[object, ...]] = []
    for slide, patient in zip(slides["slide"], slides["patient"], strict=True):
        if patient not in ranked:
            reason = "expression was not measured"
            rows.append((slide, patient, trait, None, np.nan, np.nan, UNLABELLED, reason))
            continue
        place = float(ranked[patient])
        label = LOW if place < 0.5 else HIGH if place > 0.5 else None
        reason = "" if label else "at the median, neither low nor high"
        where = _distribution(place, low, high, near)
        rows.append((slide, patient, trait, label, float(shown[patient]), place, where, reason))
    table = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    check_classes(table, [LOW, HIGH], fewest=fewest)
    return table


def check_classes(labels: pd.DataFrame, classes: Sequence[str], *, fewest: int) -> None:
    """Raise an InputError unless each class has patients enough to learn from."""
    kept = labels[labels["set"] == IN].drop_duplicates(["patient", "class"])
    counts = {name: int((kept["class"] == name).sum()) for name in classes}
    trait = str(labels["trait"].iloc[0]) if len(labels) else ""
    column = f"traits.named.{trait}"
    ties = kept.empty or labels["percentile"].notna().any()
    extra = ", or choose a gene of fewer equal values" if ties else ""
    there = [name for name, count in counts.items() if count]
    if len(there) < 2:
        only = f"one class only, {there[0]}, in" if there else "no class in"
        everybody = labels["patient"].nunique()
        remedy = f"label patients of {', '.join(name for name in classes if name not in there)}"
        raise InputError(f"{only} {everybody} patients", column=column, remedy=remedy + extra)
    for name, count in counts.items():
        if count < fewest:
            patients = "patient" if count == 1 else "patients"
            raise InputError(
                f"{count} {patients} of the class {name}, {fewest} are needed",
                column=column,
                remedy="label more patients, or merge classes" + extra,
            )


def _column(sheet: pd.DataFrame, key: str, column: str, trait: str) -> "pd.Series[Any]":
    """A column of a sheet by patient or by slide."""
    if column not in sheet:
        raise InputError(
            f"the sheet of {key}s has no such column",
            column=f"traits.named.{trait}.labels.column",
            value=column,
            remedy=f"choose among {', '.join(map(str, sheet.columns[:12]))}",
        )
    return sheet.set_index(sheet[key].astype(str).rename(key))[column]


def _text(value: object) -> str:
    """A cell as text; whole numbers without decimals, what is missing as nothing."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _set(label: str | None) -> str:
    """Set of a slide that has a class of a column, or none."""
    return UNLABELLED if label is None else IN


def _distribution(place: float, low: float, high: float, near: float) -> str:
    """Set of a percentile."""
    if place < low or place > high:
        return IN
    if place < round(low + near, DIGITS) or place > round(high - near, DIGITS):
        return NEAR
    return FAR
