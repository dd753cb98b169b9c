"""Tab-separated sheets: every cell read and checked by the schema of its column."""

import csv
import difflib
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import jsonschema
import pandas as pd

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError

LABEL = {"type": "string", "maxLength": 60}
"""Text that names a group."""

_MISSING = {"", "NA"}
# How alike two names must be for one to be a slip for the other; event and evnt have 0.89.
_SLIP = 0.75
_EXAMPLES = {
    "mpp": "0.5",
    "time": "412",
    "event": "1",
    "path": "slides/S1.svs",
    "cohort": "training",
}


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
    properties |= {name: LABEL for name in labels or () if name not in properties}
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


def numbered(column: "pd.Series[Any]") -> Iterable[tuple[int, Any]]:
    """Cells of a column with their rows' numbers in the file."""
    return cast(Iterable[tuple[int, Any]], column.items())


def check_unique(table: pd.DataFrame, column: str, path: Path) -> None:
    """No id stands twice, nor contains two dots, nor differs from another in case alone."""
    seen: dict[str, int] = {}
    for row, value in numbered(table[column]):
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


def check_patients(table: pd.DataFrame, patients: pd.DataFrame, path: Path) -> None:
    """Every patient of a sheet stands in the sheet of patients."""
    known = set(patients["patient"])
    for row, patient in numbered(table["patient"]):
        if patient not in known:
            raise InputError(
                "no such patient in the sheet of patients",
                file=path,
                row=row,
                column="patient",
                value=patient,
                remedy=nearest(patient, known) if len(known) <= 2000 else "add the patient there",
            )


def joined_to(root: Path, cells: Iterable[str | None]) -> list[str | None]:
    """Paths of a column joined to a folder; empty cells stay empty."""
    return [None if cell is None else os.path.join(root, cell) for cell in cells]


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
