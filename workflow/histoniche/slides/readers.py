"""Readers: one small interface to whole-slide images and to plain images."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import openslide
from PIL import Image

from histoniche.errors import UnusableSlide
from histoniche.slides.resolution import Resolution, find_resolution

# Plain images are decoded whole: 400 megapixels are 1.2 GB.
_LARGEST_PLAIN = 400_000_000
_TOO_LARGE = "too large for a plain image; convert it to a tiled TIFF"
_PLAIN = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
# Slides are read in strips of at most this many source pixels.
_STRIP = 16_000_000


class Slide(Protocol):
    """An open slide. Coordinates are pixels of level 0, x to the right, y down."""

    reader: str
    vendor: str
    resolution: Resolution

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of level 0 in pixels."""

    @property
    def downsamples(self) -> tuple[float, ...]:
        """Downsampling of each level; level 0 is 1."""

    def read(self, x: int, y: int, level: int, width: int, height: int) -> Image.Image:
        """Read an RGB rectangle of a level; outside the slide it is white."""


class OpenSlideSlide:
    """A slide that OpenSlide reads. Label and macro images are never opened."""

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        try:
            self._slide = openslide.OpenSlide(os.fspath(path))
        except openslide.OpenSlideError as error:
            raise UnusableSlide(f"cannot be opened: {_without_folders(error)}") from error
        properties: Mapping[str, str] = self._slide.properties
        self.reader = "openslide"
        self.vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "")
        self.resolution = find_resolution(properties, sheet_mpp)
        colour = properties.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR, "FFFFFF")
        self._background = f"#{colour}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of level 0 in pixels."""
        width, height = self._slide.dimensions
        return width, height

    @property
    def downsamples(self) -> tuple[float, ...]:
        """Downsampling of each level."""
        return tuple(self._slide.level_downsamples)

    def read(self, x: int, y: int, level: int, width: int, height: int) -> Image.Image:
        """Read an RGB rectangle of a level; outside the slide it is white."""
        try:
            pixels = self._slide.read_region((x, y), level, (width, height))
        except openslide.OpenSlideError as error:
            words = _without_folders(error)
            raise UnusableSlide(f"cannot be read at x {x}, y {y}: {words}") from error
        image = Image.new("RGB", pixels.size, self._background)
        image.paste(pixels, mask=pixels)
        return image

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


class PlainSlide:
    """A plain PNG, JPEG or TIFF image, whose resolution the sheet must state."""

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        try:
            with Image.open(path) as image:
                if image.width * image.height > _LARGEST_PLAIN:
                    raise UnusableSlide(_TOO_LARGE)
                self.vendor = image.format or ""
                self._image = image.convert("RGB")
        except Image.DecompressionBombError as error:
            raise UnusableSlide(_TOO_LARGE) from error
        except (OSError, ValueError, SyntaxError) as error:
            # The library's words would carry the path into the report.
            raise UnusableSlide("cannot be opened: not a whole image of its format") from error
        self.reader = "pillow"
        self.resolution = find_resolution({}, sheet_mpp)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    @property
    def downsamples(self) -> tuple[float, ...]:
        """The only level."""
        return (1.0,)

    def read(self, x: int, y: int, level: int, width: int, height: int) -> Image.Image:
        """Read an RGB rectangle; outside the image it is white."""
        if level != 0:
            raise ValueError(f"a plain image has level 0 only, not {level}")
        image = Image.new("RGB", (width, height), "white")
        image.paste(self._image.crop((x, y, x + width, y + height)))
        covered = self._image.size
        box = (max(0, covered[0] - x), max(0, covered[1] - y))
        if box[0] < width:
            image.paste("white", (box[0], 0, width, height))
        if box[1] < height:
            image.paste("white", (0, box[1], width, height))
        return image

    def close(self) -> None:
        """Let go of the pixels."""
        self._image.close()


def _without_folders(error: Exception) -> str:
    """A reader's words with file names alone, since they go into the report."""
    return re.sub(r"/\S*/", "", str(error))


@contextmanager
def open_slide(path: Path, *, mpp: float | None) -> Iterator[Slide]:
    """Open a slide with the reader that fits the file.

    Parameters
    ----------
    path
        The file.
    mpp
        Micrometres per pixel from the sheet; wins over what the file says.

    Raises
    ------
    UnusableSlide
        If no reader can open it, or its resolution is unknown.
    """
    Image.MAX_IMAGE_PIXELS = _LARGEST_PLAIN
    if openslide.OpenSlide.detect_format(os.fspath(path)) is None:
        if path.suffix.lower() not in _PLAIN:
            raise UnusableSlide("no reader knows this format; is the file whole?")
        slide: OpenSlideSlide | PlainSlide = PlainSlide(path, mpp)
    else:
        slide = OpenSlideSlide(path, mpp)
    try:
        yield slide
    finally:
        slide.close()


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
    finer level; parts outside the slide are white.
    """
    factor = min(width / size[0], height / size[1])
    downsamples = slide.downsamples
    level = (
        max(
            (k for k, d in enumerate(downsamples) if d <= factor * 1.01),
            key=downsamples.__getitem__,
        )
        if factor >= 1
        else 0
    )
    scale = downsamples[level]
    left, top = int(x // scale), int(y // scale)
    box = (x / scale - left, y / scale - top)
    far = (box[0] + width / scale, box[1] + height / scale)
    source = (max(1, int(np.ceil(far[0] - 1e-6))), max(1, int(np.ceil(far[1] - 1e-6))))
    pixels = slide.read(round(left * scale), round(top * scale), level, *source)
    shrinks = far[0] - box[0] >= size[0] * 0.999
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    clipped = (*box, min(far[0], source[0]), min(far[1], source[1]))
    return np.asarray(pixels.resize(size, method, box=clipped))


def read_overview(slide: Slide, longest: int) -> np.ndarray:
    """Read the whole slide, its longer side scaled to at most `longest` pixels.

    Returns
    -------
    uint8, (height, width, 3). Read in strips, so that memory stays small
    however large the slide is.
    """
    width, height = slide.size
    factor = max(1.0, max(width, height) / longest)
    columns, rows = max(1, round(width / factor)), max(1, round(height / factor))
    level = max(k for k, d in enumerate(slide.downsamples) if k == 0 or d <= factor * 1.01)
    source_row = (width / slide.downsamples[level]) * (height / slide.downsamples[level]) / rows
    step = max(1, int(_STRIP // max(source_row, 1)))
    strips = [
        read_scaled(
            slide,
            x=0,
            y=first * height / rows,
            width=width,
            height=min(step, rows - first) * height / rows,
            size=(columns, min(step, rows - first)),
        )
        for first in range(0, rows, step)
    ]
    return np.concatenate(strips)
