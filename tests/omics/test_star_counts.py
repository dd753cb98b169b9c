"""Reading a folder of the GDC's STAR counts."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.omics.expression import prepare
from histoniche.omics.matrix import Matrix
from histoniche.omics.samples import Wanted
from histoniche.omics.star_counts import COLUMNS, read_star_counts

SUFFIX = "rna_seq.augmented_star_gene_counts.tsv"
HEAD = (
    "# gene-model: GENCODE v36\n"
    "gene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second"
    "\ttpm_unstranded\tfpkm_unstranded\tfpkm_uq_unstranded\n"
    "N_unmapped\t\t\t99\t99\t99\t\t\t\n"
)
GENES = {
    "ENSG00000141510.18": "TP53",
    "ENSG00000171862.11": "PTEN",
    "ENSG00000999999.1": "PTEN",
    "ENSG00000002586.20_PAR_Y": "CD99",
}
SHEET = (
    "File ID\tFile Name\tData Category\tData Type\tProject ID\tCase ID\tSample ID\tSample Type\n"
)
QUANTIFICATION = "Transcriptome Profiling\tGene Expression Quantification\tTCGA-GBM"


def content(counts: tuple[int, ...], head: str = HEAD) -> str:
    """One file; TPM, FPKM and FPKM-UQ are the counts divided by 2, 4 and 8."""
    return head + "".join(
        f"{gene}\t{name}\tprotein_coding\t{c}\t0\t0\t{c / 2}\t{c / 4}\t{c / 8}\n"
        for (gene, name), c in zip(GENES.items(), counts, strict=True)
    )


def cohort(folder: Path, *rows: tuple[str, str, str, tuple[int, ...]], flat: bool = False) -> Path:
    """Write files of (case, sample, type, counts) and their sample sheet."""
    lines = []
    for number, (case, sample, kind, counts) in enumerate(rows):
        place = folder if flat else folder / f"id{number}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}.{SUFFIX}").write_text(content(counts))
        lines.append(
            f"id{number}\tf{number}.{SUFFIX}\t{QUANTIFICATION}\t{case}\t{sample}\t{kind}\n"
        )
    (folder / "gdc_sample_sheet.2024-05-01.tsv").write_text(SHEET + "".join(lines))
    return folder


TWO = (
    ("P1", "P1-01A", "Primary Tumor", (10, 1, 5, 0)),
    ("P2", "P2-01A", "Primary Tumor", (20, 3, 3, 0)),
)


def read(folder: Path, unit: str = "counts", **wanted: object) -> Matrix:
    chosen = {"patients": {"P1", "P2"}, **wanted}
    return read_star_counts(folder, unit=unit, wanted=Wanted(**chosen))  # type: ignore[arg-type]


@pytest.mark.parametrize("flat", [False, True])
def test_folders_by_file_id_and_flat_folders_read_alike(tmp_path: Path, flat: bool) -> None:
    matrix = read(cohort(tmp_path, *TWO, flat=flat))
    assert list(matrix.genes) == ["N_unmapped", *GENES]
    assert matrix.symbols is not None
    assert list(matrix.symbols)[1:] == list(GENES.values())
    assert matrix.values.columns.tolist() == ["P1", "P2"]
    assert matrix.values["P2"].tolist() == [99, 20, 3, 3, 0]
    assert matrix.values.index[1] == 4, "the row's number in the file"


@pytest.mark.parametrize(
    ("unit", "share"), [("counts", 1), ("tpm", 2), ("fpkm", 4), ("fpkm_uq", 8)]
)
def test_unit_chooses_the_column(tmp_path: Path, unit: str, share: int) -> None:
    matrix = read(cohort(tmp_path, *TWO), unit)
    assert matrix.values["P1"].tolist()[1:] == [10 / share, 1 / share, 5 / share, 0]


def test_gzipped_files_are_found_and_read(tmp_path: Path) -> None:
    folder = cohort(tmp_path, *TWO)
    for path in folder.rglob(f"*.{SUFFIX}"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read(folder).values["P1"].tolist() == [99, 10, 1, 5, 0]


def test_aliquots_of_a_patient_are_averaged_and_other_sample_types_listed(tmp_path: Path) -> None:
    rows = [
        *TWO,
        ("P1", "P1-01B", "Primary Tumor", (30, 2, 7, 0)),
        ("P1", "P1-02A", "Recurrent Tumor", (1000, 1000, 1000, 1000)),
        ("P9", "P9-01A", "Primary Tumor", (1, 1, 1, 1)),
    ]
    matrix = read(cohort(tmp_path, *rows))
    assert matrix.values["P1"].tolist() == [99, 20, 1.5, 6, 0]
    assert [(sample.sample, sample.used, sample.reason) for sample in matrix.samples] == [
        ("P1-01A", True, ""),
        ("P2-01A", True, ""),
        ("P1-01B", True, ""),
        ("P1-02A", False, "sample type Recurrent Tumor is not kept"),
        ("P9-01A", False, "no patient of the sheet"),
    ]
    both = read(tmp_path, sample_types=("Primary Tumor", "Recurrent Tumor"))
    assert both.values["P1"].tolist()[1] == pytest.approx((10 + 30 + 1000) / 3)


def test_cells_with_several_cases_and_samples_are_one_patient_or_nobody(tmp_path: Path) -> None:
    rows = [
        ("P1, P1", "P1-01A, P1-01B", "Primary Tumor, Primary Tumor", (1, 1, 1, 1)),
        ("P1, P2", "P1-01A, P2-01A", "Primary Tumor, Primary Tumor", (1, 1, 1, 1)),
        ("P2, P2", "P2-01A, P2-11A", "Primary Tumor, Solid Tissue Normal", (1, 1, 1, 1)),
    ]
    samples = read(cohort(tmp_path, *rows)).samples
    assert [sample.used for sample in samples] == [True, False, False]
    assert samples[0].patient == "P1"
    assert samples[1].reason == "the file belongs to several patients"
    assert "Primary Tumor, Solid Tissue Normal is not kept" in samples[2].reason


def test_newer_sheets_say_primary_and_tumor_in_two_columns(tmp_path: Path) -> None:
    folder = cohort(tmp_path, *TWO)
    sheet = next(folder.glob("*.tsv"))
    text = sheet.read_text().replace("Sample Type", "Tissue Type\tTumor Descriptor")
    sheet.write_text(
        text.replace("Primary Tumor", "Tumor\tPrimary", 1).replace(
            "Primary Tumor", "Normal\tNot Applicable"
        )
    )
    samples = read(folder).samples
    assert [sample.used for sample in samples] == [True, False]
    assert "Not Applicable Normal" in samples[1].reason


def test_tcga_barcodes_give_patient_and_type_where_the_sheet_has_none(tmp_path: Path) -> None:
    rows = [
        ("case", "TCGA-02-0001-01A", "", (1, 1, 1, 1)),
        ("case", "TCGA-02-0001-11A", "", (9, 9, 9, 9)),
        ("case", "P1-01A", "", (9, 9, 9, 9)),
    ]
    folder = cohort(tmp_path, *rows)
    sheet = next(folder.glob("*.tsv"))
    sheet.write_text(sheet.read_text().replace("\tSample Type", "\tOther"))
    matrix = read(folder, patients={"TCGA-02-0001"}, barcode="tcga")
    assert matrix.values["TCGA-02-0001"].tolist()[1:] == [1, 1, 1, 1]
    assert [sample.reason for sample in matrix.samples] == [
        "",
        "sample type Solid Tissue Normal is not kept",
        "not a TCGA barcode",
    ]


def test_rows_of_other_data_are_passed_over_and_files_without_a_row_are_listed(
    tmp_path: Path,
) -> None:
    folder = cohort(tmp_path, *TWO)
    sheet = next(folder.glob("*.tsv"))
    other = "id9\tx.maf.gz\tSimple Nucleotide Variation\tMasked Somatic Mutation\tT\tP1\tP1-01A\t\n"
    sheet.write_text(sheet.read_text() + other)
    (folder / f"stranger.{SUFFIX}").write_text(content((1, 1, 1, 1)))
    samples = read(folder).samples
    assert len(samples) == 3
    assert samples[2].sample == f"stranger.{SUFFIX}"
    assert samples[2].reason == "the sample sheet does not list this file"


def test_prepared_genes_have_one_row_a_symbol_and_none_on_y(tmp_path: Path) -> None:
    values, taken = prepare(read(cohort(tmp_path, *TWO), "tpm"), unit="tpm", file=tmp_path)
    assert values.index.tolist() == ["PTEN", "TP53"]
    assert values.loc["PTEN"].tolist() == [2.5, 1.5]
    told = {decision.item: decision for decision in taken}
    assert told["summary rows dropped"].count == 1
    assert told["_PAR_Y rows dropped"].count == 1
    assert told["versions of Ensembl ids dropped"].count == 3
    assert told["PTEN"].detail.startswith("kept ENSG00000999999.1")


def test_file_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = cohort(tmp_path, *TWO)
    (folder / "id1" / f"f1.{SUFFIX}").unlink()
    with pytest.raises(InputError, match=f"value 'f1.{SUFFIX}': file of P2-01A is missing"):
        read(folder)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("lines", [1, 2])
def test_file_cut_off_between_lines_is_named_wherever_it_stands(
    tmp_path: Path, number: int, lines: int
) -> None:
    folder = cohort(tmp_path, *TWO)
    path = folder / f"id{number}" / f"f{number}.{SUFFIX}"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-lines]))
    with pytest.raises(InputError, match=f"id{number}/f{number}.*cut off: {5 - lines} rows where"):
        read(folder)


def test_file_cut_off_within_a_line_or_a_gzip_stream_is_named(tmp_path: Path) -> None:
    folder = cohort(tmp_path, *TWO)
    path = folder / "id1" / f"f1.{SUFFIX}"
    whole = path.read_bytes()
    for broken in (whole[:-3], whole[:-30] + b"\n", b""):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"f1\..*cut off.*download it again"):
            read(folder)
    path.unlink()
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(whole)[:-20])
    with pytest.raises(InputError, match=r"f1\..*cut off.*download it again"):
        read(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("unstranded\tstranded_first", "counts\tstranded_first", ["column unstranded", "release"]),
        (
            "TP53\tprotein_coding\t20",
            "TP53\tprotein_coding\t-20",
            ["row 4", "value -20", "negative"],
        ),
        ("TP53\tprotein_coding\t20", "TP53\tprotein_coding\t", ["row 4", "no value"]),
        ("TP53\tprotein_coding\t20", "TP53\tprotein_coding\tmany", ["many", "damaged"]),
        ("ENSG00000141510.18", "ENSG00000141510.17", ["other genes than f0", "one release"]),
    ],
)
def test_file_that_does_not_fit_says_where(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    folder = cohort(tmp_path, *TWO)
    path = folder / "id1" / f"f1.{SUFFIX}"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError) as caught:
        read(folder)
    assert all(word in str(caught.value) for word in [path.name, *words]), caught.value


def test_sheet_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    folder = cohort(tmp_path, *TWO)
    sheet = next(folder.glob("*.tsv"))
    text = sheet.read_text()
    broken = {
        "column Case ID: missing column": text.replace("Case ID", "Case"),
        "no file .* is listed": text.replace("Gene Expression Quantification", "Splice Junctions"),
        "stands for two samples": text + text.splitlines()[1].replace("P1-01A", "P1-01C") + "\n",
    }
    for words, content_of_it in broken.items():
        sheet.write_text(content_of_it)
        with pytest.raises(InputError, match=words):
            read(folder)
    sheet.write_text(text)
    with pytest.raises(InputError, match=r"no sample is a patient.*P1-01A.*Q.*ids alike"):
        read(folder, patients={"Q"})
    with pytest.raises(InputError, match=r"hold no log2; set expression.unit to counts"):
        read(folder, "log2")
    (folder / "gdc_sample_sheet.2.tsv").write_text(text)
    with pytest.raises(InputError, match=r"one gdc_sample_sheet.*are gdc_.*, gdc_"):
        read(folder)
    with pytest.raises(InputError, match="no such file"):
        read_star_counts(folder, folder / "no.tsv", unit="tpm", wanted=Wanted({"P1"}))


@pytest.mark.parametrize("unit", list(COLUMNS))
def test_real_file_reads_as_pandas_reads_it(tmp_path: Path, real_data: Path, unit: str) -> None:
    source = real_data / "tcga_gbm" / "gdc_star_counts_one_sample.tsv.gz"
    name = f"one.{SUFFIX}"
    (tmp_path / f"{name}.gz").write_bytes(source.read_bytes())
    row = f"id\t{name}\t{QUANTIFICATION}\tTCGA-06-0001\tTCGA-06-0001-01A\tPrimary Tumor\n"
    (tmp_path / "gdc_sample_sheet.tsv").write_text(SHEET + row)
    matrix = read(tmp_path, unit, patients={"TCGA-06-0001"})
    truth = pd.read_csv(source, sep="\t", comment="#")
    np.testing.assert_array_equal(matrix.values["TCGA-06-0001"], truth[COLUMNS[unit]])
    assert list(matrix.genes) == list(truth["gene_id"])
    values, _ = prepare(matrix, unit=unit, file=source)  # type: ignore[arg-type]
    genes = truth[truth["gene_name"].notna() & ~truth["gene_id"].str.contains("PAR_Y")]
    highest = genes.groupby("gene_name")[COLUMNS[unit]].max()
    share = 1e6 / truth.loc[truth["gene_name"].notna(), "unstranded"].sum()
    expected = highest * share if unit == "counts" else highest
    np.testing.assert_allclose(values["TCGA-06-0001"], expected.loc[values.index], rtol=1e-12)
    assert len(values) == len(highest)
