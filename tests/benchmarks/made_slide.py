"""A slide made for benchmarks: as large, and as hard to decode, as part of a real one."""

import itertools
from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

SIDE, SEGMENT = 20480, 256
MPP = 0.25


def picture(side: int) -> np.ndarray:
    """Stained tissue with nuclei, fibres and grain: JPEG has as much to do as on a real slide."""
    rng = np.random.default_rng(0)
    seeds = (rng.random((side, side)) < 0.0004).astype(np.float32)
    nuclei = np.clip(ndimage.gaussian_filter(seeds, 7, mode="wrap") * 330, 0, 1)
    fibres = ndimage.gaussian_filter(rng.standard_normal((side, side)), (2, 25), mode="wrap") * 4
    grain = rng.normal(0, 0.015, (side, side))
    density = nuclei[..., None] * [0.9, 1.1, 0.5] + (0.25 + 0.1 * fibres + grain)[..., None] * [
        0.2,
        0.84,
        0.5,
    ]
    return np.clip(245 * np.exp(-density), 0, 255).astype(np.uint8)


def write_svs(path: Path, whole: int = SIDE) -> None:
    """Write an Aperio-like square slide of `whole` px a side in JPEG tiles of 256 px."""
    base = picture(2048)
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for level, shrink in enumerate((1, 4, 16)):
            small = base[::shrink, ::shrink] if shrink > 1 else base
            side, count = whole // shrink, len(small)

            def tiles(side: int = side, small: np.ndarray = small, count: int = count):
                for y, x in itertools.product(range(0, side, SEGMENT), repeat=2):
                    rows, columns = np.arange(y, y + SEGMENT) % count, np.arange(x, x + SEGMENT)
                    yield small[rows[:, None], (columns + y // count * 97) % count]

            description = (
                f"Aperio Image Library\r\n{whole}x{whole} (256x256) JPEG/RGB Q=70|MPP = {MPP}"
            )
            writer.write(
                tiles(),
                shape=(side, side, 3),
                dtype="uint8",
                photometric="rgb",
                tile=(SEGMENT, SEGMENT),
                compression="jpeg",
                compressionargs={"level": 70},
                description=description,
                subfiletype=1 if level else 0,
                metadata=None,
            )
