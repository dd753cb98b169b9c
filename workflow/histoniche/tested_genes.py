"""The expression of the genes that are tested, for all that ties genes to something."""

from pathlib import Path

import pandas as pd

from histoniche.tables import read_table


def read_tested(expression: Path, genes: Path) -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Values of the tested genes, and in how many patients each is detected.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.

    Returns
    -------
    Genes by patients; and a number by gene.
    """
    values = read_table(expression).set_index("gene")
    summary = read_table(genes).set_index("gene")
    tested = summary.index[summary["tested"]]
    return values.loc[tested], summary.loc[tested, "detected"]
