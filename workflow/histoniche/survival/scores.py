"""The job that gathers every score of the patients whose link to survival is studied."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError
from histoniche.score_table import ACTIVITY, DTYPES, GENE
from histoniche.tables import read_table, write_table


def gather_scores(
    table: Path | None,
    expression: Path | None,
    activity: Path | None,
    heterogeneity: Path | None = None,
    *,
    scores: Path,
    genes: Sequence[str],
    gene_sets: Sequence[str],
) -> None:
    """Bring scores of all kinds to one long table.

    Parameters
    ----------
    table
        patient, score, kind, value: areas and a study's own scores; or None.
    expression
        gene, then one column a patient; needed if `genes` are listed.
    activity
        patient, term, activity, and further columns; needed if `gene_sets` are listed.
    heterogeneity
        patient, score, kind, value: indices of the patients' slides; or None.
    scores
        Written: see `histoniche.score_table`; first `table`, then the genes and the gene sets in
        their order, then the indices.
    genes
        Symbols whose expression is a score.
    gene_sets
        Terms whose activity is a score.

    Raises
    ------
    InputError
        If a gene or a gene set is not there, a term stands in several libraries, two
        scores have one name, or there is none.
    """
    tables = [] if table is None else [read_table(table)]
    if genes and expression is not None:
        tables.append(_expression_of(genes, expression))
    if gene_sets and activity is not None:
        tables.append(_activity_of(gene_sets, activity))
    if heterogeneity is not None:
        tables.append(read_table(heterogeneity))
    if not tables:
        remedy = "bring areas or scores, or list survival.genes"
        raise InputError("no patient has a score", column="survival", remedy=remedy)
    found = pd.concat(tables, ignore_index=True)[list(DTYPES)].astype(DTYPES)
    twice = found.duplicated(["patient", "score"])
    if twice.any():
        row = found[twice].iloc[0]
        raise InputError(
            f"two scores have this name, one of the kind {row['kind']}",
            column="survival",
            value=row["score"],
            remedy="rename or leave out one of them",
        )
    write_table(found, scores)
    logging.info("%d scores of %d patients", found["score"].nunique(), found["patient"].nunique())


def read_values(
    scores: Path, named: Sequence[str], *, key: str
) -> tuple[dict[str, "pd.Series[float]"], dict[str, str]]:
    """Values of scores by patient, and their kinds.

    Parameters
    ----------
    scores
        What `gather_scores` wrote.
    named
        Scores that are read, in this order; all if empty.
    key
        Of the configuration that names them, for errors.

    Returns
    -------
    Values, whose name is the score's, and kind, each by score.

    Raises
    ------
    InputError
        If a score is not there.
    """
    parts = {str(score): rows for score, rows in read_table(scores).groupby("score", sort=False)}
    for name in named:
        if name not in parts:
            raise InputError("no such score", column=key, value=name, remedy=nearest(name, parts))
    read = {score: parts[score] for score in named or parts}
    values = {
        score: rows.set_index("patient")["value"].astype(float).rename(score)
        for score, rows in read.items()
    }
    return values, {score: str(rows["kind"].iloc[0]) for score, rows in read.items()}


def _expression_of(genes: Sequence[str], path: Path) -> pd.DataFrame:
    """Expression of the listed genes, one row a patient and gene."""
    values = read_table(path).set_index("gene")
    for gene in genes:
        if gene not in values.index:
            raise InputError(
                "the expression has no such gene",
                column="survival.genes",
                value=gene,
                remedy="write its symbol as omics/correlation or the table of expression has it",
            )
    wide = values.loc[list(genes)].rename_axis("score").reset_index()
    return wide.melt("score", var_name="patient").assign(kind=GENE)


def _activity_of(gene_sets: Sequence[str], path: Path) -> pd.DataFrame:
    """Activity of the listed gene sets, one row a patient and gene set."""
    found = read_table(path).rename(columns={"term": "score", "activity": "value"})
    libraries = found.groupby("score")["library"].unique()
    for term in gene_sets:
        if term not in libraries:
            raise InputError(
                "no activity was scored of this gene set",
                column="survival.gene_sets",
                value=term,
                remedy="choose one of omics/activity.tsv",
            )
        if len(libraries[term]) > 1:
            raise InputError(
                f"several libraries have this gene set: {', '.join(libraries[term])}",
                column="survival.gene_sets",
                value=term,
                remedy="leave all but one of them out of activity.gene_sets",
            )
    order = pd.Categorical(found["score"], categories=list(gene_sets), ordered=True)
    chosen = found.assign(order=order).dropna(subset="order").sort_values("order", kind="stable")
    return chosen.assign(kind=ACTIVITY)
