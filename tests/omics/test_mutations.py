"""Mutations and strata."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.mutations import (
    SILENT,
    Mutations,
    choose_strata,
    prepare_mutations,
    read_mutations,
)
from histoniche.tables import read_table, write_table

HEADER = "Hugo_Symbol\tChromosome\tVariant_Classification\tTumor_Sample_Barcode"


def maf(path: Path, *rows: tuple[str, str, str], header: str = HEADER) -> Path:
    lines = [header, *(f"{gene}\tchr1\t{kind}\t{sample}" for gene, kind, sample in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def pairs(found: Mutations) -> set[tuple[str, str]]:
    return set(found.mutated.itertuples(index=False, name=None))


def test_silent_classes_make_nobody_mutated_but_count_as_profiled(tmp_path: Path) -> None:
    rows = [(f"G{number}", kind, "P1") for number, kind in enumerate(sorted(SILENT))]
    loud = ("TP53", "Missense_Mutation", "P2")
    path = maf(tmp_path / "a.maf", *rows, loud, loud, ("EGFR", "Missense_Mutation", "stranger"))
    found = read_mutations(path, patients={"P1", "P2", "P3"})
    assert pairs(found) == {("P2", "TP53")}
    assert len(found.mutated) == 1
    assert found.profiled == ["P1", "P2"]


def test_gzipped_file_with_comments_and_tcga_barcodes(tmp_path: Path) -> None:
    plain = maf(
        tmp_path / "a.maf",
        ("TP53", "Nonsense_Mutation", "TCGA-02-0001-01A-01D-1490-08"),
        ("PTEN", "Splice_Site", "TCGA-02-0001-02A-01D-1490-08"),
        header="#version 2.4\n#by hand\n" + HEADER,
    )
    path = tmp_path / "a.maf.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    found = read_mutations(path, patients={"TCGA-02-0001"}, barcode="tcga")
    assert pairs(found) == {("TCGA-02-0001", "TP53"), ("TCGA-02-0001", "PTEN")}


@pytest.mark.parametrize(
    ("rows", "header", "barcode", "words"),
    [
        ([("A", "x", "P1")], HEADER.replace("Hugo_Symbol", "Gene"), "whole", ["Hugo_Symbol"]),
        ([("A", "x", "P1"), (" ", "x", "P1")], HEADER, "whole", ["row 3", "Hugo_Symbol", "empty"]),
        ([("A", "x", "")], HEADER, "whole", ["row 2", "Tumor_Sample_Barcode", "empty"]),
        ([("A", "x", "P1")], HEADER, "tcga", ["row 2", "value 'P1'", "not a TCGA barcode"]),
        ([("A", "x", "TCGA-02-0001-01")], HEADER, "whole", ["TCGA-02-0001-01", "P1", "barcode"]),
    ],
)
def test_file_that_cannot_be_used_says_why(
    tmp_path: Path, rows: list[tuple[str, str, str]], header: str, barcode: str, words: list[str]
) -> None:
    path = maf(tmp_path / "a.maf", *rows, header=header)
    with pytest.raises(InputError) as caught:
        read_mutations(path, patients={"P1"}, barcode=barcode)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words), caught.value


def test_strata_are_the_most_frequent_and_the_listed_and_small_ones_are_not_used() -> None:
    carried = {"TP53": 5, "PTEN": 4, "EGFR": 4, "ATRX": 1}
    mutated = pd.DataFrame(
        [(f"P{i}", gene) for gene, count in carried.items() for i in range(count)],
        columns=["patient", "gene"],
    )
    found = Mutations(mutated, [f"P{i}" for i in range(9)])
    strata = choose_strata(found, top=2, genes=["IDH1", "ATRX", "TP53"], min_patients=4)
    assert strata["gene"].tolist() == ["TP53", "EGFR", "ATRX", "IDH1"]
    assert strata["mutated"].tolist() == [5, 4, 1, 0]
    assert strata["used"].tolist() == [True, True, False, False]
    assert strata["reason"].tolist() == [
        "",
        "",
        "fewer than 4 mutated patients",
        "no mutated patient",
    ]
    assert set(strata["profiled"]) == {9}


OUTPUTS = ("mutations", "strata", "profiled", "decisions", "samples")
SETTINGS: dict[str, Any] = {
    "format": "auto", "barcode": "whole", "sample_types": [], "silent": SILENT,
    "top": 0, "genes": [], "min_patients": 3, "min_shared": 1,
}  # fmt: skip


def test_the_three_tables_are_written(tmp_path: Path) -> None:
    rows = [("TP53", "Missense_Mutation", "P1"), ("TTN", "Silent", "P2")]
    sheet = tmp_path / "patients.parquet"
    write_table(pd.DataFrame({"patient": ["P1", "P2", "P3"]}), sheet)
    outputs = {name: tmp_path / f"{name}.parquet" for name in OUTPUTS}
    prepare_mutations(maf(tmp_path / "a.maf", *rows), sheet, **outputs, **SETTINGS)
    assert read_table(outputs["profiled"])["patient"].tolist() == ["P1", "P2"]
    assert read_table(outputs["mutations"]).to_numpy().tolist() == [["P1", "TP53"]]
    assert read_table(outputs["strata"]).empty


def test_formats_that_say_the_same_read_the_same(tmp_path: Path) -> None:
    rows = [("TP53", "Missense_Mutation", "P1"), ("EGFR", "Silent", "P2"), ("TTN", "Intron", "P1")]
    path = maf(tmp_path / "a.maf", *rows)
    table = tmp_path / "a.tsv"
    table.write_text("patient\tTP53\tEGFR\nP1\tR175H\t\nP2\t\tS500=\nQ\t1\t1\n")
    found = [
        read_mutations(path, patients={"P1", "P2", "P3"}),
        read_mutations(path, patients={"P1", "P2", "P3"}, format="cbioportal"),
        read_mutations(table, patients={"P1", "P2", "P3"}),
        read_mutations(table, patients={"P1", "P2", "P3"}, format="table"),
    ]
    assert [pairs(one) for one in found] == [{("P1", "TP53")}] * 4
    assert [one.profiled for one in found] == [["P1", "P2"]] * 4


def test_maf_without_a_needed_column_is_no_table(tmp_path: Path) -> None:
    for column in HEADER.split("\t")[2:]:
        header = HEADER.replace(column, "other")
        with pytest.raises(InputError, match=f"row 1, column {column}: missing column"):
            read_mutations(
                maf(tmp_path / "a.maf", ("A", "x", "P1"), header=header), patients={"P1"}
            )


def test_list_of_sequenced_samples_makes_patients_without_a_variant_profiled(
    tmp_path: Path,
) -> None:
    path = maf(tmp_path / "a.maf", ("TP53", "Missense_Mutation", "TCGA-02-0001-01"))
    (tmp_path / "list.txt").write_text("case_list_ids:\tTCGA-02-0001-01\tTCGA-02-0003-01\tx\n")
    patients = {"TCGA-02-0001", "TCGA-02-0003", "TCGA-02-0009"}
    found = read_mutations(path, patients=patients, barcode="tcga", sequenced=tmp_path / "list.txt")
    assert found.profiled == ["TCGA-02-0001", "TCGA-02-0003"]
    assert pairs(found) == {("TCGA-02-0001", "TP53")}


def test_sample_types_leave_out_recurrences_where_they_are_named(tmp_path: Path) -> None:
    rows = [("TP53", "x", "TCGA-02-0001-01A"), ("MSH6", "x", "TCGA-02-0001-02A")]
    path = maf(tmp_path / "a.maf", *rows)
    settings = {"patients": {"TCGA-02-0001"}, "barcode": "tcga"}
    every = read_mutations(path, **settings)  # type: ignore[arg-type]
    primary = read_mutations(path, **settings, sample_types=["Primary Tumor"])  # type: ignore[arg-type]
    assert pairs(every) == {("TCGA-02-0001", "TP53"), ("TCGA-02-0001", "MSH6")}
    assert pairs(primary) == {("TCGA-02-0001", "TP53")}


def test_silent_classes_are_a_choice(tmp_path: Path) -> None:
    path = maf(tmp_path / "a.maf", ("TERT", "5'Flank", "P1"), ("TP53", "Splice_Region", "P1"))
    found = read_mutations(path, patients={"P1"}, silent=["Splice_Region"])
    assert pairs(found) == {("P1", "TERT")}


def test_decisions_count_variants_by_class_and_samples_say_who_fell_out(tmp_path: Path) -> None:
    rows = [
        ("TP53", "Missense_Mutation", "P1"),
        ("TP53", "Missense_Mutation", "P1"),
        ("TTN", "Silent", "P2"),
        ("TTN", "Silent", "stranger"),
    ]
    sheet = tmp_path / "patients.parquet"
    write_table(pd.DataFrame({"patient": ["P1", "P2", "P3"]}), sheet)
    outputs = {name: tmp_path / f"{name}.parquet" for name in OUTPUTS}
    path = maf(tmp_path / "a.maf", *rows)
    prepare_mutations(path, sheet, **outputs, **{**SETTINGS, "min_shared": 2})
    decisions = read_table(outputs["decisions"]).set_index("item")
    assert decisions.loc["of samples that are not used", "count"] == 1
    assert decisions.loc["Missense_Mutation", ["step", "count"]].tolist() == ["classes", 2]
    assert decisions.loc["Silent", "count"] == 1
    assert decisions.loc["Silent", "detail"].startswith("dropped")
    assert read_table(outputs["samples"]).to_numpy().tolist() == [
        ["P1", "P1", True, ""],
        ["P2", "P2", True, ""],
        ["stranger", "stranger", False, "no patient of the sheet"],
        ["", "P3", False, "no variant in the file, so not known to be profiled"],
    ]
    with pytest.raises(InputError, match=r"only 2 patients .* have mutations, 10 are needed"):
        prepare_mutations(path, sheet, **outputs, **{**SETTINGS, "min_shared": 10})


def test_real_maf_gives_the_pairs_that_pandas_finds(real_data: Path) -> None:
    path = real_data / "tcga_gbm" / "somatic_mutations.maf.gz"
    truth = pd.read_csv(path, sep="\t")
    truth["patient"] = truth["Tumor_Sample_Barcode"].str[:12]
    patients = set(truth["patient"].unique()[::2])
    found = read_mutations(path, patients=patients, barcode="tcga")
    loud = truth[truth["patient"].isin(patients) & ~truth["Variant_Classification"].isin(SILENT)]
    expected = set(loud[["patient", "Hugo_Symbol"]].itertuples(index=False, name=None))
    assert pairs(found) == expected
    assert found.profiled == sorted(patients)
