"""The quality table: every slide of the sheet, usable or not, with its reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.slides.artefact_kinds import KINDS
from histoniche.tables import write_table

_NUMBERS = [
    *("width_px", "height_px", "mpp", "tissue_mm2", "tissue_share", "blank_share"),
    *(f"{kind}_share" for kind in KINDS),
    "blur",
]
_TEXTS = ["reason", "flags", "mpp_source", "reader", "vendor"]


def collect_quality(
    reports: Mapping[str, Path],
    out: Path,
    *,
    stores: Mapping[str, Sequence[Path]],
    patients: Mapping[str, str],
    excluded: Sequence[Mapping[str, str]],
) -> None:
    """Gather the inspections into the quality table, one row a slide.

    Parameters
    ----------
    reports
        JSON of each slide's inspection, by slide.
    out
        The table, Parquet with a TSV twin.
    stores
        Root metadata (`zarr.json`) of the tilings that count, by slide; a slide
        without tiles in one of them is not usable either.
    patients
        Patient of each inspected slide.
    excluded
        Slides that a person left out: slide, patient, reason.

    Returns
    -------
    Nothing; the table has the columns slide, patient, status (ok, skipped,
    excluded), reason and the facts of the slide, NaN or empty where unknown.
    """
    rows: list[dict[str, Any]] = [
        {"slide": slide, "patient": patients[slide], **read_json(report)}
        for slide, report in reports.items()
    ]
    for row in rows:
        for store in stores.get(row["slide"], ()) if row["status"] == "ok" else ():
            tiles = read_json(store)["attributes"]
            if tiles["status"] != "ok":
                row |= {"status": tiles["status"], "reason": tiles["reason"]}
    rows += [{**entry, "status": "excluded"} for entry in excluded]
    columns = ["slide", "patient", "status", *_TEXTS, *_NUMBERS]
    table = pd.DataFrame.from_records(rows, columns=columns).sort_values("slide")
    table[_TEXTS] = table[_TEXTS].fillna("")
    table[_NUMBERS] = table[_NUMBERS].astype(float)
    if (table["status"] != "ok").all():
        raise InputError(
            f"none of {len(table)} slides can be used; the first: {table['reason'].iloc[0]}",
            remedy="see the reasons in the column reason of the quality table's inputs",
        )
    write_table(table, out)
