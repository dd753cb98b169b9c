"""The cohort's own tables: patients with their covariates, and the split."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.scan_sheet import join_cohorts
from histoniche.cohort.sheets import read_patients
from histoniche.cohort.splits import recall_roles, split_patients
from histoniche.files import read_json
from histoniche.tables import write_table


def write_patients(
    sheet: Path,
    out: Path,
    *,
    covariates: Mapping[str, str],
    time_unit: str,
    labels: Iterable[str] = (),
    cohorts: Mapping[str, str] | None = None,
) -> None:
    """Write the checked sheet of patients, times in days, as a table; see `read_patients`.

    `cohorts` are those that the sheet of scans alone names, by patient.
    """
    table = read_patients(sheet, covariates=covariates, time_unit=time_unit, labels=labels)
    named = pd.DataFrame(list((cohorts or {}).items()), columns=["patient", "cohort"])
    write_table(join_cohorts(table, named), out)


def write_split(
    slides: Sequence[Mapping[str, Any]], out: Path, *, seed: int, **settings: Any
) -> None:
    """Divide the patients, audit the split for leakage and write it as a table."""
    write_table(split_patients(slides, seed=seed, **settings), out)


def write_recalled_split(
    patients: Iterable[str], models: Sequence[Sequence[Path]], out: Path
) -> None:
    """Write the roles that patients had in the training of finished models.

    Parameters
    ----------
    patients
        Patients with an annotated slide.
    models
        For each head the descriptions (`model.json`) of its models.
    """
    seen = [[read_json(model)["patients_sha256"] for model in head] for head in models]
    write_table(recall_roles(patients, seen), out)
