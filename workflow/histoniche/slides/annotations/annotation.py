"""What every kind of annotation offers."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from histoniche.errors import InputError

_NAMED = 8


class Frame(NamedTuple):
    """The slide that an annotation lies on: size of level 0 in pixels, µm per pixel."""

    width: int
    height: int
    mpp: float

    @property
    def area_mm2(self) -> float:
        """Area of the whole slide."""
        return self.width * self.height * self.mpp**2 / 1e6


class Annotation(Protocol):
    """An annotation of one slide."""

    def tile(self, x: float, y: float, footprint: float, size: int) -> np.ndarray:
        """Labels of one tile, each that of the point under the pixel's centre.

        Parameters
        ----------
        x, y, footprint
            Corner and side of the tile in pixels of level 0.
        size
            Side of the tile in pixels.

        Returns
        -------
        uint8, (size, size); 255 where nothing is annotated, and outside of the slide.
        """

    def areas_mm2(self) -> list[float]:
        """Annotated area of each of the palette's labels, in and out of tiles."""


def centres(start: float, footprint: float, size: int) -> np.ndarray:
    """Centres of a tile's pixels along one axis, in pixels of level 0."""
    return np.asarray(start + (np.arange(size) + 0.5) * footprint / size)


def refuse_unknown(kind: str, unknown: Iterable[str], *, file: object, remedy: str) -> None:
    """Fail with a list of what the palette does not know, if there is any.

    Raises
    ------
    InputError
        Naming up to eight of them.
    """
    names = sorted(unknown)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        listed = ", ".join(names[:_NAMED])
        raise InputError(
            f"{kind} that the palette does not have: {listed}{more}",
            file=str(file),
            column="annotation",
            remedy=remedy,
        )
