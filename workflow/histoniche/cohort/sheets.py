"""The sheets of slides and patients: read, checked cell by cell and against each other."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from histoniche.cohort.masks import drawing_kind, is_zarr
from histoniche.cohort.schemas import read_schema
from histoniche.cohort.sheet_cells import (
    LABEL,
    check_patients,
    check_unique,
    joined_to,
    numbered,
    read_sheet,
)
from histoniche.errors import InputError

DAYS = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}
"""Length of a unit of time in days."""

_LONGEST_DAYS = 365.25 * 60


def read_slides(
    path: Path,
    *,
    root: Path,
    patients: pd.DataFrame,
    labels: Iterable[str] = (),
    comes: Callable[[str], bool] = lambda path: False,
) -> pd.DataFrame:
    """Read the sheet of slides; see `workflow/schemas/slides.schema.yaml`.

    Parameters
    ----------
    path
        The sheet.
    root
        Folder that relative paths start from.
    patients
        The sheet of patients, against which the slides' patients are checked.
    labels
        Further columns that something reads, as text; empty where the sheet has none.
    comes
        Whether a file will be here when it is needed, and so need not be yet.

    Returns
    -------
    One row a slide, sorted by slide; `path`, `annotation` and `tissue_mask` joined to `root`.
    """
    slides = read_sheet(path, read_schema("slides"), labels=labels)
    check_unique(slides, "slide", path)
    check_patients(slides, patients, path)
    for column in ("path", "annotation", "tissue_mask"):
        slides[column] = joined_to(root, slides[column])
        for row, value in numbered(slides.loc[slides["exclude"].isna(), column]):
            if value is None or (comes(value) and not os.path.exists(value)):
                continue
            if not (os.path.isfile(value) or is_zarr(Path(value))):
                raise InputError(
                    "no such file",
                    file=path,
                    row=row,
                    column=column,
                    value=value,
                    remedy="mend the path or cohort.root",
                )
            if column != "path":
                _check_drawing(Path(value), file=path, row=row, column=column)
    return slides.sort_values("slide", ignore_index=True)


def read_patients(
    path: Path, *, covariates: Mapping[str, str], time_unit: str, labels: Iterable[str] = ()
) -> pd.DataFrame:
    """Read the sheet of patients; see `workflow/schemas/patients.schema.yaml`.

    Parameters
    ----------
    path
        The sheet.
    covariates
        Declared covariates and their types, numeric or categorical.
    time_unit
        Unit of the column `time`: days, months or years.
    labels
        Further columns that something reads, as text; empty where the sheet has none.

    Returns
    -------
    One row a patient, sorted: patient, time_days (NaN if unknown), event (Int64),
    cohort where the sheet names any, then the covariates, numeric ones as float, and
    the labels that are no covariates.
    """
    schema = read_schema("patients")
    kinds = {"numeric": {"type": "number"}, "categorical": LABEL}
    schema["properties"] |= {name: kinds[kind] for name, kind in covariates.items()}
    patients = read_sheet(path, schema, required_columns=covariates, labels=labels)
    check_unique(patients, "patient", path)
    _check_follow_up(patients, path, time_unit)
    patients.insert(1, "time_days", patients.pop("time") * DAYS[time_unit])
    patients["event"] = patients["event"].astype("Int64")
    if "cohort" not in covariates and patients["cohort"].isna().all():
        patients = patients.drop(columns="cohort")
    return patients.sort_values("patient", ignore_index=True)


def _check_drawing(drawing: Path, *, file: Path, row: int, column: str) -> None:
    """What a person drew is of a kind that can be read."""
    kinds = ("png", "geojson", "zarr") if column == "annotation" else ("png", "geojson")
    try:
        if drawing_kind(drawing) not in kinds:
            raise ValueError(f"{drawing} is a Zarr")
    except ValueError as error:
        raise InputError(
            "neither PNG, GeoJSON nor OME-Zarr"
            if column == "annotation"
            else "neither PNG nor GeoJSON",
            file=file,
            row=row,
            column=column,
            value=str(drawing),
            remedy="save a mask as PNG (JPEG would blur its colours), polygons as .geojson",
        ) from error


def _check_follow_up(patients: pd.DataFrame, path: Path, time_unit: str) -> None:
    """Time and event stand together, and the times can be of the stated unit."""
    for (row, time), event in zip(numbered(patients["time"]), patients["event"], strict=True):
        if pd.isna(time) != pd.isna(event):
            raise InputError(
                "time and event do not stand together",
                file=path,
                row=row,
                column="event" if pd.isna(event) else "time",
                remedy="fill in both or neither",
            )
        if time * DAYS[time_unit] > _LONGEST_DAYS:
            raise InputError(
                f"longer than a human life for a time in {time_unit}",
                file=path,
                row=row,
                column="time",
                value=time,
                remedy="bring all times to the unit that cohort.time_unit states",
            )
