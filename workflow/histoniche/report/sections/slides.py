"""Sections on the slides and on the region maps."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from histoniche.report.blocks import (
    Block,
    Gallery,
    Paragraph,
    Section,
    Swatches,
    Table,
    not_run,
    table,
)
from histoniche.report.evaluation import ROLE_NAMES
from histoniche.report.numbers import format_number
from histoniche.report.pictures import photo_of
from histoniche.report.results import Results
from histoniche.slides.artefact_kinds import COLOURS, KINDS
from histoniche.wording import count

_TITLE = "Slides and their quality"
_MOST_THUMBNAILS = 48
_MOST_ROWS = 200
_THUMBNAIL_BYTES = 14_000
_OVERLAY_BUDGET = 1_600_000


def slides_section(results: Results) -> Section:
    """Tell which slides were used, which were not and why, and show them."""
    if not results.has("quality"):
        return Section("slides", _TITLE, [], missing="no sheet of slides")
    quality = results.table("quality")
    blocks: list[Block] = [Paragraph(_summary(quality))]
    left_out = quality[quality["status"] != "ok"]
    if len(left_out):
        blocks.append(_left_out(left_out))
    flagged = quality[(quality["status"] == "ok") & (quality["flags"] != "")]
    if len(flagged):
        blocks.append(_flagged(flagged))
    thumbnails = _spread(results.paths("thumbnails"), _MOST_THUMBNAILS)
    if thumbnails:
        status = dict(zip(quality["slide"], quality["status"], strict=True))
        photos = [
            photo_of(
                results,
                path,
                note=""
                if status.get(path.parent.name) == "ok"
                else str(status.get(path.parent.name, "")),
                side=160,
                most=_THUMBNAIL_BYTES,
            )
            for path in thumbnails
        ]
        shown = "" if len(photos) == len(quality) else f", {len(photos)} of {len(quality):,}"
        found = [kind for kind in KINDS if (quality[f"{kind}_share"] > 0).any()]
        note = "Green: contour of the tissue. All slides stand in slides/contact_sheet.png."
        blocks.append(Gallery(f"Contact sheet{shown}", photos, "small", note))
        if found:
            colours = ["#{:02X}{:02X}{:02X}".format(*COLOURS[kind]) for kind in found]
            blocks.append(Swatches([(c, "", kind) for c, kind in zip(colours, found, strict=True)]))
    return Section("slides", _TITLE, blocks)


def maps_section(results: Results) -> Section:
    """Show region maps of some slides, those of held-out patients first."""
    if not results.has("overlays"):
        return not_run("maps", "Region maps", "segmentation")
    colours = [(r.colour, r.region, r.name) for r in results.palette[1:]]
    blocks: list[Block] = [Swatches(colours)]
    examples = _examples(results)
    if examples:
        most = _OVERLAY_BUDGET // len(examples)
        photos = [
            photo_of(results, path, note=note, side=960, most=most) for path, note in examples
        ]
        note = (
            "Slides of patients who were held out of training come first. "
            "Left: the slide. Right: the regions found on it."
        )
        blocks.append(Gallery(f"Examples, {len(photos)} of the slides", photos, "large", note))
    blocks.append(
        Paragraph(
            "Every slide's map is in the bundle, as OME-Zarr labels for image viewers and as "
            "GeoJSON for QuPath.",
            "muted",
        )
    )
    return Section("maps", "Region maps", blocks)


def _summary(quality: pd.DataFrame) -> str:
    """Counts by status, resolution and tissue, in words."""
    used = quality[quality["status"] == "ok"]
    text = (
        f"{count(len(used), 'slide')} of {count(used['patient'].nunique(), 'patient')} used, "
        f"{(quality['status'] == 'skipped').sum():,} skipped as not usable, "
        f"{(quality['status'] == 'excluded').sum():,} excluded in the sheet."
    )
    if used.empty:
        return text
    mpp, tissue = used["mpp"].dropna(), used["tissue_mm2"].dropna()
    if len(mpp):
        low, high = format_number(mpp.min()), format_number(mpp.max())
        text += f" Resolution {low}" + (f" to {high}" if low != high else "") + " µm per pixel"
        text += f" (taken from: {', '.join(sorted(set(used['mpp_source'].dropna())))})."
    if len(tissue):
        text += f" Median tissue {format_number(float(tissue.median()))} mm² a slide."
    return text


def _left_out(rows: pd.DataFrame) -> Table:
    """Slides that were not used, with the reason."""
    cells = [
        (str(slide), str(patient), str(status), str(reason))
        for slide, patient, status, reason in rows[["slide", "patient", "status", "reason"]]
        .sort_values(["status", "slide"])
        .head(_MOST_ROWS)
        .itertuples(index=False)
    ]
    hidden = len(rows) - len(cells)
    note = f"{hidden:,} more stand in slides/quality.tsv." if hidden else ""
    return table("Slides not used", ("slide", "patient", "status", "reason"), cells, note)


def _flagged(rows: pd.DataFrame) -> Table:
    """Slides that were used although artefacts cover much of them."""
    cells = [
        (str(slide), str(patient), str(flags))
        for slide, patient, flags in rows[["slide", "patient", "flags"]]
        .sort_values("slide")
        .head(_MOST_ROWS)
        .itertuples(index=False)
    ]
    note = "Kept, as slides.limits.on_flagged says; tiles with many artefacts are left out."
    return table("Slides with artefacts", ("slide", "patient", "artefacts"), cells, note)


def _examples(results: Results) -> list[tuple[Path, str]]:
    """Overlays to show with a note on patient and role, held-out patients first."""
    quality = results.table("quality").set_index("slide")
    roles = results.roles()
    order = {role: place for place, role in enumerate(("test", "validation", "apply", "train"))}
    found = []
    for path in results.paths("overlays"):
        slide = path.parent.name
        if slide not in quality.index or quality.at[slide, "status"] != "ok":
            continue
        patient = str(quality.at[slide, "patient"])
        role = roles.get(patient, "apply")
        found.append((order.get(role, 9), path, f"{patient}, {ROLE_NAMES.get(role, role)}"))
    number = int(results.block("report").get("examples", 6))
    first = sorted(found, key=lambda entry: entry[0])[:number]
    return [(path, note) for _, path, note in first]


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    """At most `most` of the paths, evenly spread."""
    if len(paths) <= most:
        return list(paths)
    return [paths[place * len(paths) // most] for place in range(most)]
