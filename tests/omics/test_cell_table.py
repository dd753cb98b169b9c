"""Dense tables of genes by cells."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.omics.cell_table import read_cell_table


def write(folder: Path, text: str, name: str = "cells.tsv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("head", ["gene\tC1\tC2", "C1\tC2"])
def test_table_is_turned_to_cells_by_genes_with_or_without_a_head_for_genes(
    tmp_path: Path, head: str
) -> None:
    values, cells, genes = read_cell_table(write(tmp_path, f"{head}\nA\t1\t0\nB\t0\t2.5\n\n"))
    assert (cells, genes) == (["C1", "C2"], ["A", "B"])
    assert values.toarray().tolist() == [[1, 0], [0, 2.5]]


def test_long_tables_are_read_in_pieces_that_fit_together(tmp_path: Path) -> None:
    rows = [f"G{i},{i % 7},{i % 5}" for i in range(2500)]
    path = write(tmp_path, "\n".join(["gene,C1,C2", *rows]) + "\n", "cells.csv.gz")
    values, _, genes = read_cell_table(path)
    assert genes == [f"G{i}" for i in range(2500)]
    expected = [[i % 7 for i in range(2500)], [i % 5 for i in range(2500)]]
    np.testing.assert_array_equal(values.toarray(), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g\tC1\tC2\nA\t1\t2\nB\t-3\t4\n", r"row 3, column C1, value '-3.*': negative value"),
        ("g\tC1\tC2\nA\t1\t\nB\t3\t4\n", r"row 2, column C2, value 'nan': not a finite number"),
        ("g\tC1\tC2\nA\t1\tinf\n", r"row 2, column C2.*not a finite number"),
        ("g\tC1\tC2\nA\t1\tmany\n", r"row 2, column C2, value 'many': not a finite number"),
        ("g\tC1\tC1\nA\t1\t2\n", r"column C1: cell has two columns"),
        ("g\tC1\tC2\n\t1\t2\n", r"row 2: gene without a name"),
        ("g\tC1\tC2\nA\t1\t2\nB\t3\n", r"row 3: 2 cells under 3 columns"),
        ("g\n", r"no table of genes by cells"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_cell_table(write(tmp_path, text))


def test_faults_far_down_have_the_row_of_the_file(tmp_path: Path) -> None:
    rows = [f"G{i}\t1" for i in range(1500)]
    rows[1200] = "G1200\t-1"
    with pytest.raises(InputError, match="row 1202, column C1"):
        read_cell_table(write(tmp_path, "\n".join(["gene\tC1", *rows]) + "\n"))


def test_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "cells.tsv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="not readable as text"):
        read_cell_table(path)
