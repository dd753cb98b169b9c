"""Painting: coloured tiles over a slide's overview, and the words around pictures."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

INK, MUTED, LINE = "#222222", "#666666", "#BBBBBB"
OPACITY = 0.85
_PALE = 0.55
_FINEST = 3


def fitted(overview: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """An overview whose longer side is `side`, and how many of its pixels one pixel stands for."""
    height, width = overview.shape[:2]
    factor = max(height, width) / side
    size = max(1, round(width / factor)), max(1, round(height / factor))
    small = Image.fromarray(overview).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(small), width / size[0]


def paint_tiles(
    overview: np.ndarray,
    origin: np.ndarray,
    colours: np.ndarray,
    *,
    side: float,
    scale: float,
) -> np.ndarray:
    """Lay coloured tiles over a pale grey overview, with the outline of all of them.

    Parameters
    ----------
    overview
        uint8 (height, width, 3).
    origin
        (tiles, 2): x and y of each tile's corner.
    colours
        uint8 (tiles, 3).
    side
        Side of a tile, in the unit of `origin`.
    scale
        Units of `origin` to a pixel of the overview.

    Returns
    -------
    uint8 of the overview's size. Tiles smaller than a pixel are averaged.
    """
    zoom = max(1, int(np.ceil(_FINEST * scale / side)))
    painted, covered = _rasterise(overview.shape[:2], origin * (zoom / scale), side * zoom / scale,
                                  colours, zoom)  # fmt: skip
    grey = 255 - _PALE * (255 - overview.astype(np.float32).mean(-1, keepdims=True))
    mixed = grey * (1 - OPACITY * covered) + OPACITY * covered * painted
    inside = covered[..., 0] > 0.5
    edge = inside & ~ndimage.binary_erosion(inside, border_value=1)
    mixed[edge] *= 0.6
    return np.asarray(mixed.clip(0, 255).round().astype(np.uint8))


def _rasterise(
    shape: tuple[int, ...], corners: np.ndarray, side: float, colours: np.ndarray, zoom: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of each pixel's tiles, and the share of it that they cover."""
    height, width = shape
    canvas = np.zeros((height * zoom, width * zoom, 4), np.uint8)
    starts = np.maximum(np.floor(corners + 1e-6), 0).astype(int)
    ends = np.maximum(np.ceil(corners + side - 1e-6), 0).astype(int)
    for (left, top), (right, bottom), colour in zip(starts, ends, colours, strict=True):
        canvas[top:bottom, left:right] = (*colour, 255)
    if zoom > 1:
        canvas = canvas.reshape(height, zoom, width, zoom, 4)
        mean = canvas.mean((1, 3), dtype=np.float32)
    else:
        mean = canvas.astype(np.float32)
    covered = mean[..., 3:] / 255
    return mean[..., :3] / np.maximum(covered, 1e-6), covered


def pale_colours(colours: np.ndarray) -> np.ndarray:
    """Colours as they look over white, for legends."""
    return (255 * (1 - OPACITY) + OPACITY * colours.astype(float)).round().astype(np.uint8)


@cache
def font(size: int) -> Any:
    """Pillow's own font, which is the same on every machine; plain Latin letters only."""
    return ImageFont.load_default(size)


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    words: str,
    *,
    size: int,
    room: float = np.inf,
    colour: str = INK,
) -> float:
    """Write words, cut with … where they would be wider than `room`; gives their width."""
    text = _plain(words)
    while len(text) > 1 and draw.textlength(text, font=font(size)) > room:
        text = f"{text.rstrip('…')[:-1].rstrip()}…"
    draw.text(at, text, fill=colour, font=font(size))
    return float(draw.textlength(text, font=font(size)))


def ramp(draw: ImageDraw.ImageDraw, box: Sequence[float], colours: np.ndarray) -> None:
    """Draw colours side by side in a box of left, top, right, bottom."""
    left, top, right, bottom = box
    edges = np.linspace(left, right, len(colours) + 1)
    for start, end, colour in zip(edges, edges[1:], pale_colours(colours), strict=False):
        draw.rectangle((start, top, max(start, end - 0.5), bottom), fill=tuple(colour.tolist()))
    draw.rectangle((left, top, right, bottom), outline="#888888")


def _plain(words: str) -> str:
    """Words in the letters that the font has: accents fall off, others become ?."""
    letters = unicodedata.normalize("NFKD", words)
    known = (letter for letter in letters if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" or letter in "…±·°" else "?" for letter in known)
