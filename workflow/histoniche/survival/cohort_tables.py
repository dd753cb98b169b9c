"""The job that names the cohorts and sets them beside each other."""

import logging
from pathlib import Path
from typing import Literal

import pandas as pd

from histoniche.survival.balance import balance_table
from histoniche.survival.cohorts import (
    TRAINING,
    cohorts_of_column,
    cohorts_of_split,
    follow_up_table,
    names_of,
)
from histoniche.survival.terms import Declared
from histoniche.tables import read_table, write_table

Source = Literal["one", "split", "sheet"]
COLUMN = "cohort"
"""Of the sheet of patients, in which it names the cohorts."""


def name_cohorts(
    patients: Path,
    split: Path | None,
    *,
    source: Source,
    declared: Declared,
    confidence: float,
    seed: int,
    cohorts: Path,
    balance: Path,
    follow_up: Path,
) -> None:
    """Say which patient is in which cohort, and describe the cohorts.

    Parameters
    ----------
    patients
        patient, time_days, event, the covariates and, for `sheet`, cohort.
    split
        patient and role, for `split`; else None.
    source
        `one`: all patients are training; else where their cohort stands.
    declared
        What the covariates' columns mean; all are described.
    confidence, seed
        Level of the intervals, and seed of the run.
    cohorts
        Written: patient, cohort; patients of no cohort are absent.
    balance
        Written: see `histoniche.survival.balance.balance_table`.
    follow_up
        Written: see `histoniche.survival.cohorts.follow_up_table`.
    """
    sheet = read_table(patients).set_index("patient")
    if source == "split" and split is not None:
        named = cohorts_of_split(read_table(split))
    elif source == "sheet":
        named = cohorts_of_column(sheet, COLUMN)
    else:
        named = pd.Series(TRAINING, index=sheet.index, name=COLUMN)
    write_table(named.rename_axis("patient").rename(COLUMN).reset_index(), cohorts)
    table = balance_table(sheet, named, declared=declared, names=list(declared), seed=seed)
    write_table(table, balance)
    write_table(follow_up_table(sheet, named, confidence=confidence), follow_up)
    logging.info("%d patients in %s", len(named), ", ".join(names_of(named)))
