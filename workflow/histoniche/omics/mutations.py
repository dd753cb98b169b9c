"""Somatic mutations: who carries which, and which genes make strata."""

import csv
import gzip
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table

GENE, KIND, SAMPLE = "Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode"
SILENT = frozenset(
    ("Silent", "Intron", "3'UTR", "5'UTR", "IGR", "3'Flank", "5'Flank", "RNA", "lincRNA")
)
"""Classes of variants that leave the protein as it is; they make no patient mutated."""

_TCGA = re.compile(r"(TCGA-[A-Za-z0-9]{2}-[A-Za-z0-9]{4})(?:-.*)?")

Barcode = Literal["whole", "tcga"]


class Mutations(NamedTuple):
    """What a MAF file says about the patients of the sheet."""

    mutated: pd.DataFrame
    """patient, gene: one row a mutated pair."""
    profiled: list[str]
    """Patients with any variant in the file, silent ones included."""


def prepare_mutations(
    maf: Path,
    patients: Path,
    *,
    mutations: Path,
    strata: Path,
    profiled: Path,
    barcode: Barcode,
    top: int,
    genes: Sequence[str],
    min_patients: int,
) -> None:
    """Reduce a MAF file to who carries what, and choose the strata.

    Parameters
    ----------
    maf
        MAF file, also `.gz`; lines that start with # are passed over.
    patients
        The cohort's patients, Parquet.
    mutations
        Written: patient, gene.
    strata
        Written: gene, profiled, mutated, used, reason.
    profiled
        Written: patient; who stands in the file at all. A patient without any
        variant cannot be told from one who was not sequenced.
    barcode
        `whole`: the sample barcode is the patient; `tcga`: its first three fields are.
    top, genes, min_patients
        See `choose_strata`.
    """
    sheet = set(read_table(patients)["patient"])
    found = read_mutations(maf, patients=sheet, barcode=barcode)
    chosen = choose_strata(found, top=top, genes=genes, min_patients=min_patients)
    write_table(found.mutated, mutations)
    write_table(pd.DataFrame({"patient": found.profiled}, dtype="object"), profiled)
    write_table(chosen, strata)
    logging.info(
        "%d of %d patients are profiled, %d strata are used",
        len(found.profiled),
        len(sheet),
        int(chosen["used"].sum()),
    )


def read_mutations(path: Path, *, patients: set[str], barcode: Barcode = "whole") -> Mutations:
    """Read a MAF file and keep what concerns the patients of the sheet.

    Raises
    ------
    InputError
        If a column is missing, a gene or barcode is empty or malformed, or no
        barcode names a patient.
    """
    table = _read_maf(path)
    for name in (GENE, SAMPLE):
        empty = table[name].str.strip() == ""
        _check_cells(table[name], empty, file=path, problem="empty", remedy="fill it in")
    barcodes = table[SAMPLE].str.strip()
    patient = barcodes
    if barcode == "tcga":
        patient = barcodes.str.extract(f"^{_TCGA.pattern}$", expand=False)
        remedy = "write TCGA-..-.... barcodes, or set mutations.barcode to whole"
        _check_cells(
            barcodes, patient.isna(), file=path, problem="not a TCGA barcode", remedy=remedy
        )
    known = patient.isin(patients)
    if not known.any():
        there, wanted = ", ".join(barcodes.unique()[:3]), ", ".join(sorted(patients)[:3])
        raise InputError(
            f"no barcode names a patient of the sheet; barcodes are {there}, patients {wanted}",
            file=path,
            remedy="set mutations.barcode, or write the ids alike",
        )
    pairs = pd.DataFrame({"patient": patient, "gene": table[GENE].str.strip()})
    loud = known & ~table[KIND].str.strip().isin(SILENT)
    mutated = pairs[loud].drop_duplicates().sort_values(["gene", "patient"], ignore_index=True)
    return Mutations(mutated, sorted(patient[known].unique()))


def choose_strata(
    found: Mutations, *, top: int, genes: Sequence[str], min_patients: int
) -> pd.DataFrame:
    """Choose the genes whose carriers are studied as a group of their own.

    Parameters
    ----------
    found
        Who carries what.
    top
        Number of most frequently mutated genes; of equals, the first by name.
    genes
        Genes that are listed in any case.
    min_patients
        Genes with fewer carriers are listed but not used.

    Returns
    -------
    gene, profiled, mutated (patients), used, reason (empty if used), most frequent first.
    """
    carriers = found.mutated.groupby("gene").size().rename("mutated").reset_index()
    carriers = carriers.sort_values(["mutated", "gene"], ascending=[False, True])
    counts = dict(zip(carriers["gene"], carriers["mutated"], strict=True))
    chosen = [*list(counts)[:top], *genes]
    rows = []
    for gene in sorted(set(chosen), key=lambda name: (-counts.get(name, 0), name)):
        mutated = int(counts.get(gene, 0))
        used = mutated >= min_patients
        reason = "" if used else f"fewer than {min_patients} mutated patients"
        if mutated == 0:
            reason = "no mutated patient"
        rows.append((gene, len(found.profiled), mutated, used, reason))
    columns = ["gene", "profiled", "mutated", "used", "reason"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"gene": object, "profiled": int, "mutated": int, "used": bool, "reason": object}
    )


def _read_maf(path: Path) -> pd.DataFrame:
    """Read the three needed columns as text; the rows' labels are their numbers in the file."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend mutations.path in the config")
    try:
        row, header = _read_header(path)
        for column in (GENE, KIND, SAMPLE):
            if column not in header:
                remedy = "give a MAF file, tab-separated, with its header"
                raise InputError("missing column", file=path, row=row, column=column, remedy=remedy)
        table = pd.read_csv(
            path,
            sep="\t",
            skiprows=row - 1,
            usecols=[GENE, KIND, SAMPLE],
            dtype=str,
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
        )
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, pd.errors.ParserError) as error:
        raise InputError(
            "not readable as a MAF file", file=path, remedy="save it as TSV"
        ) from error
    table.index = pd.RangeIndex(row + 1, row + 1 + len(table))
    # A blank line reads as NaN everywhere.
    return table[(table.fillna("") != "").any(axis=1)].fillna("")


def _read_header(path: Path) -> tuple[int, list[str]]:
    """Number and cells of the first line that is no comment."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip() and not line.startswith("#"):
                return number, line.rstrip("\r\n").split("\t")
    raise InputError("the file is empty", file=path, remedy="give a MAF file")


def _check_cells(
    column: "pd.Series[str]", bad: "pd.Series[bool]", *, file: Path, problem: str, remedy: str
) -> None:
    """Raise the error for the first cell that is bad."""
    if bad.any():
        row = int(cast(int, column.index[bad][0]))
        raise InputError(
            problem,
            file=file,
            row=row,
            column=str(column.name),
            value=str(column.loc[row]),
            remedy=remedy,
        )
