"""Reading cells in every format, with their patients and labels."""

import gzip
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.cell_sources import read_cells

COUNTS = np.array([[1.0, 0, 2, 4], [0, 3, 0, 5], [6, 0, 0, 0]])  # cells by genes
IDS = ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003", "ENSG00000000004"]
SYMBOLS = ["A", "B", "C", "A"]
CELLS = ["AAAC-1", "AAAG-1", "AAAT-1"]


def write_10x_folder(folder: Path) -> Path:
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb") as stream:
        scipy.io.mmwrite(stream, scipy.sparse.coo_matrix(COUNTS.T.astype(int)))
    features = [f"{i}\t{s}\tGene Expression" for i, s in zip(IDS, SYMBOLS, strict=True)]
    for name, lines in (("features", features), ("barcodes", CELLS)):
        (folder / f"{name}.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def write_10x_file(path: Path) -> Path:
    values = scipy.sparse.csc_matrix(COUNTS.T.astype("int32"))
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            matrix[name] = getattr(values, name)
        matrix["shape"] = np.array(values.shape, dtype="int32")
        matrix["barcodes"] = np.array(CELLS, dtype="S")
        features = matrix.create_group("features")
        features["id"], features["name"] = np.array(IDS, dtype="S"), np.array(SYMBOLS, dtype="S")
        features["feature_type"] = np.array(["Gene Expression"] * 4, dtype="S")
        features["genome"] = np.array(["GRCh38"] * 4, dtype="S")
    return path


def write_h5ad(path: Path, values: Any = COUNTS, **columns: Any) -> Path:
    obs = pd.DataFrame(columns, index=CELLS)
    var = pd.DataFrame({"symbol": ["A", "B", "C", "D"]}, index=IDS)
    anndata.AnnData(scipy.sparse.csr_matrix(values), obs=obs, var=var).write_h5ad(path)
    return path


def write_table(path: Path, *, genes: str = "ABCD", cells: list[str] = CELLS) -> Path:
    table = pd.DataFrame(COUNTS.T, index=list(genes), columns=cells)
    table.to_csv(path, sep="\t", index_label="gene")
    return path


def write_labels(path: Path, **columns: Any) -> Path:
    pd.DataFrame({"barcode": CELLS, **columns}).to_csv(path, sep="\t", index=False)
    return path


def as_dict(taken: list[Any]) -> dict[str, int]:
    return {decision.item: decision.count for decision in taken}


@pytest.mark.parametrize("write", [write_10x_folder, write_10x_file])
def test_10x_is_read_and_ids_of_one_symbol_are_added_up(tmp_path: Path, write: Any) -> None:
    data, taken = read_cells({"P1": write(tmp_path / "x.h5")})
    assert list(data.var_names) == ["A", "B", "C"]
    assert data.X.toarray().tolist() == [[5, 0, 2], [5, 3, 0], [6, 0, 0]]
    assert (data.X.format, data.X.dtype) == ("csr", np.float32)
    assert list(data.obs_names) == [f"P1:{cell}" for cell in CELLS]
    assert set(data.obs["patient"]) == {"P1"}
    assert as_dict(taken)["rows added to another of the same symbol"] == 1


def test_10x_may_be_named_by_ids(tmp_path: Path) -> None:
    data, _ = read_cells({"P1": write_10x_file(tmp_path / "x.h5")}, gene_column="gene_ids")
    assert list(data.var_names) == IDS
    np.testing.assert_array_equal(data.X.toarray(), COUNTS)


def test_h5ad_brings_patient_and_type_and_map(tmp_path: Path) -> None:
    path = write_h5ad(tmp_path / "x.h5ad", donor=["P1", "P1", "P2"], kind=["T", "B", "T"])
    data = anndata.read_h5ad(path)
    data.obsm["X_umap"], data.layers["raw"] = np.arange(6.0).reshape(3, 2), COUNTS * 2
    data.write_h5ad(path)
    found, _ = read_cells(
        path, label_column="kind", patient_column="donor", gene_column="symbol", layer="raw"
    )
    assert found.obs["patient"].tolist() == ["P1", "P1", "P2"]
    assert found.obs["cell_type"].tolist() == ["T", "B", "T"]
    assert list(found.var_names) == list("ABCD")
    np.testing.assert_array_equal(found.X.toarray(), COUNTS * 2)
    np.testing.assert_array_equal(found.obsm["X_umap"], data.obsm["X_umap"])


def test_labels_of_a_table_take_the_place_of_those_beside_the_cells(tmp_path: Path) -> None:
    path = write_h5ad(tmp_path / "x.h5ad", patient="P1", cell_type="old")
    labels = write_labels(tmp_path / "l.tsv", cell_type=["T", "B", "T"])
    found, _ = read_cells(path, labels=labels)
    assert found.obs["cell_type"].tolist() == ["T", "B", "T"]
    assert found.obs["patient"].tolist() == ["P1"] * 3


def test_dense_table_with_labels_in_another_order(tmp_path: Path) -> None:
    labels = pd.DataFrame(
        {
            "cell": [*CELLS[::-1], "stranger"],
            "patient": ["P2", "P1", "P1", "P9"],
            "cell_type": list("TBSX"),
        }
    )
    labels.to_csv(tmp_path / "l.csv", index=False)
    found, taken = read_cells(write_table(tmp_path / "x.tsv"), labels=tmp_path / "l.csv")
    assert found.obs["cell_type"].tolist() == ["S", "B", "T"]
    assert found.obs["patient"].tolist() == ["P1", "P1", "P2"]
    assert as_dict(taken)["rows that are no cell of the data"] == 1


def test_patients_in_files_of_their_own_share_genes_and_labels(tmp_path: Path) -> None:
    one = write_table(tmp_path / "1.tsv")
    two = write_table(tmp_path / "2.tsv", genes="ZCBA")
    labels = pd.DataFrame(
        {"cell": CELLS * 2, "patient": np.repeat(["P1", "P2"], 3), "cell_type": list("TBSSTB")}
    )
    labels.to_csv(tmp_path / "l.tsv", sep="\t", index=False)
    found, taken = read_cells({"P1": one, "P2": two}, labels=tmp_path / "l.tsv")
    assert found.obs["cell_type"].tolist() == list("TBSSTB")
    values = pd.DataFrame(found.X.toarray(), found.obs_names, found.var_names)
    assert sorted(values) == ["A", "B", "C"]
    assert values.loc["P2:AAAC-1", ["A", "B", "C"]].tolist() == [4, 2, 0]
    assert as_dict(taken)["not in every patient's file, dropped"] == 2


def test_without_labels_cells_have_no_type(tmp_path: Path) -> None:
    found, taken = read_cells({"P1": write_table(tmp_path / "x.tsv")})
    assert "cell_type" not in found.obs
    assert as_dict(taken)["cells without label, to be clustered"] == 3


def test_cells_without_label_are_an_error_or_dropped(tmp_path: Path) -> None:
    table = write_table(tmp_path / "x.tsv")
    labels = write_labels(tmp_path / "l.tsv", patient="P1", cell_type=["T", "", "NA"])
    with pytest.raises(
        InputError, match=r"2 of 3 cells have no label, such as AAAG-1, AAAT-1; label every cell"
    ):
        read_cells(table, labels=labels)
    found, taken = read_cells(table, labels=labels, on_unlabelled="drop")
    assert list(found.obs_names) == ["AAAC-1"]
    assert as_dict(taken)["cells without label, dropped"] == 2


def test_cells_that_the_labels_lack_are_without_label(tmp_path: Path) -> None:
    pd.DataFrame({"cell": CELLS[:1], "patient": "P1", "cell_type": "T"}).to_csv(
        tmp_path / "l.csv", index=False
    )
    with pytest.raises(InputError, match="2 of 3 cells have no patient, such as AAAG-1"):
        read_cells(write_table(tmp_path / "x.tsv"), labels=tmp_path / "l.csv")


def spoiled(value: float) -> np.ndarray:
    values = COUNTS.copy()
    values[1, 3] = value
    return values


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-2.0, "negative value in cell AAAG-1, gene ENSG00000000004"),
        (np.nan, "not a finite number in cell AAAG-1"),
        (np.inf, "not a finite number in cell AAAG-1"),
    ],
)
def test_values_that_are_no_expression_are_named_with_cell_and_gene(
    tmp_path: Path, value: float, message: str
) -> None:
    path = write_h5ad(tmp_path / "x.h5ad", spoiled(value), patient="P1")
    with pytest.raises(InputError, match=rf"x\.h5ad.*{message}"):
        read_cells(path)


