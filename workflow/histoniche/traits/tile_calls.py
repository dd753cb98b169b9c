"""What was found of one trait on the tiles of one slide, and the class that each tile gets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr

from histoniche.errors import InputError
from histoniche.slides.store import TileStore
from histoniche.traits.scores import call_tiles

_ARRAY, _CALLS = "probabilities", "calls"
_BINARY = 2
_THRESHOLD = 0.5


class TileCalls(NamedTuple):
    """Tiles of a slide with the probabilities of a trait's classes.

    `origin` (n, 2) is x and y of each tile's corner and `side` its side, in pixels
    of level 0; `probabilities` (n, classes) float32. `threshold` is the probability
    above which a tile of a binary trait is positive. `calls` (n,) holds the class of
    each tile where it was decided otherwise, as by an ensemble's vote.
    """

    trait: str
    classes: tuple[str, ...]
    origin: np.ndarray
    side: float
    probabilities: np.ndarray
    threshold: float = _THRESHOLD
    calls: np.ndarray | None = None

    @property
    def binary(self) -> bool:
        """Whether there are two classes, the second the positive one."""
        return len(self.classes) == _BINARY

    def called(self) -> np.ndarray:
        """Number of the class of each tile, as it was decided or as `call_tiles` says."""
        if self.calls is not None:
            return self.calls
        return call_tiles(self.probabilities, threshold=self.threshold if self.binary else None)


def make_calls(
    trait: str,
    classes: Sequence[str],
    origin: np.ndarray,
    probabilities: np.ndarray,
    *,
    side: float,
    threshold: float = _THRESHOLD,
    calls: np.ndarray | None = None,
) -> TileCalls:
    """Put tiles and probabilities together.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the classes, or a probability is
        none from 0 to 1.
    """
    found = np.asarray(probabilities, dtype=np.float32)
    if origin.shape != (len(found), 2) or found.shape[1:] != (len(classes),):
        raise ValueError(
            f"{trait}: origins {origin.shape} and probabilities {found.shape} do not fit "
            f"{len(classes)} classes"
        )
    if len(classes) < _BINARY:
        raise ValueError(f"{trait}: {len(classes)} class where two or more are needed")
    if not bool(((found >= 0) & (found <= 1)).all()):
        raise ValueError(f"{trait}: a probability is not from 0 to 1")
    if not 0 <= threshold <= 1:
        raise ValueError(f"{trait}: the threshold {threshold} is not from 0 to 1")
    if calls is not None and calls.shape != (len(found),):
        raise ValueError(f"{trait}: calls {calls.shape} do not fit {len(found)} tiles")
    return TileCalls(trait, tuple(classes), origin, float(side), found, threshold, calls)


def read_calls(
    tiles: Path,
    probabilities: Path | Sequence[Path],
    *,
    trait: str,
    classes: Sequence[str],
    threshold: float | None = None,
) -> TileCalls:
    """Read what was found of one trait on one slide.

    Parameters
    ----------
    tiles
        The slide's tile store.
    probabilities
        Zarr group with the array `probabilities` (tiles, classes) and, where classes
        were decided by a vote, `calls` (tiles,); or the first array itself. In the
        order of the tile store; of a slide without tiles it may lack them. Of several
        networks the mean is taken.
    trait, classes
        Its name, and its classes in order, the second of two the positive one.
    threshold
        See `call_tiles`; None is that which the store states, else 0.5.

    Raises
    ------
    InputError
        If tiles and probabilities are not of one length, or the classes are not those named.
    """
    store = TileStore(tiles)
    if len(store) == 0:
        nothing = np.zeros((0, len(classes)))
        return make_calls(trait, classes, np.zeros((0, 2), np.int32), nothing, side=1)
    paths = [probabilities] if isinstance(probabilities, Path) else list(probabilities)
    read = [_read(path) for path in paths]
    for path, (found, _) in zip(paths, read, strict=True):
        _check(found, store, path, trait, classes)
    side = float(store.attributes["size"]) * float(store.attributes["scale_to_level0"])
    return make_calls(
        trait,
        classes,
        store.column("origin"),
        np.asarray(np.stack([found for found, _ in read]).mean(axis=0, dtype=np.float32)),
        side=side,
        threshold=_stated(paths[0]) if threshold is None else threshold,
        calls=read[0][1] if len(read) == 1 else None,
    )


def _stated(path: Path) -> float:
    """Threshold that a store of a vote states, or 0.5."""
    given = dict(zarr.open(path, mode="r").attrs).get("threshold")
    return _THRESHOLD if given is None else float(given)


def _check(
    found: np.ndarray, store: TileStore, path: Path, trait: str, classes: Sequence[str]
) -> None:
    """Raise InputError if probabilities are not those of the store's tiles."""
    if found.shape != (len(store), len(classes)):
        raise InputError(
            f"{' x '.join(map(str, found.shape))} probabilities where {store.slide} has "
            f"{len(store)} tiles and {trait} {len(classes)} classes",
            file=path,
            remedy="apply the trait's model to this tiling again",
        )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Probabilities of a store, whether it is a group or the array itself, and calls if any."""
    try:
        node: Any = zarr.open(path, mode="r")
        if not isinstance(node, zarr.Group):
            return np.asarray(node[:]), None
        calls = np.asarray(node[_CALLS][:]) if _CALLS in node else None
        return np.asarray(node[_ARRAY][:]), calls
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(
            "no probabilities of tiles", file=path, remedy="apply the trait's model to the slide"
        ) from error
