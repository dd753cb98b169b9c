"""Somatic mutations: who carries which, and which genes make strata."""

import gzip
import logging
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision, write_decisions
from histoniche.omics.maf import GENE, KIND, SAMPLE, Variants, read_maf, read_sequenced
from histoniche.omics.mutation_table import read_mutation_table
from histoniche.omics.samples import (
    NOT_TCGA,
    Barcode,
    Sample,
    Wanted,
    describe_patients,
    judge_samples,
    read_barcodes,
    require_shared,
    write_samples,
)
from histoniche.omics.text import open_text
from histoniche.tables import read_table, write_table

SILENT = frozenset(
    ("Silent", "Intron", "3'UTR", "5'UTR", "IGR", "3'Flank", "5'Flank", "RNA", "lincRNA")
)
"""Classes of variants that leave the protein as it is; they make no patient mutated."""

_DROPPED = "dropped, leaves the protein as it is"

Format = Literal["auto", "maf", "cbioportal", "table"]


class Mutations(NamedTuple):
    """What a file says about the patients of the sheet."""

    mutated: pd.DataFrame
    """patient, gene: one row a mutated pair."""
    profiled: list[str]
    """Patients who were looked at, those without a variant too where that is known."""
    samples: tuple[Sample, ...] = ()
    """Every sample of the file, and whether it is used."""
    decisions: tuple[Decision, ...] = ()


def prepare_mutations(
    maf: Path,
    patients: Path,
    *,
    mutations: Path,
    strata: Path,
    profiled: Path,
    decisions: Path,
    samples: Path,
    format: Format,
    barcode: Barcode,
    sample_types: Collection[str],
    silent: Collection[str],
    sequenced: Path | None = None,
    top: int,
    genes: Sequence[str],
    min_patients: int,
    min_shared: int,
) -> None:
    """Reduce a file of mutations to who carries what, and choose the strata.

    Parameters
    ----------
    maf
        MAF file or table of patients by genes, see `read_mutations`.
    patients
        The cohort's patients, Parquet.
    mutations
        Written: patient, gene.
    strata
        Written: gene, profiled, mutated, used, reason.
    profiled
        Written: patient; who is known to have been looked at.
    decisions
        Written: step, item, count, detail; variants by class among them.
    samples
        Written: sample, patient, used, reason; who of the file and of the
        sheet fell out and why.
    format, barcode, sample_types, silent, sequenced
        See `read_mutations`.
    top, genes, min_patients
        See `choose_strata`.
    min_shared
        Fewest patients of the sheet that must be profiled.
    """
    sheet = [str(patient) for patient in read_table(patients)["patient"]]
    found = read_mutations(
        maf,
        patients=set(sheet),
        format=format,
        barcode=barcode,
        sample_types=sample_types,
        silent=silent,
        sequenced=sequenced,
    )
    require_shared(
        found.samples,
        least=min_shared,
        file=maf,
        what="mutations",
        key="mutations.min_shared",
    )
    chosen = choose_strata(found, top=top, genes=genes, min_patients=min_patients)
    write_table(found.mutated, mutations)
    write_table(pd.DataFrame({"patient": found.profiled}, dtype="object"), profiled)
    write_table(chosen, strata)
    who = describe_patients(
        found.samples, sheet, what="mutations", item="samples", several="mutated if one is"
    )
    write_decisions([*who, *found.decisions], decisions)
    absent = "no variant in the file, so not known to be profiled"
    absent = absent if sequenced is None else "not in the list of sequenced samples"
    write_samples(found.samples, sheet, samples, absent=absent)
    logging.info(
        "%d of %d patients are profiled, %d strata are used",
        len(found.profiled),
        len(sheet),
        int(chosen["used"].sum()),
    )


