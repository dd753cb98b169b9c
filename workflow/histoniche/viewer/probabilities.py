"""Probabilities of the regions: a store of tiles, seen at any resolution."""

import threading
from functools import cached_property
from pathlib import Path

import numpy as np

from histoniche.slides.store import TileStore
from histoniche.traits.colours import attention_colours
from histoniche.viewer.painting import places
from histoniche.viewer.pyramid import Rectangle

# Longest side of the picture of a whole slide that coarse views are taken from.
_OVERVIEW_PX = 1024


def probability_colours() -> np.ndarray:
    """Colours of probabilities 0 to 255, uint8 (256, 3): from pale to dark in even steps."""
    return attention_colours(2.0 ** (6 * np.arange(256) / 255 - 3))


class ProbabilityTiles:
    """Probabilities that a network found, by class.

    Parameters
    ----------
    folder
        Store of a slide's tiles with the array `probability` (tiles, classes, size, size).
    """

    def __init__(self, folder: Path) -> None:
        self._store = TileStore(folder)
        self._size = int(self._store.attributes["size"])
        self._scale = float(self._store.attributes["scale_to_level0"])
        columns, rows = self._store.attributes["grid"]
        self._places = np.full((rows, columns), -1, np.int64)
        cells = self._store.column("cell")
        self._places[cells[:, 1], cells[:, 0]] = np.arange(len(cells))
        self._factor = max(1, -(-max(rows, columns) * self._size // _OVERVIEW_PX))
        self._colours = probability_colours()
        self._lock = threading.Lock()

    def paint(self, number: int, rectangle: Rectangle) -> np.ndarray:
        """Paint one class; transparent where there is no tile.

        Returns
        -------
        uint8 (height, width, 4).
        """
        coarse = rectangle.step >= self._factor * self._scale
        factor = self._factor if coarse else 1
        shape = tuple(side * self._size for side in self._places.shape)
        rows, columns = places(rectangle, self._scale, shape)
        out = np.zeros((len(rows), len(columns), 4), np.uint8)
        rows, columns = rows[rows >= 0], columns[columns >= 0]
        if coarse:
            with self._lock:
                found, there = self._overview
            at = np.ix_(rows // factor, columns // factor)
            found, there = found[number][at], there[at]
        else:
            found, there = self._read(number, rows, columns)
        painted = np.dstack([self._colours[found], np.where(there, 255, 0)])
        painted[~there] = 0
        out[: len(rows), : len(columns)] = painted
        return out

    def _read(
        self, number: int, rows: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, uint8, at some rows and columns, and where there are any."""
        found = np.zeros((len(rows), len(columns)), np.uint8)
        there = np.zeros(found.shape, bool)
        for row in np.unique(rows // self._size):
            for column in np.unique(columns // self._size):
                index = self._places[row, column]
                if index >= 0:
                    down, across = rows // self._size == row, columns // self._size == column
                    tile = self._store.tile("probability", int(index))[number]
                    part = tile[np.ix_(rows[down] % self._size, columns[across] % self._size)]
                    found[np.ix_(down, across)] = part
                    there[np.ix_(down, across)] = True
        return found, there

    @cached_property
    def _overview(self) -> tuple[np.ndarray, np.ndarray]:
        """All classes in small, (classes, rows, columns), and where there are tiles."""
        factor, size = self._factor, self._size
        height, width = (-(-side * size // factor) for side in self._places.shape)
        classes = len(self._store.tile("probability", 0))
        found = np.zeros((classes, height, width), np.uint8)
        there = np.zeros((height, width), bool)
        for row, column in np.argwhere(self._places >= 0):
            tile = self._store.tile("probability", int(self._places[row, column]))
            y, x = row * size, column * size
            # The first multiples of the factor in the tile.
            top, left = -y % factor, -x % factor
            part = tile[:, top::factor, left::factor]
            at_y, at_x = (y + top) // factor, (x + left) // factor
            found[:, at_y : at_y + part.shape[1], at_x : at_x + part.shape[2]] = part
            there[at_y : at_y + part.shape[1], at_x : at_x + part.shape[2]] = True
        return found, there
