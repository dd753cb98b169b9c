"""Variants of MAF files and lists of sequenced samples."""

from pathlib import Path

import pytest

from histoniche.errors import InputError
from histoniche.omics.maf import read_maf, read_sequenced
from histoniche.omics.mutations import SILENT

HEADER = (
    "Hugo_Symbol\tEntrez_Gene_Id\tVariant_Classification\tMutation_Status\tTumor_Sample_Barcode"
)


def write(path: Path, *rows: tuple[str, str, str, str], above: str = "") -> Path:
    lines = [f"{gene}\t0\t{kind}\t{status}\t{sample}" for gene, kind, status, sample in rows]
    path.write_text(above + "\n".join([HEADER, *lines]) + "\n")
    return path


def test_silent_classes_are_those_that_cbioportal_leaves_out_and_rna() -> None:
    # docs.cbioportal.org, file formats, variant classification filter
    cbioportal = {"Silent", "Intron", "IGR", "3'UTR", "5'UTR", "3'Flank", "5'Flank"}
    assert cbioportal | {"RNA", "lincRNA"} == SILENT


def test_cbioportals_list_of_sequenced_samples_counts_those_without_a_variant(
    tmp_path: Path,
) -> None:
    rows = [("TP53", "Missense_Mutation", "Somatic", "S1"), ("TTN", "Silent", "Somatic", "S2")]
    path = write(tmp_path / "a.txt", *rows, above="#sequenced_samples: S1 S2 S3\n")
    found = read_maf(path, silent=SILENT)
    assert found.samples == ["S1", "S2", "S3"]
    assert found.table["counts"].tolist() == [True, False]


def test_germline_variants_and_those_of_no_gene_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        ("TP53", "Missense_Mutation", "Somatic", "S1"),
        ("BRCA2", "Nonsense_Mutation", "GERMLINE", "S2"),
        ("EGFR", "Missense_Mutation", "LOH", "S1"),
        ("Unknown", "IGR", "", "S1"),
        ("PTEN", "Missense_Mutation", "", "S1"),
    ]
    found = read_maf(write(tmp_path / "a.txt", *rows), silent=SILENT)
    assert found.table["gene"].tolist() == ["TP53", "PTEN"]
    assert found.samples == ["S1", "S2"], "S2 was looked at all the same"
    assert {d.item: d.count for d in found.decisions} == {
        "rows in the file": 5,
        "not somatic: GERMLINE": 1,
        "not somatic: LOH": 1,
        "of no gene (Unknown)": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "cancer_study_identifier: x\nstable_id: x_sequenced\ncase_list_ids:\tS1\tS2\tS3\n",
        "case_list_ids: S1 S2 S3\n",
        "SAMPLE_ID\tcna\tmutations\nS1\tNA\tWXS\nS4\tIM\tNA\nS2\tNA\tIM\nS3\tIM\tIM\n",
        "# by hand\nS1\nS2\n\nS3\nS1\n",
    ],
)
def test_every_list_of_sequenced_samples_reads_alike(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.txt").write_text(text)
    assert read_sequenced(tmp_path / "list.txt") == ["S1", "S2", "S3"]


def test_list_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(InputError, match="no such file"):
        read_sequenced(path)
    for text, words in {
        "case_list_ids:\n": "names no sample",
        "": "names no sample",
        "SAMPLE_ID\tcna\nS1\tIM\n": "column mutations: missing column",
    }.items():
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            read_sequenced(path)
