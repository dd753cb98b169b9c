"""The sheets of slides and patients: read, checked cell by cell and against each other."""

import csv
import difflib
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import jsonschema
import pandas as pd

from histoniche.cohort.masks import drawing_kind, is_zarr
from histoniche.cohort.schemas import nearest, read_schema
from histoniche.errors import InputError

DAYS = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}
"""Length of a unit of time in days."""

_LONGEST_DAYS = 365.25 * 60
_MISSING = {"", "NA"}
_LABEL = {"type": "string", "maxLength": 60}
# How alike two names must be for one to be a slip for the other; event and evnt have 0.89.
_SLIP = 0.75
_EXAMPLES = {"mpp": "0.5", "time": "412", "event": "1", "path": "slides/S1.svs"}


def read_sheet(
    path: Path,
    schema: Mapping[str, Any],
    *,
    required_columns: Iterable[str] = (),
    labels: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Read a tab-separated sheet and check every cell.

    Parameters
    ----------
    path
        The sheet.
    schema
        JSON schema of a row; its `properties` are the known columns, its
        `required` those whose cells must not be empty.
    required_columns
        Further columns that must be there but may have empty cells.
    labels
        Further columns that are read as text, and are empty where the sheet lacks them. Other
        unknown columns are then left alone, unless their name is nearly that of a known one
        that is missing; without `labels`, every unknown column is an error.

    Returns
    -------
    One row a thing, with every known column; numbers as float, text as str,
    empty cells as None or NaN. The index is the row's number in the file.

    Raises
    ------
    InputError
        Naming row, column and value of the first cell that does not fit.
    """
    header, rows = _read_cells(path)
    required = [*schema["required"], *required_columns]
    _check_header(header, schema["properties"], required, path, labels=labels)
    properties = {**schema["properties"]}
    properties |= {name: _LABEL for name in labels or () if name not in properties}
    checks = {
        column: jsonschema.Draft202012Validator(properties[column])
        for column in header
        if column in properties
    }
    records = []
    for number, row in rows:
        record: dict[str, Any] = dict.fromkeys(properties)
        for column, text in zip(header, row, strict=True):
            if column not in checks:
                continue
            value = _read_cell(text, column, properties[column], path=path, row=number)
            if value is None and column in schema["required"]:
                _fail("empty", properties[column], file=path, row=number, column=column, value=text)
            if value is not None and not checks[column].is_valid(value):
                _fail(
                    "does not fit",
                    properties[column],
                    file=path,
                    row=number,
                    column=column,
                    value=text,
                )
            record[column] = value
        records.append(record)
    index = [number for number, _ in rows]
    table = pd.DataFrame.from_records(records, columns=list(properties), index=index)
    for column, entry in properties.items():
        table[column] = table[column].astype(float if _is_number(entry) else object)
    return table


def read_slides(
    path: Path, *, root: Path, patients: pd.DataFrame, labels: Iterable[str] = ()
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

    Returns
    -------
    One row a slide, sorted by slide; `path`, `annotation` and `tissue_mask` joined to `root`.
    """
    slides = read_sheet(path, read_schema("slides"), labels=labels)
    _check_unique(slides, "slide", path)
    known = set(patients["patient"])
    for row, patient in _numbered(slides["patient"]):
        if patient not in known:
            raise InputError(
                "no such patient in the sheet of patients",
                file=path,
                row=row,
                column="patient",
                value=patient,
                remedy=nearest(patient, known) if len(known) <= 2000 else "add the patient there",
            )
    for column in ("path", "annotation", "tissue_mask"):
        slides[column] = [
            None if value is None else os.path.join(root, value) for value in slides[column]
        ]
        for row, value in _numbered(slides.loc[slides["exclude"].isna(), column]):
            if value is not None and not (os.path.isfile(value) or is_zarr(Path(value))):
                raise InputError(
                    "no such file",
                    file=path,
                    row=row,
                    column=column,
                    value=value,
                    remedy="mend the path or cohort.root",
                )
            if value is not None and column != "path":
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
    kinds = {"numeric": {"type": "number"}, "categorical": _LABEL}
    schema["properties"] |= {name: kinds[kind] for name, kind in covariates.items()}
    patients = read_sheet(path, schema, required_columns=covariates, labels=labels)
    _check_unique(patients, "patient", path)
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


def columns_of(path: Path) -> list[str]:
    """Columns that a sheet has, whether anything reads them or not."""
    return _read_cells(path)[0]


def _read_cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows of a tab-separated file, each row with its number in the file."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend the path in the config")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", file=path, remedy="save it as UTF-8 TSV") from error
    rows = [(number, line) for number, line in enumerate(lines, start=1) if any(line)]
    if len(rows) < 2:
        raise InputError("the sheet is empty", file=path, remedy="add a header and a row a thing")
    header = [name.strip() for name in rows[0][1]]
    if len(header) == 1 and "," in header[0]:
        raise InputError("separated by commas", file=path, row=1, remedy="separate by tabs")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise InputError(
                f"{len(row)} cells under {len(header)} columns",
                file=path,
                row=number,
                remedy="put one tab between cells, also around empty ones",
            )
    return header, rows[1:]


