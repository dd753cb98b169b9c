"""What every reader offers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from histoniche.slides.resolution import Resolution

# Technical facts alone: other properties may hold names, dates and ids of people.
_ALLOWED = (
    "openslide.vendor",
    "openslide.objective-power",
    "openslide.mpp-x",
    "openslide.mpp-y",
    "openslide.level-count",
    "openslide.background-color",
    "openslide.icc-size",
    "aperio.AppMag",
    "aperio.MPP",
    "hamamatsu.SourceLens",
    "leica.objective",
    "tiff.ResolutionUnit",
    "tiff.XResolution",
    "tiff.YResolution",
)


class Level(NamedTuple):
    """Size in its own pixels, and pixels of level 0 a pixel."""

    width: int
    height: int
    downsample: float


class Slide(Protocol):
    """An open slide: a pyramid of levels, the finest first.

    `reader` names the way the pixels are read, `vendor` the format,
    `properties` the technical facts of the file that may be shown.
    """

    @property
    def reader(self) -> str: ...  # noqa: D102 - described above
    @property
    def vendor(self) -> str: ...  # noqa: D102
    @property
    def resolution(self) -> Resolution: ...  # noqa: D102
    @property
    def properties(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def levels(self) -> tuple[Level, ...]: ...  # noqa: D102

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Read a rectangle of a level.

        Parameters
        ----------
        level
            Index into `levels`.
        x, y
            Its corner in pixels of that level; may lie outside.
        width, height
            Its size in pixels of that level.

        Returns
        -------
        uint8, (height, width, 3), RGB; white, or the slide's own background
        colour, outside of the level and where nothing was scanned.

        Raises
        ------
        UnusableSlide
            If the file is damaged there.
        """


def allowed_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Those of a slide's properties that hold technical facts."""
    return {name: properties[name] for name in _ALLOWED if name in properties}


def words_of(error: Exception, path: Path | None = None) -> str:
    """A library's words without the folders of a file, since they go into the report.

    Parameters
    ----------
    error
        What the library raised.
    path
        The file; its folder is taken out as it stands. Whatever else looks like
        an absolute path is reduced to its last part.
    """
    words = " ".join(str(error).split())
    if path is not None:
        words = words.replace(str(path), path.name).replace(f"{path.parent}/", "")
    return re.sub(r"(?<![\w.])/\S*/", "", words)
