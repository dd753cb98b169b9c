"""Reading tables of genes by patients."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.matrix import read_matrix


def write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "gene\tP1\tP2\nA\t1\t2.5\nB\t3\tNA\n"),
        ("a.tsv.gz", "gene\tP1\tP2\nA\t1\t2.5\nB\t3\t\n"),
        ("a.csv", '"","P1","P2"\n"A",1,2.5\n"B",3,NA\n'),
        ("a.csv.gz", '"","P1","P2"\r\n"A",1,2.5\r\n"B",3,\r\n'),
        ("a.txt", "# made by hand\nP1\tP2\nA\t1\t2.5\nB\t3\tNaN\n\n"),
    ],
)
def test_every_layout_reads_alike(tmp_path: Path, name: str, text: str) -> None:
    matrix = read_matrix(write(tmp_path / name, text), patients={"P1", "P2", "P9"})
    assert list(matrix.genes) == ["A", "B"]
    assert list(matrix.values.columns) == ["P1", "P2"]
    np.testing.assert_array_equal(matrix.values, [[1, 2.5], [3, np.nan]])
    assert matrix.unmatched == []


@pytest.mark.parametrize("indexed", [True, False])
def test_parquet_with_genes_as_index_or_first_column(tmp_path: Path, indexed: bool) -> None:
    table = pd.DataFrame({"gene": ["A", "B"], "P1": [1, 2], "P2": [0.5, 4]})
    path = tmp_path / "a.parquet"
    (table.set_index("gene") if indexed else table).to_parquet(path)
    matrix = read_matrix(path, patients={"P2"})
    assert list(matrix.genes) == ["A", "B"]
    assert matrix.values["P2"].tolist() == [0.5, 4]
    assert matrix.unmatched == ["P1"]


def test_genes_with_commas_and_quotes_stand_in_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'gene,P1\n"A,""x""",1\nB,2\n')
    assert list(read_matrix(path, patients={"P1"}).genes) == ['A,"x"', "B"]


def test_columns_that_are_no_patients_may_hold_anything(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "gene\ttype\tP1\nA\tcoding\t1\nB\tpseudo\t2\n")
    matrix = read_matrix(path, patients={"P1"})
    assert matrix.unmatched == ["type"]
    assert matrix.values["P1"].tolist() == [1, 2]


def test_genes_called_na_and_nan_stay(tmp_path: Path) -> None:
    matrix = read_matrix(write(tmp_path / "a.tsv", "gene\tP1\nNA\t1\nnan\t2\n"), patients={"P1"})
    assert list(matrix.genes) == ["NA", "nan"]


@pytest.mark.parametrize(
    ("text", "row", "column", "value"),
    [
        ("gene\tP1\tP2\nA\t1\t2\nB\tlow\t3\n", 3, "P1", "low"),
        ("#c\ngene\tP1\tP2\nA\t1\t2\nB\t1\t1,5\nC\tx\t1\n", 4, "P2", "1,5"),
        ("gene\tP1\tP2\nA\t1\tinf\n", 2, "P2", "inf"),
        ("gene\tP1\tP2\nA\tTRUE\t1\n", 2, "P1", "True"),
    ],
)
def test_cell_that_is_no_number_is_named(
    tmp_path: Path, text: str, row: int, column: str, value: str
) -> None:
    path = write(tmp_path / "a.tsv", text)
    with pytest.raises(InputError) as caught:
        read_matrix(path, patients={"P1", "P2"})
    line = str(caught.value)
    assert f"{path}, row {row}, column {column}, value '{value}'" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gene\tX1\tX2\nA\t1\t2\n", ["X1", "P1", "ids alike"]),
        ("gene\tP1\tP1\nA\t1\t2\n", ["column P1", "two columns"]),
        ("gene\tP1\n\t7\n", ["row 2", "without a name"]),
        ("gene;P1\nA;7\n", ["tabs or commas"]),
        ("", ["tabs or commas"]),
        ("gene\tP1\n", ["tabs or commas"]),
        ("gene\tP1\tP2\nA\t1\t2\nB\t1\t2\t3\n", ["row 3", "4 cells under 3 columns"]),
        ("gene\tP1\tP2\nA\t1\t2\nB\t1\n", ["row 3", "2 cells under 3 columns"]),
    ],
)
def test_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_matrix(write(tmp_path / "a.tsv", text), patients={"P1", "P2"})
    assert all(word in str(caught.value) for word in words), caught.value


def test_broken_files_are_errors_of_the_user(tmp_path: Path) -> None:
    for name, content in {"a.tsv": b"\xff\xfe\x00", "a.tsv.gz": b"gene", "a.parquet": b"x"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_matrix(tmp_path / name, patients={"P1"})
    with pytest.raises(InputError, match="no such file"):
        read_matrix(tmp_path / "none.tsv", patients={"P1"})


def test_tcga_barcodes_are_averaged_by_patient_over_primary_tumours(tmp_path: Path) -> None:
    text = (
        "gene\tTCGA-02-0001-01A\tTCGA-02-0003-01A\tTCGA-02-0001-01B\tTCGA-02-0001-02A\tlength\n"
        "A\t1\t5\t4\t100\tx\n"
        "B\t2\tNA\tNA\t100\tx\n"
    )
    path = write(tmp_path / "a.tsv", text)
    patients = {"TCGA-02-0001", "TCGA-02-0003"}
    matrix = read_matrix(path, patients=patients, barcode="tcga")
    assert list(matrix.values.columns) == ["TCGA-02-0001", "TCGA-02-0003"]
    np.testing.assert_array_equal(matrix.values, [[2.5, 5], [2, np.nan]])
    assert matrix.unmatched == ["length"]
    assert [sample.used for sample in matrix.samples] == [True, True, True, False, False]
    everything = read_matrix(path, patients=patients, barcode="tcga", sample_types=())
    assert everything.values.loc[2, "TCGA-02-0001"] == pytest.approx(105 / 3)


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
def test_symbols_are_read_from_their_own_column(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"id": ["E1", "E2"], "P1": [1.5, 2.0], "symbol": ["TP53", None]})
    path = tmp_path / name
    if path.suffix == ".tsv":
        table.to_csv(path, sep="\t", index=False)
    else:
        table.to_parquet(path)
    matrix = read_matrix(path, patients={"P1"}, symbols="symbol")
    assert matrix.symbols is not None
    assert list(matrix.symbols) == ["TP53", ""]
    assert list(matrix.genes) == ["E1", "E2"]
    assert matrix.unmatched == []
    with pytest.raises(InputError, match=r"column name: no such column; the first are id, P1"):
        read_matrix(path, patients={"P1"}, symbols="name")


def test_same_tcga_sample_twice_is_an_error(tmp_path: Path) -> None:
    text = "gene\tTCGA-02-0001-01A\tTCGA-02-0001-01A\nA\t1\t2\n"
    with pytest.raises(InputError, match="this sample has two columns"):
        read_matrix(write(tmp_path / "a.tsv", text), patients={"TCGA-02-0001"}, barcode="tcga")
