"""The quality table: every slide of the sheet, usable or not, with its reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.judging import judge
from histoniche.tables import read_table, write_table

_NUMBERS = [
    *("width_px", "height_px", "mpp", "tissue_mm2", "tissue_share", "blank_share"),
    *(f"{kind}_share" for kind in KINDS),
    "blur",
]
_REMEDY = "mend them, exclude them in the sheet of slides, or set on_bad_slide: skip"
_TEXTS = ["reason", "flags", "mpp_source", "reader", "vendor"]


def collect_quality(
    reports: Mapping[str, Path],
    out: Path,
    *,
    stores: Mapping[str, Sequence[Path]],
    patients: Mapping[str, str],
    excluded: Sequence[Mapping[str, str]],
    limits: Mapping[str, Any],
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
    limits
        The config's block `slides.limits`, by which slides are judged.

    Returns
    -------
    Nothing; the table has the columns slide, patient, status (ok, skipped,
    excluded), reason and the facts of the slide, NaN or empty where unknown.
    """
    rows: list[dict[str, Any]] = []
    for slide, report in reports.items():
        facts = read_json(report)
        verdict = judge(facts, limits)._asdict()
        rows.append({"slide": slide, "patient": patients[slide], **facts, **verdict})
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
    write_table(table, out)


def check_slides(quality: Path, out: Path, *, on_bad_slide: str) -> None:
    """Count the slides, and stop the run if they are not what the config asks for.

    Parameters
    ----------
    quality
        The quality table.
    out
        Table of the counts, Parquet with a TSV twin: status, slides, patients.
    on_bad_slide
        `skip` goes on without slides that cannot be used, `fail` does not.
        Slides that a person excluded in the sheet are no reason to stop.

    Raises
    ------
    InputError
        If no slide can be used, or some cannot and `on_bad_slide` is `fail`.
    """
    table = read_table(quality)
    bad = table[table["status"] == "skipped"]
    used = int((table["status"] == "ok").sum())
    if used == 0 or (len(bad) and on_bad_slide == "fail"):
        worst = (bad if len(bad) else table).iloc[0]
        raise InputError(
            f"{len(table) - used} of {len(table)} slides cannot be used; the first, "
            f"{worst['slide']}: {worst['reason']}",
            file=quality.with_suffix(".tsv"),
            column="reason",
            remedy=_REMEDY if used else "mend the slides or change slides.limits",
        )
    counts = table.groupby("status").agg(slides=("slide", "size"), patients=("patient", "nunique"))
    write_table(counts.reset_index(), out)
