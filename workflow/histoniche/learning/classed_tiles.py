"""Tiles that inherit the class of their slide, for training and validation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from histoniche.learning.augmentation import Augmentation
from histoniche.learning.data import Draw
from histoniche.randomness import derived_seed, generator
from histoniche.slides.store import TileStore

# Tiles that tell the colours of all: more change nothing in the third digit.
_TILES_FOR_COLOURS = 2000


class ClassedTiles(Dataset[tuple[torch.Tensor, int, int]]):
    """Tiles of slides of which each has a class.

    An item is pixels, uint8 (3, size, size), the class and the number of the slide. A
    `Draw` is augmented, a plain number is not.

    Parameters
    ----------
    stores
        Opened stores, one a slide.
    classes
        Class of each slide.
    min_tissue
        Least share of tissue that a tile has, 0 to 1.
    augmentation
        What is changed at random in draws, or None.
    per_slide
        Most tiles of a slide, drawn once for all; None for all of them.
    seed
        Draws these few.
    """

    def __init__(
        self,
        stores: Sequence[TileStore],
        classes: Sequence[int],
        *,
        min_tissue: float,
        augmentation: Augmentation | None = None,
        per_slide: int | None = None,
        seed: int = 0,
    ) -> None:
        self._stores = stores
        self._augmentation = augmentation
        places = [
            _tiles_of(store, min_tissue, per_slide, derived_seed(seed, "tiles", store.slide))
            for store in stores
        ]
        self._tiles = np.concatenate([np.empty(0, np.int64), *places])
        counts = [len(some) for some in places]
        self.slides = np.repeat(np.arange(len(stores)), counts)
        self.classes = np.asarray(classes, np.int64)[self.slides]

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self._tiles)

    def __getitem__(self, item: int | Draw) -> tuple[torch.Tensor, int, int]:
        """Read one tile, and change it if it is drawn for training."""
        place = item.tile if isinstance(item, Draw) else item
        slide = int(self.slides[place])
        tile = self._stores[slide].tile("pixels", int(self._tiles[place]))
        pixels = torch.from_numpy(tile).permute(2, 0, 1)
        if isinstance(item, Draw) and self._augmentation is not None:
            pixels = self._augmentation.pixels_alone(pixels, seed=item.seed)
        return pixels, int(self.classes[place]), slide

    def colour_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of R, G and B, in 0 to 1, over up to 2,000 tiles."""
        chosen = np.unique(np.linspace(0, len(self) - 1, _TILES_FOR_COLOURS).astype(int))
        total, squares, count = np.zeros(3), np.zeros(3), 0
        for place in chosen:
            tile = self._stores[self.slides[place]].tile("pixels", int(self._tiles[place]))
            values = tile.reshape(-1, 3).astype(np.float64) / 255
            count += len(values)
            total += values.sum(0)
            squares += (values**2).sum(0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-6))
        return mean.tolist(), deviation.tolist()


def _tiles_of(store: TileStore, min_tissue: float, per_slide: int | None, seed: int) -> np.ndarray:
    """Tiles of a slide with enough tissue, in their order, int64."""
    tiles = np.arange(len(store))
    if min_tissue > 0 and len(store):
        tiles = tiles[store.column("tissue") >= min_tissue]
    if per_slide is not None and len(tiles) > per_slide:
        tiles = np.sort(generator(seed).choice(tiles, per_slide, replace=False))
    return tiles


def balanced_by_slide(classes: np.ndarray, slides: np.ndarray) -> np.ndarray:
    """Chance of each tile to be drawn so that classes are seen alike, and in each its slides.

    Parameters
    ----------
    classes, slides
        Class and slide of each tile, (tiles,).

    Returns
    -------
    (tiles,), summing to 1.
    """
    present = np.unique(classes)
    chances = np.zeros(len(classes))
    for one in present:
        own = classes == one
        _, slide, counts = np.unique(slides[own], return_inverse=True, return_counts=True)
        chances[own] = 1 / (len(present) * len(counts) * counts[slide])
    return chances / chances.sum()
