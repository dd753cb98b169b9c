"""Which sample is whose, and who fell out."""

from pathlib import Path

import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.samples import (
    Origin,
    Sample,
    Wanted,
    judge_samples,
    read_barcodes,
    require_samples,
    require_shared,
    tell_patients,
    write_samples,
)
from histoniche.tables import read_table, write_table


@pytest.mark.parametrize(
    ("name", "patient", "sample_type"),
    [
        ("TCGA-02-0001", "TCGA-02-0001", ""),
        ("TCGA-02-0001-01", "TCGA-02-0001", "Primary Tumor"),
        ("TCGA-02-0001-01A-01R-1849-01", "TCGA-02-0001", "Primary Tumor"),
        ("TCGA-14-0736-02A", "TCGA-14-0736", "Recurrent Tumor"),
        ("TCGA-06-0675-11A", "TCGA-06-0675", "Solid Tissue Normal"),
        ("TCGA-AB-2803-03B", "TCGA-AB-2803", "Primary Blood Derived Cancer - Peripheral Blood"),
        ("TCGA-02-0001-99A", "TCGA-02-0001", "code 99"),
        ("TCGA-4Y-BBC1-TA", "TCGA-4Y-BBC1", ""),
    ],
)
def test_tcga_barcode_names_patient_and_sample_type(
    name: str, patient: str, sample_type: str
) -> None:
    assert read_barcodes([name], "tcga") == [Origin(name, patient, sample_type)]


@pytest.mark.parametrize("name", ["P1", "TCGA-02", "XTCGA-02-0001", "TCGA-02-00012", ""])
def test_other_names_are_no_tcga_barcodes(name: str) -> None:
    (origin,) = read_barcodes([name], "tcga")
    assert (origin.patient, origin.fault) == ("", "not a TCGA barcode")


def test_whole_names_are_patients_of_unknown_type_and_so_are_kept() -> None:
    origins = read_barcodes(["P1", "TCGA-02-0001-11A"], "whole")
    samples = judge_samples(origins, Wanted({"P1", "TCGA-02-0001-11A"}))
    assert [sample.used for sample in samples] == [True, True]


def test_reasons_say_why_a_sample_is_not_used() -> None:
    names = ["TCGA-02-0001-01A", "TCGA-02-0001-02A", "TCGA-02-0009-01A", "gene_type"]
    wanted = Wanted({"TCGA-02-0001"}, "tcga")
    samples = judge_samples(read_barcodes(names, "tcga"), wanted)
    assert [sample.reason for sample in samples] == [
        "",
        "sample type Recurrent Tumor is not kept",
        "no patient of the sheet",
        "not a TCGA barcode",
    ]
    assert [sample.used for sample in samples] == [True, False, False, False]
    everything = judge_samples(read_barcodes(names, "tcga"), wanted._replace(sample_types=()))
    assert [sample.used for sample in everything] == [True, True, False, False]


def test_no_sample_of_a_kept_type_is_an_error_that_counts_the_types() -> None:
    wanted = Wanted({"TCGA-02-0001"}, "tcga")
    samples = judge_samples(read_barcodes(["TCGA-02-0001-02A"], "tcga"), wanted)
    with pytest.raises(
        InputError, match=r"x.*Recurrent Tumor is not kept \(1\); set expression.sample_types"
    ):
        require_samples(samples, wanted, file=Path("x"), what="column")


def test_too_few_shared_patients_is_an_error_with_the_numbers_and_the_reasons() -> None:
    samples = [
        *(Sample(f"P{k}", f"P{k}", True, "") for k in range(9)),
        Sample("P0b", "P0", True, ""),
        Sample("X", "X", False, "no patient of the sheet"),
    ]
    with pytest.raises(InputError) as caught:
        require_shared(samples, least=10, file=Path("x.tsv"), what="expression", key="a.min_shared")
    line = str(caught.value)
    assert "x.tsv: only 9 patients of the sheet have expression, 10 are needed" in line
    assert "no patient of the sheet (1)" in line
    assert "lower a.min_shared" in line
    samples.append(Sample("P9", "P9", True, ""))
    require_shared(samples, least=10, file=Path("x.tsv"), what="expression", key="a.min_shared")


def test_tables_say_who_fell_out_of_which_source_and_why(tmp_path: Path) -> None:
    sheet = ["P1", "P2", "P3"]
    write_table(pd.DataFrame({"patient": sheet}), tmp_path / "patients.parquet")
    expression = [
        Sample("P1a", "P1", True, ""),
        Sample("P1b", "P1", True, ""),
        Sample("P2r", "P2", False, "sample type Recurrent Tumor is not kept"),
        Sample("Q", "Q", False, "no patient of the sheet"),
    ]
    mutations = [Sample(patient, patient, True, "") for patient in sheet]
    paths = {name: tmp_path / f"{name}.parquet" for name in ("expression", "mutations")}
    write_samples(expression, sheet, paths["expression"], absent="no sample")
    write_samples(mutations, sheet, paths["mutations"], absent="no variant")
    table = read_table(paths["expression"])
    assert list(table) == ["sample", "patient", "used", "reason"]
    assert table.iloc[-1].tolist() == ["", "P3", False, "no sample"]
    assert len(table) == 5
    assert len(read_table(paths["mutations"])) == 3
    tell_patients(tmp_path / "patients.parquet", paths, out=tmp_path / "out.parquet")
    told = read_table(tmp_path / "out.parquet")
    assert told.to_numpy().tolist() == [
        ["P1", "expression", True, 2, ""],
        ["P2", "expression", False, 0, "sample type Recurrent Tumor is not kept"],
        ["P3", "expression", False, 0, "no sample"],
        *([patient, "mutations", True, 1, ""] for patient in sheet),
    ]
    assert (tmp_path / "out.tsv").exists()
