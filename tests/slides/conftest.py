"""Small slides whose every pixel is known."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image


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
