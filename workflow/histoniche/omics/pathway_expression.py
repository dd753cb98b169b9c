"""Mean expression of the genes of gene sets, as a score that is carried to other cohorts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.cohort.origins import EXTERNAL, STUDY
from histoniche.errors import InputError
from histoniche.omics.activity import FEWEST
from histoniche.omics.decisions import Decision, write_decisions
from histoniche.omics.expression import Unit, log_scale
from histoniche.omics.external_cohorts import (
    External,
    describe_external,
    read_external,
    shared_genes,
)
from histoniche.omics.gene_sets import read_gmt
from histoniche.omics.smoothed_ranks import CONSTANT
from histoniche.tables import read_table, write_table
from histoniche.tested_genes import read_tested

SCORES: dict[str, Any] = {
    "origin": object,
    "cohort": object,
    "patient": object,
    "value": "float64",
    "genes": "int64",
}
GENES: dict[str, Any] = {
    "gene": object,
    "weight": "int64",
    "mean": "float64",
    "deviation": "float64",
    "sets": "int64",
    "terms": object,
}
"""Columns of the tables that `score_pathways` writes."""


def score_pathways(
    expression: Path,
    correlation: Path,
    gene_sets: Mapping[str, Path],
    external: Mapping[str, External],
    *,
    genes: Path,
    choice: Path,
    cohorts: Path,
    scores: Path,
    members: Path,
    decisions: Path,
    correlation_q: float,
    found_in: str,
    signed: bool,
    unit: Unit,
) -> None:
    """Score patients by the mean expression of the genes of the sets that go with a score.

    The mean is over the genes' log2 expression, each gene in standard deviations from its mean:
    of the patients of one cohort of the study, and in an external cohort of that cohort's own or
    of the same ones. A gene that does not vary, or that a cohort lacks, is left out there.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote, in this unit.
    correlation, choice
        Correlation and decisions that `histoniche.omics.pathways.correlate_pathways` wrote.
    gene_sets
        GMT files by the short name of the library.
    external
        External cohorts by name.
    cohorts
        patient, cohort.
    scores
        Written: `SCORES`; `origin` is study or external, `cohort` empty for patients of none,
        `genes` how many genes the mean is over. No row if no set goes along with the score.
    members
        Written: `GENES`; weight is 1, or -1 for genes that count negatively, the mean and
        deviation those of the log2 expression in `found_in`.
    decisions
        Written: step, item, count, detail, first those of `choice`.
    correlation_q
        Sets with a smaller q go along with the score.
    found_in
        Cohort of the study whose patients give each gene its mean and deviation.
    signed
        Whether genes of sets with a negative r count negatively; see `weights`.
    unit
        Of the expression.

    Raises
    ------
    InputError
        If fewer than ten patients of `found_in` have expression, a cohort shares no gene, or
        nobody of it has expression.
    """
    passed = read_table(correlation)
    passed = passed[passed["q"] < correlation_q]
    values = log_scale(read_tested(expression, genes)[0], unit=unit)
    named = read_table(cohorts).set_index("patient")["cohort"]
    terms = _terms(passed, gene_sets)
    weight = weights(terms, dict(zip(terms, passed["r"], strict=True)), signed=signed)
    training = [str(patient) for patient in values if named.get(str(patient)) == found_in]
    _check_training(training, named[named.index.isin(values.columns)], found_in)
    own = scale(values.loc[values.index.isin(weight.index), training])
    weight = weight[weight.index.isin(own.index)]
    tables = [_scored(values, weight, own).assign(origin=STUDY)]
    tables[0]["cohort"] = tables[0]["patient"].map(named).fillna("")
    taken = _describe_study(passed, weight, training, found_in, correlation_q)
    for name, where in external.items() if len(weight) else ():
        other = shared_genes(read_external(name, where), weight, name, where)
        scaling = own if where.normalise == "training" else scale(other)
        tables.append(_scored(other, weight, scaling).assign(origin=EXTERNAL, cohort=name))
        taken += describe_external(name, where, other, weight, scaling)
    table = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    write_table(table[list(SCORES)].astype(SCORES), scores)
    write_table(_gene_table(own, weight, terms), members)
    write_decisions([*_recalled(choice), *taken], decisions)


def weights(
    terms: Mapping[tuple[str, str], frozenset[str]],
    r: Mapping[tuple[str, str], float],
    *,
    signed: bool,
) -> "pd.Series[int]":
    """Weight of each gene in the mean, by gene in alphabetical order.

    Parameters
    ----------
    terms
        Genes of each set.
    r
        Correlation of each set's activity with the score.
    signed
        If false, 1 for all genes of all sets. If true, -1 for genes of sets with a negative r
        alone, and no row for those of sets of either sign.
    """
    signs: dict[str, set[int]] = {}
    for key, genes in terms.items():
        for gene in genes:
            signs.setdefault(gene, set()).add(-1 if signed and r[key] < 0 else 1)
    kept = {gene: next(iter(own)) for gene, own in sorted(signs.items()) if len(own) == 1}
    return pd.Series(kept, dtype="int64", name="weight").rename_axis("gene")


def scale(values: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (n - 1) of each gene that varies: mean, deviation by gene."""
    table = pd.DataFrame({"mean": values.mean(axis=1), "deviation": values.std(axis=1, ddof=1)})
    return table[table["deviation"] > CONSTANT]


