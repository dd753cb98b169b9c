"""The cohort's own tables: patients with their covariates, and the split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from histoniche.cohort.sheets import read_patients
from histoniche.cohort.splits import split_patients
from histoniche.tables import write_table


def write_patients(
    sheet: Path, out: Path, *, covariates: Mapping[str, str], time_unit: str
) -> None:
    """Write the checked sheet of patients, times in days, as a table."""
    write_table(read_patients(sheet, covariates=covariates, time_unit=time_unit), out)


def write_split(
    slides: Sequence[Mapping[str, Any]], out: Path, *, seed: int, **settings: Any
) -> None:
    """Divide the patients, audit the split for leakage and write it as a table."""
    write_table(split_patients(slides, seed=seed, **settings), out)
