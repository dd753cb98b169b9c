"""Colours: a slide is shown in sRGB where its file says what its scanner's colours mean.

Networks and measures see the stored colours, as they did when they learned.
"""

from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openslide
from PIL import Image, ImageCms

from histoniche.slides.readers.plain_reader import FORMATS
from histoniche.viewer.cache import Cache
from histoniche.viewer.sources import SlideFile

_KEPT = 256
_FAULTS = (
    *(ImageCms.PyCMSError, Image.DecompressionBombError, openslide.OpenSlideError),
    *(OSError, SyntaxError, TypeError, ValueError),
)


class Managed(StrEnum):
    """What was done about a slide's colours, in words."""

    CONVERTED = "converted to sRGB by the file's ICC profile"
    STORED = "as stored; the file has no ICC profile"
    UNREADABLE = "as stored; the file's ICC profile cannot be used"


class _Known(NamedTuple):
    """What is known of one file."""

    managed: Managed
    transform: ImageCms.ImageCmsTransform | None


class Colours:
    """Profiles of slides, read once a file, and the conversions that they ask for."""

    def __init__(self) -> None:
        self._known: Cache[tuple[Path, int, int], _Known] = Cache(_KEPT)

    def managed(self, file: SlideFile) -> Managed:
        """What is done about a slide's colours."""
        return self._of(file).managed

    def shown(self, file: SlideFile, pixels: np.ndarray) -> np.ndarray:
        """Pixels of a slide, uint8 (height, width, 3), in sRGB; as they are without a profile."""
        transform = self._of(file).transform
        if transform is None:
            return pixels
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(ImageCms.applyTransform(image, transform))

    def _of(self, file: SlideFile) -> _Known:
        """What is known of a file as it is now."""
        there = file.path.stat()
        key = (file.path, there.st_size, there.st_mtime_ns)
        return self._known.get_or_make(key, lambda: _read(file.path))


def _read(path: Path) -> _Known:
    """Read a file's profile; whatever is wrong with it, the slide is shown as it is stored."""
    try:
        source = _profile(path)
        if source is None:
            return _Known(Managed.STORED, None)
        # As OpenSlide's own viewer does.
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, "RGB", "RGB", intent)
    except _FAULTS:
        return _Known(Managed.UNREADABLE, None)
    return _Known(Managed.CONVERTED, transform)


def _profile(path: Path) -> ImageCms.ImageCmsProfile | None:
    """The ICC profile of a slide or of a plain image; None if there is none."""
    if openslide.OpenSlide.detect_format(path) is not None:
        with openslide.OpenSlide(path) as slide:
            return slide.color_profile
    with Image.open(path, formats=FORMATS) as image:
        stored = image.info.get("icc_profile")
    return ImageCms.getOpenProfile(BytesIO(stored)) if stored else None
