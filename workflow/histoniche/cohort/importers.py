"""Importers: sheets of patients from the files of public resources."""

from itertools import takewhile
from pathlib import Path

import pandas as pd

from histoniche.cohort.sheets import DAYS
from histoniche.errors import InputError
from histoniche.files import whole_file

_UNKNOWN = ["[Not Available]", "[Not Applicable]", "[Unknown]", "[Not Evaluated]", ""]
_COLUMNS = {"PATIENT_ID": "patient", "OS_MONTHS": "time", "OS_STATUS": "event"}
_IVYGAP = {
    "survival_days": "time",
    "age_in_years": "age",
    "initial_kps": "karnofsky",
    "molecular_subtype": "subtype",
    "mgmt_methylation": "mgmt",
    "egfr_amplification": "egfr",
    "surgery": "surgery",
}
_COVARIATES = {"AGE": "age", "SEX": "sex", "KARNOFSKY_PERFORMANCE_SCORE": "karnofsky"}


def import_cbioportal(
    clinical: Path,
    out: Path,
    *,
    time_from: Path | None = None,
    time_column: str | None = None,
    patient_column: str | None = None,
) -> int:
    """Make a sheet of patients, times in days, from a cBioPortal clinical file.

    Parameters
    ----------
    clinical
        `data_clinical_patient.txt` with OS_MONTHS and OS_STATUS (0:LIVING or
        1:DECEASED). Age, sex and Karnofsky score are taken where they are.
    out
        The sheet to write.
    time_from, time_column, patient_column
        A table (CSV or TSV) whose survival times in days win over OS_MONTHS, and
        its columns. Its patients are taken as dead at that time where the
        clinical file does not know them, as GBM_WSSM did.

    Returns
    -------
    Number of patients written.

    Raises
    ------
    InputError
        If a file or column is missing or holds what it should not.
    """
    table = _read(clinical, "\t", list(_COLUMNS))
    known = {**_COLUMNS, **{name: new for name, new in _COVARIATES.items() if name in table}}
    sheet = table[list(known)].rename(columns=known).replace(_UNKNOWN, pd.NA)
    sheet["time"] = _numbers(sheet["time"], clinical, "OS_MONTHS") * DAYS["months"]
    sheet["event"] = _events(sheet["event"], clinical)
    if time_from is not None:
        separator = "," if ".csv" in time_from.suffixes else "\t"
        patient, time = patient_column or "patient", time_column or "time"
        other = _read(time_from, separator, [patient, time])
        days = _numbers(other[time], time_from, time).set_axis(other[patient])
        sheet = sheet.set_index("patient").reindex(
            pd.Index(sheet["patient"]).union(days.dropna().index)
        )
        sheet["time"] = days.reindex(sheet.index).fillna(sheet["time"])
        given = sheet.index.isin(days.dropna().index)
        sheet.loc[given, "event"] = sheet.loc[given, "event"].fillna(1)
        sheet = sheet.rename_axis("patient").reset_index()
    # A time of 0 is a patient without follow-up, and half a pair says nothing.
    sheet.loc[~(sheet["time"] > 0) | sheet["event"].isna(), ["time", "event"]] = pd.NA
    sheet["time"] = sheet["time"].round(2)
    sheet = sheet.sort_values("patient")
    with whole_file(out) as temporary:
        sheet.to_csv(temporary, sep="\t", index=False)
    return len(sheet)


def import_ivygap(sub_blocks: Path, out: Path) -> int:
    """Make a sheet of patients from Ivy GAP's table of sub-blocks, one row a tumour.

    Parameters
    ----------
    sub_blocks
        CSV, one row a section: tumor_name, survival_days, age_in_years and more. A tumour with a
        survival time is taken as one whose patient died then: the table has no other times.
    out
        The sheet to write, times in days. A tumour of several molecular subtypes has none.

    Returns
    -------
    Number of tumours written.

    Raises
    ------
    InputError
        If a column is missing, a cell holds what it should not, or the sections of one
        tumour disagree.
    """
    table = _read(sub_blocks, ",", ["tumor_name", *_IVYGAP])
    sheet = table[["tumor_name", *_IVYGAP]].drop_duplicates()
    twice = sheet.loc[sheet["tumor_name"].duplicated(), "tumor_name"]
    if len(twice):
        raise InputError(
            "the sections of this tumour say different things of its patient",
            file=sub_blocks,
            column="tumor_name",
            value=twice.iloc[0],
            remedy="mend its rows",
        )
    sheet = sheet.rename(columns={"tumor_name": "patient", **_IVYGAP})
    sheet["time"] = _numbers(sheet["time"], sub_blocks, "survival_days")
    sheet.insert(2, "event", sheet["time"].notna().astype("Int64").where(sheet["time"].notna()))
    years = sheet["age"].str.removesuffix(" yrs")
    sheet["age"] = _numbers(years, sub_blocks, "age_in_years")
    sheet["subtype"] = sheet["subtype"].where(~sheet["subtype"].str.contains(","), "")
    with whole_file(out) as temporary:
        sheet.sort_values("patient").to_csv(temporary, sep="\t", index=False)
    return len(sheet)


def lines_of_comment(path: Path) -> int:
    """Lines at the head of a file that begin with #; a cell further down may well hold one."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return sum(1 for _ in takewhile(lambda line: line.startswith("#"), stream))


def _read(path: Path, separator: str, needed: list[str]) -> pd.DataFrame:
    """Read a table as text, comment lines left out, and check that its columns are there."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend the path")
    table = pd.read_csv(
        path, sep=separator, skiprows=lines_of_comment(path), dtype=str, keep_default_na=False
    )
    for column in needed:
        if column not in table:
            raise InputError("missing column", file=path, column=column, remedy="name another")
    return table


def _numbers(cells: "pd.Series[str]", path: Path, column: str) -> "pd.Series[float]":
    """Cells as numbers; unknown ones as NaN, others are an error."""
    numbers = pd.to_numeric(cells, errors="coerce")
    bad = cells[numbers.isna() & cells.notna() & ~cells.isin(_UNKNOWN)]
    if len(bad):
        raise InputError(
            "not a number", file=path, column=column, value=bad.iloc[0], remedy="mend the cell"
        )
    return numbers.astype(float)


def _events(cells: "pd.Series[str]", path: Path) -> "pd.Series[int]":
    """1 for DECEASED, 0 for LIVING, unknown otherwise."""
    events = cells.map({"1:DECEASED": 1, "0:LIVING": 0, "DECEASED": 1, "LIVING": 0})
    bad = cells[events.isna() & cells.notna()]
    if len(bad):
        raise InputError(
            "neither LIVING nor DECEASED",
            file=path,
            column="OS_STATUS",
            value=bad.iloc[0],
            remedy="mend the cell",
        )
    return events.astype("Int64")
