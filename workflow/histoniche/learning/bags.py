"""Bags of tiles: the features of one slide, or of all slides of a patient, and what is known.

What is known of a bag is its class, say, or how long its patient lived.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset

from histoniche.errors import InputError
from histoniche.learning.data import Draw
from histoniche.randomness import generator
from histoniche.slides.store import TileStore

# Features that are kept in memory; others are read again each time.
_BAGS_IN_MEMORY = 512
# What features have to have in common to be learned from together.
SAME = ("encoder", "encoder_digest", "mpp", "size")

Known = TypeVar("Known")


class Stored(Protocol):
    """What has stores of features: a bag of any kind."""

    @property
    def stores(self) -> tuple[Path, ...]:
        """Folders of the features of the bag's slides."""


class Bag(NamedTuple):
    """Stores of the features of a bag's slides, one or several, and its class."""

    stores: tuple[Path, ...]
    label: str


class FeatureBags(Dataset[tuple[torch.Tensor, Known]], Generic[Known]):
    """Bags of features; an item is features, float32 (tiles, width), and what is known.

    Parameters
    ----------
    bags
        Of each the stores of its slides.
    known
        Class of each, or whatever else shall be learned.
    most
        Tiles of a bag that a `Draw` shows, chosen at random; None for all.
    """

    def __init__(
        self, bags: Sequence[Sequence[TileStore]], known: Sequence[Known], *, most: int | None
    ) -> None:
        self._bags = bags
        self._most = most
        self.known = known
        self.features = lru_cache(maxsize=_BAGS_IN_MEMORY)(self._read)

    def __len__(self) -> int:
        """Count the bags."""
        return len(self._bags)

    def __getitem__(self, item: int | Draw) -> tuple[torch.Tensor, Known]:
        """Read one bag, or some of its tiles if it is drawn for training."""
        bag = item.tile if isinstance(item, Draw) else item
        features = self.features(bag)
        if isinstance(item, Draw) and self._most is not None and len(features) > self._most:
            chosen = generator(item.seed).choice(len(features), self._most, replace=False)
            features = features[np.sort(chosen)]
        return torch.from_numpy(features.astype(np.float32)), self.known[bag]

    def _read(self, bag: int) -> np.ndarray:
        """Features of a bag's slides one below the other, float16."""
        return np.concatenate([store.column("features") for store in self._bags[bag] if len(store)])


class OpenBags(NamedTuple):
    """Bags of both sides with a tile, and what their features have in common."""

    sides: Mapping[str, tuple[list[Any], list[list[TileStore]]]]
    """By side: the bags that have a tile, and the stores of each that have one."""
    common: Mapping[str, Any]
    """Encoder and tiling of all features."""

    def manifests(self) -> list[list[Any]]:
        """Manifests of each bag's stores, which name its content."""
        opened = [stores for _, bags in self.sides.values() for stores in bags]
        return [[store.attributes["manifest"] for store in stores] for stores in opened]


def open_bags(bags: Mapping[str, Sequence[Stored]]) -> OpenBags:
    """Open the stores of bags, whose content is what was written.

    Raises
    ------
    InputError
        If features come from different encoders or tilings.
    """
    sides = {}
    for side, some in bags.items():
        opened = [(bag, _open(bag.stores)) for bag in some]
        filled = [(bag, stores) for bag, stores in opened if stores]
        sides[side] = ([bag for bag, _ in filled], [stores for _, stores in filled])
    every = [store for _, side in sides.values() for stores in side for store in stores]
    return OpenBags(sides, common_facts(every))


def _open(folders: Sequence[Path]) -> list[TileStore]:
    """Stores that have a tile."""
    stores = [TileStore(folder) for folder in folders]
    for store in stores:
        store.check()
    return [store for store in stores if len(store)]


def common_facts(stores: Sequence[TileStore]) -> dict[str, Any]:
    """What all features have in common."""
    first = {key: stores[0].attributes[key] for key in SAME} if stores else {}
    for store in stores:
        for key, value in first.items():
            if store.attributes[key] != value:
                raise InputError(
                    f"the features of {stores[0].slide} have {value}, those of {store.slide} "
                    f"{store.attributes[key]}",
                    column=key,
                    remedy="learn from features of one encoder and one tiling",
                )
    return first


def feature_statistics(bags: FeatureBags[Any]) -> dict[str, list[float]]:
    """Mean and deviation of each feature over all training tiles."""
    count, total, squares = 0, np.zeros(()), np.zeros(())
    for bag in range(len(bags)):
        features = bags.features(bag).astype(np.float64)
        count += len(features)
        total = total + features.sum(0)
        squares = squares + (features**2).sum(0)
    mean = total / count
    # A feature that is constant tells nothing, and is not blown up.
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-6))
    return {"mean": mean.tolist(), "deviation": deviation.tolist()}


def standardise(features: torch.Tensor, statistics: Mapping[str, Any]) -> torch.Tensor:
    """Bring features (tiles, width) to mean 0 and deviation 1 of the training tiles."""
    mean = torch.tensor(statistics["mean"], device=features.device)
    deviation = torch.tensor(statistics["deviation"], device=features.device)
    return (features - mean) / deviation
