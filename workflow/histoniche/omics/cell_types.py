"""Cell types that express a signature: the match score of GBM_WSSM."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.gene_sets import tested_genes
from histoniche.omics.markers import MarkerSet, read_cell_ontology, read_markers, unify
from histoniche.randomness import generator
from histoniche.tables import read_table, write_table

Floats = NDArray[np.float64]
Types = Mapping[tuple[str, str], Sequence[MarkerSet]]

DTYPES: dict[str, Any] = {
    "signature": object,
    "cell_type": object,
    "ontology_id": object,
    "match_score": "float64",
    "expected": "float64",
    "overlap": "int64",
    "markers": "int64",
    "sets_hit": "int64",
    "sets": "int64",
    "signature_size": "int64",
    "background": "int64",
    "p": "float64",
    "q": "float64",
    "genes": object,
}

_CELLS = 4_000_000
"""Most numbers in one batch of random lists."""


class _Rows(NamedTuple):
    """A marker set by the background's rows."""

    rows: NDArray[np.int64]
    standing: Floats
    """From 1 for the strongest marker down to 1 / markers; NaN where they have no order."""


def match_cell_types(
    signatures: Path,
    correlation: Path,
    markers: Mapping[str, Path],
    *,
    cell_types: Path,
    ontology: Path | None,
    min_markers: int,
    min_overlap: int,
    permutations: int,
    seed: int,
) -> None:
    """Score every signature against the markers of every cell type.

    Parameters
    ----------
    signatures
        What `histoniche.omics.signatures.derive_signatures` wrote, the
        strongest gene of each signature first.
    correlation
        What `histoniche.omics.correlation.correlate_expression` wrote; its
        tested genes are the background.
    markers
        Files by short name, see `histoniche.omics.markers.read_markers`.
    cell_types
        Written: signature, and what `match_scores` gives. Cell types without
        a marker set of admissible size have no row.
    ontology
        Cell Ontology in OBO format, from which cell types get ids and names; or none.
    min_markers
        Marker sets with fewer tested genes are left out.
    min_overlap, permutations
        See `match_scores`.
    seed
        The run's seed.

    Raises
    ------
    InputError
        If a file cannot be used, knows none of the tested genes, or has no
        marker set of admissible size.
    """
    background = sorted(tested_genes(correlation))
    known = frozenset(background)
    sets = [
        found
        for path in markers.values()
        for found in _admissible(read_markers(path), known, path, min_markers=min_markers)
    ]
    types = unify(sets, read_cell_ontology(ontology) if ontology else None)
    tables = [
        match_scores(
            list(rows["gene"]),
            types,
            background,
            min_overlap=min_overlap,
            permutations=permutations,
            rng=generator(seed, "cell types", signature),
        ).assign(signature=signature)
        for signature, rows in read_table(signatures).groupby("signature", sort=False)
    ]
    empty = pd.DataFrame(columns=list(DTYPES))
    table = pd.concat(tables, ignore_index=True) if tables else empty
    write_table(table[list(DTYPES)].astype(DTYPES), cell_types)


