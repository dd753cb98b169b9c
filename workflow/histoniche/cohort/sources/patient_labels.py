"""Labels of patients, such as a subtype, from the sources that have them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from histoniche.cohort.barcodes import patient_of
from histoniche.cohort.sources.answers import plain
from histoniche.cohort.sources.cbioportal import CBioPortal, Level
from histoniche.cohort.sources.decisions import Decision
from histoniche.errors import InputError

_MISSING = {"", "NA", "N/A", "NAN", "[NOT AVAILABLE]", "[UNKNOWN]", "[NOT APPLICABLE]"}
_PRIMARY = "01"
_KEYS: dict[Level, str] = {"patient": "PATIENT_ID", "sample": "SAMPLE_ID"}
"""Columns with whose clinical data they are."""


class Label(NamedTuple):
    """A label of each patient that has one, and a decision on each that has none."""

    values: dict[str, str]
    decisions: list[Decision]


def read_label(
    name: str,
    entry: Mapping[str, Any],
    *,
    patients: Sequence[str],
    cases: Iterable[Mapping[str, Any]],
    portal: CBioPortal,
) -> Label:
    """Read a label of some patients.

    Parameters
    ----------
    name
        The label's.
    entry
        As the recipe has it.
    patients
        Those of the cohort.
    cases
        What the GDC says of them.
    portal
        cBioPortal.
    """
    readers = {
        "clinical": lambda: _clinical(entry, portal),
        "copy_number": lambda: _copy_number(entry, portal),
        "gdc": lambda: _fields(entry, cases),
        "table": lambda: _own(entry),
    }
    return classify(name, readers[entry["from"]](), entry.get("classes"), patients)


def classify(
    name: str,
    found: Iterable[tuple[str, str]],
    classes: Mapping[str, Sequence[object]] | None,
    patients: Sequence[str],
) -> Label:
    """Make labels of what a source says.

    Parameters
    ----------
    name
        The label's.
    found
        Pairs of a sample's or patient's barcode and a value. Samples of other than primary
        tumours are passed over.
    classes
        Values by class; None for the values themselves.
    patients
        Those of the cohort. One whose samples differ has no label.
    """
    class_of = {str(value): label for label, values in (classes or {}).items() for value in values}
    said: dict[str, set[str]] = {}
    for barcode, value in found:
        patient = _owner(barcode)
        if patient is not None and value.strip().upper() not in _MISSING:
            said.setdefault(patient, set()).add(plain(value.strip()))
    values: dict[str, str] = {}
    decisions = []
    for patient in patients:
        own = {class_of.get(value) if classes else value for value in said.get(patient, set())}
        if patient not in said:
            reason = "the source has none"
        elif None in own and len(own) == 1:
            reason = f"of no class: {', '.join(sorted(said[patient]))}"
        elif len(own) > 1:
            reason = f"samples differ: {', '.join(sorted(said[patient]))}"
        else:
            reason = ""
            values[patient] = str(own.pop())
        decisions.append(Decision("label", name, patient, not reason, f"label {name}", reason))
    return Label(values, decisions)


def _owner(barcode: str) -> str | None:
    """Patient of a TCGA barcode unless it is of another sample than the primary tumour."""
    patient = patient_of(barcode)
    if patient is None:
        return barcode or None
    code = barcode[len(patient) + 1 : len(patient) + 3]
    return patient if code in ("", _PRIMARY) else None


def _clinical(entry: Mapping[str, Any], portal: CBioPortal) -> list[tuple[str, str]]:
    """Values of a clinical attribute of cBioPortal."""
    known: set[str] = set()
    # Studies differ in whose attribute it is, and may change it with a release.
    for level in sorted(_KEYS, key=lambda level: level != entry["level"]):
        table = portal.clinical(entry["study"], level)
        if entry["attribute"] in table:
            return list(zip(table[_KEYS[level]], table[entry["attribute"]], strict=True))
        known |= set(map(str, table.columns))
    names = ", ".join(sorted(known - set(_KEYS.values()))) or "none"
    raise InputError(
        "the study has no such attribute",
        file=f"{portal.base}/studies/{entry['study']}",
        column=entry["attribute"],
        remedy=f"name one of {plain(names, 300)}, or leave the label out by --without",
    )


def _copy_number(entry: Mapping[str, Any], portal: CBioPortal) -> list[tuple[str, str]]:
    """Discrete copy number of a gene in every sample of a study."""
    profile = portal.profile(entry["study"], "COPY_NUMBER_ALTERATION", "gistic")
    values = portal.values(profile, f"{entry['study']}_all", [entry["entrez"]])
    if values.empty:
        return []
    row = values.iloc[0].dropna()
    return [(str(sample), str(int(value))) for sample, value in row.items()]


def _fields(entry: Mapping[str, Any], cases: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """A field of every case of the GDC."""
    return [(str(case["submitter_id"]), field_of(case, entry["field"])) for case in cases]


def field_of(case: Mapping[str, Any], name: str) -> str:
    """A field of a case, or of its primary diagnosis; empty if it is not reported."""
    if name == "project":
        return str((case.get("project") or {}).get("project_id") or "")
    if name == "disease_type":
        return str(case.get("disease_type") or "")
    diagnoses = case.get("diagnoses") or [{}]
    primary = [one for one in diagnoses if one.get("classification_of_tumor") == "primary"]
    value = str((primary or diagnoses)[0].get(name) or "")
    return "" if value.lower() in ("not reported", "unknown") else value


def _own(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A column of a table of one's own."""
    path = Path(entry["path"])
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend the recipe's path")
    table = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
    for column in (entry["patient"], entry["column"]):
        if column not in table:
            remedy = f"name one of {', '.join(map(str, table.columns[:12]))}"
            raise InputError("missing column", file=path, row=1, column=column, remedy=remedy)
    barcodes = table[entry["patient"]].str.replace(".", "-", regex=False)
    return list(zip(barcodes, table[entry["column"]], strict=True))
