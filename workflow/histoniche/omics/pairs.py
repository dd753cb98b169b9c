"""Reading a table of ligand-receptor pairs."""

import gzip
from pathlib import Path
from typing import cast

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.text import read_header


def read_pairs(path: Path) -> tuple[pd.DataFrame, int]:
    """Read pairs of a ligand and its receptor.

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`, with a header; the first two columns are the
        ligand's and the receptor's gene, whatever they are called. LRdb and
        connectomeDB are such tables.

    Returns
    -------
    ligand and receptor, each pair once, in the file's order; and how many rows
    repeated a pair.

    Raises
    ------
    InputError
        If the file cannot be read, has fewer than two columns or no pair, or a gene is missing.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend ligand_receptor.pairs")
    remedy = "give the ligand in the first column and the receptor in the second"
    try:
        header = read_header(path, table="two columns or more", remedy=remedy)
        table = pd.read_csv(
            path,
            sep=header.separator,
            skiprows=header.row,
            header=None,
            usecols=[0, 1],
            names=["ligand", "receptor"],
            index_col=False,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8",
        )
    except InputError as error:
        raise InputError("not a table of two columns or more", file=path, remedy=remedy) from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, ValueError) as error:
        remedy = "save it as UTF-8 TSV or CSV, and as .gz only if it is gzipped"
        raise InputError("not readable as text", file=path, remedy=remedy) from error
    table.index = pd.RangeIndex(header.row + 1, header.row + 1 + len(table))
    table = table.apply(lambda column: column.fillna("").str.strip())
    table = table[(table != "").any(axis=1)]
    gap = (table == "").any(axis=1)
    if gap.any():
        row = int(cast(int, table.index[gap][0]))
        raise InputError(
            "pair without ligand or receptor", file=path, row=row, remedy="complete or drop it"
        )
    once = table.drop_duplicates(ignore_index=True)
    return once, len(table) - len(once)
