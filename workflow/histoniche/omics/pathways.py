"""Gene sets behind a score: enriched between its groups, and active where the score is high."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.activity import FEWEST, Method, activity_of_sets, scorable
from histoniche.omics.comparisons import CASE, differing, differing_in_words
from histoniche.omics.decisions import Decision, write_decisions
from histoniche.omics.differential_enrichment import enrich_comparisons
from histoniche.omics.expression import Unit, log_scale
from histoniche.omics.gene_sets import read_gmt
from histoniche.omics.pearson import pearson
from histoniche.tables import read_table, write_table
from histoniche.tested_genes import read_tested

Sets = Mapping[tuple[str, str], Collection[str]]
"""Genes by library and term."""

ACTIVITY: dict[str, Any] = {
    "patient": object,
    "library": object,
    "term": object,
    "method": object,
    "activity": "float64",
    "size": "int64",
}
CORRELATION: dict[str, Any] = {
    "score": object,
    "library": object,
    "term": object,
    "direction": object,
    "enrichment_q": "float64",
    "method": object,
    "size": "int64",
    "n": "int64",
    "r": "float64",
    "r_low": "float64",
    "r_high": "float64",
    "confidence": "float64",
    "p": "float64",
    "q": "float64",
}
"""Columns of the tables that `correlate_pathways` writes."""


def correlate_pathways(
    expression: Path,
    scores: Path,
    gene_sets: Mapping[str, Path],
    *,
    genes: Path,
    differential: Path,
    groups: Path,
    enrichment: Path,
    activity: Path,
    correlation: Path,
    decisions: Path,
    comparison: str,
    score: str,
    rule: Mapping[str, float],
    q: float,
    min_size: int,
    max_size: int,
    method: Method,
    unit: Unit,
    confidence: float,
) -> None:
    """Find the sets enriched between a score's groups, and correlate their activity with it.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote, in this unit.
    scores
        patient, score, value.
    gene_sets
        GMT files by the short name of the library.
    differential
        What `histoniche.omics.differential.compare_expression` wrote.
    groups
        What `histoniche.omics.comparisons.divide_patients` wrote.
    enrichment
        Written: `histoniche.omics.differential_enrichment.DTYPES`, of this comparison, by the rule
        given here.
    activity
        Written: `ACTIVITY`, of the enriched sets, in all patients with expression.
    correlation
        Written: `CORRELATION`, a row an enriched set: direction (up, down, or both), the smallest
        q of its enrichment, Pearson's r with Fisher's interval, p, and q (Benjamini-Hochberg over
        all enriched sets of all libraries).
    decisions
        Written: step, item, count, detail.
    comparison, score
        The comparison, and the score that it was made by.
    rule
        q and log2_fold_change, see `histoniche.omics.comparisons.differing`.
    q
        Sets with a smaller q are enriched.
    min_size, max_size
        Sets with fewer or more genes of the background are not tested for enrichment.
    method
        Of the activity, see `histoniche.omics.activity_kernels`; on the log2 scale.
    confidence
        Level of the intervals.

    Raises
    ------
    InputError
        If there is no such comparison or score, or fewer than ten patients have both expression
        and the score.

    References
    ----------
    Yan et al. 2021, EBioMedicine 72:103583.
    """
    values = log_scale(read_tested(expression, genes)[0], unit=unit)
    known = _read_score(scores, score, values.columns)
    tested = _comparison(differential, comparison)
    found = enrich_comparisons(tested, gene_sets, rule=rule, min_size=min_size, max_size=max_size)
    chosen = enriched(found, q=q)
    if len(chosen):
        values = scorable(values, method=method, kernel="gaussian", file=expression)
    members = _members(chosen, gene_sets, values.index)
    active = _activities(values, members, method=method)
    table = correlate_activities(active, known, confidence=confidence)
    chosen = chosen.rename(columns={"q": "enrichment_q"}).set_index(["library", "term"])
    sizes = [len(genes) for genes in members.values()]
    table = table.join(chosen, on=["library", "term"])
    table = table.assign(score=score, method=method, size=sizes, confidence=confidence)
    write_table(found, enrichment)
    write_table(_long(active, sizes, method), activity)
    write_table(table[list(CORRELATION)].astype(CORRELATION), correlation)
    taken = [
        *_describe_genes(tested, read_table(groups), comparison, rule),
        *_describe_sets(chosen, list(gene_sets), len(members), q),
        Decision("activity", f"patients scored by {method}", values.shape[1], "log2 expression"),
        Decision("correlation", "patients with expression and the score", len(known), score),
    ]
    write_decisions(taken, decisions)


def enriched(enrichment: pd.DataFrame, *, q: float) -> pd.DataFrame:
    """Sets that are enriched in some direction: library, term, direction, q (the smallest).

    A set enriched in both the genes up and those down has the direction `up, down`.
    """
    sure = enrichment[enrichment["q"] < q]
    each = sure.groupby(["library", "term"], sort=False)
    table = each.agg(direction=("direction", ", ".join), q=("q", "min")).reset_index()
    return table.sort_values(["q", "library", "term"], kind="stable", ignore_index=True)


def correlate_activities(
    activities: pd.DataFrame, score: "pd.Series[float]", *, confidence: float
) -> pd.DataFrame:
    """Correlate activities with a score over the patients who have both.

    Parameters
    ----------
    activities
        Sets, an index of library and term, by patients.
    score
        By patient.

    Returns
    -------
    library, term, n, r, r_low, r_high, p, q (Benjamini-Hochberg over all rows).
    """
    common = activities.columns.intersection(score.index)
    found = pearson(
        activities[common].to_numpy(dtype=np.float64),
        np.asarray(score.loc[common], dtype=np.float64),
        confidence=confidence,
    )
    return pd.DataFrame(
        {
            "library": activities.index.get_level_values(0),
            "term": activities.index.get_level_values(1),
            "n": len(common),
            "r": found.r,
            "r_low": found.low,
            "r_high": found.high,
            "p": found.p,
            "q": false_discovery(found.p),
        }
    )


def _read_score(path: Path, score: str, patients: Collection[str]) -> "pd.Series[float]":
    """A score's values of those patients who have expression."""
    table = read_table(path)
    if score not in set(table["score"]):
        raise InputError(
            "no such score",
            file=path,
            column="pathways.score",
            value=score,
            remedy=f"choose among {', '.join(map(str, table['score'].unique()))}",
        )
    mine = table[table["score"] == score].set_index("patient")["value"].astype(float).dropna()
    mine = mine[mine.index.isin(list(patients))]
    if len(mine) < FEWEST:
        raise InputError(
            f"only {len(mine)} patients have both expression and this score, {FEWEST} are needed",
            file=path,
            column="pathways.score",
            value=score,
            remedy="see whether both name the same patients",
        )
    return mine


