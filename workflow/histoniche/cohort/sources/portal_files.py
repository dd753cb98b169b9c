"""Files of cBioPortal's studies: written as its archives have them, and found again.

References
----------
cBioPortal documentation, File Formats.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from histoniche.cohort.importers import lines_of_comment
from histoniche.errors import InputError
from histoniche.files import whole_file, write_text

UNPACKED = {
    "patients": ("data_clinical_patient.txt", "data_bcr_clinical_data_patient.txt"),
    "samples": ("data_clinical_sample.txt", "data_bcr_clinical_data_sample.txt"),
    "mutations": ("data_mutations.txt", "data_mutations_extended.txt"),
    "expression": (
        "data_mrna_seq_v2_rsem.txt",
        "data_RNA_Seq_v2_expression_median.txt",
        "data_mrna_seq_tpm.txt",
        "data_mrna_agilent_microarray.txt",
    ),
    "sequenced": ("case_lists/cases_sequenced.txt",),
}
"""Files of a study's archive by what they hold, newer names first."""


def write_clinical(table: pd.DataFrame, path: Path) -> None:
    """Write clinical data in cBioPortal's file format, which `import-cbioportal` reads."""
    names = list(table.columns)
    head = [names, names, ["STRING"] * len(names), ["1"] * len(names)]
    lines = ["#" + "\t".join(line) for line in head]
    # The format has no way to quote what separates its cells.
    cells = table.replace(r"[\t\r\n\"]+", " ", regex=True)
    body = cells.to_csv(sep="\t", index=False, lineterminator="\n")
    write_text("\n".join(lines) + "\n" + body, path)


def write_maf(table: pd.DataFrame, sequenced: Sequence[str], path: Path) -> None:
    """Write mutations as a MAF with the samples that were sequenced, variants or not."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(f"#sequenced_samples: {' '.join(sequenced)}\n")
        table.to_csv(stream, sep="\t", index=False, lineterminator="\n")


def write_expression(values: pd.DataFrame, symbols: Mapping[int, str], path: Path) -> None:
    """Write expression as cBioPortal does: Hugo_Symbol, Entrez_Gene_Id, then a column a sample."""
    table = values.copy()
    entrez = [int(gene) for gene in table.index]
    table.insert(0, "Entrez_Gene_Id", entrez)
    table.insert(0, "Hugo_Symbol", [symbols.get(gene, str(gene)) for gene in entrez])
    with whole_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, na_rep="NA", lineterminator="\n")


def unpacked(folder: Path) -> dict[str, Path]:
    """Files of a study's unpacked folder by what they hold.

    Returns
    -------
    patients, samples, mutations, expression, sequenced: those that are there.

    Raises
    ------
    InputError
        If the folder holds no clinical data of patients.
    """
    found = {
        what: next((folder / name for name in names if (folder / name).is_file()), None)
        for what, names in UNPACKED.items()
    }
    if found["patients"] is None:
        remedy = "unpack the study's .tar.gz and name its folder"
        raise InputError("no data_clinical_patient.txt here", file=folder, remedy=remedy)
    return {what: path for what, path in found.items() if path is not None}


def read_clinical(path: Path) -> pd.DataFrame:
    """Read a clinical file of a study's folder as text; its head of comments is passed over."""
    return pd.read_csv(
        path,
        sep="\t",
        skiprows=lines_of_comment(path),
        dtype=str,
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,
    )
