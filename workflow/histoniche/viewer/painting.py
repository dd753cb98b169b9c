"""Painting: what was found on a slide, as pictures that lie on the slide's own tiles."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import shapely
from PIL import Image, ImageDraw

from histoniche.viewer.pyramid import Rectangle

_OUTLINE_PX = 3


def places(rectangle: Rectangle, side: float, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Which cell of a grid each shown pixel's middle lies in.

    Parameters
    ----------
    side
        Pixels of level 0 to a cell, whose grid starts at the slide's corner.
    shape
        Rows and columns of the grid.

    Returns
    -------
    Rows (height,) and columns (width,), -1 where the grid has ended.
    """
    found = []
    for start, length, number, cells in (
        (rectangle.y, rectangle.height, rectangle.size[1], shape[0]),
        (rectangle.x, rectangle.width, rectangle.size[0], shape[1]),
    ):
        middles = start + (np.arange(number) + 0.5) * (length / number)
        cell = np.floor(middles / side).astype(np.int64)
        found.append(np.where(cell < cells, cell, -1))
    return tuple(found)


def paint_cells(cells: np.ndarray, side: float, rectangle: Rectangle) -> np.ndarray:
    """Paint a grid whose cells have colours.

    Parameters
    ----------
    cells
        uint8 (rows, columns, 4): red, green, blue, opacity.
    side
        Pixels of level 0 to a cell.

    Returns
    -------
    uint8 (height, width, 4) of the rectangle, each pixel exactly one cell's colour.
    """
    rows, columns = places(rectangle, side, cells.shape[:2])
    painted: np.ndarray = cells[rows[:, None], columns[None]]
    painted[(rows < 0)[:, None] | (columns < 0)[None]] = 0
    return painted


def paint_levels(
    levels: Sequence[Any], side: float, colours: np.ndarray, rectangle: Rectangle
) -> np.ndarray:
    """Paint a pyramid of numbers, each level half as fine as the one before.

    Parameters
    ----------
    levels
        Arrays, or what is read like one, uint8 (rows, columns); a pixel of a coarser level is
        the upper left of four.
    side
        Pixels of level 0 to a pixel of the first.
    colours
        uint8 (256, 4): colour and opacity of each number.

    Returns
    -------
    uint8 (height, width, 4).
    """
    coarser = int(np.floor(np.log2(max(1.0, rectangle.step / side))))
    number = min(len(levels) - 1, coarser)
    level, side = levels[number], side * 2**number
    rows, columns = places(rectangle, side, level.shape)
    inside = (rows >= 0)[:, None] & (columns >= 0)[None]
    out = np.zeros((*inside.shape, 4), np.uint8)
    if inside.any():
        top, left = rows[rows >= 0], columns[columns >= 0]
        part = np.asarray(level[top[0] : top[-1] + 1, left[0] : left[-1] + 1])
        found = part[top[:, None] - top[0], left[None] - left[0]]
        out[: len(top), : len(left)] = colours[found]
    return out


def paint_outline(
    lines: shapely.Geometry, colour: tuple[int, int, int], rectangle: Rectangle
) -> np.ndarray:
    """Draw lines that are given in pixels of level 0; see `paint_cells` for what comes back."""
    width, height = rectangle.size
    across, down = rectangle.width / width, rectangle.height / height
    # Lines of the neighbours reach into this tile by half their width.
    margin = _OUTLINE_PX * max(across, down)
    x, y = rectangle.x, rectangle.y
    near = shapely.clip_by_rect(
        lines, x - margin, y - margin, x + rectangle.width + margin, y + rectangle.height + margin
    )
    picture = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(picture)
    for line in shapely.get_parts(near):
        points = (shapely.get_coordinates(line) - [x, y]) / [across, down]
        if len(points) > 1:
            draw.line([(float(a), float(b)) for a, b in points], (*colour, 255), _OUTLINE_PX)
    return np.asarray(picture)


def encode_png(painted: np.ndarray) -> bytes:
    """Encode pixels, uint8 (height, width, 4), as PNG."""
    if not painted[..., 3].any():
        return _empty(painted.shape[1], painted.shape[0])
    return _encoded(painted)


@cache
def _empty(width: int, height: int) -> bytes:
    """A picture of nothing; there are few sizes."""
    return _encoded(np.zeros((height, width, 4), np.uint8))


def _encoded(painted: np.ndarray) -> bytes:
    """Encode as PNG, fast rather than small."""
    stream = io.BytesIO()
    Image.fromarray(painted).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()
