"""Scaling: rectangles of a slide at any resolution, and the whole slide in small."""

import math

import numpy as np
from PIL import Image

from histoniche.slides.readers.slide import Slide

# Pixels that are read at once; more are read by halves.
_LARGEST_PX = 16_000_000
_SNAP_PX = 1e-4


def read_scaled(
    slide: Slide, *, x: float, y: float, width: float, height: float, size: tuple[int, int]
) -> np.ndarray:
    """Read a rectangle of level 0 and scale it to `size`.

    Parameters
    ----------
    slide
        An open slide.
    x, y, width, height
        Rectangle in pixels of level 0; fractions are honoured.
    size
        Width and height of the result in pixels.

    Returns
    -------
    uint8, (height, width, 3). Shrinking averages all source pixels of the next
    finer level; parts outside the slide are white, or of the slide's own
    background colour. Memory stays small however large the rectangle is.
    """
    level = finest_needed(slide, min(width / size[0], height / size[1]))
    scale = slide.levels[level].downsample
    near = (_snapped(x / scale), _snapped(y / scale))
    far = (_snapped((x + width) / scale), _snapped((y + height) / scale))
    left, top = math.floor(near[0]), math.floor(near[1])
    source = (max(1, math.ceil(far[0]) - left), max(1, math.ceil(far[1]) - top))
    if source[0] * source[1] > _LARGEST_PX and size[1] > 1:
        return _read_halves(slide, x=x, y=y, width=width, height=height, size=size)
    pixels = slide.read(level, left, top, *source)
    box = (near[0] - left, near[1] - top, far[0] - left, far[1] - top)
    if box == (0, 0, *size):
        return pixels
    shrinks = far[0] - near[0] >= size[0] * 0.999
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize(size, method, box=box))


def _read_halves(
    slide: Slide, *, x: float, y: float, width: float, height: float, size: tuple[int, int]
) -> np.ndarray:
    """Upper and lower half of a rectangle, one after the other, so that memory stays small."""
    upper = size[1] // 2
    middle = height * upper / size[1]
    return np.concatenate(
        [
            read_scaled(slide, x=x, y=y, width=width, height=middle, size=(size[0], upper)),
            read_scaled(
                slide,
                x=x,
                y=y + middle,
                width=width,
                height=height - middle,
                size=(size[0], size[1] - upper),
            ),
        ]
    )


def _snapped(value: float) -> float:
    """A place in pixels, whole where only rounding of floats keeps it from being so."""
    nearest = round(value)
    return float(nearest) if abs(value - nearest) < _SNAP_PX else value


def finest_needed(slide: Slide, factor: float) -> int:
    """Coarsest level that is no coarser than `factor` pixels of level 0 a pixel."""
    fitting = [k for k, level in enumerate(slide.levels) if level.downsample <= factor * 1.01]
    return max(fitting, key=lambda k: slide.levels[k].downsample, default=0)


def read_overview(slide: Slide, longest: int) -> np.ndarray:
    """Read the whole slide, its longer side scaled to at most `longest` pixels.

    Returns
    -------
    uint8, (height, width, 3).
    """
    width, height, _ = slide.levels[0]
    factor = max(1.0, max(width, height) / longest)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return read_scaled(slide, x=0, y=0, width=width, height=height, size=size)
