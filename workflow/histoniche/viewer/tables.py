"""Tables on pages: searched, sorted, a page at a time; and as files for a spreadsheet."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

# More cells than this are not searched for a page.
LARGEST_CELLS = 5_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Column(NamedTuple):
    """A column's name, and whether it holds numbers."""

    name: str
    numeric: bool


class Page(NamedTuple):
    """Some rows of a table, as words."""

    columns: list[Column]
    rows: list[list[str]]
    found: int
    total: int
    number: int
    pages: int
    search: str
    sort: str
    descending: bool


def page_of(
    table: pd.DataFrame,
    *,
    search: str = "",
    sort: str = "",
    descending: bool = False,
    number: int = 1,
    size: int = 100,
) -> Page:
    """One page of a table.

    Parameters
    ----------
    search
        Letters that a row must have in one of its cells, in any case.
    sort
        Column to sort by; any other name keeps the table's order.
    descending
        Whether the largest comes first. What is missing comes last in any case.
    number, size
        Of the page, from 1, and its rows.
    """
    columns = [Column(str(name), _is_numeric(table[name])) for name in table.columns]
    total = len(table)
    if search:
        words = search.casefold()
        texts = [_texts(table[column.name], column.numeric) for column in columns]
        hits = [any(words in cell.casefold() for cell in row) for row in zip(*texts, strict=True)]
        table = table[hits]
    if sort in table.columns:
        key = (
            None if _is_numeric(table[sort]) else lambda values: values.astype("string").str.lower()
        )
        table = table.sort_values(
            sort, ascending=not descending, key=key, kind="stable", na_position="last"
        )
    pages = max(1, -(-len(table) // size))
    number = min(max(1, number), pages)
    part = table.iloc[(number - 1) * size : number * size]
    shown = [_texts(part[column.name], column.numeric) for column in columns]
    rows = [list(row) for row in zip(*shown, strict=True)]
    known = sort if sort in table.columns else ""
    return Page(columns, rows, len(table), total, number, pages, search, known, descending)


def written(value: Any) -> str:
    """A cell as words; empty if it is missing."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return ", ".join(written(one) for one in value)
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def for_spreadsheet(table: pd.DataFrame) -> str:
    """A table as TSV in which no cell is a formula to a spreadsheet program.

    Text that starts as a formula does gets an apostrophe before it, which such programs do not
    show; numbers stay as they are.
    """
    safe = table.copy()
    for name in safe.columns:
        if not _is_numeric(safe[name]):
            safe[name] = [_unformulated(cell) for cell in _texts(safe[name], numeric=False)]
    safe.columns = pd.Index([_unformulated(str(name)) for name in safe.columns])
    return safe.to_csv(sep="\t", index=False, float_format="%.6g", na_rep="NA")


def _unformulated(cell: str) -> str:
    """A cell that is no formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _texts(column: "pd.Series[Any]", numeric: bool) -> list[str]:
    """Cells as words."""
    return [written(value) for value in (column.tolist() if numeric else column)]


def _in_any_case(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Texts to sort by."""
    return values.astype("string").str.lower()


def _is_numeric(column: "pd.Series[Any]") -> bool:
    """Whether a column holds numbers, and not yes and no."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
