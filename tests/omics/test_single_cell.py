"""Preparation of single cells."""

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy

from histoniche.errors import InputError
from histoniche.omics.single_cell import prepare_cells
from histoniche.tables import read_table

SETTINGS: dict[str, Any] = {
    "labels": None,
    "label_column": None,
    "patient_column": None,
    "gene_column": None,
    "layer": None,
    "on_unlabelled": "fail",
    "unit": "counts",
    "min_genes": 10,
    "max_mitochondrial_share": 0.2,
    "mitochondrial_prefix": "MT-",
    "min_cells": 5,
    "on_small_type": "fail",
    "variable_genes": 100,
    "components": 10,
    "neighbours": 10,
    "resolution": 0.5,
    "seed": 1,
}


def planted_counts() -> pd.DataFrame:
    """120 genes by 90 cells of three types, each with 20 genes of its own."""
    rng = np.random.default_rng(0)
    means = np.full((120, 90), 1.0)
    for kind in range(3):
        means[20 * kind : 20 * (kind + 1), 30 * kind : 30 * (kind + 1)] = 8
    return pd.DataFrame(
        rng.poisson(means),
        index=[f"G{i}" for i in range(120)],
        columns=[f"C{i}" for i in range(90)],
    )


TRUTH = np.repeat(["X", "Y", "Z"], 30)


def prepare(folder: Path, cells: Any, **settings: Any) -> dict[str, Any]:
    names = {"matrix": "cells.h5ad", "table": "cells.parquet", "decisions": "decisions.parquet"}
    paths = {key: folder / name for key, name in names.items()}
    prepare_cells(cells, **paths, **{**SETTINGS, **settings})
    return {
        "matrix": anndata.read_h5ad(paths["matrix"]),
        "table": read_table(paths["table"]),
        "decisions": read_table(paths["decisions"]),
    }


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counts") / "cells.csv"
    planted_counts().to_csv(path, index_label="gene")
    return path


@pytest.fixture(scope="module")
def clustered(counts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Cells that came without labels."""
    return prepare(tmp_path_factory.mktemp("clustered"), {"P1": counts})


def test_planted_types_are_found_where_labels_are_missing(clustered: dict[str, Any]) -> None:
    table = clustered["table"]
    cross = pd.crosstab(TRUTH, table["cell_type"].to_numpy())
    assert sorted(cross) == ["cluster 1", "cluster 2", "cluster 3"]
    assert sorted(cross.max(axis=1)) == [30, 30, 30]
    middles = table.groupby(TRUTH)[["umap_1", "umap_2"]].mean().to_numpy()
    between = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert table.groupby(TRUTH)[["umap_1", "umap_2"]].std().to_numpy().max() < between


def test_values_are_logged_counts_per_10000(clustered: dict[str, Any]) -> None:
    counts = planted_counts().to_numpy(dtype=float).T
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    np.testing.assert_allclose(clustered["matrix"].X.toarray(), expected, rtol=1e-5)
    assert clustered["table"]["total"].tolist() == counts.sum(axis=1).tolist()


def test_same_seed_gives_the_same_result(
    clustered: dict[str, Any], counts: Path, tmp_path: Path
) -> None:
    again = prepare(tmp_path, {"P1": counts})
    pd.testing.assert_frame_equal(again["table"], clustered["table"])
    assert (tmp_path / "cells.tsv").is_file()


def test_labels_are_kept_and_nothing_is_clustered(counts: Path, tmp_path: Path) -> None:
    labels = tmp_path / "l.csv"
    table = pd.DataFrame({"cell": planted_counts().columns, "patient": "P1", "cell_type": TRUTH})
    table.to_csv(labels, index=False)
    found = prepare(tmp_path, counts, labels=labels)
    assert found["table"]["cell_type"].tolist() == TRUTH.tolist()
    assert found["table"]["umap_1"].notna().all()
    kept = found["decisions"].query("step == 'kept'").set_index("item")["count"]
    assert kept[["cells", "genes", "P1: X"]].tolist() == [90, 120, 30]
    table.loc[:1, "cell_type"] = "rare"
    table.to_csv(labels, index=False)
    with pytest.raises(InputError, match=r"fewer than 5 cells: rare \(2\)"):
        prepare(tmp_path / "new", counts, labels=labels)
    assert not (tmp_path / "new").exists()


def test_logged_h5ad_with_its_own_map_is_taken_as_it_is(tmp_path: Path) -> None:
    data = anndata.AnnData(
        planted_counts().to_numpy(dtype=np.float32).T,
        obs=pd.DataFrame({"patient": "P1", "cell_type": TRUTH}, index=planted_counts().columns),
        var=pd.DataFrame(index=planted_counts().index),
    )
    scanpy.pp.log1p(data)
    data.obsm["X_umap"] = np.arange(180.0).reshape(90, 2)
    data.write_h5ad(tmp_path / "in.h5ad")
    found = prepare(tmp_path, tmp_path / "in.h5ad", unit="log")
    np.testing.assert_allclose(found["matrix"].X.toarray(), data.X)
    assert found["table"]["umap_2"].tolist() == [*range(1, 180, 2)]


def test_unit_that_cannot_be_is_an_error_and_one_that_looks_wrong_a_warning(
    counts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    many = tmp_path / "many.csv"
    (planted_counts() * 100).to_csv(many)
    with pytest.raises(InputError, match=r"too large to be a logarithm; set single_cell\.unit"):
        prepare(tmp_path, {"P1": many}, unit="log")
    logged = tmp_path / "logged.csv"
    np.log1p(planted_counts()).to_csv(logged)
    with pytest.raises(InputError, match="none of 90 cells is good"):
        prepare(tmp_path, {"P1": logged}, min_genes=500)
    assert "these look like logarithms" in caplog.text


def test_too_few_cells_for_a_map(tmp_path: Path) -> None:
    planted_counts().iloc[:, :3].to_csv(tmp_path / "few.csv")
    with pytest.raises(InputError, match="only 3 good cells, too few for a map"):
        prepare(tmp_path, {"P1": tmp_path / "few.csv"})
