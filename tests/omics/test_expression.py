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

OUTPUTS = ("expression", "genes", "decisions", "samples", "libraries")
SETTINGS: dict[str, Any] = {
    "unit": "tpm", "detected_above": 0.0, "min_patients": 1, "min_shared": 1,
    "barcode": "whole", "sample_types": ["Primary Tumor"],
}  # fmt: skip


def matrix(genes: list[str], values: Any, patients: list[str]) -> Matrix:
    rows = pd.RangeIndex(2, len(genes) + 2)
    return Matrix(pd.Series(genes, rows), pd.DataFrame(values, rows, patients, dtype=float), [])


def run(folder: Path, text: str, patients: list[str], **settings: Any) -> dict[str, pd.DataFrame]:
    table, sheet = folder / "x.tsv", folder / "patients.parquet"
    table.write_text(text)
    write_table(pd.DataFrame({"patient": patients}), sheet)
    outputs = {name: folder / f"{name}.parquet" for name in OUTPUTS}
    prepare_expression(table, sheet, **outputs, **{**SETTINGS, **settings})
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


def test_ensembl_versions_symbols_and_copies_on_y_are_told(tmp_path: Path) -> None:
    text = (
        "id\tname\tP1\tP2\n"
        "ENSG00000141510.18\tTP53\t1\t2\n"
        "ENSG00000000001.1\tTP53\t9\t9\n"
        "ENSG00000000002.1\t\t3\t3\n"
        "ENSG00000002586.20_PAR_Y\tCD99\t4\t4\n"
    )
    found = run(tmp_path, text, ["P1", "P2"], symbols="name")
    assert found["expression"]["gene"].tolist() == ["ENSG00000000002", "TP53"]
    assert found["expression"]["P1"].tolist() == [3, 9]
    decisions = found["decisions"].set_index("item")
    assert decisions.loc["_PAR_Y rows dropped", "count"] == 1
    assert decisions.loc["rows named by their symbol", "count"] == 2
    assert decisions.loc["rows named by their Ensembl id", "count"] == 1
    assert decisions.loc["TP53", "step"] == "duplicates"
    assert "dropped ENSG00000141510.18" in decisions.loc["TP53", "detail"]


def test_library_of_counts_holds_the_rows_that_go_later() -> None:
    given = matrix(["A", "A", "B_PAR_Y", "C"], [[1], [2], [3], [4]], ["P1"])
    values, _ = prepare(given, unit="counts", file=Path("x"))
    np.testing.assert_allclose(values["P1"], [200_000, 400_000])


def test_missing_values_are_not_imputed_and_the_genes_that_go_are_named() -> None:
    given = matrix(["A", "B", "C"], [[1, np.nan], [3, 4], [np.nan, 1]], ["P1", "P2"])
    values, decisions = prepare(given, unit="tpm", file=Path("x"))
    assert values.loc["B"].tolist() == [3, 4]
    told = {d.item: d.detail for d in decisions}
    assert told["rows with a missing value dropped"] == "missing in a matched patient: A, C"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1, np.nan], [2, np.nan]], "column P2: every value of this patient is missing"),
        ([[1, np.nan], [np.nan, 2]], "every gene has a missing value.*most of them in P1, P2"),
    ],
)
def test_missing_values_that_leave_no_gene_are_an_error(values: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        prepare(matrix(["A", "B"], values, ["P1", "P2"]), unit="tpm", file=Path("x"))


def test_fewer_patients_than_wanted_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"only 2 patients .* have expression, 10 are needed"):
        run(tmp_path, "gene\tP1\tP2\tQ\nA\t1\t2\t3\n", ["P1", "P2", "P3"], min_shared=10)
    assert not (tmp_path / "expression.parquet").exists()


def test_samples_table_says_who_fell_out(tmp_path: Path) -> None:
    text = "gene\tTCGA-02-0001-01A\tTCGA-02-0003-02A\tTCGA-99-0001-01A\nA\t1\t2\t3\n"
    patients = ["TCGA-02-0001", "TCGA-02-0003", "TCGA-02-0009"]
    found = run(tmp_path, text, patients, barcode="tcga")
    assert list(found["expression"]) == ["gene", "TCGA-02-0001"]
    assert found["samples"].to_numpy().tolist() == [
        ["TCGA-02-0001-01A", "TCGA-02-0001", True, ""],
        ["TCGA-02-0003-02A", "TCGA-02-0003", False, "sample type Recurrent Tumor is not kept"],
        ["TCGA-99-0001-01A", "TCGA-99-0001", False, "no patient of the sheet"],
        ["", "TCGA-02-0009", False, "no sample in the expression data"],
    ]
    decisions = found["decisions"].set_index("item")
    line = "not used: sample type Recurrent Tumor is not kept"
    assert decisions.loc[line, ["count", "detail"]].tolist() == [1, "TCGA-02-0003-02A"]
    assert decisions.loc["without expression", "count"] == 2
    assert decisions.loc["with several samples, averaged", "count"] == 0


def test_folder_of_star_counts_is_prepared_like_a_table(tmp_path: Path) -> None:
    name = "a.rna_seq.augmented_star_gene_counts.tsv"
    (tmp_path / "star").mkdir()
    (tmp_path / "star" / name).write_text(
        "gene_id\tgene_name\tunstranded\tE\nE1\tA\t30\tx\nE2\tB\t10\tx\n"
    )
    (tmp_path / "star" / "gdc_sample_sheet.tsv").write_text(
        "File ID\tFile Name\tData Type\tCase ID\tSample ID\tSample Type\n"
        f"i\t{name}\tGene Expression Quantification\tP1\tP1-01A\tPrimary Tumor\n"
    )
    sheet = tmp_path / "patients.parquet"
    write_table(pd.DataFrame({"patient": ["P1"]}), sheet)
    outputs = {name: tmp_path / f"{name}.parquet" for name in OUTPUTS}
    prepare_expression(tmp_path / "star", sheet, **outputs, **{**SETTINGS, "unit": "counts"})
    assert read_table(outputs["expression"])["P1"].tolist() == [750_000, 250_000]
    assert read_table(outputs["libraries"]).to_numpy().tolist() == [["P1", 40]]