def test_genes_that_stand_twice_in_a_table_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="value 'A': 1 genes stand twice or more; keep one row"):
        read_cells({"P1": write_table(tmp_path / "x.tsv", genes="ABCA")})


def test_cells_that_stand_twice_are_an_error(tmp_path: Path) -> None:
    obs = pd.DataFrame({"patient": "P1"}, index=["C1", "C1", "C2"])
    with pytest.warns(UserWarning, match="not unique"):
        anndata.AnnData(COUNTS, obs=obs).write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(InputError, match="'C1': cell stands twice"):
        read_cells(tmp_path / "x.h5ad")


def test_what_nobody_named_is_asked_for(tmp_path: Path) -> None:
    bare = write_h5ad(tmp_path / "x.h5ad", donor="P1", kind="T")
    with pytest.raises(InputError, match="nothing says whose the cells are"):
        read_cells(bare)
    with pytest.raises(InputError, match=r"column patients: no such column.*are: donor, kind"):
        read_cells(bare, patient_column="patients")
    with pytest.raises(InputError, match=r"mend single_cell\.label_column"):
        read_cells(bare, patient_column="donor", label_column="type")
    with pytest.raises(InputError, match=r"column name: no such column of the genes.*symbol"):
        read_cells(bare, gene_column="name")
    with pytest.raises(InputError, match="'raw': no such layer; there are none"):
        read_cells(bare, layer="raw")