def _check_header(
    header: list[str],
    known: Collection[str],
    required: Iterable[str],
    path: Path,
    *,
    labels: Iterable[str] | None,
) -> None:
    """Every column is known or nobody's, there once, and none that is required is missing."""
    absent = [column for column in known if column not in header]
    for column in header:
        slip = difflib.get_close_matches(column.lower(), absent, n=1, cutoff=_SLIP)
        if column not in {*known, *(labels or ())} and (labels is None or slip):
            raise InputError(
                "unknown column", file=path, row=1, column=column, remedy=nearest(column, known)
            )
        if header.count(column) > 1:
            raise InputError("stands twice", file=path, row=1, column=column, remedy="drop one")
    for column in required:
        if column not in header:
            raise InputError("missing column", file=path, row=1, column=column, remedy="add it")


def _read_cell(
    text: str, column: str, entry: Mapping[str, Any], *, path: Path, row: int
) -> str | float | None:
    """Value of one cell; None if it is empty."""
    text = text.strip()
    if text in _MISSING:
        return None
    if not _is_number(entry):
        return text
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        _fail("not a number", entry, file=path, row=row, column=column, value=text)
    return value


def _is_number(entry: Mapping[str, Any]) -> bool:
    """Whether a column's schema asks for numbers."""
    choices = entry.get("enum", [])
    return entry.get("type") == "number" or (
        bool(choices) and all(isinstance(choice, int) for choice in choices)
    )


def _fail(
    problem: str, entry: Mapping[str, Any], *, file: Path, row: int, column: str, value: str
) -> NoReturn:
    """Raise the error for one cell, with what the schema wants there."""
    if "enum" in entry:
        remedy = "write one of " + ", ".join(map(str, entry["enum"]))
    elif column in ("slide", "patient"):
        remedy = "write 1 to 64 letters, digits, dots, underscores and hyphens"
    elif "minimum" in entry:
        remedy = f"write a number from {entry['minimum']} to {entry['maximum']}, such as 0.5"
    elif "exclusiveMinimum" in entry:
        remedy = f"write a number greater than {entry['exclusiveMinimum']}, or leave it empty"
    elif _is_number(entry):
        remedy = f"write a number such as {_EXAMPLES.get(column, '60')}, or leave it empty"
    else:
        remedy = f"write text such as {_EXAMPLES.get(column, 'A')}"
    raise InputError(problem, file=file, row=row, column=column, value=value, remedy=remedy)


def _check_unique(table: pd.DataFrame, column: str, path: Path) -> None:
    """No id stands twice, nor contains two dots, nor differs from another in case alone."""
    seen: dict[str, int] = {}
    for row, value in _numbered(table[column]):
        if ".." in value:
            raise InputError(
                "two dots in a row",
                file=path,
                row=row,
                column=column,
                value=value,
                remedy="write one",
            )
        first = seen.setdefault(value.lower(), row)
        if first != row:
            raise InputError(
                f"stands in row {first} already",
                file=path,
                row=row,
                column=column,
                value=value,
                remedy="make every one unique, also regardless of case",
            )


def _check_follow_up(patients: pd.DataFrame, path: Path, time_unit: str) -> None:
    """Time and event stand together, and the times can be of the stated unit."""
    for (row, time), event in zip(_numbered(patients["time"]), patients["event"], strict=True):
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


def _numbered(column: "pd.Series[Any]") -> Iterable[tuple[int, Any]]:
    """Cells of a column with their rows' numbers in the file."""
    return cast(Iterable[tuple[int, Any]], column.items())