def mean_expression(
    values: pd.DataFrame, weight: "pd.Series[int]", scaling: pd.DataFrame
) -> "pd.Series[float]":
    """Mean over genes, in standard deviations and times their weight, of each patient.

    Parameters
    ----------
    values
        Log2 expression, genes by patients.
    weight
        1 or -1 by gene.
    scaling
        See `scale`. Genes that one of the three lacks are left out.

    Returns
    -------
    By patient; 0 is a patient like the mean of those the scale is of.
    """
    known = weight.index.intersection(scaling.index).intersection(values.index)
    standard = values.loc[known].sub(scaling.loc[known, "mean"], axis=0)
    standard = standard.div(scaling.loc[known, "deviation"], axis=0)
    return standard.mul(weight[known], axis=0).mean(axis=0)


def _scored(values: pd.DataFrame, weight: "pd.Series[int]", scaling: pd.DataFrame) -> pd.DataFrame:
    """patient, value, genes; no row if there is no gene."""
    number = len(weight.index.intersection(scaling.index).intersection(values.index))
    if not number:
        return pd.DataFrame({"patient": [], "value": [], "genes": []})
    found = mean_expression(values, weight, scaling)
    return pd.DataFrame({"patient": found.index, "value": found.to_numpy(), "genes": number})


def _terms(
    passed: pd.DataFrame, gene_sets: Mapping[str, Path]
) -> dict[tuple[str, str], frozenset[str]]:
    """Genes of each set that goes along with the score."""
    libraries = {name: read_gmt(gene_sets[name]) for name in passed["library"].unique()}
    pairs = zip(passed["library"], passed["term"], strict=True)
    return {(library, term): libraries[library][term] for library, term in pairs}


def _check_training(training: Sequence[str], known: "pd.Series[str]", found_in: str) -> None:
    """Enough patients give the genes their mean and deviation."""
    if len(training) < FEWEST:
        there = ", ".join(f"{name} ({size})" for name, size in known.value_counts().items())
        raise InputError(
            f"only {len(training)} patients of this cohort have expression, {FEWEST} are needed",
            column="pathways.found_in",
            value=found_in,
            remedy=f"choose another; with expression there are {there or 'none'}",
        )


def _gene_table(
    scaling: pd.DataFrame,
    weight: "pd.Series[int]",
    terms: Mapping[tuple[str, str], frozenset[str]],
) -> pd.DataFrame:
    """Genes of the mean, and the sets that brought them."""
    by_gene: dict[str, list[str]] = {}
    for (_, term), genes in terms.items():
        for gene in genes:
            by_gene.setdefault(gene, []).append(term)
    table = scaling.loc[weight.index].assign(weight=weight).rename_axis("gene").reset_index()
    own = [by_gene[gene] for gene in table["gene"]]
    table = table.assign(sets=[len(one) for one in own], terms=["; ".join(one) for one in own])
    return table[list(GENES)].astype(GENES)


def _recalled(choice: Path) -> list[Decision]:
    """Decisions that were taken before."""
    rows = read_table(choice).to_dict("records")
    return [Decision(**{str(key): value for key, value in row.items()}) for row in rows]


def _describe_study(
    passed: pd.DataFrame,
    weight: "pd.Series[int]",
    training: Sequence[str],
    found_in: str,
    correlation_q: float,
) -> list[Decision]:
    """How many sets and genes go on."""
    signs = Counter(np.where(passed["r"] < 0, "against", "with"))
    counted = Counter(weight.tolist())
    how = f", {counted[-1]} of them negatively" if counted[-1] else ""
    return [
        Decision(
            "correlation", "sets that go with the score", signs["with"], f"q < {correlation_q:g}"
        ),
        Decision(
            "correlation", "sets that go against it", signs["against"], f"q < {correlation_q:g}"
        ),
        Decision("mean expression", "genes", len(weight), f"of all these sets{how}"),
        Decision("mean expression", "patients of the scale", len(training), found_in),
    ]
