"""Reading variants from a MAF file, of the GDC or of cBioPortal, and lists of sequenced samples."""

import csv
import gzip
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision
from histoniche.omics.text import open_text

GENE, KIND, SAMPLE = "Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode"

# Entries of Mutation_Status that are no somatic mutation; cBioPortal leaves out the last three.
_NOT_SOMATIC = ("germline", "loh", "none", "wildtype")
_STATUS = "Mutation_Status"
# cBioPortal's name for a variant outside genes.
_NO_GENE = "Unknown"
_SEQUENCED = "#sequenced_samples:"
_DAMAGED = (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error, pd.errors.ParserError)


class Variants(NamedTuple):
    """What a file of any format says about mutations."""

    table: pd.DataFrame
    """sample, gene, kind, counts (whether it makes the patient mutated); one row a
    variant, labelled with its row in the file."""
    samples: list[str]
    """Samples that were looked at, those without a variant too where the file tells."""
    decisions: list[Decision]


def read_maf(path: Path, *, silent: Collection[str]) -> Variants:
    """Read the variants of a MAF file.

    Parameters
    ----------
    path
        Tab-separated, also `.gz`; lines that start with # are passed over, but
        cBioPortal's `#sequenced_samples:` is read.
    silent
        Values of Variant_Classification that make no patient mutated.

    Returns
    -------
    Variants, whose `kind` is their class. Variants that Mutation_Status calls
    Germline, LOH, None or Wildtype are left out, as are those of no gene.

    Raises
    ------
    InputError
        If a column is missing, or a gene or barcode is empty.
    """
    table, comments = _read(path)
    for name in (GENE, SAMPLE):
        empty = table[name] == ""
        if empty.any():
            row = int(table.index[empty][0])
            raise InputError("empty", file=path, row=row, column=name, remedy="fill it in")
    samples = list(dict.fromkeys(table[SAMPLE]))
    listed = [line for line in comments if line.lower().startswith(_SEQUENCED)]
    sequenced = [name for line in listed for name in line[len(_SEQUENCED) :].split()]
    taken = [Decision("variants", "rows in the file", len(table), "MAF")]
    if sequenced:
        taken.append(Decision("samples", "listed as sequenced in the file", len(sequenced)))
    if _STATUS in table:
        other = table[_STATUS].str.lower().isin(_NOT_SOMATIC)
        counts = table.loc[other, _STATUS].value_counts()
        taken += [Decision("variants", f"not somatic: {s}", n) for s, n in counts.items()]
        table = table[~other]
    outside = table[GENE] == _NO_GENE
    if outside.any():
        taken.append(Decision("variants", f"of no gene ({_NO_GENE})", int(outside.sum())))
    table = table[~outside]
    variants = pd.DataFrame(
        {
            "sample": table[SAMPLE],
            "gene": table[GENE],
            "kind": table[KIND],
            "counts": ~table[KIND].isin(silent),
        }
    )
    return Variants(variants, list(dict.fromkeys([*samples, *sequenced])), taken)


def read_sequenced(path: Path) -> list[str]:
    """Read which samples were sequenced, those without any variant too.

    Parameters
    ----------
    path
        cBioPortal's case list (`cases_sequenced.txt`), its gene panel matrix
        (`data_gene_panel_matrix.txt`: SAMPLE_ID and mutations, NA if not
        profiled), or a text of one sample a line.

    Raises
    ------
    InputError
        If the file cannot be read or names no sample.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend mutations.sequenced")
    try:
        with open_text(path) as stream:
            lines = [line.strip("\r\n") for line in stream]
    except _DAMAGED as error:
        raise InputError("not readable as text", file=path, remedy="save it anew") from error
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    cases = [line for line in lines if line.startswith("case_list_ids:")]
    head = lines[0].split("\t") if lines else []
    if cases:
        names = cases[0].removeprefix("case_list_ids:").split()
    elif "SAMPLE_ID" in head:
        names = _read_panels([line.split("\t") for line in lines], path)
    else:
        names = [line.split("\t")[0].strip() for line in lines]
    if not names:
        remedy = "give cBioPortal's cases_sequenced.txt, or one sample a line"
        raise InputError("names no sample", file=path, remedy=remedy)
    return list(dict.fromkeys(names))


def _read_panels(rows: list[list[str]], path: Path) -> list[str]:
    """Samples whose panel for mutations is known."""
    head = rows[0]
    if "mutations" not in head:
        remedy = "give cBioPortal's data_gene_panel_matrix.txt"
        raise InputError("missing column", file=path, column="mutations", remedy=remedy)
    table = pd.DataFrame([row[: len(head)] for row in rows[1:]], columns=head).fillna("NA")
    return list(table.loc[~table["mutations"].isin(["", "NA"]), "SAMPLE_ID"])


def _read(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the needed columns as text, labelled with their rows, and the comments above."""
    try:
        row, header, comments = _read_header(path)
        for column in (GENE, KIND, SAMPLE):
            if column not in header:
                remedy = "give a MAF file, tab-separated, with its header"
                raise InputError("missing column", file=path, row=row, column=column, remedy=remedy)
        table = pd.read_csv(
            path,
            sep="\t",
            skiprows=row - 1,
            usecols=[name for name in (GENE, KIND, SAMPLE, _STATUS) if name in header],
            dtype=str,
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
        )
    except _DAMAGED as error:
        raise InputError(
            "not readable as a MAF file", file=path, remedy="save it as TSV"
        ) from error
    table.index = pd.RangeIndex(row + 1, row + 1 + len(table))
    # A blank line reads as NaN everywhere.
    table = table[(table.fillna("") != "").any(axis=1)].fillna("")
    return table.apply(lambda column: column.str.strip()), comments


def _read_header(path: Path) -> tuple[int, list[str], list[str]]:
    """Number and cells of the first line that is no comment, and the comments above it."""
    comments: list[str] = []
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip() and not line.startswith("#"):
                return number, line.rstrip("\r\n").split("\t"), comments
            comments.append(line)
    raise InputError("the file is empty", file=path, remedy="give a MAF file")
