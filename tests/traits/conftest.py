"""Stores of tiles and of probabilities as the stages before write them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from histoniche.files import whole_folder
from histoniche.slides.store import TileWriter
from histoniche.traits.predictions import write_probabilities

GRID = (5, 4)
FOOTPRINT = 85.4


@pytest.fixture
def write_tiles(tmp_path: Path) -> Callable[..., Path]:
    """Write a store of tiles at some cells (column, row), without pixels."""

    def write(slide: str, cells: Sequence[tuple[int, int]], name: str = "cell") -> Path:
        out = tmp_path / "tiles" / name / f"{slide}.zarr"
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
        with whole_folder(out) as folder:
            writer = TileWriter(folder, min(len(cell), 1), {})
            if len(cell):
                writer.append()
            origin = np.floor(cell * FOOTPRINT).astype(np.int32)
            writer.close({"origin": origin, "cell": cell}, attributes)
        return out

    return write


@pytest.fixture
def write_network(tmp_path: Path) -> Callable[..., Path]:
    """Write what a network found on a slide's tiles."""

    def write(
        slide: str, positive: Any, name: str = "0", classes: Sequence[str] = ("low", "high")
    ) -> Path:
        out = tmp_path / "found" / name / f"{slide}.zarr"
        values = np.asarray(positive, float)
        if values.ndim == 1:
            values = np.stack([1 - values, values], axis=-1)
        attributes = {"slide": slide, "status": "ok", "reason": ""}
        write_probabilities(out, values, classes=classes, attributes=attributes)
        return out

    return write