def match_scores(
    genes: Sequence[str],
    types: Types,
    background: Sequence[str],
    *,
    min_overlap: int,
    permutations: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Match score of a ranked list of genes with each cell type, against random lists.

    GBM_WSSM took the score from CellKb and describes it as a "sum of
    rank-based scores" over the genes that the list shares with the cell type,
    which accounts for the gene's rank, the difference between its two ranks
    and the number of the cell type's genes, and weighs it by the number of
    times a cell type is found over several marker sets. It gives no formula.
    Here:

    - The gene of rank r among the list's k scores a = 1 - (r - 1) / k.
    - Where the markers have an order, the one of rank t among m stands at
      b = 1 - (t - 1) / m, and the gene scores a (1 - |a - b|).
    - A marker set scores the sum over the shared genes, divided by the root
      of m, so that by chance alone long and short sets vary alike; 0 if it
      shares fewer than `min_overlap` genes.
    - A cell type scores the sum over its marker sets: the mean score of the
      sets that are hit, times their number.

    Parameters
    ----------
    genes
        The list, strongest first; genes outside the background are left out.
    types
        Marker sets by cell type's name and id; their genes are in the background.
    background
        All genes that could stand in the list.
    min_overlap
        Fewest shared genes with which a marker set counts as hit.
    permutations
        Number of random lists.
    rng
        Draws the random lists.

    Returns
    -------
    A row a cell type, smallest p first: cell_type, ontology_id (empty where
    unknown), match_score (0 or more; compare it with `expected`, not with
    another signature's), expected (mean score of the random lists), overlap
    (shared genes) and markers (over all its sets), sets_hit, sets,
    signature_size, background, p, q, genes (strongest first, joined by
    semicolons). p is (1 + random lists with as high a score or a higher one) /
    (1 + `permutations`), where a random list is as many genes of the
    background in random order; it holds the genes to be independent, so that
    for co-expressed genes it is too small. q is Benjamini-Hochberg's over the
    cell types.

    References
    ----------
    Zadeh Shirazi et al. 2021, Br J Cancer 125:337, doi:10.1038/s41416-021-01394-x.
    """
    place = {gene: row for row, gene in enumerate(background)}
    query = [gene for gene in genes if gene in place]
    scores = _rank_scores(len(query))
    strength = np.zeros((len(background), 1))
    strength[[place[gene] for gene in query], 0] = scores
    by_type = [[_as_rows(each, place) for each in sets] for sets in types.values()]
    by_set = [_set_scores(sets, strength, min_overlap) for sets in by_type]
    observed = np.array([found.sum() for found in by_set])
    total, reached = np.zeros(len(types)), np.zeros(len(types))
    for lists in _random_lists(scores, len(background), permutations, rng):
        drawn = np.stack([_set_scores(sets, lists, min_overlap).sum(axis=0) for sets in by_type])
        total += drawn.sum(axis=1)
        # A hair below: sums of the same numbers in another order are not the same number.
        reached += (drawn >= observed[:, np.newaxis] * (1 - 1e-12)).sum(axis=1)
    p = (1 + reached) / (1 + permutations)
    own = [set().union(*(each.genes for each in sets)) for sets in types.values()]
    shared = [[gene for gene in query if gene in genes] for genes in own]
    table = pd.DataFrame(
        {
            "cell_type": [name for name, _ in types],
            "ontology_id": [accession for _, accession in types],
            "match_score": observed,
            "expected": total / permutations,
            "overlap": [len(found) for found in shared],
            "markers": [len(genes) for genes in own],
            "sets_hit": [int((found > 0).sum()) for found in by_set],
            "sets": [len(sets) for sets in by_type],
            "signature_size": len(query),
            "background": len(background),
            "p": p,
            "q": false_discovery(p),
            "genes": [";".join(found) for found in shared],
        }
    )
    return table.sort_values(
        ["p", "match_score", "cell_type"], ascending=[True, False, True], ignore_index=True
    )


def _rank_scores(count: int) -> Floats:
    """Score of each place in a list: 1 for the first, 1 / count for the last."""
    return 1 - np.arange(count) / max(count, 1)


def _as_rows(markers: MarkerSet, place: Mapping[str, int]) -> _Rows:
    """Rows of a set's markers in the background, and where each stands among them."""
    ranks = pd.Series(markers.genes, dtype="float64")
    standing = 1 - (ranks.rank() - 1) / len(ranks)
    rows = np.array([place[gene] for gene in ranks.index])
    return _Rows(rows, np.asarray(standing, dtype=np.float64))


def _set_scores(sets: Sequence[_Rows], strength: Floats, min_overlap: int) -> Floats:
    """Score of each set for each list, (sets, lists), from each gene's score in the lists."""
    scores = np.empty((len(sets), strength.shape[1]))
    for number, (rows, standing) in enumerate(sets):
        gained = strength[rows]
        hit = (gained > 0).sum(axis=0) >= min_overlap
        if not np.isnan(standing).any():
            gained *= 1 - np.abs(gained - standing[:, np.newaxis])
        scores[number] = np.where(hit, gained.sum(axis=0) / np.sqrt(len(rows)), 0)
    return scores


def _random_lists(
    scores: Floats, background: int, count: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Scores of the background's genes in random lists, (genes, lists), in batches."""
    batch = max(1, _CELLS // max(background, 1))
    for start in range(0, count, batch):
        lists = np.zeros((background, min(batch, count - start)))
        for column in range(lists.shape[1]):
            lists[rng.choice(background, len(scores), replace=False), column] = scores
        yield lists


def _admissible(
    sets: Sequence[MarkerSet], known: Collection[str], path: Path, *, min_markers: int
) -> list[MarkerSet]:
    """Marker sets reduced to the tested genes, and to those with enough of them."""
    reduced = [
        each._replace(genes={gene: rank for gene, rank in each.genes.items() if gene in known})
        for each in sets
    ]
    most = max(len(each.genes) for each in reduced)
    if most == 0:
        markers, tested = (", ".join(sorted(names)[:3]) for names in (sets[0].genes, known))
        raise InputError(
            f"knows none of the tested genes; markers are {markers}, tested genes are {tested}",
            file=path,
            remedy="name genes alike in expression and markers: symbols in both, or ids in both",
        )
    if most < min_markers:
        raise InputError(
            f"no marker set has {min_markers} tested genes, the largest has {most}",
            file=path,
            remedy="change cell_types.min_markers",
        )
    return [each for each in reduced if len(each.genes) >= min_markers]
