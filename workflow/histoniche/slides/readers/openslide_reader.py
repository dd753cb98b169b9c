"""Slides of every format that OpenSlide knows."""

import os
from pathlib import Path

import numpy as np
import openslide

from histoniche.cohort.palette import rgb
from histoniche.errors import UnusableSlide
from histoniche.slides.readers.slide import Level, allowed_properties, words_of
from histoniche.slides.resolution import find_resolution


def is_known(path: Path) -> bool:
    """Whether OpenSlide knows the format of a file."""
    return openslide.OpenSlide.detect_format(os.fspath(path)) is not None


class OpenSlideSlide:
    """A slide that OpenSlide reads. Label and macro images are never opened."""

    def __init__(self, path: Path, sheet_mpp: float | None) -> None:
        try:
            self._slide = openslide.OpenSlide(os.fspath(path))
        except openslide.OpenSlideError as error:
            raise UnusableSlide(f"cannot be opened: {words_of(error, path)}") from error
        properties = self._slide.properties
        self.reader = "openslide"
        self.vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "")
        self.resolution = find_resolution(properties, sheet_mpp)
        self.properties = allowed_properties(properties)
        self.background = rgb(f"#{properties.get('openslide.background-color', 'FFFFFF')}")
        self.levels = tuple(
            Level(width, height, downsample)
            for (width, height), downsample in zip(
                self._slide.level_dimensions, self._slide.level_downsamples, strict=True
            )
        )

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Read a rectangle of a level; see `Slide`."""
        scale = self.levels[level].downsample
        corner = (round(x * scale), round(y * scale))
        try:
            read = self._slide.read_region(corner, level, (width, height))
        except openslide.OpenSlideError as error:
            words = words_of(error)
            raise UnusableSlide(
                f"cannot be read at x {corner[0]}, y {corner[1]}: {words}"
            ) from error
        pixels = np.asarray(read)
        colour, alpha = pixels[..., :3], pixels[..., 3:]
        if alpha.min() == 255:
            return np.ascontiguousarray(colour)
        ground = np.array(self.background, np.uint16)
        mixed = colour.astype(np.uint16) * alpha + ground * (255 - alpha.astype(np.uint16))
        return ((mixed + 127) // 255).astype(np.uint8)

    def close(self) -> None:
        """Close the file."""
        self._slide.close()
