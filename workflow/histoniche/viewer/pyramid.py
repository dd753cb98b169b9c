"""Deep Zoom: the tiles of a picture at each halving of its resolution."""

from typing import NamedTuple


class Rectangle(NamedTuple):
    """A rectangle of a slide in pixels of level 0, and the pixels that it is shown with.

    `step` is how many pixels of level 0 a shown pixel stands for on its whole level; at the
    slide's edge it may stand for less.
    """

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int]
    step: int


class Pyramid(NamedTuple):
    """A picture cut into tiles that do not overlap; level 0 is one pixel, the last the whole."""

    width: int
    height: int
    tile: int

    @property
    def last(self) -> int:
        """Number of the level with the picture's own resolution."""
        return max(self.width - 1, self.height - 1).bit_length()

    def rectangle(self, level: int, column: int, row: int) -> Rectangle | None:
        """Where a tile lies; None where there is none.

        Tiles at the right and lower edge end where the picture does, so that
        a tile of one picture lies on that of another of the same size.
        """
        if not 0 <= level <= self.last or column < 0 or row < 0:
            return None
        step = 1 << (self.last - level)
        side = self.tile * step
        x, y = column * side, row * side
        if x >= self.width or y >= self.height:
            return None
        width, height = min(side, self.width - x), min(side, self.height - y)
        return Rectangle(x, y, width, height, (-(-width // step), -(-height // step)), step)
