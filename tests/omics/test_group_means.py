"""Means over groups of cells."""

import anndata
import numpy as np
import pandas as pd
import scanpy
import scipy.sparse

from histoniche.omics.group_means import group_means, group_shares


def test_means_and_shares_equal_scanpy_dense_or_sparse() -> None:
    rng = np.random.default_rng(0)
    values, codes = rng.poisson(0.7, (60, 8)).astype(float), rng.integers(0, 4, 60)
    groups = pd.DataFrame({"g": pd.Categorical(codes)}, index=[f"C{i}" for i in range(60)])
    data = anndata.AnnData(values, obs=groups)
    oracle = scanpy.get.aggregate(data, "g", func=["mean", "count_nonzero"])
    sizes = np.bincount(codes)[:, np.newaxis]
    for given in (values, scipy.sparse.csr_matrix(values)):
        np.testing.assert_allclose(group_means(given, codes, 4), oracle.layers["mean"])
        shares = oracle.layers["count_nonzero"] / sizes
        np.testing.assert_allclose(group_shares(given, codes, 4), shares)


def test_group_without_a_cell_has_no_mean() -> None:
    means = group_means(np.array([[1.0], [3.0]]), np.array([0, 0]), 2)
    assert means[0, 0] == 2 and np.isnan(means[1, 0])
