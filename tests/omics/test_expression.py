"""Preparation of expression."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.expression import prepare, prepare_expression
from histoniche.omics.matrix import Matrix
from histoniche.tables import read_table, write_table


def matrix(genes: list[str], values: Any, patients: list[str]) -> Matrix:
    rows = pd.RangeIndex(2, len(genes) + 2)
    return Matrix(pd.Series(genes, rows), pd.DataFrame(values, rows, patients, dtype=float), [])


def run(folder: Path, text: str, patients: list[str], **settings: Any) -> dict[str, pd.DataFrame]:
    table, sheet = folder / "x.tsv", folder / "patients.parquet"
    table.write_text(text)
    write_table(pd.DataFrame({"patient": patients}), sheet)
    outputs = {name: folder / f"{name}.parquet" for name in ("expression", "genes", "decisions")}
    chosen = {"unit": "tpm", "detected_above": 0.0, "min_patients": 1, **settings}
    prepare_expression(table, sheet, **outputs, **chosen)
    return {name: read_table(path) for name, path in outputs.items()}


def test_counts_become_counts_per_million_of_the_library() -> None:
    given = matrix(["A", "B", "N_unmapped"], [[1, 30], [3, 10], [999, 5]], ["P1", "P2"])
    values, _ = prepare(given, unit="counts", file=Path("x"))
    np.testing.assert_allclose(values, [[250_000, 750_000], [750_000, 250_000]])


def test_other_units_are_taken_as_they_are() -> None:
    given = matrix(["A", "B"], [[-1, 2], [3, 4]], ["P1", "P2"])
    values, _ = prepare(given, unit="log2", file=Path("x"))
    np.testing.assert_array_equal(values, [[-1, 2], [3, 4]])


def test_of_duplicate_genes_the_highest_mean_stays_and_the_rest_is_counted() -> None:
    rows = [[1, 1], [0, 9], [4, 0], [5, 5], [5, 5]]
    given = matrix(["A", "A", "A", "B", "B"], rows, ["P1", "P2"])
    values, decisions = prepare(given, unit="tpm", file=Path("x"))
    assert values.index.tolist() == ["A", "B"]
    assert values.loc["A"].tolist() == [0, 9]
    assert {d.item: d.count for d in decisions}["duplicate rows dropped"] == 3


def test_genes_with_a_missing_value_go_and_are_counted() -> None:
    given = matrix(["A", "B"], [[1, np.nan], [3, 4]], ["P1", "P2"])
    values, decisions = prepare(given, unit="tpm", file=Path("x"))
    assert values.index.tolist() == ["B"]
    assert {d.item: d.count for d in decisions}["rows with a missing value dropped"] == 1


def test_negative_counts_are_an_error_that_names_the_cell() -> None:
    given = matrix(["A", "B"], [[1, 2], [3, -4]], ["P1", "P2"])
    with pytest.raises(InputError, match=r"row 3, column P2, value -4\.0: negative.*log2"):
        prepare(given, unit="counts", file=Path("x"))


def test_patient_without_any_count_is_an_error() -> None:
    given = matrix(["A"], [[1, 0]], ["P1", "P2"])
    with pytest.raises(InputError, match="column P2: all counts are 0"):
        prepare(given, unit="counts", file=Path("x"))


def test_tables_hold_the_sheets_patients_detection_and_every_decision(tmp_path: Path) -> None:
    text = "gene\tP3\tP1\tother\nA\t1\t2\tx\nB\t0\t7\tx\nC\t0\t0\tx\nN_noFeature\t5\t5\tx\n"
    found = run(tmp_path, text, ["P1", "P2", "P3"], min_patients=2)
    assert list(found["expression"]) == ["gene", "P1", "P3"]
    assert found["expression"]["P1"].tolist() == [2, 7, 0]
    genes = found["genes"].set_index("gene")
    assert genes["detected"].to_dict() == {"A": 2, "B": 1, "C": 0}
    assert genes.index[genes["tested"]].tolist() == ["A"]
    decisions = found["decisions"].set_index("item")
    assert decisions.loc["without expression", ["count", "detail"]].tolist() == [1, "P2"]
    other = "columns that are no patient of the sheet"
    assert decisions.loc[other, ["count", "detail"]].tolist() == [1, "other"]
    assert decisions.loc["summary rows dropped", "detail"] == "N_noFeature"
    assert decisions.loc["genes tested", "count"] == 1
    assert decisions.loc["genes not tested", "count"] == 2
    assert (tmp_path / "decisions.tsv").exists()


def test_detection_reads_the_prepared_values(tmp_path: Path) -> None:
    text = "gene\tP1\tP2\nA\t1\t1\nB\t999999\t9\n"
    found = run(tmp_path, text, ["P1", "P2"], unit="counts", detected_above=2)
    assert found["genes"].set_index("gene")["detected"].to_dict() == {"A": 1, "B": 2}


def test_no_gene_left_is_an_error_with_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"in 25 of the 2 patients.*lower expression\.min"):
        run(tmp_path, "gene\tP1\tP2\nA\t1\t2\n", ["P1", "P2"], min_patients=25)
