"""Probabilities of a slide's tiles, as one network of a trait found them: a Zarr v3 store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.slides.store import TileStore, TileWriter

PROBABILITIES = "probabilities"


def write_probabilities(
    out: Path,
    probabilities: NDArray[np.floating],
    *,
    classes: Sequence[str],
    attributes: Mapping[str, Any],
) -> None:
    """Write the probabilities of a slide's tiles, whole or not at all.

    Parameters
    ----------
    out
        Folder of the store: `probabilities` float16 (tiles, classes), in the order of
        the tiles' own store; none for a slide without tiles.
    classes
        Names of the columns.
    attributes
        What the store says of itself beside `classes`, `tiles` and its manifest: slide,
        status, reason, and mpp, size and grid of the tiles.
    """
    with whole_folder(out) as folder:
        writer = TileWriter(folder, min(len(probabilities), 1), {})
        stated = {**attributes, "classes": list(classes), "tiles": len(probabilities)}
        if len(probabilities):
            # The array is written as one thing, not tile by tile.
            writer.append()
        writer.close({PROBABILITIES: probabilities.astype(np.float16)}, stated)


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
