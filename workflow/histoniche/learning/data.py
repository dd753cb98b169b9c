"""Tiles for training: read from stores one by one, labels mapped to a network's classes."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from histoniche.cohort.palette import IGNORE
from histoniche.randomness import generator
from histoniche.slides.store import TileStore


def class_lookup(classes: Sequence[Sequence[int]]) -> np.ndarray:
    """Table from label to class, uint8 (256,): labels of no class are ignored.

    Parameters
    ----------
    classes
        Per class, the labels that belong to it.
    """
    lookup = np.full(256, IGNORE, np.uint8)
    for number, labels in enumerate(classes):
        lookup[list(labels)] = number
    return lookup


class LabelledTiles(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """All tiles of some stores in which at least one pixel is labelled.

    An item is pixels, uint8 (3, size, size), and classes, int64 (size, size).
    """

    def __init__(self, stores: Sequence[TileStore], lookup: np.ndarray) -> None:
        self._stores = stores
        self._lookup = lookup
        self._index = [
            (number, start + int(tile))
            for number, store in enumerate(stores)
            if "label" in store
            for start, labels in store.shards("label")
            for tile in np.flatnonzero((lookup[labels] != IGNORE).any((1, 2)))
        ]

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self._index)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Read one tile."""
        number, tile = self._index[item]
        pixels = self._stores[number].tile("pixels", tile)
        labels = self._lookup[self._stores[number].tile("label", tile)]
        return (
            torch.from_numpy(pixels).permute(2, 0, 1),
            torch.from_numpy(labels.astype(np.int64)),
        )

    def colour_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of R, G and B over all tiles, in 0 to 1."""
        count = 0
        total, squares = np.zeros(3), np.zeros(3)
        for store in self._stores:
            for _, pixels in store.shards("pixels") if "label" in store else ():
                values = pixels.reshape(-1, 3).astype(np.float64) / 255
                count += len(values)
                total += values.sum(0)
                squares += (values**2).sum(0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-6))
        return mean.tolist(), deviation.tolist()


class EpochSampler(Sampler[int]):
    """A new order each epoch that depends on the seed and the epoch alone.

    A training that resumes after a crash therefore goes on as if it had not
    been interrupted.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the training loop calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Count the tiles."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Go through the epoch's order."""
        order = generator(self._seed, "order", self._epoch).permutation(self._count)
        return iter(order.tolist())
