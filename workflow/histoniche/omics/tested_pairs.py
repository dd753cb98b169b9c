"""Which ligand-receptor pairs are tested: those of known genes, and of chosen signatures."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision
from histoniche.omics.gene_names import require_shared
from histoniche.omics.gene_sets import Signatures, read_signatures
from histoniche.omics.pairs import read_pairs


def read_shared_pairs(path: Path, genes: set[str]) -> tuple[pd.DataFrame, list[Decision]]:
    """Pairs of which the cells have both genes."""
    pairs, repeated = read_pairs(path)
    require_shared({*pairs["ligand"], *pairs["receptor"]}, genes, what="pairs", file=path)
    there = pairs[pairs.isin(genes).all(axis=1)]
    if there.empty:
        raise InputError(
            "of no pair are both genes among the cells' genes",
            file=path,
            remedy="give pairs of the cells' species, or cells with more genes",
        )
    return there, [
        Decision("pairs", "in the table", len(pairs) + repeated),
        Decision("pairs", "repeated, dropped", repeated),
        Decision("pairs", "with both genes among the cells' genes", len(there)),
    ]


def received_by(
    pairs: pd.DataFrame, sets: Signatures, chosen: Collection[str] | None
) -> tuple[pd.DataFrame, list[Decision]]:
    """Pairs whose receptor is in a signature."""
    there = pairs[pairs["receptor"].isin(frozenset[str]().union(*sets.values()))]
    empty = sorted(set(chosen or ()) - set(sets))
    return there, [
        Decision("pairs", "chosen signatures without a gene", len(empty), ", ".join(empty)),
        Decision("pairs", "with the receptor in a chosen signature", len(there)),
    ]


def choose_signatures(path: Path, chosen: Collection[str] | None, present: set[str]) -> Signatures:
    """Chosen signatures; one that a GMT lacks, or genes of another system, are an error.

    What a table of derived signatures lacks has no gene, which is a finding.
    """
    signatures = read_signatures(path)
    unknown = sorted(set(chosen or ()) - set(signatures))
    if unknown and path.suffix != ".parquet":
        raise InputError(
            f"no such signature; there are {', '.join(signatures)}",
            file=path,
            value=unknown[0],
            remedy="mend ligand_receptor.signatures",
        )
    every = frozenset[str]().union(*signatures.values())
    if every:
        require_shared(every, present, what="signatures", file=path)
    return {name: genes for name, genes in signatures.items() if chosen is None or name in chosen}
