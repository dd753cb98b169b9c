"""Expression of one gene by patient, and where each patient stands among the others."""

import difflib
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.tables import read_table

DIGITS = 9
"""Percentiles and cuts are compared as decimals of these places, so that 0.2 + 0.1 is 0.3."""


def read_gene(expression: Path | None, gene: str, *, trait: str) -> "pd.Series[float]":
    """Expression of a gene or miRNA by patient.

    Raises
    ------
    InputError
        If there is no table of expression, or no such gene in it.
    """
    column = f"traits.named.{trait}.expression.gene"
    if expression is None:
        remedy = "add the block expression to the config, or take labels from a column"
        raise InputError("there is no table of expression", column=column, remedy=remedy)
    table = read_table(expression).set_index("gene")
    if gene not in table.index:
        close = difflib.get_close_matches(gene, [str(name) for name in table.index], n=1)
        raise InputError(
            "the expression has no such gene",
            column=column,
            value=gene,
            remedy=f"did you mean {close[0]}?" if close else f"write it as {expression} does",
        )
    patients = pd.Index([str(name) for name in table.columns], name="patient")
    return pd.Series(table.loc[gene].to_numpy(np.float64), index=patients, name=gene)


def percentiles(values: ArrayLike) -> NDArray[np.float64]:
    """Share of the values below each one, half of its equals and itself counted: 0 to 1.

    The mid-rank percentile (rank - 0.5) / n. Equal values have equal
    percentiles, and turning the order round gives 1 - percentile.
    """
    ranks = scipy.stats.rankdata(np.asarray(values, dtype=np.float64))
    return np.asarray(np.round((ranks - 0.5) / max(len(ranks), 1), DIGITS))
