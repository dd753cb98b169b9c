"""Reading h5ad."""

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.matrix import read_matrix

VALUES = np.array([[1.0, 2.5], [3.0, 4.0], [9.0, 9.0]])
"""Genes by P1, P2, and by a stranger."""
GENES = ["ENSG00000141510.18", "ENSG00000171862.11", "ENSG00000146648.21"]


def write(path: Path, *, patients_in: str = "obs", sparse: bool = False) -> Path:
    values = np.column_stack([VALUES, [7, 7, 7]])
    genes = pd.DataFrame({"symbol": ["TP53", "PTEN", None]}, GENES)
    people = pd.DataFrame({"batch": [1, 1, 2]}, ["P1", "P2", "stranger"])
    x = values.T if patients_in == "obs" else values
    obs, var = (people, genes) if patients_in == "obs" else (genes, people)
    data = anndata.AnnData(scipy.sparse.csr_matrix(x) if sparse else x, obs, var)
    data.layers["double"] = data.X * 2
    data.write_h5ad(path)
    return path


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("patients_in", ["obs", "var"])
def test_patients_are_found_on_either_axis(tmp_path: Path, patients_in: str, sparse: bool) -> None:
    path = write(tmp_path / "a.h5ad", patients_in=patients_in, sparse=sparse)
    matrix = read_matrix(path, patients={"P1", "P2", "P9"})
    assert list(matrix.genes) == GENES
    assert list(matrix.values.columns) == ["P1", "P2"]
    np.testing.assert_array_equal(matrix.values, VALUES)
    assert matrix.unmatched == ["stranger"]
    assert matrix.symbols is None


def test_layer_and_symbols_are_read_where_they_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5ad")
    matrix = read_matrix(path, patients={"P2"}, layer="double", symbols="symbol")
    assert matrix.values["P2"].tolist() == [5, 8, 18]
    assert matrix.symbols is not None
    assert list(matrix.symbols) == ["TP53", "PTEN", ""]


def test_aliquots_of_a_patient_are_averaged_and_normals_left_out(tmp_path: Path) -> None:
    names = ["TCGA-02-0001-01A", "TCGA-02-0001-01B", "TCGA-02-0001-11A"]
    data = anndata.AnnData(np.array([[1.0], [4.0], [100.0]]), pd.DataFrame(index=names))
    data.write_h5ad(tmp_path / "a.h5ad")
    matrix = read_matrix(tmp_path / "a.h5ad", patients={"TCGA-02-0001"}, barcode="tcga")
    assert matrix.values.to_numpy().tolist() == [[2.5]]
    assert matrix.samples[2].reason == "sample type Solid Tissue Normal is not kept"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"patients": {"X"}}, ["neither obs nor var", "P1", "ENSG00000141510.18", "X"]),
        ({"patients": {"P1"}, "layer": "log"}, ["no layer log", "layers are double"]),
        ({"patients": {"P1"}, "symbols": "name"}, ["column name", "columns are symbol"]),
    ],
)
def test_file_that_cannot_be_used_says_why(
    tmp_path: Path, settings: dict[str, object], words: list[str]
) -> None:
    path = write(tmp_path / "a.h5ad")
    with pytest.raises(InputError) as caught:
        read_matrix(path, **settings)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in ["a.h5ad", *words]), caught.value


@pytest.mark.filterwarnings("ignore:Element")
def test_empty_x_damaged_files_and_values_that_are_no_numbers_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    people = pd.DataFrame(index=["P1", "P2"])
    layers = {"counts": np.ones((2, 1))}
    anndata.AnnData(None, people, pd.DataFrame(index=["A"]), layers=layers).write_h5ad(path)
    with pytest.raises(InputError, match="X is empty; layers are counts"):
        read_matrix(path, patients={"P1"})
    anndata.AnnData(np.array([[np.inf], [1.0]]), people).write_h5ad(path)
    with pytest.raises(InputError, match="column P1, value 'inf': not a finite number"):
        read_matrix(path, patients={"P1"})
    path.write_bytes(b"no such thing")
    with pytest.raises(InputError, match="not an h5ad file"):
        read_matrix(path, patients={"P1"})
    with h5py.File(path, "w") as file:
        file["a"] = 1
    with pytest.raises(InputError, match="not an h5ad file"):
        read_matrix(path, patients={"P1"})
