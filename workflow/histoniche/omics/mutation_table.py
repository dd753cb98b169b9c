"""Reading mutations from a table of patients by genes, and what its cells mean."""

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision
from histoniche.omics.maf import Variants
from histoniche.omics.text import read_cells

FLAG, NAMED, SILENT, WILD, UNKNOWN = (
    "1 or true",
    "named variant",
    "silent variant",
    "wild type",
    "not sequenced",
)
"""What a cell may mean; the first two make the patient mutated."""

_WILD = frozenset(("", "wt", "wild type", "wild-type", "wildtype", "false", "no", "none", "-"))
_UNKNOWN = frozenset(("na", "n/a", "nan", "null", "ns", "not sequenced", "not profiled"))
_FLAG = frozenset(("true", "yes", "mut", "mutated", "mutant"))
# HGVS writes p.S500= or p.(=), others S500S.
_SAME = re.compile(r".*=\)?|(?:p\.)?\(?([A-Z*]|[A-Z][a-z]{2})\d+\1\)?")


def read_mutation_table(path: Path, *, silent: Collection[str]) -> Variants:
    """Read a table of patients (rows) by genes (columns).

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`; the first column holds the patient or sample. A
        cell that is 1 or more, true, yes or mutated, or that names a variant
        (R132H; several are separated by ; or ,) makes the patient mutated. Empty, 0,
        false, no, none, - or wild type (WT) does not, nor does a variant that
        leaves the protein as it is (p.S500=, S500S, or a silent class). NA and
        NS (not sequenced) do not either, but a patient who has nothing else
        was not profiled.
    silent
        Names of silent classes, where cells hold classes.

    Raises
    ------
    InputError
        If the table cannot be read, a gene or sample stands twice or has no
        name, or a cell is a number that is no count.
    """
    table = _read(path)
    samples, genes = table.iloc[:, 0], list(table.columns[1:])
    codes, texts = pd.factorize(table.iloc[:, 1:].to_numpy(dtype=object).ravel())
    meanings = [_meaning(str(text), silent) for text in texts]
    _check_cells(codes, texts, meanings, table, path)
    kinds = np.array(meanings, dtype=object)[codes].reshape(len(table), len(genes))
    found = (kinds == FLAG) | (kinds == NAMED) | (kinds == SILENT)
    rows, columns = np.nonzero(found)
    variants = pd.DataFrame(
        {
            "sample": samples.to_numpy()[rows],
            "gene": np.array(genes, dtype=object)[columns],
            "kind": kinds[rows, columns],
            "counts": kinds[rows, columns] != SILENT,
        },
        index=samples.index.to_numpy()[rows],
    )
    profiled = (kinds != UNKNOWN).any(axis=1)
    taken = [
        Decision("variants", "rows in the file", len(table), "patients by genes"),
        Decision("variants", "genes in the file", len(genes)),
        *(
            Decision("cells", kind, int((kinds == kind).sum()), "makes nobody mutated")
            for kind in (WILD, UNKNOWN)
        ),
        Decision("samples", "without any cell but NA or NS", int((~profiled).sum())),
    ]
    return Variants(variants, list(samples[profiled]), taken)


def _read(path: Path) -> pd.DataFrame:
    """Read the table as text, labelled with its rows; genes and samples are unique."""
    table = read_cells(
        path,
        table="patients by genes",
        remedy="separate columns by tabs or commas, the first row naming the genes",
    )
    genes = Counter(table.columns[1:])
    twice = next((gene for gene, count in genes.items() if count > 1 or not gene), None)
    if twice is not None:
        problem = "this gene has two columns" if twice else "gene without a name"
        raise InputError(problem, file=path, column=twice, remedy="give every gene one column")
    samples = table.iloc[:, 0].str.strip()
    bad = samples.duplicated() | (samples == "")
    if bad.any():
        row = int(table.index[bad][0])
        raise InputError(
            "empty, or this patient stands twice",
            file=path,
            row=row,
            value=str(samples.loc[row]),
            remedy="give every patient or sample one row",
        )
    table.isetitem(0, list(samples))
    return table


def _meaning(cell: str, silent: Collection[str]) -> str:
    """What a cell means; empty if it cannot mean anything."""
    text = cell.strip()
    lower = text.lower()
    for words, kind in ((_WILD, WILD), (_UNKNOWN, UNKNOWN), (_FLAG, FLAG)):
        if lower in words:
            return kind
    try:
        number = float(text)
    except ValueError:
        parts = [part.strip() for part in re.split("[;,]", text) if part.strip()]
        same = all(part in silent or _SAME.fullmatch(part) for part in parts)
        return SILENT if same else NAMED
    if number == 0:
        return WILD
    return FLAG if number > 0 and number.is_integer() else ""


def _check_cells(
    codes: np.ndarray, texts: np.ndarray, meanings: list[str], table: pd.DataFrame, path: Path
) -> None:
    """Raise the error for the first cell that cannot mean anything."""
    without = [code for code, meaning in enumerate(meanings) if not meaning]
    bad = np.isin(codes, without)
    if bad.any():
        row, column = divmod(int(bad.argmax()), table.shape[1] - 1)
        raise InputError(
            "neither 0 or 1, true or false, nor the name of a variant",
            file=path,
            row=int(table.index[row]),
            column=str(table.columns[column + 1]),
            value=str(texts[codes[int(bad.argmax())]]),
            remedy="write 1 for mutated, 0 for not, NA for not sequenced",
        )
