"""Probabilities of a slide's tiles, as the networks of a trait found them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.slides.store import TileStore

PROBABILITIES, CALLS = "probabilities", "calls"
"""Columns of stores: float16 (tiles, classes), and where a vote decided int8 (tiles,)."""


def read_probabilities(folder: Path, classes: Sequence[str]) -> NDArray[np.float16]:
    """Read the probabilities of a slide's tiles, (tiles, classes), after a check of the store.

    Raises
    ------
    InputError
        If the store is of other classes.
    StoreError
        If it is missing, incomplete or altered.
    """
    store = TileStore(folder)
    store.check()
    given = list(store.attributes["classes"])
    if given != list(classes):
        raise InputError(
            f"the model finds {', '.join(given)} instead of {', '.join(classes)}",
            file=folder,
            remedy="choose the trait and model that belong together",
        )
    if PROBABILITIES not in store:
        return np.empty((0, len(classes)), np.float16)
    return store.column(PROBABILITIES)


def read_networks(folders: Sequence[Path], classes: Sequence[str]) -> NDArray[np.float16]:
    """Probabilities of a slide by several networks, (networks, tiles, classes).

    Raises
    ------
    InputError
        As `read_probabilities`; or if the networks saw different numbers of tiles.
    """
    found = [read_probabilities(folder, classes) for folder in folders]
    for folder, own in zip(folders, found, strict=True):
        if len(own) != len(found[0]):
            raise InputError(
                f"{len(own)} tiles where another network saw {len(found[0])}",
                file=folder,
                remedy="apply all networks of a trait to one tiling",
            )
    return np.stack(found)
