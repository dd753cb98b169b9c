"""Overlap of the signatures with reference signatures."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats

from histoniche.multiplicity import false_discovery
from histoniche.omics.gene_sets import admissible_sets, tested_genes
from histoniche.tables import read_table, write_table

DTYPES: dict[str, Any] = {
    "signature": object,
    "reference": object,
    "term": object,
    "overlap": "int64",
    "expected": "float64",
    "set_size": "int64",
    "signature_size": "int64",
    "background": "int64",
    "jaccard": "float64",
    "p": "float64",
    "q": "float64",
    "genes": object,
}

MOST_REFERENCES = 8
"""Most reference sets among the intersections, those with the smallest p."""

Sets = Mapping[str, Collection[str]]


def overlap_signatures(
    signatures: Path,
    correlation: Path,
    references: Mapping[str, Path],
    *,
    overlap: Path,
    intersections: Path,
) -> None:
    """Compare every signature with every reference signature.

    Parameters
    ----------
    signatures
        What `histoniche.omics.signatures.derive_signatures` wrote.
    correlation
        What `histoniche.omics.correlation.correlate_expression` wrote; its
        tested genes are the background.
    references
        GMT files by short name.
    overlap
        Written: a row a signature and reference set, those that share nothing
        included; see `compare_sets`. q is over the sets of the file.
    intersections
        Written: the exclusive intersections of the regions' whole signatures
        and the reference sets, see `exclusive_intersections`. A reference set
        is called by its file's short name, a colon, and its own name; at most
        `MOST_REFERENCES`, those whose smallest p with a whole signature is smallest.

    Raises
    ------
    InputError
        If a file is no GMT file or knows none of the tested genes.
    """
    background = tested_genes(correlation)
    members = read_table(signatures)
    by_name = {str(name): set(rows["gene"]) for name, rows in members.groupby("signature")}
    whole = list(members.loc[members["signature"] == members["region"], "signature"].unique())
    libraries = {
        name: admissible_sets(path, background, min_size=1, max_size=len(background))
        for name, path in references.items()
    }
    tables = [
        compare_sets(by_name[signature], sets, background).assign(
            signature=signature, reference=reference
        )
        for signature in members["signature"].unique()
        for reference, sets in libraries.items()
    ]
    empty = pd.DataFrame(columns=list(DTYPES))
    table = (pd.concat(tables, ignore_index=True) if tables else empty)[list(DTYPES)]
    nearest = table[table["signature"].isin(whole)].sort_values("p", kind="stable")
    nearest = nearest.drop_duplicates(["reference", "term"]).head(MOST_REFERENCES)
    shown: dict[str, Collection[str]] = {name: by_name[name] for name in whole}
    for reference, term in zip(nearest["reference"], nearest["term"], strict=True):
        shown[f"{reference}: {term}"] = libraries[reference][term]
    write_table(table.astype(DTYPES), overlap)
    write_table(exclusive_intersections(shown), intersections)


def compare_sets(genes: Collection[str], sets: Sets, background: Collection[str]) -> pd.DataFrame:
    """Hypergeometric test and Jaccard index of a list of genes and each of some sets.

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
    A row a set, smallest p first: term, overlap, expected, set_size,
    signature_size, background, jaccard, p, q, genes (joined by semicolons).
    `expected` is the overlap of as many genes drawn at random; p is the chance
    to draw as large an overlap or a larger one; jaccard is the share of the
    genes of either that stand in both, 0 if there are none; q is
    Benjamini-Hochberg's over `sets`.
    """
    universe = set(background)
    query = universe.intersection(genes)
    shared = [sorted(query.intersection(members)) for members in sets.values()]
    both = np.array([len(found) for found in shared], dtype="int64")
    sizes = np.array([len(members) for members in sets.values()], dtype="int64")
    # No pair of empty sets reaches this division with 0 below.
    either = np.maximum(len(query) + sizes - both, 1)
    p = scipy.stats.hypergeom.sf(both - 1, len(universe), sizes, len(query))
    table = pd.DataFrame(
        {
            "term": list(sets),
            "overlap": both,
            "expected": sizes * len(query) / max(len(universe), 1),
            "set_size": sizes,
            "signature_size": len(query),
            "background": len(universe),
            "jaccard": both / either,
            "p": p,
            "q": false_discovery(p),
            "genes": [";".join(found) for found in shared],
        }
    )
    return table.sort_values(["p", "term"], ignore_index=True)


def exclusive_intersections(sets: Sets) -> pd.DataFrame:
    """Genes by the exact combination of sets in which they stand, as an UpSet plot shows them.

    Parameters
    ----------
    sets
        Genes by name of the set.

    Returns
    -------
    A row a combination that some gene has, most genes first: n_genes, n_sets,
    a Boolean column a set, gene_names (joined by semicolons). Every gene
    stands in one row alone.
    """
    lookup = [frozenset(members) for members in sets.values()]
    combinations: dict[tuple[bool, ...], list[str]] = {}
    for gene in sorted(frozenset().union(*lookup)):
        combinations.setdefault(tuple(gene in members for members in lookup), []).append(gene)
    rows = [
        (len(genes), sum(inside), *inside, ";".join(genes))
        for inside, genes in combinations.items()
    ]
    table = pd.DataFrame(rows, columns=["n_genes", "n_sets", *sets, "gene_names"])
    table = table.astype({"n_genes": "int64", "n_sets": "int64", **dict.fromkeys(sets, bool)})
    return table.sort_values(
        ["n_genes", "n_sets", "gene_names"], ascending=[False, True, True], ignore_index=True
    )
