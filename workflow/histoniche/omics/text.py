"""Text tables of users: opening them, finding their header, and rows that do not fit."""

import csv
import gzip
import zlib
from pathlib import Path
from typing import IO, NamedTuple

import pandas as pd

from histoniche.errors import InputError


class Header(NamedTuple):
    """Head of a text table."""

    names: list[str]
    separator: str
    row: int


def open_text(path: Path) -> IO[str]:
    """Open a text file, gzipped or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def read_header(path: Path, *, table: str, remedy: str) -> Header:
    """Names of the columns, the separator (tab or comma), and the number of the header's row.

    Lines above the header that start with # are passed over. A header that
    lacks the first column's name, as R's `write.table` makes it, gets an empty one.

    Parameters
    ----------
    table, remedy
        What the table is and what to do if it is none, for the error.
    """
    with open_text(path) as stream:
        lines = (
            (number, line)
            for number, line in enumerate(stream, start=1)
            if line.strip() and not line.startswith("#")
        )
        row, first = next(lines, (0, ""))
        second = next(lines, (0, ""))[1]
    separator = max("\t,", key=first.count)
    names, cells = (split_line(line, separator) for line in (first, second))
    if len(names) < 2 or not cells:
        raise InputError(f"no table of {table}", file=path, remedy=remedy)
    if len(cells) == len(names) + 1:
        names = ["", *names]
    return Header(names, separator, row)


def read_cells(path: Path, *, table: str, remedy: str) -> pd.DataFrame:
    """Cells of a text table as text, labelled with their rows in the file; without empty rows.

    Parameters
    ----------
    table, remedy
        See `read_header`.

    Raises
    ------
    InputError
        If the file is no text, no table, or a row has too few or too many cells.
    """
    try:
        header = read_header(path, table=table, remedy=remedy)
        check_widths(path, header)
        cells = pd.read_csv(
            path,
            sep=header.separator,
            skiprows=header.row,
            header=None,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8",
        )
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        advice = "save it as UTF-8 TSV or CSV, and as .gz only if it is gzipped"
        raise InputError("not readable as text", file=path, remedy=advice) from error
    cells = cells.set_axis([name.strip() for name in header.names], axis=1)
    cells.index = pd.RangeIndex(header.row + 1, header.row + 1 + len(cells))
    cells = cells.fillna("")
    return cells[(cells != "").any(axis=1)]


def check_widths(path: Path, header: Header) -> None:
    """Every row has a cell for each column; pandas would fill up or cut off the others."""
    wanted = len(header.names)
    with open_text(path) as stream:
        for row, line in enumerate(stream, start=1):
            if row <= header.row or line.count(header.separator) == wanted - 1 or not line.strip():
                continue
            found = len(split_line(line, header.separator))
            if found != wanted:
                raise InputError(
                    f"{found} cells under {wanted} columns",
                    file=path,
                    row=row,
                    remedy="give every row one cell a column",
                )


def split_line(line: str, separator: str) -> list[str]:
    """Cells of one line."""
    return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
