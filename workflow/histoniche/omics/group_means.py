"""Means of genes over groups of cells."""

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def group_means(values: Any, codes: Codes, groups: int) -> Floats:
    """Mean of every gene in every group of cells.

    Parameters
    ----------
    values
        Cells by genes, dense or sparse.
    codes
        Group of every cell, from 0 to `groups` - 1.
    groups
        Number of groups.

    Returns
    -------
    Groups by genes; NaN in a group without a cell.
    """
    sums = membership(codes[np.newaxis], groups) @ scipy.sparse.csr_array(values)
    return _divided(sums.toarray(), np.bincount(codes, minlength=groups))


def group_shares(values: Any, codes: Codes, groups: int) -> Floats:
    """Share of a group's cells in which a gene is above 0, groups by genes; see `group_means`."""
    return group_means(scipy.sparse.csr_array(values) > 0, codes, groups)


def membership(codes: NDArray[np.intp], groups: int) -> Any:
    """Sparse 0 and 1, (labellings x groups) by cells: who belongs to which group.

    `codes` is (labellings, cells), so that many labellings are summed in one product.
    """
    labellings, cells = codes.shape
    rows = (codes + groups * np.arange(labellings)[:, np.newaxis]).ravel()
    columns = np.tile(np.arange(cells), labellings)
    ones = np.ones(len(rows))
    return scipy.sparse.csr_array((ones, (rows, columns)), shape=(labellings * groups, cells))


def _divided(sums: Floats, sizes: NDArray[np.intp]) -> Floats:
    """Sums by the groups' sizes, NaN for an empty group."""
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / sizes[:, np.newaxis], dtype=np.float64)
