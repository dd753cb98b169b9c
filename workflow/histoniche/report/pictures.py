"""Pictures made small enough to stand in the page itself."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image

from histoniche.report.blocks import Link, Photo, Picture
from histoniche.report.figure_tables import count_rows, small_table
from histoniche.report.results import Results
from histoniche.wording import count

LARGEST_DRAWING = 600_000
"""Bytes of the largest drawing that stands on the page as one."""
_SIDES = (960, 800, 640, 520, 420, 320, 240, 160, 120)
_QUALITY = 82


def picture_of(results: Results, stem: str, title: str, caption: str) -> list[Picture]:
    """Figure of the page by its name, with its files; nothing if the figure was not drawn.

    A drawing so large that it would slow the page down stands there as a picture.
    """
    path = results.figure(stem)
    if path is None:
        return []
    place = f"figures/{quote(stem)}"
    files = [Link(ending.upper(), f"{place}.{ending}") for ending in ("svg", "png", "tsv")]
    twin = path.with_suffix(".tsv")
    picture = Picture(
        title,
        caption,
        files=files,
        rows=small_table(twin, f"Table of the figure: {title}"),
        table=Link(count(count_rows(twin), "row"), f"{place}.tsv"),
    )
    if path.stat().st_size <= LARGEST_DRAWING:
        return [replace(picture, drawing=inline_drawing(path))]
    return [replace(picture, address=png_address(path.with_suffix(".png")))]


def photo_of(results: Results, path: Path, *, note: str, side: int, most: int) -> Photo:
    """Picture of a slide, patient or trait, named after its folder; see `jpeg_address`."""
    address = jpeg_address(path, side=side, most=most)
    return Photo(path.parent.name, note, address, results.place(path) if address else "")


def inline_drawing(path: Path) -> Markup:
    """SVG file as it may stand inside a page: no prolog, and ids that are the page's only ones.

    Parameters
    ----------
    path
        A figure of this workflow; its text was escaped when it was drawn.
    """
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Its only rule would hold for the whole page; on the root element it holds for the drawing.
    text = re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = text.replace("<svg", '<svg stroke-linejoin="round" stroke-linecap="butt"', 1)
    prefix = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())
    for before in (' id="', 'href="#', "url(#"):
        text = text.replace(before, f"{before}{prefix}-")
    return Markup(text)


def jpeg_address(path: Path, *, side: int, most: int) -> str | None:
    """Picture as a JPEG data address, at most `side` pixels and about `most` bytes large.

    Returns
    -------
    None if the file holds no picture.
    """
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, Image.DecompressionBombError):
        return None
    content = b""
    for limit in sorted({min(side, option) for option in _SIDES}, reverse=True):
        small = picture.copy()
        small.thumbnail((limit, limit), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        small.save(stream, format="JPEG", quality=_QUALITY, optimize=True)
        content = stream.getvalue()
        if len(content) <= most:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}"


def png_address(path: Path, *, width: int = 1400) -> str:
    """Figure as a PNG data address, at most `width` pixels wide."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((width, 10 * width), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.quantize(128).save(stream, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
