"""The quality table of scans: every row of the sheet, usable or not, with its reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.imaging.prepared import Prepared
from histoniche.imaging.units import DIFFUSIVITIES
from histoniche.tables import read_table, write_table

_TEXTS = ["reason", "slices", "maps", "gradients", "brain", "oriented_by"]
_NUMBERS = [
    *("voxel_x_mm", "voxel_y_mm", "voxel_z_mm", "pixel_mm", "tilt_degrees"),
    *("tumour_mm3", "brain_mm3", "outside_share", "implausible_share"),
]
_REMEDY = "mend them, exclude them in the sheet of scans, or set imaging.on_bad_scan: skip"


def collect_scan_quality(
    folders: Mapping[str, Path],
    out: Path,
    *,
    cohorts: Mapping[str, str | None],
    excluded: Sequence[Mapping[str, str]],
    maps: Sequence[str],
) -> None:
    """Gather what was found about the scans, one row a patient.

    Parameters
    ----------
    folders
        Folder of each prepared patient; see `Prepared`.
    out
        The table, Parquet with a TSV twin.
    cohorts
        Cohort of each patient, prepared or excluded; None or missing if there is none.
    excluded
        Scans that a person left out: patient, reason.
    maps
        Names of the maps.

    Returns
    -------
    Nothing; the table has the columns patient, cohort, status (ok, bad, excluded), reason,
    slices (numbers of the axial slices), where maps (gradients: of fitted ones), brain and
    directions come from, edges of voxels and pixels, tilt of the slices, volumes of tumour and
    brain, share of the tumour outside of the brain, largest share of implausible values in a
    map, and each map's median inside the tumour: `FA_median`, `MD_median_um2_ms`. NaN or empty
    where unknown.
    """
    medians = {name: median_column(name) for name in maps}
    rows = [
        _row_of(read_json(Prepared.beneath(folder).quality), medians) for folder in folders.values()
    ]
    rows += [{**entry, "status": "excluded"} for entry in excluded]
    rows = [{**row, "cohort": cohorts.get(row["patient"]) or ""} for row in rows]
    numbers = [*_NUMBERS, *medians.values()]
    columns = ["patient", "cohort", "status", *_TEXTS, *numbers]
    table = pd.DataFrame.from_records(rows, columns=columns).sort_values("patient")
    table[_TEXTS] = table[_TEXTS].fillna("")
    table[numbers] = table[numbers].astype(float)
    write_table(table, out)


def median_column(name: str) -> str:
    """Column of a map's median inside the tumour, with its unit."""
    return f"{name}_median_um2_ms" if name in DIFFUSIVITIES else f"{name}_median"


def check_scans(quality: Path, out: Path, *, on_bad_scan: str) -> None:
    """Count the scans, and stop the run if they are not what the config asks for.

    Parameters
    ----------
    quality
        The quality table.
    out
        Table of the counts, Parquet with a TSV twin: status, patients.
    on_bad_scan
        `skip` goes on without scans that cannot be used, `fail` does not. Scans that a
        person excluded in the sheet are no reason to stop.

    Raises
    ------
    InputError
        If no scan can be used, or some cannot and `on_bad_scan` is `fail`.
    """
    table = read_table(quality)
    bad = table[table["status"] == "bad"]
    used = int((table["status"] == "ok").sum())
    if used == 0 or (len(bad) and on_bad_scan == "fail"):
        worst = (bad if len(bad) else table).iloc[0]
        raise InputError(
            f"{len(table) - used} of {len(table)} scans cannot be used; the first, of patient "
            f"{worst['patient']}: {worst['reason']}",
            file=quality.with_suffix(".tsv"),
            column="reason",
            remedy=_REMEDY if used else "mend the scans",
        )
    counts = table.groupby("status").agg(patients=("patient", "nunique"))
    write_table(counts.reset_index(), out)


def _row_of(quality: Mapping[str, Any], medians: Mapping[str, str]) -> dict[str, Any]:
    """Row of one patient."""
    row = {name: quality[name] for name in ("patient", "status", "reason")}
    facts = quality["facts"]
    if not facts:
        return row
    edges = dict(zip(("voxel_x_mm", "voxel_y_mm", "voxel_z_mm"), facts["voxel_mm"], strict=True))
    return {
        **row,
        **edges,
        **{name: facts[name] for name in ("maps", "gradients", "brain", "oriented_by")},
        **{name: facts[name] for name in ("pixel_mm", "tilt_degrees")},
        **{name: facts[name] for name in ("tumour_mm3", "brain_mm3", "outside_share")},
        "slices": ", ".join(map(str, facts["axial"])),
        "implausible_share": max(facts["implausible_shares"].values()),
        **{column: facts["medians"][name] for name, column in medians.items()},
    }
