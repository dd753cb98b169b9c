"""Tiles of slides: JPEG pictures straight from the slide's file, and only from its pyramid."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.slide import Slide
from histoniche.slides.scaling import finest_needed, read_scaled
from histoniche.viewer.colours import Colours
from histoniche.viewer.handles import HandlePool
from histoniche.viewer.pyramid import Rectangle
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import SlideFile

# More pixels than this are not read for one tile: a slide without coarse levels shows its thumbnail
# there.
_LARGEST_READ = 64_000_000


class SlideTiles:
    """Reads tiles of slides.

    Parameters
    ----------
    settings
        Bounds.
    pool
        Open slides; one of its own by default.
    """

    def __init__(self, settings: Settings, pool: HandlePool | None = None) -> None:
        self._quality = settings.jpeg_quality
        if pool is None:
            pool = HandlePool(settings.open_slides, settings.open_bytes)
        self.pool = pool
        self.colours = Colours()

    def read(
        self,
        file: SlideFile | None,
        thumbnail: Path,
        rectangle: Rectangle,
        size: tuple[int, int],
    ) -> bytes:
        """One tile as JPEG, in sRGB where the slide's file says what its colours are.

        Parameters
        ----------
        file
            Where the slide lies; None shows its thumbnail instead.
        thumbnail
            PNG of the whole slide, also for want of coarse levels.
        rectangle
            What the tile shows.
        size
            Width and height of level 0 as the run saw it.

        Raises
        ------
        UnusableSlide
            If the slide cannot be read there, or is no longer the one that the run saw.
        """
        if file is None or not file.path.exists():
            return encode_jpeg(from_thumbnail(thumbnail, rectangle, size), self._quality)
        pixels = self.pool.read(file, _reading(rectangle, thumbnail, size))
        return encode_jpeg(self.colours.shown(file, pixels), self._quality)


def encode_jpeg(pixels: np.ndarray, quality: int) -> bytes:
    """Encode pixels, uint8 (height, width, 3), as JPEG."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", "420"))


def from_thumbnail(path: Path, rectangle: Rectangle, size: tuple[int, int]) -> np.ndarray:
    """A rectangle of a slide of some size from its thumbnail, scaled up."""
    with Image.open(path, formats=("PNG",)) as image:
        whole = image.convert("RGB")
    across, down = whole.width / size[0], whole.height / size[1]
    left, top = rectangle.x * across, rectangle.y * down
    box = (left, top, left + rectangle.width * across, top + rectangle.height * down)
    return np.asarray(whole.resize(rectangle.size, Image.Resampling.BILINEAR, box=box))


def _reading(
    rectangle: Rectangle, thumbnail: Path, size: tuple[int, int]
) -> Callable[[Slide], np.ndarray]:
    """What reads a rectangle of a slide, or of its thumbnail where the slide would take long."""

    def read(slide: Slide) -> np.ndarray:
        if slide.levels[0][:2] != size:
            raise UnusableSlide("the file is no longer the one that the run saw")
        level = slide.levels[finest_needed(slide, rectangle.step)]
        if rectangle.width * rectangle.height / level.downsample**2 > _LARGEST_READ:
            return from_thumbnail(thumbnail, rectangle, size)
        x, y, width, height, shown, _ = rectangle
        return read_scaled(slide, x=x, y=y, width=width, height=height, size=shown)

    return read
