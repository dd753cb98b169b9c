"""Stores of tiles and of probabilities as the stages before traits write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.files import whole_folder
from histoniche.slides.store import write_columns
from histoniche.traits.voters import Voters
from histoniche.traits.votes import write_vote

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
        "slide_mpp": 0.5,
        "size": 64,
        "scale_to_level0": FOOTPRINT / 64,
        "grid": list(GRID),
    }
    with whole_folder(out) as temporary:
        origin = np.floor(cell * FOOTPRINT).astype(np.int32)
        write_columns(temporary, {"origin": origin, "cell": cell}, attributes, count=len(cell))
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
    attributes = {"slide": slide, "status": "ok", "reason": "", "classes": list(classes)}
    columns = {"probabilities": values.astype(np.float16)}
    with whole_folder(out) as temporary:
        write_columns(temporary, columns, attributes, count=len(values))
    return out


def write_calls(
    folder: Path,
    tiles: Path,
    trait: str,
    *networks: Any,
    classes: Sequence[str] = ("low", "high"),
    thresholds: list[float] | None = None,
) -> Path:
    """Write the vote of some networks, given by what they found, on a slide's tiles."""
    slide = tiles.stem
    predictions = {
        number: write_network(folder, slide, found, f"{trait}{number}", classes)
        for number, found in enumerate(networks)
    }
    out = folder / "votes" / trait / f"{slide}.zarr"
    voters = Voters(list(predictions), thresholds)
    write_vote(
        tiles, predictions, out, trait=trait, classes=classes, voters=voters, rule="majority"
    )
    return out
