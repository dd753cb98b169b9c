"""Areas of the whole cohort: by slide and by patient, measured or brought along."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.tables import read_table, write_table

MEASURES = ["pixels", "area_mm2", "tissue_share"]


def collect_areas(
    reports: Mapping[str, Path],
    out_slides: Path,
    out_patients: Path,
    *,
    patients: Mapping[str, str],
    measure: str,
) -> None:
    """Gather the slides' areas and average them by patient.

    Parameters
    ----------
    reports
        What `map_regions` wrote about each slide, by slide.
    out_slides, out_patients
        Tables: slide, patient, region and measures; patient, region, sections,
        mean measures over the patient's sections (as GBM_WSSM), and `area`,
        the measure that the statistics use.
    patients
        Patient of each slide.
    measure
        A key of `MEASURES`.
    """
    rows = [
        {"slide": slide, "patient": patients[slide], **entry}
        for slide, report in reports.items()
        for entry in read_json(report)["regions"]
    ]
    slides = pd.DataFrame.from_records(
        rows, columns=["slide", "patient", "region", *MEASURES]
    ).astype(dict.fromkeys(MEASURES, float))
    if slides.empty:
        raise InputError("no slide has a region map", remedy="see the reasons in the quality table")
    write_table(slides, out_slides)
    grouped = slides.groupby(["patient", "region"], sort=False)
    table = grouped[MEASURES].mean().reset_index()
    table.insert(2, "sections", grouped.size().to_numpy())
    write_table(table.assign(area=table[measure]), out_patients)


def import_areas(
    path: Path,
    patients_table: Path,
    out: Path,
    *,
    patient: str,
    columns: Mapping[str, str],
    measure: str,
    rows: Literal["patients", "sections"] = "patients",
    empty: Literal["unknown", "zero"] = "unknown",
) -> None:
    """Take the areas from the user's own table.

    Parameters
    ----------
    path
        TSV or CSV (also .gz) with a column for the patient and one for each region.
    patients_table
        The cohort's table of patients; others are left out.
    patient
        Name of the column that holds the patient.
    columns
        Name of each region's column.
    measure
        What the numbers are; the other measures are unknown.
    rows
        What a row is; several `sections` are averaged by patient, as `collect_areas` does.
    empty
        What an empty cell means: an area that is not known, which a mean over sections
        passes over, or a region that is absent.

    Raises
    ------
    InputError
        If a column is missing, a cell is no number of 0 or more, a patient
        stands in two rows of `patients`, or no patient is known.
    """
    table = _read(path, [patient, *columns.values()])
    if rows == "patients":
        _check_once(table, patient, path)
    if empty == "zero":
        table = table.fillna(dict.fromkeys(columns.values(), 0.0))
    known = set(read_table(patients_table)["patient"])
    chosen = table[table[patient].isin(known)]
    if chosen.empty:
        raise InputError(
            "no patient of the table stands in the sheet of patients",
            file=path,
            column=patient,
            value=table[patient].iloc[0],
            remedy="use the same ids in both",
        )
    grouped = chosen.groupby(patient)[list(columns.values())]
    values = grouped.mean().set_axis(list(columns), axis=1).rename_axis("patient").reset_index()
    long = values.melt("patient", var_name="region", value_name="area")
    long.insert(2, "sections", long["patient"].map(grouped.size()))
    for name in MEASURES:
        long[name] = long["area"] if name == measure else np.nan
    order = ["patient", "region", "sections", *MEASURES, "area"]
    write_table(long.sort_values("patient", kind="stable")[order], out)


def _read(path: Path, needed: list[str]) -> pd.DataFrame:
    """Read and check the user's table; patients as text, areas as numbers."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend areas.path")
    separator = "," if ".csv" in path.suffixes else "\t"
    table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    for column in needed:
        if column not in table:
            raise InputError(
                "missing column",
                file=path,
                row=1,
                column=column,
                remedy=f"the table has {', '.join(table.columns[:12])}",
            )
    for column in needed[1:]:
        numbers = pd.to_numeric(table[column].replace("", np.nan), errors="coerce")
        bad = table[(numbers.isna() & (table[column] != "")) | (numbers < 0)]
        if len(bad):
            raise InputError(
                "not an area",
                file=path,
                row=int(bad.index[0]) + 2,
                column=column,
                value=bad[column].iloc[0],
                remedy="write a number of 0 or more, or leave it empty",
            )
        table[column] = numbers
    return table


def _check_once(table: pd.DataFrame, patient: str, path: Path) -> None:
    """Raise an InputError if a patient stands in two rows."""
    twice = table[table[patient].duplicated()]
    if len(twice):
        raise InputError(
            "stands twice",
            file=path,
            row=int(twice.index[0]) + 2,
            column=patient,
            value=twice[patient].iloc[0],
            remedy="write areas.rows: sections, and they are averaged, or keep one row",
        )
