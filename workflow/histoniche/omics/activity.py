"""Activity of every gene set in every patient, from files."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.activity_kernels import gene_set_variation, single_sample_enrichment
from histoniche.omics.gene_sets import admissible_sets
from histoniche.omics.smoothed_ranks import CONSTANT, Kernel
from histoniche.tables import write_table
from histoniche.tested_genes import read_tested

Method = Literal["ssgsea", "gsva"]
METHODS: tuple[Method, ...] = get_args(Method)

FEWEST = 10
"""Fewest patients whose activities are scored or tied to anything."""

DTYPES: dict[str, Any] = {
    "patient": object,
    "library": object,
    "term": object,
    "method": object,
    "activity": "float64",
    "size": "int64",
}


def score_activity(
    expression: Path,
    genes: Path,
    gene_sets: Mapping[str, Path],
    *,
    activity: Path,
    method: Method,
    min_size: int,
    max_size: int,
    kernel: Kernel = "gaussian",
    max_diff: bool = True,
    scaled: bool = True,
) -> None:
    """Score every gene set of every library in every patient.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.
    gene_sets
        GMT files by the short name of the library.
    activity
        Written: patient, library, term, method, activity, size (genes of the
        set among the tested ones).
    method
        `ssgsea` or `gsva`, see `histoniche.omics.activity_kernels`.
    min_size, max_size
        Sets with fewer or more tested genes are left out; so is a set of all tested genes.
    kernel, max_diff
        Of `gsva`.
    scaled
        Of `ssgsea`: divide by the range of the activities, library by library.

    Raises
    ------
    InputError
        If there are fewer than ten patients, a value is missing, all genes are
        constant, the values do not fit the kernel, a library names genes
        otherwise than the expression or has no set of admissible size, or
        there is no library.
    """
    values, _ = read_tested(expression, genes)
    values = scorable(values, method=method, kernel=kernel, file=expression)
    if not gene_sets:
        raise InputError("no library of gene sets", remedy="name one in activity.gene_sets")
    sets = {
        (library, term): members
        for library, path in gene_sets.items()
        for term, members in admissible_sets(
            path,
            values.index,
            min_size=max(1, min_size),
            max_size=min(max_size, len(values) - 1),
            block="activity",
        ).items()
    }
    # All libraries at once, so that genes are ranked once.
    found = activity_of_sets(
        values, sets, method=method, kernel=kernel, max_diff=max_diff, scaled=False
    )
    if method == "ssgsea" and scaled:
        found = _by_range(found)
    write_table(_long(found, sets).assign(method=method)[list(DTYPES)].astype(DTYPES), activity)


def scorable(values: pd.DataFrame, *, method: Method, kernel: Kernel, file: Path) -> pd.DataFrame:
    """Genes by patients that can be scored: for GSVA without constant genes, as in R.

    A gene that is constant over the patients still has a rank within each, so
    ssGSEA keeps it.

    Raises
    ------
    InputError
        See `score_activity`.
    """
    if values.shape[1] < FEWEST:
        raise InputError(
            f"{values.shape[1]} patients, activity of gene sets needs {FEWEST}",
            file=file,
            remedy="add patients, or leave activity out of the config",
        )
    numbers = values.to_numpy(dtype="float64")
    _check_cells(values, ~np.isfinite(numbers), file, "value missing or infinite", "drop the gene")
    if method == "gsva" and kernel == "poisson":
        counts = (numbers >= 0) & (numbers == np.rint(numbers))
        remedy = "set activity.kernel to gaussian, or give counts"
        _check_cells(
            values, ~counts, file, "not a count, but the Poisson kernel needs them", remedy
        )
    constant = ~(numbers.std(axis=1, ddof=1) > CONSTANT)
    if constant.all():
        raise InputError(
            f"all {len(values)} tested genes are constant over the patients",
            file=file,
            remedy="see whether the table holds expression",
        )
    if constant.any():
        fate = "left out" if method == "gsva" else "ranked like the others"
        names = ", ".join(values.index[constant][:3])
        message = "%d genes are constant over the patients, such as %s; they are %s"
        logging.warning(message, constant.sum(), names, fate)
    return values[~constant] if method == "gsva" else values


def activity_of_sets(
    values: pd.DataFrame,
    sets: Mapping[Any, Collection[str]],
    *,
    method: Method,
    kernel: Kernel = "gaussian",
    max_diff: bool = True,
    scaled: bool = True,
) -> pd.DataFrame:
    """Activity of gene sets in patients.

    Parameters
    ----------
    values
        Genes (index, each once) by patients, finite.
    sets
        Genes of `values` by set.

    Returns
    -------
    Sets by patients.
    """
    named = [gene for genes in sets.values() for gene in genes]
    ends = np.cumsum([len(genes) for genes in sets.values()])
    members = np.split(values.index.get_indexer(pd.Index(named)), ends[:-1])
    numbers = values.to_numpy(dtype="float64")
    if method == "gsva":
        found = gene_set_variation(numbers, members, kernel=kernel, max_diff=max_diff)
    elif method == "ssgsea":
        found = single_sample_enrichment(numbers, members, scaled=scaled)
    else:
        raise ValueError(f"no method {method!r}; there are {', '.join(METHODS)}")
    return pd.DataFrame(found, index=pd.Index(list(sets)), columns=values.columns)


def _by_range(found: pd.DataFrame) -> pd.DataFrame:
    """Activities divided by the range of those of the same library."""
    library = found.index.get_level_values(0)
    span = found.max(axis=1).groupby(library).max() - found.min(axis=1).groupby(library).min()
    return found.div(span.where(span > 0, 1).loc[library].to_numpy(), axis=0)


def _long(found: pd.DataFrame, sets: Mapping[Any, Collection[str]]) -> pd.DataFrame:
    """One row a patient and set, from sets by patients."""
    terms, patients = found.shape
    return pd.DataFrame(
        {
            "patient": np.repeat(found.columns.to_numpy(), terms),
            "library": np.tile(found.index.get_level_values(0), patients),
            "term": np.tile(found.index.get_level_values(1), patients),
            "activity": found.to_numpy().T.ravel(),
            "size": np.tile([len(genes) for genes in sets.values()], patients),
        }
    )


def _check_cells(
    values: pd.DataFrame, bad: "np.ndarray[Any, np.dtype[np.bool_]]", file: Path, what: str, do: str
) -> None:
    """Raise the error for the first cell that is bad."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{what}, in gene {values.index[row]}",
            file=file,
            column=str(values.columns[column]),
            value=values.iat[row, column],
            remedy=do,
        )
