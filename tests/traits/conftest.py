"""A small tile store with the probabilities of its tiles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from PIL import Image

from histoniche.files import whole_folder
from histoniche.slides.store import TileWriter

CELLS = [(0, 0), (1, 0), (1, 1), (2, 1)]


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Path]:
    """Four tiles of 8 px at 2 µm per pixel, 16 px of level 0 each, on a slide of 48 x 32 px."""

    def make(slide: str = "S1", cells: list[tuple[int, int]] = CELLS, *, size: int = 8) -> Path:
        folder = tmp_path / f"{slide}.zarr"
        grid = np.array(cells, np.int32).reshape(-1, 2)
        with whole_folder(folder) as temporary:
            writer = TileWriter(temporary, len(grid), {"pixels": (size, size, 3)})
            for number in range(len(grid)):
                writer.append(pixels=np.full((size, size, 3), 40 * number, np.uint8))
            usable = {
                "mpp": 2.0, "size": size, "scale_to_level0": 2.0, "slide_size": [48, 32],
                "slide_mpp": 1.0, "grid": [3, 2],
            }  # fmt: skip
            writer.close(
                {"origin": grid * 16, "cell": grid},
                {
                    "slide": slide,
                    "status": "ok" if len(grid) else "skipped",
                    "reason": "" if len(grid) else "no tile has 50% tissue",
                    "tiles": len(grid),
                    **(usable if len(grid) else {}),
                },
            )
        return folder

    return make


@pytest.fixture
def make_probabilities(tmp_path: Path) -> Callable[..., Path]:
    """Writes probabilities as the stage before does."""

    def make(values: Any, name: str = "P", *, group: bool = True) -> Path:
        path = tmp_path / f"{name}.probabilities.zarr"
        values = np.asarray(values, np.float16)
        if group:
            zarr.open_group(path, mode="w").create_array("probabilities", data=values)
        else:
            zarr.create_array(path, data=values)
        return path

    return make


@pytest.fixture
def thumbnail(tmp_path: Path) -> Path:
    """White picture of the slide, half its size."""
    path = tmp_path / "thumbnail.png"
    Image.new("RGB", (24, 16), "white").save(path)
    return path
