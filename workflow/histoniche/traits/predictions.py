"""Probabilities of a slide's tiles, as one network of a trait found them: a Zarr v3 store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.slides.store import TileStore, TileWriter
from histoniche.traits.voting import ENSEMBLE, Rule, vote

PROBABILITIES, CALLS = "probabilities", "calls"

# What a store says of its one network and of its own files.
_OF_ONE = ("manifest", "model", "model_sha256", "classes", "tiles")


def write_probabilities(
    out: Path,
    probabilities: NDArray[np.floating],
    *,
    classes: Sequence[str],
    attributes: Mapping[str, Any],
    calls: NDArray[np.integer] | None = None,
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
    calls
        Number of each tile's class where a vote decided it: `calls` int8 (tiles,).
    """
    with whole_folder(out) as folder:
        writer = TileWriter(folder, min(len(probabilities), 1), {})
        stated = {**attributes, "classes": list(classes), "tiles": len(probabilities)}
        if len(probabilities):
            # The array is written as one thing, not tile by tile.
            writer.append()
        columns: dict[str, NDArray[Any]] = {PROBABILITIES: probabilities.astype(np.float16)}
        if calls is not None:
            columns[CALLS] = calls.astype(np.int8)
        writer.close(columns, stated)


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


def write_votes(
    folders: Mapping[str, Sequence[Path]],
    outs: Mapping[str, Path],
    *,
    classes: Sequence[str],
    rule: Rule = "majority",
    thresholds: Sequence[float] | None = None,
) -> None:
    """Write what several networks of a trait say together of each slide, for maps and exports.

    Parameters
    ----------
    folders
        Stores of the networks by slide; see `chosen_networks` for which.
    outs
        Folders to write, by slide: as `write_probabilities` does, with the mean
        probabilities and the calls of the vote.
    classes, rule, thresholds
        As for `histoniche.traits.voting.vote`.
    """
    for slide, own in folders.items():
        found = vote(read_networks(own, classes), rule=rule, thresholds=thresholds)
        given = TileStore(own[0]).attributes
        kept = {key: given[key] for key in given if key not in _OF_ONE}
        write_probabilities(
            outs[slide],
            found.probabilities,
            classes=classes,
            attributes={**kept, "networks": len(own), "vote": rule},
            calls=found.calls,
        )


def chosen_networks(choice: pd.DataFrame) -> tuple[list[int], list[float] | None]:
    """Rounds whose networks vote, the best first, and their thresholds of tiles; None for argmax.

    Parameters
    ----------
    choice
        As `histoniche.traits.scoring.score_trait` writes it.
    """
    rows = choice[choice["chosen"] & (choice["model"] != ENSEMBLE)].sort_values("rank")
    cuts = rows["tile_threshold"].astype(float)
    numbers = [int(name) for name in rows["model"]]
    return numbers, None if cuts.isna().any() else cuts.tolist()
