"""Overlay: a slide and its region map side by side, with legend and scale bar."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from histoniche.cohort.palette import rgb
from histoniche.files import whole_file
from histoniche.pictures import draw_scale

_OPACITY = 0.55
_GAP = 24
_INK = "#222222"
_LINE = 40
_SIDE = 480


def draw_overlay(
    thumbnail: Path,
    labels: np.ndarray,
    areas: Sequence[Mapping[str, Any]],
    out: Path,
    *,
    slide: str,
    mpp: float,
    palette: Sequence[Mapping[str, Any]],
) -> None:
    """Draw the slide, the slide under its regions, a legend with areas, and a scale bar.

    Parameters
    ----------
    thumbnail
        PNG of the whole slide.
    labels
        Region map of the whole slide, uint8 (height, width).
    areas
        What `measure_areas` gives.
    mpp
        Micrometres per pixel of the map.
    """
    with Image.open(thumbnail) as image:
        plain = image.convert("RGB")
    plain.thumbnail((_SIDE, _SIDE))
    under_regions = coloured(np.asarray(plain), labels, palette)
    width, height = plain.size
    font, small = ImageFont.load_default(18), ImageFont.load_default(15)
    legend_width = 300
    canvas = Image.new(
        "RGB",
        (2 * width + legend_width + 4 * _GAP, max(height, _LINE * len(palette)) + 3 * _GAP),
        "white",
    )
    draw = ImageDraw.Draw(canvas)
    draw.text((_GAP, 8), slide, fill=_INK, font=font)
    top = _GAP + 14
    for number, picture in enumerate((plain, under_regions)):
        left = _GAP + number * (width + _GAP)
        canvas.paste(picture, (left, top))
        draw.rectangle((left - 1, top - 1, left + width, top + height), outline="#BBBBBB")
    draw_scale(draw, (_GAP, top + height + 6), mpp * labels.shape[1] / width / 1000, small)
    _draw_legend(draw, (3 * _GAP + 2 * width, top), areas, palette)
    _save(canvas, out)


def _draw_legend(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    areas: Sequence[Mapping[str, Any]],
    palette: Sequence[Mapping[str, Any]],
) -> None:
    """Draw each region's colour, code, area, share of the tissue and name."""
    font, small = ImageFont.load_default(15), ImageFont.load_default(12)
    left, top = at
    for number, (entry, row) in enumerate(zip(palette[1:], areas, strict=True)):
        y = top + number * _LINE
        draw.rectangle((left, y + 1, left + 18, y + 30), fill=entry["colour"], outline="#888888")
        share = "-" if row["tissue_share"] is None else f"{row['tissue_share']:.0%}"
        # The font has no raised 2.
        words = f"{entry['region']}   {row['area_mm2']:.2f} sq mm   {share}"
        draw.text((left + 26, y - 1), words, fill=_INK, font=font)
        draw.text((left + 26, y + 17), entry["name"], fill="#666666", font=small)


def draw_skipped(thumbnail: Path, out: Path) -> None:
    """Repeat the thumbnail, which states why the slide was skipped if it could not be read."""
    with Image.open(thumbnail) as image:
        _save(image.convert("RGB"), out)


def coloured(
    pixels: np.ndarray, labels: np.ndarray, palette: Sequence[Mapping[str, Any]]
) -> Image.Image:
    """Lay the regions' colours over a picture, with their contours.

    Parameters
    ----------
    pixels
        uint8, (height, width, 3).
    labels
        uint8 of any size; 0 leaves the picture as it is.
    """
    height, width = pixels.shape[:2]
    resized = np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    colours = np.zeros((256, 3))
    for entry in palette:
        colours[entry["label"]] = rgb(entry["colour"])
    inside = resized > 0
    mixed = pixels.astype(float)
    mixed[inside] = (1 - _OPACITY) * mixed[inside] + _OPACITY * colours[resized[inside]]
    edges = _edges(resized) & inside
    mixed[edges] = 0.7 * colours[resized[edges]]
    return Image.fromarray(mixed.round().astype(np.uint8))


def _edges(labels: np.ndarray) -> np.ndarray:
    """Pixels whose right or lower neighbour has another label."""
    edges = np.zeros(labels.shape, bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def _save(image: Image.Image, out: Path) -> None:
    """Write a PNG, whole or not at all."""
    with whole_file(out) as temporary:
        image.save(temporary, format="PNG")
