"""Two tables that should be the same, column by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from histoniche.reproduction.tolerances import Tolerance

Verdict = Literal["identical", "within", "differs", "missing", "not made"]
COLUMNS = (
    "table",
    "column",
    "rows",
    "largest_absolute",
    "largest_relative",
    "tolerance",
    "verdict",
)


@dataclass(frozen=True)
class Difference:
    """What the comparison of one column came to; with no column, of the table as a whole."""

    table: str
    column: str
    rows: int
    largest_absolute: float
    """NaN where nothing can be subtracted, or nothing differs from nothing."""
    largest_relative: float
    """Of the larger of both values."""
    tolerance: str
    verdict: Verdict
    remark: str = ""


def compare_tables(
    name: str, expected: pd.DataFrame, found: pd.DataFrame, tolerance: Tolerance
) -> list[Difference]:
    """Compare a table with the one that it should be.

    Parameters
    ----------
    name
        What it is called.
    expected, found
        The tables. Rows are compared in their order; where that differs, by what their texts
        and counts say, so that near ties may change places.
    tolerance
        By how much numbers may differ.

    Returns
    -------
    One difference a column of either; or a single one if the numbers of rows differ.
    """
    if len(expected) != len(found):
        remark = f"{len(expected)} rows in the bundle, {len(found)} now"
        return [_of_table(name, len(expected), "differs", remark)]
    shared = [column for column in expected.columns if column in found.columns]
    one, other = _aligned(expected[shared], found[shared])
    columns = [_compare_column(name, one[column], other[column], tolerance) for column in shared]
    return [*columns, *_of_columns_apart(name, expected, found)]


def _of_table(name: str, rows: int, verdict: Verdict, remark: str) -> Difference:
    """A finding on a table as a whole."""
    return Difference(name, "", rows, np.nan, np.nan, "", verdict, remark)


def missing_table(name: str, rows: int, verdict: Verdict, remark: str) -> Difference:
    """A table that the new run did not leave."""
    return _of_table(name, rows, verdict, remark)


def _of_columns_apart(
    name: str, expected: pd.DataFrame, found: pd.DataFrame
) -> Iterator[Difference]:
    """Columns that one of the tables alone has."""
    for column in [*expected.columns, *found.columns]:
        if column not in expected.columns or column not in found.columns:
            where = "in the bundle" if column in expected.columns else "now"
            yield Difference(
                name,
                str(column),
                len(expected),
                np.nan,
                np.nan,
                "",
                "differs",
                f"only {where}",
            )


def _aligned(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with their rows in one order, as they stand if that is one already."""
    keys = [name for name in one.columns if not _is_number(one[name])]
    keys = [name for name in keys if not _is_number(other[name])]
    first, second = (table[keys].map(_plain).astype(str) for table in (one, other))
    if not keys or (first.to_numpy() == second.to_numpy()).all():
        return one, other
    orders = [np.lexsort(table.to_numpy(dtype=str).T[::-1]) for table in (first, second)]
    sorted_keys = [
        table.to_numpy()[order] for table, order in zip((first, second), orders, strict=True)
    ]
    if not (sorted_keys[0] == sorted_keys[1]).all():
        return one, other
    return one.iloc[orders[0]], other.iloc[orders[1]]


def _is_number(values: "pd.Series[Any]") -> bool:
    """Whether a column holds measured numbers, not counts, texts or truth values."""
    return pd.api.types.is_float_dtype(values)


def _compare_column(
    table: str, one: "pd.Series[Any]", other: "pd.Series[Any]", tolerance: Tolerance
) -> Difference:
    """Compare the cells of a column, row by row."""
    column, rows = str(one.name), len(one)
    if all(pd.api.types.is_numeric_dtype(values) for values in (one, other)) and not any(
        pd.api.types.is_bool_dtype(values) for values in (one, other)
    ):
        counts = not (_is_number(one) or _is_number(other))
        return _compare_numbers(table, one, other, tolerance, counts=counts)
    same = [_plain(a) == _plain(b) for a, b in zip(one, other, strict=True)]
    apart = rows - sum(same)
    remark = f"{apart} of {rows} rows" if apart else ""
    verdict: Verdict = "differs" if apart else "identical"
    return Difference(table, column, rows, np.nan, np.nan, "exact", verdict, remark)


def _compare_numbers(
    table: str,
    one: "pd.Series[Any]",
    other: "pd.Series[Any]",
    tolerance: Tolerance,
    *,
    counts: bool,
) -> Difference:
    """Compare numbers, missing ones and infinite ones being equal to their like."""
    a, b = (values.to_numpy(dtype=float, na_value=np.nan) for values in (one, other))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        absolute = np.where(same, 0.0, np.abs(a - b))
        larger = np.maximum(np.abs(a), np.abs(b))
        relative = np.divide(absolute, larger, out=np.zeros_like(absolute), where=larger > 0)
        limit = tolerance.counts * larger
        if not counts:
            limit = tolerance.absolute + tolerance.relative * larger
        # A limit of infinity, for an infinite number, allows nothing.
        fits = same | ((absolute <= limit) & np.isfinite(absolute))
    apart = int((~fits).sum())
    verdict: Verdict = "identical" if same.all() else "differs" if apart else "within"
    return Difference(
        table,
        str(one.name),
        len(one),
        _largest(absolute),
        _largest(relative),
        f"counts {tolerance.counts:g} x value" if counts else _stated(tolerance),
        verdict,
        f"{apart} of {len(one)} rows" if apart else "",
    )


def _stated(tolerance: Tolerance) -> str:
    """The tolerance of numbers as it is shown."""
    return f"{tolerance.relative:g} x value + {tolerance.absolute:g}"


def _largest(values: np.ndarray) -> float:
    """Largest difference; infinite if one value is missing, 0 for no rows."""
    return float(np.max(np.where(np.isnan(values), np.inf, values), initial=0.0))


def _plain(value: Any) -> Any:
    """A cell that can be compared: missing as None, lists as lists."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if pd.isna(value) else value
