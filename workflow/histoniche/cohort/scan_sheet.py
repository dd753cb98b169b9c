"""The sheet of scans: read, checked cell by cell, in itself and against the patients."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from histoniche.cohort.schemas import read_schema
from histoniche.cohort.sheet_cells import (
    check_patients,
    check_unique,
    joined_to,
    numbered,
    read_sheet,
)
from histoniche.errors import InputError

FITTED_MAPS = ("FA", "MD", "AD", "RD")
"""Maps that are fitted where raw diffusion volumes are given."""

_RAW = ("dwi", "bvals", "bvecs")
_VOLUMES = (".nii", ".nii.gz")


def read_scans(
    path: Path, *, root: Path, patients: pd.DataFrame, maps: Sequence[str]
) -> pd.DataFrame:
    """Read the sheet of scans; see `workflow/schemas/scans.schema.yaml`.

    Parameters
    ----------
    path
        The sheet.
    root
        Folder that relative paths start from.
    patients
        The sheet of patients, against which patients and their cohorts are checked.
    maps
        Names of the maps; each is a column, or fitted from raw diffusion volumes.

    Returns
    -------
    One row a patient, sorted: patient, cohort (of either sheet, None if neither has one),
    mask, brain_mask, dwi, bvals, bvecs, the maps, and exclude; files joined to `root`, None
    where a cell is empty.

    Raises
    ------
    InputError
        Naming row, column and value of the first cell that does not fit.
    """
    schema = read_schema("scans")
    for name in maps:
        if name in schema["properties"]:
            raise InputError(
                "a map cannot bear the name of another column of the sheet of scans",
                file=path,
                column=name,
                remedy="name the map otherwise, in imaging.maps and in the sheet",
            )
    schema["properties"] |= dict.fromkeys(maps, schema["properties"]["mask"])
    scans = read_sheet(path, schema, labels=())
    check_unique(scans, "patient", path)
    check_patients(scans, patients, path)
    scans["cohort"] = _agreed_cohorts(scans, patients, path)
    files = ["mask", "brain_mask", *_RAW, *maps]
    for column in files:
        scans[column] = joined_to(root, scans[column])
    for row in scans.index[scans["exclude"].isna()]:
        cells = {column: scans.loc[row, column] for column in files}
        _check_row(cells, maps, file=path, row=int(row))
    _check_files(scans, ["mask", "dwi", *maps], path)
    return scans[["patient", "cohort", *files, "exclude"]].sort_values("patient", ignore_index=True)


def join_cohorts(patients: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """The sheet of patients with the cohorts that only the sheet of scans names.

    Parameters
    ----------
    patients
        As `read_patients` reads it.
    scans
        As `read_scans` reads it beside those patients, so that both agree.
    """
    named = scans.dropna(subset="cohort").set_index("patient")["cohort"]
    if named.empty:
        return patients
    joined = patients["patient"].map(named)
    if "cohort" in patients:
        return patients.assign(cohort=patients["cohort"].where(patients["cohort"].notna(), joined))
    place = list(patients.columns).index("event") + 1
    joined = joined.astype(object).where(joined.notna(), None)
    return pd.concat(
        [patients.iloc[:, :place], joined.rename("cohort"), patients.iloc[:, place:]], axis=1
    )


def _agreed_cohorts(scans: pd.DataFrame, patients: pd.DataFrame, path: Path) -> list[Any]:
    """Cohort of each scan's patient by either sheet; they must not differ."""
    stated = {}
    if "cohort" in patients:
        stated = dict(zip(patients["patient"], patients["cohort"], strict=True))
    agreed = []
    for (row, cohort), patient in zip(numbered(scans["cohort"]), scans["patient"], strict=True):
        other = stated.get(patient)
        other = None if pd.isna(other) else other
        if cohort is not None and other is not None and cohort != other:
            raise InputError(
                f"patient {patient} is in two cohorts: the sheet of patients says {other}",
                file=path,
                row=row,
                column="cohort",
                value=cohort,
                remedy="mend one of the sheets",
            )
        agreed.append(other if cohort is None else cohort)
    return agreed


def _check_files(scans: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """No volume stands for two patients, or for two maps; brains and tables of vectors may."""
    known: dict[str, tuple[str, str]] = {}
    for row in scans.index[scans["exclude"].isna()]:
        patient = str(scans.loc[row, "patient"])
        for column in columns:
            value = scans.loc[row, column]
            if value is None:
                continue
            own = os.path.realpath(str(value))
            if own in known:
                other, name = known[own]
                raise InputError(
                    f"is the {name} of patient {other} too",
                    file=path,
                    row=int(row),
                    column=column,
                    value=str(value),
                    remedy="name each patient's own files, or fill in exclude",
                )
            known[own] = patient, column


def _check_row(cells: dict[str, str | None], maps: Sequence[str], *, file: Path, row: int) -> None:
    """A row names the tumour and every map once, and its files are there."""

    def fail(problem: str, column: str, remedy: str) -> NoReturn:
        raise InputError(
            problem, file=file, row=row, column=column, value=cells[column], remedy=remedy
        )

    if cells["mask"] is None:
        fail("no mask of the tumour", "mask", "name its NIfTI file, or fill in exclude")
    raw = [column for column in _RAW if cells[column] is not None]
    for column in _RAW if raw else ():
        if cells[column] is None:
            fail("dwi, bvals and bvecs do not stand together", column, "fill in all three or none")
    for name in maps:
        fitted = bool(raw) and name in FITTED_MAPS
        if fitted and cells[name] is not None:
            remedy = "keep the map, or dwi, bvals and bvecs"
            fail("given beside the volumes from which it is fitted", name, remedy)
        if not fitted and cells[name] is None:
            own = name in FITTED_MAPS
            remedy = "name its file, or dwi, bvals and bvecs" if own else "name its file"
            fail(f"no map {name}", name, f"{remedy}, or fill in exclude")
    for column, value in cells.items():
        if value is None:
            continue
        if column not in ("bvals", "bvecs") and not value.endswith(_VOLUMES):
            fail("neither .nii nor .nii.gz", column, "save it as NIfTI in one file")
        if not os.path.isfile(value):
            fail("no such file", column, "mend the path or imaging.root")
