"""Bags of tiles: the features of one slide, or of all slides of a patient, and their class."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

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

Item = tuple[torch.Tensor, int]


class Bag(NamedTuple):
    """Stores of the features of a bag's slides, one or several, and its class."""

    stores: tuple[Path, ...]
    label: str


class FeatureBags(Dataset[Item]):
    """Bags of features; an item is features, float32 (tiles, width), and the class.

    Parameters
    ----------
    bags
        Of each the stores of its slides.
    classes
        Class of each.
    most
        Tiles of a bag that a `Draw` shows, chosen at random; None for all.
    """

    def __init__(
        self, bags: Sequence[Sequence[TileStore]], classes: Sequence[int], *, most: int | None
    ) -> None:
        self._bags = bags
        self._most = most
        self.classes = np.asarray(classes, np.int64)
        self.features = lru_cache(maxsize=_BAGS_IN_MEMORY)(self._read)

    def __len__(self) -> int:
        """Count the bags."""
        return len(self._bags)

    def __getitem__(self, item: int | Draw) -> Item:
        """Read one bag, or some of its tiles if it is drawn for training."""
        bag = item.tile if isinstance(item, Draw) else item
        features = self.features(bag)
        if isinstance(item, Draw) and self._most is not None and len(features) > self._most:
            chosen = generator(item.seed).choice(len(features), self._most, replace=False)
            features = features[np.sort(chosen)]
        return torch.from_numpy(features.astype(np.float32)), int(self.classes[bag])

    def _read(self, bag: int) -> np.ndarray:
        """Features of a bag's slides one below the other, float16."""
        return np.concatenate([store.column("features") for store in self._bags[bag] if len(store)])


def open_bag(bag: Bag) -> list[TileStore]:
    """Stores of a bag that have a tile, whose content is what was written."""
    stores = [TileStore(folder) for folder in bag.stores]
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


def feature_statistics(bags: FeatureBags) -> dict[str, list[float]]:
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
