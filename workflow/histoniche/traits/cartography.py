"""Cartography: which traits a slide's tiles show, where the tiles stood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.slides.store import TileStore, write_columns
from histoniche.traits.predictions import CALLS

POSITIVE, NEGATIVE, NO_TILE = 1, 0, -1


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


def lay_cartography(
    tiles: Path, votes: Mapping[str, Path], out: Path, *, tilings: Mapping[str, str]
) -> None:
    """Write the cartography of one slide.

    Parameters
    ----------
    tiles
        Store of the slide's tiles.
    votes
        By trait, in the order of the layers: what its networks said, see
        `histoniche.traits.votes.write_vote`. Traits have two classes, the second positive.
    out
        Folder of a Zarr v3 group: `calls` int8 (traits, rows, columns), see
        `Cartography`. A slide without tiles gives an empty group with the reason.
    tilings
        Name of the tiling by trait, the same for all.

    Raises
    ------
    InputError
        If traits are of different tilings, or a trait has not two classes.
    """
    traits = list(votes)
    _check_tilings(traits, tilings)
    store = TileStore(tiles)
    found = {trait: TileStore(folder) for trait, folder in votes.items()}
    for trait, own in found.items():
        own.check()
        classes = own.attributes["classes"]
        if len(classes) != 2:
            raise InputError(
                f"a cartography is of traits of two classes, and {trait} has {len(classes)}",
                column="traits.heterogeneity",
                value=trait,
                remedy="merge its classes to two, or leave it out",
            )
    stated = {
        "slide": store.slide,
        "status": store.status,
        "reason": store.attributes["reason"],
        "tiling": tilings[traits[0]],
    }
    if len(store) == 0:
        _write(out, np.empty((len(traits), 0, 0), np.int8), traits, stated)
        return
    footprint = float(store.attributes["size"]) * float(store.attributes["scale_to_level0"])
    columns, rows = store.attributes["grid"]
    calls = np.stack([own.column(CALLS) for own in found.values()])
    tensor = lay_calls(store.column("origin"), calls, footprint=footprint, grid=(columns, rows))
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
    calls = store.column(CALLS) if CALLS in store else np.empty((len(traits), 0, 0), np.int8)
    kept = {key: value for key, value in store.attributes.items() if key != "manifest"}
    return Cartography(calls, traits, kept)


def _check_tilings(traits: Sequence[str], tilings: Mapping[str, str]) -> None:
    """Cells of two tilings do not lie on one another."""
    first = traits[0]
    for trait in traits[1:]:
        if tilings[trait] != tilings[first]:
            raise InputError(
                f"{first} is found on the tiling {tilings[first]}, {trait} on {tilings[trait]}",
                column="traits.heterogeneity",
                value=trait,
                remedy="put traits of one tiling into a cartography",
            )


def _write(
    out: Path, tensor: NDArray[np.int8], traits: Sequence[str], attributes: Mapping[str, Any]
) -> None:
    """Write the tensor, whole or not at all."""
    count = int((tensor[:1] != NO_TILE).sum())
    with whole_folder(out) as folder:
        write_columns(folder, {CALLS: tensor}, {**attributes, "traits": list(traits)}, count=count)
