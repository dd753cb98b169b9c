"""Ligand-receptor scores between cell types, and how often shuffled labels reach them."""

import numpy as np
from numpy.typing import NDArray

from histoniche.omics.group_means import Codes, Floats, membership

Indices = NDArray[np.intp]

# Sums in another order differ in the last digits; such products count as equal.
_EQUAL = 1 - 1e-9
_BATCH = 8_000_000
"""Most means that are held at once."""


def pair_scores(ligand: Floats, receptor: Floats, mean: float) -> Floats:
    """LR score of ligands and receptors by their mean expression.

    Parameters
    ----------
    ligand, receptor
        Mean log-normalised expression of the ligand in the sender and of the
        receptor in the receiver, not negative; any shapes that broadcast.
    mean
        Mean of the whole log-normalised matrix, above 0; see `matrix_mean`.

    Returns
    -------
    sqrt(l r) / (mean + sqrt(l r)), in [0, 1). 0: one of the two is not
    expressed; 0.5: the geometric mean of both equals the matrix's mean. The
    authors call a pair confident above 0.5.

    References
    ----------
    Cabello-Aguilar et al. 2020, Nucleic Acids Res 48:e55,
    doi:10.1093/nar/gkaa183 (SingleCellSignalR).
    """
    root = np.sqrt(ligand * receptor)
    return np.asarray(root / (mean + root), dtype=np.float64)


def matrix_mean(values: "NDArray[np.floating]") -> float:
    """Mean over cells and genes, genes that no cell expresses left aside; NaN if none does.

    `values` is cells by genes, not negative, dense or sparse. SingleCellSignalR drops
    empty genes too, so that the score does not depend on how long the list of genes is.
    """
    sums = np.asarray(values.sum(axis=0, dtype=np.float64)).ravel()
    expressed = int(np.count_nonzero(sums))
    return float(sums.sum() / (expressed * values.shape[0])) if expressed else float("nan")


def permutation_p(
    values: Floats,
    codes: Codes,
    ligands: Indices,
    receptors: Indices,
    *,
    types: int,
    permutations: int,
    random: np.random.Generator,
) -> Floats:
    """How often shuffled labels give a score as large as the observed one, or larger.

    All labels are shuffled among all cells, so that the types keep their
    sizes. Of one matrix the score rises with the product of the two means
    alone, so products are compared.

    Parameters
    ----------
    values
        Log-normalised expression, cells by genes, dense.
    codes
        Type of every cell, from 0 to `types` - 1, none empty.
    ligands, receptors
        Columns of `values`, one of each a pair.
    types
        Number of cell types.
    permutations
        Number of shuffles, 1 or more.
    random
        Draws them.

    Returns
    -------
    p, (senders, receivers, pairs): (1 + shuffles that reach it) / (1 +
    permutations). With one type every shuffle is the observed labelling; p is 1.

    References
    ----------
    Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39; shuffled labels as in
    CellPhoneDB, Efremova et al. 2020, Nat Protoc 15:1484.
    """
    used, places = np.unique(np.concatenate([ligands, receptors]), return_inverse=True)
    left, right = places[: len(ligands)], places[len(ligands) :]
    values = np.ascontiguousarray(values[:, used], dtype=np.float64)
    sizes = np.bincount(codes, minlength=types)[:, np.newaxis]
    observed = membership(codes[np.newaxis], types) @ values / sizes
    threshold = _products(observed, left, right) * _EQUAL
    reached = np.zeros(threshold.shape, dtype=np.int64)
    batch = max(1, _BATCH // (types * len(used) + len(codes)))
    for start in range(0, permutations, batch):
        count = min(batch, permutations - start)
        shuffled = random.permuted(np.tile(codes, (count, 1)), axis=1)
        sums = membership(shuffled, types) @ values
        for means in sums.reshape(count, types, len(used)) / sizes:
            reached += _products(means, left, right) >= threshold
    return (1 + reached) / (1 + permutations)


def _products(means: Floats, left: Indices, right: Indices) -> Floats:
    """Mean of the ligand times mean of the receptor, (senders, receivers, pairs)."""
    return means[:, np.newaxis, left] * means[np.newaxis, :, right]
