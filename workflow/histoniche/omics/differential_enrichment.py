"""Over-representation of the genes up and down between groups of patients in gene sets."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.omics.comparisons import differing
from histoniche.omics.enrichment import enrich_lists
from histoniche.tables import read_table, write_table

DTYPES: dict[str, Any] = {
    "comparison": object,
    "direction": object,
    "n_genes": "int64",
    "library": object,
    "term": object,
    "overlap": "int64",
    "expected": "float64",
    "set_size": "int64",
    "background": "int64",
    "odds_ratio": "float64",
    "p": "float64",
    "q": "float64",
    "genes": object,
}


def enrich_differential(
    differential: Path,
    gene_sets: Mapping[str, Path],
    *,
    enrichment: Path,
    rule: Mapping[str, float],
    min_size: int,
    max_size: int,
) -> None:
    """Test the genes up and those down of every comparison against every library.

    Parameters
    ----------
    differential
        What `histoniche.omics.differential.compare_expression` wrote.
    gene_sets
        GMT files by the short name of the library.
    enrichment
        Written: `DTYPES`; one row a comparison, direction (up: more in the cases) and
        term that shares a gene with the list. `expected` is the overlap of as many
        genes drawn at random, q is over all terms of admissible size in the
        library. Where no gene is up, or none down, there is no row.
    rule
        q and log2_fold_change, see `histoniche.omics.comparisons.differing`.
    min_size, max_size
        Sets with fewer or more genes of the background are left out.

    The background of a comparison is its genes with a q: what DESeq2's filter has left
    out could not have been up or down.
    """
    table = enrich_comparisons(
        read_table(differential), gene_sets, rule=rule, min_size=min_size, max_size=max_size
    )
    write_table(table, enrichment)


def enrich_comparisons(
    differential: pd.DataFrame,
    gene_sets: Mapping[str, Path],
    *,
    rule: Mapping[str, float],
    min_size: int,
    max_size: int,
) -> pd.DataFrame:
    """Test the genes up and those down of comparisons; see `enrich_differential`."""
    tables = []
    for name, genes in differential.groupby("comparison", sort=False):
        lists = {
            direction: set(genes.loc[chosen, "gene"])
            for direction, chosen in differing(genes, **rule).items()
        }
        sizes = ", ".join(f"{len(members)} {direction}" for direction, members in lists.items())
        logging.info("%s: %s", name, sizes)
        if not any(lists.values()):
            continue
        background = set(genes.loc[genes["q"].notna(), "gene"])
        found = enrich_lists(lists, gene_sets, background, min_size=min_size, max_size=max_size)
        tables.append(found.assign(comparison=name))
    return _arranged(tables)


def _arranged(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """What was found in all comparisons, as `DTYPES` names it."""
    if not tables:
        return pd.DataFrame(columns=list(DTYPES)).astype(DTYPES)
    found = pd.concat(tables, ignore_index=True)
    found = found.rename(columns={"signature": "direction", "signature_size": "n_genes"})
    found["expected"] = found["set_size"] * found["n_genes"] / found["background"]
    return found[list(DTYPES)].astype(DTYPES)
