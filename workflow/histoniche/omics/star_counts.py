"""Reading a folder of the GDC's STAR gene counts with the sample sheet that belongs to it."""

import gzip
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.omics.matrix import Matrix
from histoniche.omics.samples import (
    NO_PATIENT,
    NOT_TCGA,
    Origin,
    Sample,
    Wanted,
    judge_samples,
    read_barcodes,
    require_samples,
)

COLUMNS = {
    "counts": "unstranded",
    "tpm": "tpm_unstranded",
    "fpkm": "fpkm_unstranded",
    "fpkm_uq": "fpkm_uq_unstranded",
}
"""Column of a file by the unit."""

_SUFFIX = ".rna_seq.augmented_star_gene_counts.tsv"
_SHEET = "gdc_sample_sheet*.tsv"
_DATA = "Gene Expression Quantification"
_NEEDED = ("File ID", "File Name", "Data Type", "Case ID", "Sample ID")
_ANEW = "download it again"


class _Listed(NamedTuple):
    """One file of the sample sheet."""

    file_id: str
    file_name: str
    origin: Origin


class _Counts(NamedTuple):
    """One file: its genes, their symbols, the values, and the row of the first gene."""

    ids: pa.Array
    symbols: pa.Array
    values: NDArray[np.float64]
    first_row: int


def read_star_counts(
    folder: Path, sample_sheet: Path | None = None, *, unit: str, wanted: Wanted
) -> Matrix:
    """Read the GDC's gene counts of a cohort, one file a sample, into genes by patients.

    Parameters
    ----------
    folder
        Holds `*.rna_seq.augmented_star_gene_counts.tsv` files, also `.gz`, each
        in a folder that is named by its file id, as the GDC's client leaves
        them, or all of them beside one another.
    sample_sheet
        The GDC's sample sheet; None for the `gdc_sample_sheet*.tsv` of the folder.
    unit
        `counts`, `tpm`, `fpkm` or `fpkm_uq`; all of them unstranded.
    wanted
        `whole`: the sheet's Case ID is the patient; `tcga`: the first three
        fields of its Sample ID. Sample types are the sheet's.

    Returns
    -------
    Versioned Ensembl ids, gene names as symbols, and the mean over each
    patient's files. A file is in memory only while it is added.

    Raises
    ------
    InputError
        If a file that is used is missing, cut off, damaged or has other genes
        than the rest, or the sample sheet lacks a column or names no patient.
    """
    if unit not in COLUMNS:
        raise InputError(
            f"STAR counts hold no {unit}",
            file=folder,
            remedy=f"set expression.unit to {', '.join(COLUMNS)}",
        )
    sheet = _find_sheet(folder) if sample_sheet is None else sample_sheet
    listed = _read_sheet(sheet, wanted)
    samples = judge_samples([one.origin for one in listed], wanted)
    require_samples(samples, wanted, file=sheet, what="sample")
    used = [
        (_find_file(folder, one, sheet), sample.patient)
        for one, sample in zip(listed, samples, strict=True)
        if sample.used
    ]
    first, values = _average_files(used, COLUMNS[unit])
    rows = pd.RangeIndex(first.first_row, first.first_row + len(values))
    samples += _strangers(folder, listed)
    return Matrix(
        pd.Series(first.ids.to_pandas()).set_axis(rows),
        values.set_axis(rows, axis=0),
        [sample.sample for sample in samples if sample.reason in (NO_PATIENT, NOT_TCGA)],
        tuple(samples),
        pd.Series(first.symbols.to_pandas()).set_axis(rows),
    )


def _find_sheet(folder: Path) -> Path:
    """The one sample sheet of the folder."""
    sheets = sorted(folder.glob(_SHEET))
    if len(sheets) != 1:
        there = ", ".join(sheet.name for sheet in sheets) or "none"
        raise InputError(
            f"one {_SHEET} is wanted, there are {there}",
            file=folder,
            remedy="set expression.sample_sheet in the config",
        )
    return sheets[0]


