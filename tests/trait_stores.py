"""Stores of tiles and of probabilities as the stages before traits write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.files import whole_folder
from histoniche.slides.store import TileWriter
from histoniche.traits.predictions import write_probabilities

GRID = (5, 4)
FOOTPRINT = 85.4


def write_tiles(folder: Path, slide: str, cells: Sequence[tuple[int, int]]) -> Path:
    """Write a store of tiles at some cells (column, row), without pixels."""
    out = folder / "tiles" / f"{slide}.zarr"
    cell = np.array(cells, np.int32).reshape(-1, 2)
    attributes: dict[str, Any] = {
        "slide": slide,
        "status": "ok" if len(cell) else "skipped",
        "reason": "" if len(cell) else "no tile has 10% tissue",
        "tiles": len(cell),
        "slide_mpp": 0.5,
        "size": 64,
        "scale_to_level0": FOOTPRINT / 64,
        "grid": list(GRID),
    }
    with whole_folder(out) as temporary:
        writer = TileWriter(temporary, min(len(cell), 1), {})
        if len(cell):
            writer.append()
        origin = np.floor(cell * FOOTPRINT).astype(np.int32)
        writer.close({"origin": origin, "cell": cell}, attributes)
    return out


def write_network(
    folder: Path,
    slide: str,
    positive: Any,
    name: str = "0",
    classes: Sequence[str] = ("low", "high"),
) -> Path:
    """Write what a network found on a slide's tiles; of two classes the positive's suffices."""
    out = folder / "found" / name / f"{slide}.zarr"
    values = np.asarray(positive, float)
    if values.ndim == 1:
        values = np.stack([1 - values, values], axis=-1)
    attributes = {"slide": slide, "status": "ok", "reason": ""}
    write_probabilities(out, values, classes=classes, attributes=attributes)
    return out
