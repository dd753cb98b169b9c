"""Inspection: whether a slide can be read, how large and fine it is, where its tissue lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from histoniche.errors import Unusable
from histoniche.files import write_json
from histoniche.guard import run_limited
from histoniche.pictures import draw_reason, write_picture
from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.artefacts import (
    artefact_shares,
    blurred_map,
    find_artefacts,
    measure_focus,
)
from histoniche.slides.inspected import Inspected
from histoniche.slides.outlines import feature, outline
from histoniche.slides.pictures import draw_contour
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.slide import Slide
from histoniche.slides.scaling import read_overview
from histoniche.slides.tissue import find_tissue, read_tissue

_TISSUE_COLOUR = (46, 125, 50)
_SAMPLE_PX = 64
_MEMORY_GB = 8


def inspect_slide(
    path: Path,
    outputs: Inspected,
    *,
    slide: str,
    mpp: float | None,
    tissue_mask: Path | None,
    settings: Mapping[str, Any],
) -> None:
    """Open a slide in a limited process, find its tissue and write what is known of it.

    Parameters
    ----------
    path
        The slide.
    outputs
        `report`: JSON with `readable` and the facts, or `reason` if it could not be read;
        `thumbnail`: PNG; `tissue`: PNG of the same size, white on tissue;
        `contour`: the same as GeoJSON in pixels of level 0, for editing;
        `artefacts`: PNG of the same size, 0 or the number of the kind;
        `picture`: the thumbnail with contour and artefacts.
    slide
        Its id, for the picture that says why there is none.
    mpp
        Micrometres per pixel from the sheet, or None.
    tissue_mask
        The tissue as a person drew it, or None.
    settings
        The config's block `slides`, of which `limits` are not used: see `judging`.

    Raises
    ------
    InputError
        If the tissue mask does not fit.
    """
    for output in outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
    try:
        run_limited(
            _inspect,
            path,
            outputs,
            mpp=mpp,
            mask=tissue_mask,
            settings=settings,
            # The file is mapped into memory, which counts as address space.
            memory_gb=_MEMORY_GB + path.stat().st_size / 2**30,
        )
    except Unusable as reason:
        write_json({"readable": False, "reason": str(reason)}, outputs.report)
        for picture in (outputs.thumbnail, outputs.picture):
            draw_reason(f"{slide}: {reason}", picture)
        for mask in (outputs.tissue, outputs.artefacts):
            write_picture(np.zeros((1, 1), np.uint8), mask)
        write_json({"type": "FeatureCollection", "features": []}, outputs.contour)


def _inspect(
    path: Path,
    outputs: Inspected,
    *,
    mpp: float | None,
    mask: Path | None,
    settings: Mapping[str, Any],
) -> None:
    """Open the slide and write all that is known of it; runs in the guarded child."""
    with open_slide(path, mpp=mpp) as slide:
        sample_levels(slide)
        width, height, _ = slide.levels[0]
        overview = read_overview(slide, settings["thumbnail_px"])
        thumbnail_mpp = slide.resolution.mpp * width / overview.shape[1]
        tissue = _tissue_of(
            overview, mask, mpp=thumbnail_mpp, slide_size=(width, height), settings=settings
        )
        centres, blur = measure_focus(slide, tissue)
        facts = _describe(slide)
    limits = settings["artefacts"]
    found = find_artefacts(overview, tissue, mpp=thumbnail_mpp, thresholds=limits)
    blurred = blurred_map(centres, blur, tissue, threshold=limits["blurred"])
    found[blurred & (found == 0)] = KINDS.index("blurred") + 1
    tissue_share = float(tissue.mean())
    write_picture(overview, outputs.thumbnail)
    write_picture(tissue.astype(np.uint8) * 255, outputs.tissue)
    write_picture(found, outputs.artefacts)
    _write_contour(tissue, (width, height), outputs.contour)
    draw_contour(overview, tissue, found, outputs.picture)
    write_json(
        {
            "readable": True,
            **facts,
            "tissue_mm2": tissue_share * tissue.size * thumbnail_mpp**2 / 1e6,
            "tissue_share": tissue_share,
            "blank_share": 1 - tissue_share,
            **{f"{kind}_share": share for kind, share in artefact_shares(found, tissue).items()},
            "blur": float(np.median(blur)) if len(blur) else None,
        },
        outputs.report,
    )


def _tissue_of(
    overview: np.ndarray,
    mask: Path | None,
    *,
    mpp: float,
    slide_size: tuple[int, int],
    settings: Mapping[str, Any],
) -> np.ndarray:
    """Tissue as the given mask has it, or else as the method finds it, boolean."""
    if mask is not None:
        size = (overview.shape[1], overview.shape[0])
        return read_tissue(mask, size=size, slide_size=slide_size)
    return find_tissue(
        overview,
        mpp=mpp,
        method=settings["tissue"],
        min_chroma=settings["min_chroma"],
        min_island_mm2=settings["min_island_mm2"],
    )


def _describe(slide: Slide) -> dict[str, Any]:
    """Facts of an open slide: its size, its resolution and where that came from, its format."""
    width, height, _ = slide.levels[0]
    return {
        "width_px": width,
        "height_px": height,
        "mpp": slide.resolution.mpp,
        "mpp_source": slide.resolution.source,
        "reader": slide.reader,
        "vendor": slide.vendor,
        "properties": dict(slide.properties),
        "levels": len(slide.levels),
    }


def sample_levels(slide: Slide) -> None:
    """Read a little of every level, so that a damaged one shows now and not in a later job."""
    for number, level in enumerate(slide.levels):
        size = (min(_SAMPLE_PX, level.width), min(_SAMPLE_PX, level.height))
        for share in (0.0, 0.5, 1.0):
            x, y = (round(share * (a - b)) for a, b in zip(level[:2], size, strict=True))
            slide.read(number, x, y, *size)


def _write_contour(tissue: np.ndarray, slide_size: tuple[int, int], out: Path) -> None:
    """Write the tissue as GeoJSON in pixels of level 0, a little smoothed for editing."""
    scale = np.array(slide_size) / [tissue.shape[1], tissue.shape[0]]
    smooth = shapely.get_parts(shapely.simplify(outline(tissue), 0.7))
    polygons = shapely.MultiPolygon(
        [part for part in smooth if isinstance(part, shapely.Polygon) and not part.is_empty]
    )
    scaled = shapely.transform(polygons, lambda points: np.round(points * scale, 1))
    features = [feature(scaled, name="Tissue", code="Tissue", colour=_TISSUE_COLOUR)]
    content = features if tissue.any() else []
    write_json({"type": "FeatureCollection", "features": content}, out)
