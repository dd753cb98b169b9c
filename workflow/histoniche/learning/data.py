"""Tiles for training: read from stores one by one, labels mapped to a network's classes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import distributed
from torch.utils.data import Dataset, Sampler

from histoniche.cohort.palette import IGNORE
from histoniche.learning.augmentation import Augmentation
from histoniche.randomness import derived_seed, generator
from histoniche.slides.store import TileStore


class Draw(NamedTuple):
    """One tile of an epoch, and the seed of what is drawn for it."""

    tile: int
    seed: int


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
    A `Draw` is augmented, a plain number is not.

    Parameters
    ----------
    stores
        Opened stores; those without labels are passed over.
    lookup
        Table from label to class, see `class_lookup`.
    augmentation
        What is changed at random in draws, or None.
    """

    def __init__(
        self,
        stores: Sequence[TileStore],
        lookup: np.ndarray,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._stores = stores
        self._lookup = lookup
        self._augmentation = augmentation
        classes = int(lookup[lookup != IGNORE].max(initial=0)) + 1
        self._index: list[tuple[int, int]] = []
        counts: list[np.ndarray] = []
        for number, store in enumerate(stores):
            for start, labels in store.shards("label") if "label" in store else ():
                mapped = lookup[labels].reshape(len(labels), -1)
                pixels = np.stack([(mapped == one).sum(1) for one in range(classes)], 1)
                for tile in np.flatnonzero(pixels.any(1)):
                    self._index.append((number, start + int(tile)))
                    counts.append(pixels[tile])
        self.pixels = np.array(counts, np.int64).reshape(len(counts), classes)

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self._index)

    def __getitem__(self, item: int | Draw) -> tuple[torch.Tensor, torch.Tensor]:
        """Read one tile, and change it if it is drawn for training."""
        place = item.tile if isinstance(item, Draw) else item
        number, tile = self._index[place]
        pixels = torch.from_numpy(self._stores[number].tile("pixels", tile)).permute(2, 0, 1)
        mapped = self._lookup[self._stores[number].tile("label", tile)]
        labels = torch.from_numpy(mapped.astype(np.int64))
        if isinstance(item, Draw) and self._augmentation is not None:
            return self._augmentation(pixels, labels, seed=item.seed)
        return pixels, labels

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


def balanced_chances(pixels: np.ndarray) -> np.ndarray:
    """Chance of each tile to be drawn so that all classes are expected to be seen alike.

    Parameters
    ----------
    pixels
        Labelled pixels by tile and class, (tiles, classes).

    Returns
    -------
    (tiles,), summing to 1: the mean, over the classes that are there, of the
    tile's share in all of the class's pixels.
    """
    present = pixels.sum(0) > 0
    shares = pixels[:, present] / pixels[:, present].sum(0)
    return np.asarray(shares.mean(1))


class EpochSampler(Sampler[Draw]):
    """A new order each pass that depends on the seed and the pass alone.

    A training that resumes after a crash, in the middle of an epoch even,
    therefore goes on as if it had not been interrupted.

    Parameters
    ----------
    count
        Number of tiles.
    seed
        Seed of the training.
    chances
        Chance of each tile; then a pass draws as many tiles as it has, some
        twice. None goes through all of them.
    processes
        Processes that train together; each draws its own part, all of one length.
    parts
        Epochs that a pass through the tiles is divided into, where the network
        shall be validated more often than once a pass.
    groups, per_group
        Number of what each tile belongs to, such as its slide, and most tiles of
        one that a pass shows, chosen anew in each pass. None shows all.
    spread
        Kind of each tile, such as whether a patient died, where each part of a pass shall
        show all kinds alike. Not with `chances` or `per_group`.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        *,
        chances: np.ndarray | None = None,
        processes: int = 1,
        parts: int = 1,
        groups: np.ndarray | None = None,
        per_group: int | None = None,
        spread: np.ndarray | None = None,
    ) -> None:
        self._count = count
        self._spread = spread
        self._processes = processes
        self._seed = seed
        self._chances = chances
        self._parts = parts
        self._groups = None if per_group is None else groups
        self._per_group = per_group
        self._length = count
        if groups is not None and per_group is not None:
            self._length = int(np.minimum(np.bincount(groups), per_group).sum())
        self._epoch = 0
        self._skipped = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the training loop calls this."""
        if epoch != self._epoch:
            self._skipped = 0
        self._epoch = epoch

    def skip(self, epoch: int, count: int) -> None:
        """Leave out the first tiles of an epoch, which all processes saw before a stop."""
        self._epoch, self._skipped = epoch, count

    def __len__(self) -> int:
        """Count the tiles of one process in an epoch."""
        return max(1, self._length // (self._parts * self._processes))

    def __iter__(self) -> Iterator[Draw]:
        """Go through this process's part of the epoch's order."""
        rank = distributed.get_rank() if self._processes > 1 else 0
        number, part = divmod(self._epoch, self._parts)
        order = self._order(number)
        size = len(self) * self._processes
        for place in range(rank, size, self._processes):
            if place >= self._skipped:
                seat = part * size + place
                tile = int(order[seat % len(order)])
                yield Draw(tile, derived_seed(self._seed, "draw", number, seat))

    def _order(self, number: int) -> np.ndarray:
        """Tiles of one pass in their order."""
        rng = generator(self._seed, "order", number)
        if self._chances is not None:
            return rng.choice(self._count, self._length, p=self._chances)
        order = rng.permutation(self._count)
        if self._spread is not None:
            kinds = np.unique(self._spread[order], return_inverse=True)[1]
            # Half a step from the ends, so that a rare kind does not always come first.
            seats = (_places(kinds) + 0.5) / np.bincount(kinds)[kinds]
            return order[np.argsort(seats, kind="stable")]
        if self._groups is None:
            return order
        # The first few of each group in a random order are a random few.
        return order[_places(self._groups[order]) < self._per_group]


def _places(groups: np.ndarray) -> np.ndarray:
    """How many before each entry are of the same group."""
    by_group = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[by_group], groups[by_group])
    places = np.empty(len(groups), np.int64)
    places[by_group] = np.arange(len(groups)) - starts
    return places
