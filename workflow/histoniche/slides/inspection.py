"""Inspection: whether a slide is usable, how large and fine it is, and where its tissue lies."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from histoniche.errors import InputError, UnusableSlide
from histoniche.files import read_json, whole_file, write_json
from histoniche.slides.annotations import check_annotation
from histoniche.slides.guard import run_limited
from histoniche.slides.readers import open_slide, read_overview
from histoniche.slides.tissue import find_tissue, read_tissue

_PLACEHOLDER = (360, 270)


def inspect_slide(
    path: Path,
    report: Path,
    thumbnail: Path,
    tissue: Path,
    *,
    slide: str,
    mpp: float | None,
    annotation: Path | None,
    tissue_mask: Path | None,
    annotated_mpp: float | None,
    on_bad_slide: str,
    settings: dict[str, Any],
) -> None:
    """Open a slide in a limited process, find its tissue and write what is known of it.

    Parameters
    ----------
    path
        The slide.
    report, thumbnail, tissue
        Outputs: JSON with `status` (ok or skipped), `reason` and facts; PNG; PNG
        of the same size, white on tissue.
    slide
        Its id, for errors.
    mpp
        Micrometres per pixel from the sheet, or None.
    annotation, tissue_mask
        A person's masks, or None.
    annotated_mpp
        Resolution of the tiles that the annotation must label, or None.
    on_bad_slide
        `skip` writes the reason; `fail` raises it.
    settings
        The config's block `slides`.
    """
    for output in (report, thumbnail, tissue):
        output.parent.mkdir(parents=True, exist_ok=True)
    try:
        run_limited(
            _inspect,
            path,
            (report, thumbnail, tissue),
            mpp=mpp,
            mask=tissue_mask,
            settings=settings,
        )
    except UnusableSlide as reason:
        if on_bad_slide == "fail":
            raise InputError(
                str(reason),
                file=path,
                value=slide,
                remedy="mend the slide, exclude it in the sheet, or set on_bad_slide: skip",
            ) from reason
        write_json({"status": "skipped", "reason": str(reason)}, report)
        _write_placeholder(str(reason), slide, thumbnail)
        _write_png(Image.new("L", _PLACEHOLDER), tissue)
        return
    facts = read_json(report)
    if annotation is not None and annotated_mpp is not None:
        check_annotation(
            annotation,
            slide_size=(facts["width_px"], facts["height_px"]),
            mpp=facts["mpp"],
            coarsest_mpp=2 * annotated_mpp,
        )


def _inspect(
    path: Path,
    outputs: tuple[Path, Path, Path],
    *,
    mpp: float | None,
    mask: Path | None,
    settings: dict[str, Any],
) -> None:
    """Open the slide and write its thumbnail, tissue mask and facts; runs in the guarded child."""
    report, thumbnail, tissue = outputs
    with open_slide(path, mpp=mpp) as slide:
        overview = read_overview(slide, settings["thumbnail_px"])
        width, height = slide.size
        resolution, reader, vendor = slide.resolution, slide.reader, slide.vendor
    thumbnail_mpp = resolution.mpp * width / overview.shape[1]
    if mask is None:
        found = find_tissue(
            overview,
            mpp=thumbnail_mpp,
            method=settings["tissue"],
            min_chroma=settings["min_chroma"],
            min_island_mm2=settings["min_island_mm2"],
        )
    else:
        found = read_tissue(mask, size=(overview.shape[1], overview.shape[0]))
    tissue_mm2 = float(found.mean() * width * height * resolution.mpp**2 / 1e6)
    if tissue_mm2 < settings["min_tissue_mm2"]:
        raise UnusableSlide(
            f"only {tissue_mm2:.3g} mm² of tissue, less than {settings['min_tissue_mm2']:g} mm²"
        )
    _write_png(Image.fromarray(overview), thumbnail)
    _write_png(Image.fromarray(found.astype(np.uint8) * 255), tissue)
    write_json(
        {
            "status": "ok",
            "reason": "",
            "width_px": width,
            "height_px": height,
            "mpp": resolution.mpp,
            "mpp_source": resolution.source,
            "reader": reader,
            "vendor": vendor,
            "tissue_mm2": tissue_mm2,
            "tissue_share": float(found.mean()),
        },
        report,
    )


def _write_png(image: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    with whole_file(path) as temporary:
        image.save(temporary, format="PNG")


def _write_placeholder(reason: str, slide: str, path: Path) -> None:
    """Write a picture that says why there is no thumbnail."""
    words, lines = f"{slide}: {reason}".split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 44:
            lines.append("")
        lines[-1] += f"{word} "
    image = Image.new("RGB", _PLACEHOLDER, "#F2F2F2")
    ImageDraw.Draw(image).multiline_text((16, 16), "\n".join(lines), fill="#7A1F1F", font_size=14)
    _write_png(image, path)
