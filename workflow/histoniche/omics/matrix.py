"""Reading a table of genes by patients, with the place of every cell that does not fit."""

import csv
import gzip
from collections.abc import Collection
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, cast

import numpy as np
import pandas as pd

from histoniche.errors import InputError

_MISSING = ["", "NA", "NaN", "nan", "null"]


class Matrix(NamedTuple):
    """Genes by patients; the rows' labels are their numbers in the file."""

    genes: "pd.Series[str]"
    values: pd.DataFrame
    unmatched: list[str]
    """Columns of the file that name no patient of the sheet."""


class Header(NamedTuple):
    """Head of a text table."""

    names: list[str]
    separator: str
    row: int


def read_matrix(path: Path, *, patients: Collection[str]) -> Matrix:
    """Read a table of genes (rows) by patients (columns).

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`, or Parquet. The first column holds the gene;
        lines above the header that start with # are passed over. R's
        `write.table`, whose header lacks the gene's column, is understood.
    patients
        Patients of the sheet; only their columns are read.

    Returns
    -------
    Genes as text and values as float64, with NaN where a cell is empty or NA.

    Raises
    ------
    InputError
        If the file cannot be read, a patient has two columns, no column names
        a patient, a gene has no name, or a cell is not a finite number.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend expression.path in the config")
    if path.suffix == ".parquet":
        table, unmatched = _read_parquet(path, patients)
    else:
        table, unmatched = _read_text(path, patients)
    genes, values = table.iloc[:, 0].fillna("").astype(str).str.strip(), table.iloc[:, 1:]
    values = _as_numbers(values, path)
    blank = (genes == "") & values.isna().all(axis=1)
    unnamed = (genes == "") & ~blank
    if unnamed.any():
        row = int(cast(int, genes.index[unnamed][0]))
        raise InputError("gene without a name", file=path, row=row, remedy="name it or drop it")
    return Matrix(genes[~blank], values[~blank], unmatched)


def _read_parquet(path: Path, patients: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """Gene and matched patients of a Parquet file, and the other columns' names."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError("not a Parquet file", file=path, remedy="write it anew") from error
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    names = [str(name) for name in table.columns]
    kept, unmatched = _match(names, patients, path)
    table = table.iloc[:, [0, *kept]].set_axis([names[0], *(names[k] for k in kept)], axis=1)
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table, unmatched


def _read_text(path: Path, patients: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """Gene and matched patients of a TSV or CSV file, and the other columns' names."""
    try:
        header = read_header(path)
        kept, unmatched = _match(header.names, patients, path)
        check_widths(path, header)
        table = pd.read_csv(
            path,
            sep=header.separator,
            skiprows=header.row,
            header=None,
            names=[*map(str, range(len(header.names)))],
            index_col=False,
            dtype={"0": str},
            keep_default_na=False,
            na_values=dict.fromkeys(map(str, kept), _MISSING),
            skip_blank_lines=False,
            low_memory=False,
            usecols=[0, *kept],
            encoding="utf-8",
        )
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        remedy = "save it as UTF-8 TSV or CSV, and as .gz only if it is gzipped"
        raise InputError("not readable as text", file=path, remedy=remedy) from error
    table = table[["0", *map(str, kept)]].set_axis(
        ["gene", *(header.names[k] for k in kept)], axis=1
    )
    table.index = pd.RangeIndex(header.row + 1, header.row + 1 + len(table))
    return table, unmatched


def _open(path: Path) -> IO[str]:
    """Open a text file, gzipped or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def read_header(path: Path, *, columns: str = "patients") -> Header:
    """Names of the columns, the separator, and the number of the header's row.

    `columns` says in an error what the columns are.
    """
    with _open(path) as stream:
        lines = (
            (number, line)
            for number, line in enumerate(stream, start=1)
            if line.strip() and not line.startswith("#")
        )
        row, first = next(lines, (0, ""))
        second = next(lines, (0, ""))[1]
    separator = max("\t,", key=first.count)
    names, cells = (_cells(line, separator) for line in (first, second))
    if len(names) < 2 or not cells:
        raise InputError(
            f"no table of genes by {columns}",
            file=path,
            remedy=f"separate columns by tabs or commas, the first row naming the {columns}",
        )
    if len(cells) == len(names) + 1:
        names = ["", *names]
    return Header(names, separator, row)


def check_widths(path: Path, header: Header) -> None:
    """Every row has a cell for each column; pandas would fill up or cut off the others."""
    wanted = len(header.names)
    with _open(path) as stream:
        for row, line in enumerate(stream, start=1):
            if row <= header.row or line.count(header.separator) == wanted - 1 or not line.strip():
                continue
            found = len(_cells(line, header.separator))
            if found != wanted:
                raise InputError(
                    f"{found} cells under {wanted} columns",
                    file=path,
                    row=row,
                    remedy="give every row one cell a column",
                )


def _cells(line: str, separator: str) -> list[str]:
    """Cells of one line."""
    return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])


def _match(names: list[str], patients: Collection[str], path: Path) -> tuple[list[int], list[str]]:
    """Positions of the columns that name a patient, and the names of the others."""
    kept = [position for position, name in enumerate(names) if position and name in patients]
    twice = next((names[k] for k in kept if names.count(names[k]) > 1), None)
    if twice is not None:
        raise InputError(
            "this patient has two columns", file=path, column=twice, remedy="keep or average one"
        )
    if not kept:
        there, wanted = ", ".join(names[1:4]), ", ".join(sorted(patients)[:3])
        raise InputError(
            f"no column is a patient of the sheet; columns are {there}, patients are {wanted}",
            file=path,
            remedy="write the ids alike",
        )
    return kept, [name for name in names[1:] if name not in patients]


def _as_numbers(values: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Values as float64; the first cell that is no finite number is an error."""
    numbers, faults = {}, []
    for name, column in values.items():
        truth = pd.api.types.is_bool_dtype(column)
        number = pd.to_numeric(column.astype(str) if truth else column, errors="coerce")
        number = number.astype("float64")
        bad = (number.isna() & column.notna()) | np.isinf(number)
        if bad.any():
            faults.append((int(cast(int, column.index[bad][0])), str(name)))
        numbers[name] = number
    if faults:
        _fail(values, path, *min(faults))
    return pd.DataFrame(numbers, index=values.index)


def _fail(values: pd.DataFrame, path: Path, row: int, column: str) -> NoReturn:
    """Raise the error for one cell."""
    raise InputError(
        "not a finite number",
        file=path,
        row=row,
        column=column,
        value=str(values.loc[row, column]),
        remedy="write a number, or NA if it is missing",
    )
