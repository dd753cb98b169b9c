"""External cohorts: their expression, and what of it a score of the study can be made from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from histoniche.cohort.sheets import read_patients
from histoniche.errors import InputError
from histoniche.omics.activity import FEWEST
from histoniche.omics.decisions import Decision, list_names
from histoniche.omics.expression import Unit, log_scale, prepare, read_expression
from histoniche.omics.samples import Barcode, Wanted

Normalise = Literal["own", "training"]
"""Whose mean and deviation each gene is standardised by: the cohort's, or the study's patients'."""


class External(NamedTuple):
    """Where an external cohort lies, and how it is read."""

    expression: Path
    patients: Path
    unit: Unit
    normalise: Normalise
    time_unit: str
    barcode: Barcode
    sample_types: Sequence[str]
    symbols: str | None = None


def read_external(name: str, where: External) -> pd.DataFrame:
    """Log2 expression of an external cohort, genes by patients with follow-up.

    Raises
    ------
    InputError
        If a table does not fit, or fewer than ten patients have both expression and follow-up.
    """
    sheet = read_patients(where.patients, covariates={}, time_unit=where.time_unit, labels=())
    followed = sheet.dropna(subset=["time_days", "event"])["patient"].astype(str)
    if followed.empty:
        raise InputError(
            "nobody has both time and event",
            file=where.patients,
            column=f"pathways.cohorts.{name}.patients",
            remedy="fill in both columns",
        )
    wanted = Wanted(set(followed), where.barcode, where.sample_types)
    matrix = read_expression(where.expression, wanted, unit=where.unit, symbols=where.symbols)
    if matrix.values.shape[1] < FEWEST:
        raise InputError(
            f"only {matrix.values.shape[1]} patients with follow-up have expression, "
            f"{FEWEST} are needed",
            file=where.expression,
            column=f"pathways.cohorts.{name}",
            remedy="see whether both files name the same patients",
        )
    return log_scale(prepare(matrix, unit=where.unit, file=where.expression)[0], unit=where.unit)


def shared_genes(
    values: pd.DataFrame, weight: "pd.Series[int]", name: str, where: External
) -> pd.DataFrame:
    """Rows of the genes that the mean is over; an InputError if there is none."""
    shared = values[values.index.isin(weight.index)]
    if shared.empty:
        theirs, ours = (
            ", ".join(map(str, sorted(part)[:3])) for part in (values.index, weight.index)
        )
        raise InputError(
            f"has none of the {len(weight)} genes, such as {ours}; it names genes such as {theirs}",
            file=where.expression,
            column=f"pathways.cohorts.{name}.expression",
            remedy="name genes as the study does: symbols in both, or ids in both",
        )
    return shared


def describe_external(
    name: str,
    where: External,
    values: pd.DataFrame,
    weight: "pd.Series[int]",
    scaling: pd.DataFrame,
) -> list[Decision]:
    """Who and which genes of an external cohort take part."""
    known = weight.index.intersection(scaling.index).intersection(values.index)
    lost = sorted(set(weight.index) - set(known))
    whose = {"own": "its own mean and deviation", "training": "those of the study's patients"}
    absent = f"; without {list_names(lost, most=20)}" if lost else ""
    return [
        Decision(f"cohort {name}", "patients with expression and follow-up", values.shape[1]),
        Decision(
            f"cohort {name}",
            f"of {len(weight)} genes",
            len(known),
            f"each gene by {whose[where.normalise]}{absent}",
        ),
    ]
