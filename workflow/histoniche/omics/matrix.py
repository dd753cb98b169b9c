"""Reading a table of genes by patients, with the place of every cell that does not fit."""

import gzip
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, cast

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.samples import (
    NO_PATIENT,
    NOT_TCGA,
    PRIMARY,
    Barcode,
    Sample,
    Wanted,
    judge_samples,
    read_barcodes,
    require_samples,
)
from histoniche.omics.text import check_widths, read_header

_MISSING = ["", "NA", "NaN", "nan", "null"]


class Matrix(NamedTuple):
    """Genes by patients; the rows' labels are their numbers in the file."""

    genes: "pd.Series[str]"
    values: pd.DataFrame
    unmatched: list[str]
    """Columns of the file that name no patient of the sheet."""
    samples: tuple[Sample, ...] = ()
    """Every column of the file, and whether it is used."""
    symbols: "pd.Series[str] | None" = None
    """Symbols of the genes, if the file has them beside the ids."""


class Raw(NamedTuple):
    """A table as read: genes as text, one column a used sample, cells not yet checked."""

    genes: "pd.Series[str]"
    values: pd.DataFrame
    samples: list[Sample]
    symbols: "pd.Series[str] | None"


class _Columns(NamedTuple):
    """Which columns of a table are read, by their numbers from 0."""

    symbols: int | None
    used: dict[int, str]
    """Names of the used samples."""
    samples: list[Sample]


def read_matrix(
    path: Path,
    *,
    patients: Collection[str],
    barcode: Barcode = "whole",
    sample_types: Collection[str] = PRIMARY,
    symbols: str | None = None,
    layer: str | None = None,
) -> Matrix:
    """Read a table of genes (rows) by patients (columns).

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`, or Parquet: the first column holds the gene;
        lines above the header that start with # are passed over, and R's
        `write.table`, whose header lacks the gene's column, is understood.
        Or h5ad, with the patients in obs or in var.
    patients
        Patients of the sheet; only their columns are read.
    barcode, sample_types
        How a column names its patient and which sample types are kept, see
        `histoniche.omics.samples`. Several samples of a patient are averaged
        gene by gene in the file's unit, over the samples that have a value.
    symbols
        Column that holds the genes' symbols, if the first one holds ids.
    layer
        Layer of an h5ad file to read in place of X.

    Returns
    -------
    Genes as text and values as float64, with NaN where a cell is empty or NA.

    Raises
    ------
    InputError
        If the file cannot be read, a sample has two columns, no column names
        a patient, a gene has no name, or a cell is not a finite number.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend expression.path in the config")
    wanted = Wanted(patients, barcode, sample_types)
    if path.suffix == ".h5ad":
        from histoniche.omics.h5ad import read_h5ad  # noqa: PLC0415 - costs two seconds

        raw = read_h5ad(path, wanted, symbols=symbols, layer=layer)
    elif path.suffix == ".parquet":
        raw = _read_parquet(path, wanted, symbols)
    else:
        raw = _read_text(path, wanted, symbols)
    genes = raw.genes.fillna("").astype(str).str.strip()
    values = _as_numbers(raw.values, path)
    blank = (genes == "") & values.isna().all(axis=1)
    unnamed = (genes == "") & ~blank
    if unnamed.any():
        row = int(cast(int, genes.index[unnamed][0]))
        raise InputError("gene without a name", file=path, row=row, remedy="name it or drop it")
    return Matrix(
        genes[~blank],
        average_samples(values[~blank], raw.samples),
        [s.sample for s in raw.samples if s.reason in (NO_PATIENT, NOT_TCGA)],
        tuple(raw.samples),
        None if raw.symbols is None else raw.symbols[~blank],
    )


def match_samples(names: Sequence[str], wanted: Wanted, path: Path) -> list[Sample]:
    """Judge the samples that columns name; one that is used must not stand there twice."""
    samples = judge_samples(read_barcodes(names, wanted.barcode), wanted)
    counts = Counter(sample.sample for sample in samples if sample.used)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        whose = "patient" if wanted.barcode == "whole" else "sample"
        raise InputError(
            f"this {whose} has two columns", file=path, column=twice, remedy="keep or average one"
        )
    require_samples(samples, wanted, file=path, what="column")
    return samples


def average_samples(values: pd.DataFrame, samples: Sequence[Sample]) -> pd.DataFrame:
    """One column a patient in place of one a used sample: the mean of those that have a value."""
    owner = {sample.sample: sample.patient for sample in samples if sample.used}
    patients = [owner[str(name)] for name in values.columns]
    if len(set(patients)) == len(patients):
        return values.set_axis(patients, axis=1)
    return values.T.groupby(np.array(patients, dtype=object), sort=False).mean().T


def _read_parquet(path: Path, wanted: Wanted, symbols: str | None) -> Raw:
    """Genes and used samples of a Parquet file."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError("not a Parquet file", file=path, remedy="write it anew") from error
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    columns = _choose([str(name) for name in table.columns], wanted, symbols, path)
    table = table.set_axis(range(table.shape[1]), axis=1)
    table.index = pd.RangeIndex(2, len(table) + 2)
    return _raw(table, columns)


def _read_text(path: Path, wanted: Wanted, symbols: str | None) -> Raw:
    """Genes and used samples of a TSV or CSV file."""
    try:
        header = read_header(
            path,
            table="genes by patients",
            remedy="separate columns by tabs or commas, the first row naming the patients",
        )
        columns = _choose(header.names, wanted, symbols, path)
        check_widths(path, header)
        texts = [0] if columns.symbols is None else [0, columns.symbols]
        table = pd.read_csv(
            path,
            sep=header.separator,
            skiprows=header.row,
            header=None,
            names=[*map(str, range(len(header.names)))],
            index_col=False,
            dtype=dict.fromkeys(map(str, texts), str),
            keep_default_na=False,
            na_values=dict.fromkeys(map(str, columns.used), _MISSING),
            skip_blank_lines=False,
            low_memory=False,
            usecols=[*texts, *columns.used],
            encoding="utf-8",
        )
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        remedy = "save it as UTF-8 TSV or CSV, and as .gz only if it is gzipped"
        raise InputError("not readable as text", file=path, remedy=remedy) from error
    table = table.set_axis(table.columns.astype(int), axis=1)
    table.index = pd.RangeIndex(header.row + 1, header.row + 1 + len(table))
    return _raw(table, columns)


def _choose(names: Sequence[str], wanted: Wanted, symbols: str | None, path: Path) -> _Columns:
    """Choose the columns to read; the first holds the gene."""
    column = None if symbols is None else _symbol_column(names, symbols, path)
    others = [k for k, name in enumerate(names) if k > 0 and name and k != column]
    samples = match_samples([names[k] for k in others], wanted, path)
    used = {k: s.sample for k, s in zip(others, samples, strict=True) if s.used}
    return _Columns(column, used, samples)


def _raw(table: pd.DataFrame, columns: _Columns) -> Raw:
    """Genes, symbols and used samples of a table whose columns are numbered as in the file."""
    values = table[list(columns.used)].set_axis(list(columns.used.values()), axis=1)
    symbols = None
    if columns.symbols is not None:
        symbols = table[columns.symbols].fillna("").astype(str).str.strip()
    return Raw(table[0], values, columns.samples, symbols)


def _symbol_column(names: Sequence[str], symbols: str, path: Path) -> int:
    """Position of the column of symbols."""
    if symbols not in names:
        there = ", ".join(names[:4])
        raise InputError(
            f"no such column; the first are {there}",
            file=path,
            column=symbols,
            remedy="mend expression.symbols in the config",
        )
    return list(names).index(symbols)


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
