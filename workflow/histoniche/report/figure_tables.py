"""Tables that figures were drawn from, as the page shows them."""

from itertools import islice
from pathlib import Path

import pandas as pd

from histoniche.report.blocks import Column, Table
from histoniche.report.numbers import MISSING

MOST_ROWS = 200
"""Rows of a figure's table that still stand on the page."""

_MOST_CELLS = 6_000
_UNKNOWN = ("", "NA")


def count_rows(path: Path) -> int:
    """Number of rows of a table of text below its head."""
    with path.open(encoding="utf-8") as lines:
        return max(0, sum(1 for _ in lines) - 1)


def small_table(path: Path, title: str) -> Table | None:
    """The table of a figure, its texts as they stand in the file.

    Parameters
    ----------
    path
        TSV as `histoniche.report.style.save_figure` wrote it.
    title
        What the table is called.

    Returns
    -------
    None if it has no row, more than `MOST_ROWS`, or too many columns to be read.
    """
    with path.open(encoding="utf-8") as lines:
        rows = sum(1 for _ in islice(lines, MOST_ROWS + 2)) - 1
    if not 0 < rows <= MOST_ROWS:
        return None
    full = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if full.empty or full.size > _MOST_CELLS:
        return None
    columns = [Column(str(name), _numeric(full[name])) for name in full]
    cells = full.replace(list(_UNKNOWN), MISSING)
    return Table(title, columns, [tuple(row) for row in cells.itertuples(index=False)])


def _numeric(values: "pd.Series[str]") -> bool:
    """Whether a column holds numbers, and at least one."""
    known = values[~values.isin(_UNKNOWN)]
    return len(known) > 0 and bool(pd.to_numeric(known, errors="coerce").notna().all())
