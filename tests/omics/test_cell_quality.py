"""Which cells and types stay."""

from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.cell_quality import drop_poor_cells, drop_small_types


def cells(values: Any, genes: list[str], **obs: Any) -> anndata.AnnData:
    values = np.asarray(values, dtype=float)
    table = pd.DataFrame({"patient": "P1", **obs}, index=[f"C{i}" for i in range(len(values))])
    return anndata.AnnData(
        scipy.sparse.csr_matrix(values), obs=table, var=pd.DataFrame(index=genes)
    )


SETTINGS: dict[str, Any] = {
    "unit": "counts",
    "min_genes": 2,
    "max_mitochondrial_share": 0.5,
    "mitochondrial_prefix": "MT-",
}


def test_poor_cells_go_and_each_is_counted_once() -> None:
    values = [[1, 1, 0], [4, 0, 0], [1, 1, 9], [0, 0, 9], [0, 0, 0]]
    data = cells(values, ["A", "B", "MT-CO1"], patient=["P1", "P1", "P1", "P2", "P2"])
    kept, taken = drop_poor_cells(data, **SETTINGS)
    assert list(kept.obs_names) == ["C0"]
    assert [decision.count for decision in taken] == [3, 1, 1]
    assert taken[2].detail == "P2"


def test_measures_equal_scanpy() -> None:
    rng = np.random.default_rng(0)
    data = cells(rng.poisson(1, (40, 30)), [*(f"G{i}" for i in range(26)), *"1234"])
    data.var_names = [*data.var_names[:26], *(f"MT-{i}" for i in range(4))]
    oracle = data.copy()
    oracle.var["mt"] = oracle.var_names.str.startswith("MT-")
    scanpy.pp.calculate_qc_metrics(oracle, qc_vars=["mt"], percent_top=None, inplace=True)
    settings = {**SETTINGS, "min_genes": 0, "max_mitochondrial_share": 1}
    kept, _ = drop_poor_cells(data.copy(), **settings)
    assert kept.obs["genes"].tolist() == oracle.obs["n_genes_by_counts"].tolist()
    np.testing.assert_allclose(kept.obs["total"], oracle.obs["total_counts"])
    shares = oracle.obs["pct_counts_mt"] / 100
    np.testing.assert_allclose(kept.obs["mitochondrial_share"], shares, rtol=1e-6)
    logged = data.copy()
    scanpy.pp.log1p(logged)
    kept, _ = drop_poor_cells(logged, **{**settings, "unit": "log"})
    np.testing.assert_allclose(kept.obs["mitochondrial_share"], shares, rtol=1e-5)


def test_without_mitochondrial_genes_no_share_is_judged_and_that_is_said() -> None:
    kept, taken = drop_poor_cells(cells([[1, 1], [2, 3]], ["A", "B"]), **SETTINGS)
    assert kept.n_obs == 2
    assert kept.obs["mitochondrial_share"].isna().all()
    assert taken[1].detail == "no gene begins with MT-"


def test_no_good_cell_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="none of 2 cells is good: 2 have fewer than 2 genes"):
        drop_poor_cells(cells([[1, 0], [2, 0]], ["A", "B"]), **SETTINGS)


def test_small_types_are_an_error_or_dropped() -> None:
    data = cells(np.ones((5, 2)), ["A", "B"], cell_type=["T", "T", "T", "T", "B"])
    with pytest.raises(InputError, match=r"fewer than 2 cells: B \(1\); merge them"):
        drop_small_types(data, min_cells=2, on_small_type="fail")
    kept, decision = drop_small_types(data, min_cells=2, on_small_type="drop")
    assert (kept.n_obs, decision.count, decision.detail) == (4, 1, "B (1)")
    with pytest.raises(InputError, match=r"B \(1\), T \(4\)"):
        drop_small_types(data, min_cells=9, on_small_type="drop")
