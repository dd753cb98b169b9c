"""Part of the section on signatures: which scans were used, and why others were not."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Gallery, Paragraph, table
from histoniche.report.pictures import photo_of, picture_of
from histoniche.report.results import Results, records
from histoniche.wording import count, join_words

_MOST_ROWS = 40
# Slices are laid along the skull base, which tilts them by so much.
_MOST_TILT = 20
_BUDGET = 500_000
"""Bytes of all pictures of scans together."""


def scan_blocks(results: Results) -> Iterator[Block]:
    """Report how many scans could be used, what fell out and why, and how they look."""
    if not results.has("scan_quality"):
        return
    quality = results.table("scan_quality")
    used = quality[quality["status"] == "ok"]
    maps = [str(name) for name in results.block("imaging").get("maps", [])]
    yield Paragraph(
        f"{count(len(quality), 'scan')}, {len(used):,} used, with {join_words(maps)} of the "
        f"tumour.{_volumes(used)}{_sources(used)}{_tilts(used)}"
    )
    yield from _left_out(quality[quality["status"] != "ok"])
    yield from picture_of(
        results,
        "imaging_quality",
        "Scans by cohort",
        "Cohorts whose tumours measure otherwise may have been scanned otherwise.",
    )
    yield from picture_of(
        results, "imaging_samples", "What the networks see", "The middle slice of some patients."
    )
    yield from _gallery(results)


def _volumes(used: pd.DataFrame) -> str:
    """Sizes of the tumours in words."""
    volumes = used["tumour_mm3"].dropna() / 1000
    if volumes.empty:
        return ""
    low, middle, high = volumes.quantile([0.25, 0.5, 0.75])
    return f" Tumours: median {middle:.0f} cm³, quartiles {low:.0f} and {high:.0f}."


def _sources(used: pd.DataFrame) -> str:
    """Where the maps come from, if not all were brought along."""
    fitted = int((used["maps"] == "fitted").sum()) if "maps" in used else 0
    return f" {count(fitted, 'scan')} with maps fitted from raw volumes." if fitted else ""


def _tilts(used: pd.DataFrame) -> str:
    """Which scans have slices that are far from axial."""
    tilt = used["tilt_degrees"] if "tilt_degrees" in used else pd.Series(dtype=float)
    oblique = tilt[tilt > _MOST_TILT]
    if oblique.empty:
        return ""
    return (
        f" {count(len(oblique), 'scan')} with slices more than {_MOST_TILT:g}° from the axial "
        f"plane, up to {oblique.max():.0f}°: theirs show the tumour from another side."
    )


def _left_out(bad: pd.DataFrame) -> Iterator[Block]:
    """Why scans are not used: the reasons in order, then every patient."""
    if bad.empty:
        return
    reasons = bad["reason"].fillna("").replace("", "no reason given").value_counts()
    told = join_words([f"{number:,} {reason}" for reason, number in reasons.head(4).items()])
    yield Paragraph(f"Not used: {count(len(bad), 'scan')} ({told}).", "caution")
    rows = [
        (str(row["patient"]), str(row["cohort"] or ""), str(row["status"]), str(row["reason"]))
        for row in records(bad.head(_MOST_ROWS))
    ]
    note = "All stand in imaging/quality.tsv." if len(bad) > _MOST_ROWS else ""
    yield table("Scans that are not used", ("patient", "cohort", "status", "reason"), rows, note)


def _gallery(results: Results) -> Iterator[Gallery]:
    """All slices and maps of some patients."""
    paths = results.paths("scan_pictures")
    photos = [
        photo_of(results, path, note="", side=960, most=_BUDGET // len(paths)) for path in paths
    ]
    if photos:
        title = f"Slices of {count(len(photos), 'scan')}"
        note = "Every slice and map. Of all scans they stand in imaging/scans/PATIENT/picture.png."
        yield Gallery(title, photos, "large", note)
