"""Which sample belongs to which patient, which samples are used, and why the others are not."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from histoniche.cohort.barcodes import TCGA_TYPES
from histoniche.errors import InputError
from histoniche.omics.decisions import Decision, list_names
from histoniche.tables import read_table, write_table

Barcode = Literal["whole", "tcga"]

PRIMARY = ("Primary Tumor",)
"""The sample types that are kept unless others are named."""

NOT_TCGA = "not a TCGA barcode"
NO_PATIENT = "no patient of the sheet"

_TCGA = re.compile(r"(TCGA-[A-Za-z0-9]{2}-[A-Za-z0-9]{4})(?:-(?:(\d\d)[A-Za-z]?(?:-.*)?|.*))?")


class Sample(NamedTuple):
    """One sample of a source, such as a column of a table or a file."""

    sample: str
    patient: str
    used: bool
    reason: str
    """Why it is not used; empty if it is."""


class Origin(NamedTuple):
    """What a source says of one sample."""

    sample: str
    patient: str
    """Empty if the sample names none."""
    sample_type: str = ""
    """Empty if it is not known."""
    fault: str = ""
    """Why it cannot be used, whoever is wanted; empty if it can."""


class Wanted(NamedTuple):
    """Whose samples are wanted, how their names are read, and of which types they may be."""

    patients: Collection[str]
    barcode: Barcode = "whole"
    sample_types: Collection[str] = PRIMARY
    """Empty: all types. A sample whose type is not known is not left out for it."""


def read_barcodes(names: Iterable[str], barcode: Barcode) -> list[Origin]:
    """Patient and sample type by the samples' names.

    Parameters
    ----------
    names
        Names of samples.
    barcode
        `whole`: the name is the patient's id, and the type is not known;
        `tcga`: the first three fields are the patient, the fourth begins with
        the code of the sample type. A patient's barcode alone has no type.

    Returns
    -------
    One a name, in their order; without a patient where a name is no TCGA barcode.
    """
    if barcode == "whole":
        return [Origin(name, name) for name in names]
    return [_read_tcga(name) for name in names]


def judge_samples(origins: Iterable[Origin], wanted: Wanted) -> list[Sample]:
    """Decide which samples are used: those of a patient of the sheet and of a kept type."""
    return [
        Sample(origin.sample, origin.patient, not reason, reason)
        for origin in origins
        for reason in [_reason(origin, wanted)]
    ]


def require_samples(samples: Sequence[Sample], wanted: Wanted, *, file: Path, what: str) -> None:
    """Raise an error that says what is there and what is wanted if no sample is used.

    Parameters
    ----------
    what
        What a sample is in the file, such as "column".
    """
    if any(sample.used for sample in samples):
        return
    if any(sample.patient in wanted.patients for sample in samples):
        reasons = Counter(sample.reason for sample in samples)
        raise InputError(
            f"no {what} is used: " + _counted(reasons),
            file=file,
            remedy="set expression.sample_types to what you want to keep",
        )
    there = list_names([sample.sample for sample in samples], most=3)
    raise InputError(
        f"no {what} is a patient of the sheet; {what}s are {there},"
        f" patients are {list_names(sorted(wanted.patients), most=3)}",
        file=file,
        remedy="write the ids alike, or set expression.barcode",
    )


def require_shared(
    samples: Sequence[Sample], *, least: int, file: Path, what: str, key: str
) -> None:
    """Raise an error if too few patients of the sheet have a used sample.

    Parameters
    ----------
    least
        Fewest patients that are enough.
    what, key
        What the patients have, and the key of the config that sets `least`, for the error.
    """
    patients = {sample.patient for sample in samples if sample.used}
    if len(patients) >= least:
        return
    reasons = Counter(sample.reason for sample in samples if not sample.used)
    others = f"; samples not used: {_counted(reasons)}" if reasons else ""
    raise InputError(
        f"only {len(patients)} patients of the sheet have {what}, {least} are needed{others}",
        file=file,
        remedy=f"see whether the ids are written alike, or lower {key}",
    )


def describe_patients(
    samples: Sequence[Sample], sheet: Sequence[str], *, what: str, item: str, several: str
) -> list[Decision]:
    """Decisions on who of the sheet has a sample, and which samples are not used.

    Parameters
    ----------
    what
        What the patients have, such as "expression".
    item
        What a sample is in the source, in the plural, such as "columns".
    several
        What becomes of several samples of a patient, such as "averaged".
    """
    found = Counter(sample.patient for sample in samples if sample.used)
    without = [patient for patient in sheet if patient not in found]
    others = [s.sample for s in samples if s.reason in (NO_PATIENT, NOT_TCGA)]
    repeated = [patient for patient, count in found.items() if count > 1]
    decisions = [
        Decision("patients", "in the sheet", len(sheet)),
        Decision("patients", f"with {what}", len(found)),
        Decision("patients", f"without {what}", len(without), list_names(without)),
        Decision(
            "patients", f"{item} that are no patient of the sheet", len(others), list_names(others)
        ),
        Decision(
            "patients", f"with several samples, {several}", len(repeated), list_names(repeated)
        ),
    ]
    rest = [s for s in samples if not s.used and s.reason not in (NO_PATIENT, NOT_TCGA)]
    for reason in dict.fromkeys(sample.reason for sample in rest):
        names = [sample.sample for sample in rest if sample.reason == reason]
        decisions.append(Decision("samples", f"not used: {reason}", len(names), list_names(names)))
    return decisions


def write_samples(
    samples: Sequence[Sample], sheet: Iterable[str], path: Path, *, absent: str
) -> None:
    """Write who of a source is used, and who of the sheet is not in it.

    Parameters
    ----------
    samples
        Samples of the source.
    sheet
        Patients of the sheet.
    path
        Written: sample (empty for a patient without any), patient, used, reason.
    absent
        Reason that a patient without any sample gets.
    """
    named = {sample.patient for sample in samples}
    missing = [Sample("", patient, False, absent) for patient in sheet if patient not in named]
    write_table(pd.DataFrame([*samples, *missing], columns=list(Sample._fields)), path)


def tell_patients(patients: Path, sources: Mapping[str, Path], *, out: Path) -> None:
    """Say for each patient of the sheet and each source whether it has data, and why not.

    Parameters
    ----------
    patients
        The cohort's patients, Parquet.
    sources
        By name, such as "expression", what `write_samples` wrote.
    out
        Written: patient, source, has, samples (those used), reason (empty if has).
    """
    sheet = [str(patient) for patient in read_table(patients)["patient"]]
    rows = []
    for source, path in sources.items():
        table = read_table(path)
        by_patient = dict(tuple(table.groupby("patient", sort=False)))
        for patient in sheet:
            own = by_patient.get(patient, table.iloc[:0])
            used = int(own["used"].sum())
            reason = "; ".join(dict.fromkeys(own["reason"])) if not used else ""
            rows.append((patient, source, used > 0, used, reason))
    write_table(pd.DataFrame(rows, columns=["patient", "source", "has", "samples", "reason"]), out)


def _read_tcga(name: str) -> Origin:
    """Patient and sample type of a TCGA barcode."""
    match = _TCGA.fullmatch(name)
    if match is None:
        return Origin(name, "", fault=NOT_TCGA)
    code = match[2] or ""
    return Origin(name, match[1], TCGA_TYPES.get(code, f"code {code}") if code else "")


def _reason(origin: Origin, wanted: Wanted) -> str:
    """Why a sample is not used; empty if it is."""
    if origin.fault:
        return origin.fault
    if origin.patient not in wanted.patients:
        return NO_PATIENT
    known = bool(origin.sample_type and wanted.sample_types)
    if known and origin.sample_type not in wanted.sample_types:
        return f"sample type {origin.sample_type} is not kept"
    return ""


def _counted(reasons: Mapping[str, int]) -> str:
    """Reasons with their numbers."""
    return ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
