"""Order in which alike rows of a heat map stand together."""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage

Floats = NDArray[np.float64]


def cluster(values: Floats) -> Floats | None:
    """Average linkage of rows by Euclidean distance, near rows side by side; NaN counts as 0.

    (rows - 1, 4), as `scipy.cluster.hierarchy.linkage` gives it; None if there is
    only one row.
    """
    if len(values) < 2:
        return None
    return np.asarray(linkage(np.nan_to_num(values), "average", optimal_ordering=True))


def leaf_order(tree: Floats | None) -> list[int]:
    """Order of the rows along a tree of `cluster`; the one row where there is none."""
    return [0] if tree is None else [int(leaf) for leaf in leaves_list(tree)]


def clustered(values: Floats) -> list[int]:
    """Order of one row or more in which alike rows stand together."""
    return leaf_order(cluster(values))