def read_mutations(
    path: Path,
    *,
    patients: set[str],
    format: Format = "auto",
    barcode: Barcode = "whole",
    sample_types: Collection[str] = (),
    silent: Collection[str] = SILENT,
    sequenced: Path | None = None,
) -> Mutations:
    """Read a file of mutations and keep what concerns the patients of the sheet.

    Parameters
    ----------
    path
        `maf`, or `cbioportal`, whose data_mutations.txt is a MAF too: see
        `histoniche.omics.maf.read_maf`. `table`: patients by genes, see
        `histoniche.omics.mutation_table.read_mutation_table`.
    patients
        Patients of the sheet.
    format
        `auto`: a MAF if the header has one of its columns, else a table.
    barcode, sample_types
        How a sample names its patient, and which types are kept (empty: all);
        see `histoniche.omics.samples`. A patient is mutated if any of the
        samples that are used is.
    silent
        Classes of variants that make no patient mutated. The default is what
        cBioPortal leaves out, RNA and lincRNA.
    sequenced
        List of the samples that were sequenced, see
        `histoniche.omics.maf.read_sequenced`. Without it a patient without any
        variant in a MAF cannot be told from one who was not sequenced, and
        counts as not profiled.

    Raises
    ------
    InputError
        If a column is missing, a gene or barcode is empty or malformed, or no
        barcode names a patient.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend mutations.path in the config")
    kind = _recognise(path) if format == "auto" else format
    variants = (read_mutation_table if kind == "table" else read_maf)(path, silent=silent)
    samples = _judge(variants, sequenced, Wanted(patients, barcode, sample_types), path)
    owner = {sample.sample: sample.patient for sample in samples if sample.used}
    used = variants.table[variants.table["sample"].isin(list(owner))]
    pairs = used.assign(patient=used["sample"].map(owner)).loc[used["counts"], ["patient", "gene"]]
    mutated = pairs.drop_duplicates().sort_values(["gene", "patient"], ignore_index=True)
    decisions = [*variants.decisions, *_describe(variants.table, used)]
    return Mutations(mutated, sorted(set(owner.values())), tuple(samples), tuple(decisions))


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


def _recognise(path: Path) -> Format:
    """Format of a file by its header."""
    try:
        with open_text(path) as stream:
            lines = (line for line in stream if line.strip() and not line.startswith("#"))
            header = next(lines, "").rstrip("\r\n").split("\t")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError("not readable as text", file=path, remedy="save it as TSV") from error
    return "maf" if {GENE, KIND, SAMPLE} & set(header) else "table"


def _judge(variants: Variants, sequenced: Path | None, wanted: Wanted, path: Path) -> list[Sample]:
    """Judge the samples of the file and of the list; one of them must be a patient's."""
    names = variants.samples
    origins = read_barcodes(names, wanted.barcode)
    malformed = [origin.sample for origin in origins if origin.fault]
    if malformed:
        rows = variants.table.index[variants.table["sample"] == malformed[0]]
        raise InputError(
            NOT_TCGA,
            file=path,
            row=int(rows[0]) if len(rows) else None,
            value=malformed[0],
            remedy="write TCGA-..-.... barcodes, or set mutations.barcode to whole",
        )
    if sequenced is not None:
        further = [name for name in read_sequenced(sequenced) if name not in set(names)]
        origins += read_barcodes(further, wanted.barcode)
    samples = judge_samples(origins, wanted)
    if not any(sample.patient in wanted.patients for sample in samples):
        there, patients = ", ".join(names[:3]), ", ".join(sorted(wanted.patients)[:3])
        raise InputError(
            f"no barcode names a patient of the sheet; barcodes are {there}, patients {patients}",
            file=path,
            remedy="set mutations.barcode, or write the ids alike",
        )
    return samples


def _describe(table: pd.DataFrame, used: pd.DataFrame) -> list[Decision]:
    """Variants that are used and not, and the used ones by class."""
    taken = [Decision("variants", "of samples that are not used", len(table) - len(used))]
    counts = used.groupby(["kind", "counts"]).size().reset_index(name="variants")
    counts = counts.sort_values("variants", ascending=False, kind="stable")
    for row in counts.to_dict("records"):
        rule = "makes the patient mutated" if row["counts"] else _DROPPED
        taken.append(Decision("classes", row["kind"] or "(empty)", row["variants"], rule))
    return taken
