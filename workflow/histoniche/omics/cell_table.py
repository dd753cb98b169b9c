"""Reading a dense table of genes by cells, piece by piece into a sparse matrix."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.text import check_widths, read_header

_ROWS_AT_ONCE = 1000


def read_cell_table(path: Path) -> tuple[Any, list[str], list[str]]:
    """Read a table of genes (rows) by cells (columns).

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`; the first column holds the gene. R's
        `write.table`, whose header lacks the gene's column, is understood.

    Returns
    -------
    Sparse matrix, cells by genes, float32; the cells' names; the genes' names.

    Raises
    ------
    InputError
        If the file cannot be read, a cell stands twice, a gene has no name, or
        a value is missing, no finite number or negative.
    """
    try:
        remedy = "separate columns by tabs or commas, the first row naming the cells"
        header = read_header(path, table="genes by cells", remedy=remedy)
        check_widths(path, header)
        cells = header.names[1:]
        _check_cells(cells, path)
        genes: list[str] = []
        blocks = []
        for names, values in _blocks(path, header.names, header.separator, header.row):
            genes += names
            blocks.append(scipy.sparse.csr_array(values))
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        remedy = "save it as UTF-8 TSV or CSV, and as .gz only if it is gzipped"
        raise InputError("not readable as text", file=path, remedy=remedy) from error
    return scipy.sparse.csr_array(scipy.sparse.vstack(blocks).T), cells, genes


def _check_cells(cells: list[str], path: Path) -> None:
    """No cell has two columns."""
    seen: set[str] = set()
    for cell in cells:
        if cell in seen:
            raise InputError("cell has two columns", file=path, column=cell, remedy="drop one")
        seen.add(cell)


def _blocks(
    path: Path, columns: list[str], separator: str, row: int
) -> "Iterator[tuple[list[str], np.ndarray[Any, np.dtype[np.float32]]]]":
    """Genes and checked values, some rows at a time."""
    pieces = pd.read_csv(
        path,
        sep=separator,
        skiprows=row,
        header=None,
        names=[*map(str, range(len(columns)))],
        index_col=False,
        dtype={"0": str},
        skip_blank_lines=False,
        low_memory=False,
        encoding="utf-8",
        chunksize=_ROWS_AT_ONCE,
    )
    for read in pieces:
        piece = read.set_axis(columns, axis=1).set_axis(read.index + row + 1, axis=0)
        genes = piece.iloc[:, 0].fillna("").str.strip()
        blank = (genes == "") & piece.iloc[:, 1:].isna().all(axis=1)
        genes, values = genes[~blank], piece[~blank].iloc[:, 1:]
        if (genes == "").any():
            unnamed = int(cast(int, genes.index[genes == ""][0]))
            raise InputError(
                "gene without a name", file=path, row=unnamed, remedy="name it or drop it"
            )
        yield list(genes), _numbers(values, path)


def _numbers(values: pd.DataFrame, path: Path) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Values as float32; the first that is missing, not finite or negative is an error."""
    numbers = values.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(numbers) | (numbers < 0)
    if wrong.any():
        row, column = (int(where[0]) for where in wrong.nonzero())
        value = str(values.iat[row, column])
        negative = numbers[row, column] < 0 and np.isfinite(numbers[row, column])
        raise InputError(
            "negative value" if negative else "not a finite number",
            file=path,
            row=int(cast(int, values.index[row])),
            column=str(values.columns[column]),
            value=value,
            remedy="give counts or log(1 + x) values, 0 where a gene was not seen",
        )
    return numbers.astype(np.float32)