def _comparison(differential: Path, comparison: str) -> pd.DataFrame:
    """Genes of one comparison."""
    table = read_table(differential)
    mine = table[table["comparison"] == comparison]
    if mine.empty:
        raise InputError(
            "no gene was compared by this comparison",
            file=differential,
            column="pathways.comparison",
            value=comparison,
            remedy=f"choose among {', '.join(map(str, table['comparison'].unique())) or 'none'}",
        )
    return mine


def _members(
    chosen: pd.DataFrame, gene_sets: Mapping[str, Path], tested: Collection[str]
) -> dict[tuple[str, str], frozenset[str]]:
    """Tested genes of each chosen set; a set that has none is left out."""
    libraries = {name: read_gmt(gene_sets[name]) for name in chosen["library"].unique()}
    pairs = zip(chosen["library"], chosen["term"], strict=True)
    known = {(library, term): libraries[library][term] & set(tested) for library, term in pairs}
    return {key: genes for key, genes in known.items() if genes}


def _activities(values: pd.DataFrame, sets: Sets, *, method: Method) -> pd.DataFrame:
    """Activity of sets by patients, the sets by library and term."""
    empty = pd.MultiIndex.from_tuples([], names=["library", "term"])
    if not sets:
        return pd.DataFrame(index=empty, columns=values.columns, dtype="float64")
    found = activity_of_sets(values, sets, method=method, kernel="gaussian")
    return found.set_axis(pd.MultiIndex.from_tuples(list(sets), names=empty.names), axis=0)


def _long(active: pd.DataFrame, sizes: Sequence[int], method: str) -> pd.DataFrame:
    """One row a patient and set."""
    table = active.assign(size=list(sizes)).set_index("size", append=True)
    long = table.melt(var_name="patient", value_name="activity", ignore_index=False).reset_index()
    return long.assign(method=method)[list(ACTIVITY)].astype(ACTIVITY)


def _describe_genes(
    tested: pd.DataFrame, groups: pd.DataFrame, comparison: str, rule: Mapping[str, float]
) -> list[Decision]:
    """Who was compared, and how many genes differ."""
    mine = groups[groups["comparison"] == comparison]
    sizes = mine.sort_values("group", key=lambda group: group != CASE)["label"].value_counts(
        sort=False
    )
    words = differing_in_words(**rule)
    counts = {way: int(rows.sum()) for way, rows in differing(tested, **rule).items()}
    return [
        *(Decision("groups", str(label), int(size), comparison) for label, size in sizes.items()),
        Decision("genes", "genes tested", int(tested["q"].notna().sum())),
        *(Decision("genes", f"genes {way}", size, words) for way, size in counts.items()),
    ]


def _describe_sets(
    chosen: pd.DataFrame, libraries: Sequence[str], scored: int, q: float
) -> list[Decision]:
    """How many sets of each library are enriched."""
    counts = chosen.index.get_level_values("library").value_counts()
    return [
        *(
            Decision("enrichment", f"{name}: enriched sets", int(counts.get(name, 0)), f"q < {q:g}")
            for name in libraries
        ),
        Decision("enrichment", "enriched sets with tested genes", scored),
    ]
