"""Findings on tiles: columns in the order of the tiles, in a store of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.files import whole_folder
from histoniche.slides.store import TileStore, write_columns

_COPIED = (
    "slide",
    "status",
    "reason",
    "mpp",
    "size",
    "scale_to_level0",
    "slide_size",
    "slide_mpp",
    "grid",
)


def write_findings(
    tiles: TileStore,
    out: Path,
    columns: Mapping[str, np.ndarray],
    attributes: Mapping[str, Any],
) -> None:
    """Write what was found on each tile, whole or not at all.

    Parameters
    ----------
    tiles
        The tiles; their places are copied.
    columns
        What was found, first axis the tiles.
    attributes
        What is said of it beside what the tiles say.
    """
    kept = {key: tiles.attributes[key] for key in _COPIED if key in tiles.attributes}
    places = [name for name in ("origin", "cell", "tissue") if name in tiles]
    with whole_folder(out) as folder:
        write_columns(
            folder,
            {**{name: tiles.column(name) for name in places}, **columns},
            {**kept, **attributes},
            count=len(tiles),
        )
