"""Cartography: which traits a slide's tiles show, where the tiles stood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.slides.store import TileStore, TileWriter
from histoniche.traits.predictions import read_networks
from histoniche.traits.voting import Rule, vote

POSITIVE, NEGATIVE, NO_TILE = 1, 0, -1

_CALLS = "calls"


class Cartography(NamedTuple):
    """The molecular cartography of a slide."""

    calls: NDArray[np.int8]
    """(traits, rows, columns): 1 positive, 0 negative, -1 no tile."""
    traits: tuple[str, ...]
    attributes: Mapping[str, Any]
    """slide, status, reason, tiling, mpp (µm, side of a cell), scale_to_level0 (level-0
    pixels, side of a cell)."""

    def positive(self, traits: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each tile is positive for some traits, (tiles, traits), row by row."""
        own = self.calls[[self.traits.index(name) for name in traits]]
        if own.size == 0:
            return np.empty((0, len(traits)), dtype=bool)
        return np.asarray(own[:, (own != NO_TILE).all(0)].T == POSITIVE)


class Network(NamedTuple):
    """How the answer of a binary trait is found on a slide."""

    folders: Sequence[Path]
    """Stores of the probabilities, one a network."""
    classes: Sequence[str]
    thresholds: Sequence[float] | None = None
    """See `histoniche.traits.voting.vote`."""


def lay_calls(
    origin: NDArray[np.integer],
    calls: NDArray[np.integer],
    *,
    footprint: float,
    grid: tuple[int, int],
) -> NDArray[np.int8]:
    """Put the calls of tiles where the tiles stood.

    Parameters
    ----------
    origin
        (tiles, 2): x and y of each tile's corner in level-0 pixels.
    calls
        (traits, tiles), 1 or 0.
    footprint
        Side of a tile in level-0 pixels, which need not be whole.
    grid
        Columns and rows.

    Returns
    -------
    (traits, rows, columns), -1 where there is no tile.

    Raises
    ------
    ValueError
        If corners are not those of such a grid, or two tiles have one cell.
    """
    columns, rows = grid
    cells = np.rint(origin / footprint).astype(np.int64)
    inside = (cells >= 0).all() and (cells < (columns, rows)).all()
    if not inside or (np.abs(cells * footprint - origin) > 1).any():
        raise ValueError(f"tiles do not lie on a grid of {columns} x {rows} cells of {footprint:g}")
    if len(np.unique(cells, axis=0)) < len(cells):
        raise ValueError("two tiles have one cell")
    tensor = np.full((len(calls), rows, columns), NO_TILE, np.int8)
    tensor[:, cells[:, 1], cells[:, 0]] = calls
    return tensor


def map_traits(
    tiles: Path,
    networks: Mapping[str, Network],
    out: Path,
    *,
    tiling: Mapping[str, str],
    rule: Rule = "majority",
) -> None:
    """Write the cartography of one slide.

    Parameters
    ----------
    tiles
        Store of the slide's tiles.
    networks
        By trait, in the order of the layers: what found it. Traits have two classes,
        the second positive.
    out
        Folder of a Zarr v3 group: `calls` int8 (traits, rows, columns), see
        `Cartography`. A slide without tiles gives an empty group with the reason.
    tiling
        Name of the tiling by trait, the same for all.
    rule
        As for `histoniche.traits.voting.vote`.

    Raises
    ------
    InputError
        If traits are of different tilings, a trait has not two classes, or probabilities are of
        other tiles.
    """
    traits = list(networks)
    first = traits[0]
    _check_tilings(traits, tiling)
    store = TileStore(tiles)
    calls = []
    for trait in traits:
        own = networks[trait]
        if len(own.classes) != 2:
            raise InputError(
                f"a cartography is of traits of two classes, and {trait} has {len(own.classes)}",
                column="traits.heterogeneity",
                value=trait,
                remedy="merge its classes to two, or leave it out",
            )
        found = vote(read_networks(own.folders, own.classes), rule=rule, thresholds=own.thresholds)
        if len(found.calls) != len(store):
            raise InputError(
                f"{trait} was found on {len(found.calls)} tiles, the slide has {len(store)}",
                file=own.folders[0],
                remedy="apply the networks to the tiles of today",
            )
        calls.append(found.calls)
    stated = {
        "slide": store.slide,
        "status": store.status,
        "reason": store.attributes["reason"],
        "tiling": tiling[first],
    }
    if len(store) == 0:
        _write(out, np.empty((len(traits), 0, 0), np.int8), traits, stated)
        return
    footprint = float(store.attributes["size"]) * float(store.attributes["scale_to_level0"])
    columns, rows = store.attributes["grid"]
    tensor = lay_calls(
        store.column("origin"), np.stack(calls), footprint=footprint, grid=(columns, rows)
    )
    side = {"mpp": footprint * float(store.attributes["slide_mpp"]), "scale_to_level0": footprint}
    _write(out, tensor, traits, {**stated, **side})


def read_cartography(folder: Path) -> Cartography:
    """Read a cartography after a check of its files.

    Raises
    ------
    StoreError
        If it is missing, incomplete or altered.
    """
    store = TileStore(folder)
    store.check()
    traits = tuple(store.attributes["traits"])
    calls = store.column(_CALLS) if _CALLS in store else np.empty((len(traits), 0, 0), np.int8)
    kept = {key: value for key, value in store.attributes.items() if key != "manifest"}
    return Cartography(calls, traits, kept)


def _check_tilings(traits: Sequence[str], tiling: Mapping[str, str]) -> None:
    """Cells of two tilings do not lie on one another."""
    first = traits[0]
    for trait in traits[1:]:
        if tiling[trait] != tiling[first]:
            raise InputError(
                f"{first} is found on the tiling {tiling[first]}, {trait} on {tiling[trait]}",
                column="traits.heterogeneity",
                value=trait,
                remedy="put traits of one tiling into a cartography",
            )


def _write(
    out: Path, tensor: NDArray[np.int8], traits: Sequence[str], attributes: Mapping[str, Any]
) -> None:
    """Write the tensor, whole or not at all."""
    stated = {**attributes, "traits": list(traits), "tiles": int((tensor[:1] != NO_TILE).sum())}
    with whole_folder(out) as folder:
        writer = TileWriter(folder, min(tensor.size, 1), {})
        if tensor.size:
            # The tensor is written as one thing, not tile by tile.
            writer.append()
        writer.close({_CALLS: tensor}, stated)
