"""Labels of patients, such as a molecular subtype, joined to the sheet from another table."""

import logging
import re
from pathlib import Path
from typing import Literal

import pandas as pd

from histoniche.errors import InputError
from histoniche.files import whole_file

Barcode = Literal["whole", "tcga"]

_TCGA = re.compile(r"(TCGA-[A-Za-z0-9]{2}-[A-Za-z0-9]{4})(?:-(\d\d)[A-Za-z]?(?:-.*)?)?")
_PRIMARY = "01"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_MISSING = ("", "NA", "NaN", "nan", "[Not Available]", "[Unknown]")


def add_covariate(
    sheet: Path,
    table: Path,
    *,
    patient: str,
    column: str,
    name: str,
    barcode: Barcode = "whole",
) -> int:
    """Add a column of another table to the sheet of patients.

    Parameters
    ----------
    sheet
        The sheet of patients, TSV, written anew.
    table
        CSV or TSV that has the label.
    patient, column
        Its columns with the patient, or a sample of theirs, and with the label.
    name
        What the column is called in the sheet.
    barcode
        `tcga`: the first three parts of a barcode, set apart by hyphens or dots, are
        the patient, and samples of other than primary tumours are passed over.

    Returns
    -------
    Number of the sheet's patients who have the label; the others' cells stay empty.

    Raises
    ------
    InputError
        If a file or column is missing, the sheet has the column already, a patient has
        two labels, or no patient has one.
    """
    if not _NAME.fullmatch(name):
        remedy = "write a letter, then up to 39 letters, digits and underscores"
        raise InputError("no name for a covariate", value=name, remedy=remedy)
    rows = _read(sheet, "\t", ["patient"])
    if name in rows:
        remedy = "choose another name, or remove the column"
        raise InputError("the sheet has it already", file=sheet, column=name, remedy=remedy)
    labels = _labels(table, patient=patient, column=column, barcode=barcode)
    known = rows["patient"].map(labels)
    if not known.notna().any():
        raise InputError(
            "no patient of the sheet has a label",
            file=table,
            column=patient,
            value=next(iter(labels), ""),
            remedy=f"use the same ids in both; the sheet has {rows['patient'].iloc[0]}",
        )
    strangers = len(set(labels) - set(rows["patient"]))
    logging.info("%d labelled patients are not in the sheet", strangers)
    with whole_file(sheet) as temporary:
        rows.assign(**{name: known.fillna("")}).to_csv(temporary, sep="\t", index=False)
    return int(known.notna().sum())


def _labels(table: Path, *, patient: str, column: str, barcode: Barcode) -> dict[str, str]:
    """Label by patient."""
    cells = _read(table, None, [patient, column])
    labels: dict[str, str] = {}
    for name, label in zip(cells[patient], cells[column].str.strip(), strict=True):
        owner = _patient_of(name) if barcode == "tcga" else name
        if owner is None or label in _MISSING:
            continue
        if labels.setdefault(owner, label) != label:
            raise InputError(
                f"patient {owner} has two labels, {labels[owner]} and {label}",
                file=table,
                column=column,
                value=label,
                remedy="keep one of the rows",
            )
    return labels


def _patient_of(barcode: str) -> str | None:
    """Patient of a TCGA barcode; None if it is not one, or not of a primary tumour."""
    found = _TCGA.fullmatch(barcode.strip().replace(".", "-"))
    return found[1] if found and found[2] in (None, _PRIMARY) else None


def _read(path: Path, separator: str | None, needed: list[str]) -> pd.DataFrame:
    """A table as text with the columns that are needed; its separator is found if not given."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend the path")
    if separator is None:
        with path.open(encoding="utf-8-sig") as stream:
            separator = "\t" if "\t" in stream.readline() else ","
    table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name in needed:
        if name not in table:
            remedy = f"choose among {', '.join(table.columns[:12])}"
            raise InputError("missing column", file=path, row=1, column=name, remedy=remedy)
    return table
