"""Over-representation of signatures in gene sets."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import gseapy
import numpy as np
import pandas as pd
import scipy.stats

from histoniche.omics.gene_sets import admissible_sets, tested_genes
from histoniche.tables import read_table, write_table

DTYPES: dict[str, Any] = {
    "signature": object,
    "library": object,
    "term": object,
    "overlap": "int64",
    "set_size": "int64",
    "signature_size": "int64",
    "background": "int64",
    "odds_ratio": "float64",
    "p": "float64",
    "q": "float64",
    "genes": object,
}

Sets = Mapping[str, Collection[str]]


def enrich_signatures(
    signatures: Path,
    correlation: Path,
    gene_sets: Mapping[str, Path],
    *,
    enrichment: Path,
    min_size: int,
    max_size: int,
) -> None:
    """Test every signature against every library of gene sets, without any network.

    Parameters
    ----------
    signatures
        What `histoniche.omics.signatures.derive_signatures` wrote.
    correlation
        What `histoniche.omics.correlation.correlate_expression` wrote; its
        tested genes are the background.
    gene_sets
        GMT files by the short name of the library.
    enrichment
        Written: signature, library, term, overlap, set_size, signature_size,
        background, odds_ratio, p, q, genes; the terms that share a gene with
        the signature, and q over all terms of admissible size.
    min_size, max_size
        Sets with fewer or more tested genes are left out.
    """
    members = read_table(signatures).groupby("signature", sort=False)["gene"]
    table = enrich_lists(
        {str(name): set(genes) for name, genes in members},
        gene_sets,
        tested_genes(correlation),
        min_size=min_size,
        max_size=max_size,
    )
    write_table(table, enrichment)


def enrich_lists(
    lists: Sets,
    gene_sets: Mapping[str, Path],
    background: Collection[str],
    *,
    min_size: int,
    max_size: int,
) -> pd.DataFrame:
    """Test lists of genes, by name, against every library of gene sets.

    Parameters
    ----------
    lists
        Genes by name of the list, which becomes the column `signature`.
    gene_sets, min_size, max_size
        As for `enrich_signatures`.
    background
        All genes that could stand in the lists.

    Returns
    -------
    As `enrich_signatures` writes; no row for a list without genes.
    """
    libraries = {
        name: admissible_sets(path, background, min_size=min_size, max_size=max_size)
        for name, path in gene_sets.items()
    }
    tables = []
    for name, genes in lists.items():
        for library, sets in libraries.items():
            found = over_representation(genes, sets, background)
            if len(found):
                tables.append(found.assign(signature=name, library=library))
    empty = pd.DataFrame(columns=list(DTYPES))
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return table[list(DTYPES)].astype(DTYPES)


def over_representation(
    genes: Collection[str], sets: Sets, background: Collection[str]
) -> pd.DataFrame:
    """Hypergeometric test of a list of genes against gene sets.

    Parameters
    ----------
    genes
        The list; genes outside the background are left out.
    sets
        Genes of the background by term.
    background
        All genes that could stand in the list.

    Returns
    -------
    term, overlap, set_size, signature_size, background, odds_ratio, p, q,
    genes (joined by semicolons), smallest p first, for the sets that share a
    gene with the list. p is the chance to draw as large an overlap or a larger
    one; q is Benjamini-Hochberg's over all `sets`, those without a shared gene
    included with p = 1. The odds ratio has 0.5 added to each cell of its table.
    """
    universe = sorted(background)
    # gseapy guesses at names (upper case, Entrez numbers) and changes them; codes leave it nothing.
    codes = {gene: f"G{position}X" for position, gene in enumerate(universe)}
    names = {code: gene for gene, code in codes.items()}
    query = {codes[gene] for gene in genes if gene in codes}
    coded = {term: {codes[gene] for gene in members} for term, members in sets.items()}
    touched = {term: sorted(members) for term, members in coded.items() if members & query}
    if not touched:
        return pd.DataFrame(columns=[*DTYPES])
    found = gseapy.enrich(
        sorted(query), touched, background=set(names), outdir=None, no_plot=True
    ).res2d
    p = found["P-value"].to_numpy(dtype="float64")
    untouched = np.ones(len(sets) - len(p))
    q = scipy.stats.false_discovery_control(np.concatenate([p, untouched]))[: len(p)]
    shared = [sorted(names[code] for code in cell.split(";")) for cell in found["Genes"]]
    table = pd.DataFrame(
        {
            "term": found["Term"],
            "overlap": [len(cell) for cell in shared],
            "set_size": [len(sets[term]) for term in found["Term"]],
            "signature_size": len(query),
            "background": len(universe),
            "odds_ratio": found["Odds Ratio"],
            "p": p,
            "q": q,
            "genes": [";".join(cell) for cell in shared],
        }
    )
    return table.sort_values(["p", "term"], ignore_index=True)
