"""Small slides whose every pixel is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from histoniche.slides.inspected import Inspected
from histoniche.slides.inspection import inspect_slide
from slide_settings import INSPECTION


@pytest.fixture
def gradient() -> np.ndarray:
    """Smooth picture, 600 wide and 400 high, colourful everywhere."""
    y, x = np.mgrid[:400, :600]
    red, green = 120 + x * 120 // 600, 20 + y * 80 // 400
    return np.stack([red, green, np.full_like(x, 180)], -1).astype(np.uint8)


@pytest.fixture
def pyramid(tmp_path: Path, gradient: np.ndarray) -> Path:
    """The picture as a tiled, uncompressed, pyramidal TIFF of 2 µm per pixel."""
    path = tmp_path / "slide.tif"
    options = {"tile": (128, 128), "photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path) as writer:
        writer.write(gradient, resolution=(5000, 5000), resolutionunit="CENTIMETER", **options)
        writer.write(
            gradient[::2, ::2], resolution=(2500, 2500), resolutionunit="CENTIMETER",
            subfiletype=1, **options,
        )  # fmt: skip
    return path


@pytest.fixture
def plain(tmp_path: Path, gradient: np.ndarray) -> Path:
    """The picture as a PNG, which states no resolution."""
    path = tmp_path / "plain.png"
    Image.fromarray(gradient).save(path)
    return path


@pytest.fixture
def picture() -> np.ndarray:
    """Coarse noise in many colours, 700 wide and 500 high, in which every misplacement shows."""
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (125, 175, 3), dtype=np.uint8)
    return np.kron(small, np.ones((4, 4, 1), np.uint8))


@pytest.fixture
def write_jpeg(tmp_path: Path, picture: np.ndarray) -> Callable[..., Path]:
    """Write the picture and its half as a pyramid of JPEG tiles, 0.5 µm per pixel."""

    def write(
        name: str = "slide.tif",
        tile: int | None = 64,
        content: np.ndarray = picture,
        **options: Any,
    ) -> Path:
        path = tmp_path / name
        settings = {
            "photometric": "rgb",
            "compression": "jpeg",
            "compressionargs": {"level": 90},
            "metadata": None,
            "resolutionunit": "CENTIMETER",
            **({"tile": (tile, tile)} if tile else {"rowsperstrip": 64}),
            **options,
        }
        with tifffile.TiffWriter(path) as writer:
            writer.write(content, resolution=(20000, 20000), **settings)
            half = np.ascontiguousarray(content[::2, ::2])
            writer.write(half, resolution=(10000, 10000), subfiletype=1, **settings)
        return path

    return write


@pytest.fixture
def inspected(tmp_path: Path) -> Callable[..., Inspected]:
    """Inspect a slide and give the files."""

    def inspect(path: Path, mpp: float | None = None, **changes: Any) -> Inspected:
        names = {
            "report": "report.json",
            "thumbnail": "thumbnail.png",
            "tissue": "tissue.png",
            "contour": "tissue.geojson",
            "artefacts": "artefacts.png",
            "picture": "contour.png",
        }
        files = Inspected(**{key: tmp_path / "inspected" / name for key, name in names.items()})
        inspect_slide(
            path,
            files,
            slide="S1",
            mpp=mpp,
            tissue_mask=changes.pop("tissue_mask", None),
            settings={
                **INSPECTION,
                **changes,
                "artefacts": {**INSPECTION["artefacts"], **changes.get("artefacts", {})},
            },
        )
        return files

    return inspect