def _read_sheet(path: Path, wanted: Wanted) -> list[_Listed]:
    """Files of gene counts that a sample sheet lists."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend expression.sample_sheet")
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError("not a sample sheet", file=path, remedy=_ANEW) from error
    for column in _NEEDED:
        if column not in table:
            remedy = "give the sample sheet of the GDC's portal, not the manifest"
            raise InputError("missing column", file=path, column=column, remedy=remedy)
    star = table["File Name"].str.removesuffix(".gz").str.endswith(_SUFFIX)
    table = table[star & (table["Data Type"] == _DATA)].drop_duplicates(["File ID", "Sample ID"])
    if table.empty:
        remedy = "choose gene expression quantification with the workflow STAR - Counts"
        raise InputError(f"no file *{_SUFFIX} is listed", file=path, remedy=remedy)
    twice = table[table["File ID"].duplicated()]
    if len(twice):
        name = str(twice["File Name"].iloc[0])
        raise InputError("the file stands for two samples", file=path, value=name, remedy=_ANEW)
    rows = table.to_dict("records")
    return [
        _Listed(str(row["File ID"]), str(row["File Name"]), _origin(row, wanted)) for row in rows
    ]


def _origin(row: Mapping[Hashable, str], wanted: Wanted) -> Origin:
    """Patient and sample type of one row; cells name several cases or samples with commas."""
    sample = row["Sample ID"]
    read = read_barcodes(_several(sample), "tcga")
    own = {one.patient for one in read} if wanted.barcode == "tcga" else {*_several(row["Case ID"])}
    if "Sample Type" in row:
        types = _several(row["Sample Type"])
    elif "Tissue Type" in row and "Tumor Descriptor" in row:
        # Newer sheets say Primary and Tumor in two columns.
        pairs = zip(_several(row["Tumor Descriptor"]), _several(row["Tissue Type"]), strict=False)
        types = [" ".join(pair) for pair in pairs]
    else:
        types = [one.sample_type for one in read]
    kind = ", ".join(dict.fromkeys(filter(None, types)))
    if wanted.barcode == "tcga" and "" in own:
        return Origin(sample, "", kind, NOT_TCGA)
    if len(own) != 1:
        return Origin(sample, "", kind, "the file belongs to several patients")
    return Origin(sample, own.pop(), kind)


def _several(cell: str) -> list[str]:
    """What a cell of the sample sheet lists."""
    return [part.strip() for part in cell.split(",")]


def _find_file(folder: Path, one: _Listed, sheet: Path) -> Path:
    """Where a listed file lies, gzipped or not."""
    bare = one.file_name.removesuffix(".gz")
    for place in (folder / one.file_id, folder):
        for name in (bare, f"{bare}.gz"):
            if (place / name).is_file():
                return place / name
    raise InputError(
        f"file of {one.origin.sample} is missing, in {folder / one.file_id} and in {folder}",
        file=sheet,
        value=one.file_name,
        remedy="download it, or drop its row from the sample sheet",
    )


def _strangers(folder: Path, listed: Iterable[_Listed]) -> list[Sample]:
    """Files of the folder that the sample sheet does not list."""
    known = {one.file_name.removesuffix(".gz") for one in listed}
    found = sorted({path.name for path in folder.rglob(f"*{_SUFFIX}*")})
    return [
        Sample(name, "", False, "the sample sheet does not list this file")
        for name in found
        if name.removesuffix(".gz").endswith(_SUFFIX) and name.removesuffix(".gz") not in known
    ]


def _average_files(files: Sequence[tuple[Path, str]], column: str) -> tuple[_Counts, pd.DataFrame]:
    """The first file, and the mean of each patient's files, added up file by file."""
    patients = list(dict.fromkeys(patient for _, patient in files))
    first = _read_file(files[0][0], column)
    sums = np.zeros((len(first.values), len(patients)), order="F")
    number = np.zeros(len(patients))
    for path, patient in files:
        counts = _read_file(path, column)
        _check_genes(counts.ids, path, first.ids, files[0][0])
        sums[:, patients.index(patient)] += counts.values
        number[patients.index(patient)] += 1
    sums /= number
    return first, pd.DataFrame(sums, columns=patients)


def _read_file(path: Path, column: str) -> _Counts:
    """Read one file and check that it is whole and holds no value that cannot be."""
    content = _read_content(path)
    # Comments stand above the header.
    row, start = 1, 0
    while content.startswith(b"#", start):
        row, start = row + 1, content.index(b"\n", start) + 1
    names = content[start : start + 4096].split(b"\n", 1)[0].split(b"\t")
    needed = ["gene_id", "gene_name", column]
    for name in needed:
        if name.encode() not in names:
            remedy = "give augmented_star_gene_counts.tsv files of GDC release 32 or later"
            raise InputError("missing column", file=path, column=name, remedy=remedy)
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(memoryview(content)[start:]),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content)),
            pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            pyarrow.csv.ConvertOptions(
                include_columns=needed,
                column_types=dict.fromkeys(needed, pa.string()) | {column: pa.float64()},
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        problem = f"damaged or cut off ({str(error).splitlines()[0]})"
        raise InputError(problem, file=path, remedy=_ANEW) from error
    ids, symbols, values = (table.column(name).combine_chunks() for name in needed)
    counts = _Counts(ids, symbols, values.to_numpy(zero_copy_only=False), row + 1)
    _check_values(counts, path, column)
    return counts


def _read_content(path: Path) -> bytes:
    """Content of a file, gzipped or not; its last line must be whole."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("damaged or cut off", file=path, remedy=_ANEW) from error
    if not content.endswith(b"\n"):
        raise InputError("the file is cut off in its last line", file=path, remedy=_ANEW)
    return content


def _check_values(counts: _Counts, path: Path, column: str) -> None:
    """Every gene has a value that is finite and not negative; the summary rows may have none."""
    summary = pyarrow.compute.starts_with(counts.ids, "N_").to_numpy(zero_copy_only=False)
    bad = ~summary & ~(np.isfinite(counts.values) & (counts.values >= 0))
    if bad.any():
        place = int(bad.argmax())
        value = float(counts.values[place])
        raise InputError(
            "no value" if np.isnan(value) else "negative or infinite value",
            file=path,
            row=counts.first_row + place,
            column=column,
            value=None if np.isnan(value) else value,
            remedy=_ANEW,
        )


def _check_genes(ids: pa.Array, path: Path, others: pa.Array, other: Path) -> None:
    """All files list the same genes in the same order; the shorter of two is named."""
    if ids.equals(others):
        return
    if len(ids) > len(others):
        ids, path, others, other = others, other, ids, path
    if ids.equals(others[: len(ids)]):
        problem = f"the file is cut off: {len(ids)} rows where {other.name} has {len(others)}"
        raise InputError(problem, file=path, remedy=_ANEW)
    raise InputError(
        f"lists other genes than {other.name}",
        file=path,
        remedy="download all files from one release of the GDC",
    )