def test_labels_that_fit_no_cell_or_fit_twice_are_an_error(tmp_path: Path) -> None:
    table = write_table(tmp_path / "x.tsv")
    other = tmp_path / "other.csv"
    pd.DataFrame({"cell": ["X", "Y"], "patient": "P1", "cell_type": "T"}).to_csv(other, index=False)
    with pytest.raises(InputError, match="no row is a cell of the data; rows are X, Y, cells are"):
        read_cells(table, labels=other)
    twice = tmp_path / "twice.csv"
    pd.DataFrame({"cell": [*CELLS, "AAAC-1"], "patient": "P1"}).to_csv(twice, index=False)
    with pytest.raises(InputError, match="value 'AAAC-1': cell has two rows"):
        read_cells(table, labels=twice)
    shared = write_labels(tmp_path / "l.tsv", cell_type="T")
    with pytest.raises(InputError, match="the labels name no patient; add the column patient"):
        read_cells({"P1": table, "P2": table}, labels=shared)


def test_patients_whose_files_share_no_gene(tmp_path: Path) -> None:
    one, two = write_table(tmp_path / "1.tsv"), write_table(tmp_path / "2.tsv", genes="WXYZ")
    with pytest.raises(InputError, match="share no gene, such as A, B, C and W, X, Y"):
        read_cells({"P1": one, "P2": two})


def test_files_that_are_absent_or_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file or folder; mend single_cell\.cells"):
        read_cells(tmp_path / "none.h5ad")
    for name in ("x.h5ad", "x.h5"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(InputError, match=r"not readable as .* \(OSError\); give"):
            read_cells(tmp_path / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="not readable as 10x folder"):
        read_cells(tmp_path / "folder")
