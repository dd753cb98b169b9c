"""Slide files of the demo: tiled pyramids, masks, and one file that is broken."""

import struct
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from histoniche.cohort.palette import Region
from histoniche.demo.layout import MPP

_TILE = 256
_QUALITY = 85
_LEVELS = 3
_UM_PER_CM = 10_000
_RESOLUTION_TAGS = (282, 283, 296)


def write_slide(pixels: np.ndarray, path: Path) -> None:
    """Write a pyramid of JPEG tiles whose tags say `MPP`; OpenSlide reads it as generic-tiff.

    Parameters
    ----------
    pixels
        uint8, (height, width, 3).
    """
    with tifffile.TiffWriter(path, bigtiff=False, byteorder="<") as writer:
        for level in range(_LEVELS):
            per_cm = _UM_PER_CM / (MPP * 2**level)
            writer.write(
                pixels,
                # What is handed over; with JPEG tifffile stores YCbCr, 2 x 2 subsampled.
                photometric="rgb",
                tile=(_TILE, _TILE),
                compression="jpeg",
                compressionargs={"level": _QUALITY},
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                subfiletype=1 if level else 0,
                # What tifffile would add by itself names versions, which change.
                metadata=None,
                software=False,
            )
            pixels = _halve(pixels)


def remove_resolution(path: Path) -> None:
    """Remove the resolution tags of every page of a slide, in place."""
    content = bytearray(path.read_bytes())
    (page,) = struct.unpack_from("<I", content, 4)
    while page:
        (count,) = struct.unpack_from("<H", content, page)
        end = page + 2 + 12 * count
        tags = [bytes(content[at : at + 12]) for at in range(page + 2, end, 12)]
        kept = [tag for tag in tags if struct.unpack_from("<H", tag)[0] not in _RESOLUTION_TAGS]
        (following,) = struct.unpack_from("<I", content, end)
        directory = struct.pack("<H", len(kept)) + b"".join(kept) + struct.pack("<I", following)
        content[page : end + 4] = directory.ljust(end + 4 - page, b"\0")
        page = following
    path.write_bytes(content)


def write_broken_slide(path: Path, random: np.random.Generator) -> None:
    """Write a file that starts as a TIFF does and goes on with noise."""
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + random.bytes(1 << 16))


def write_mask(labels: np.ndarray, palette: list[Region], path: Path) -> None:
    """Write a label map as an RGB PNG in the palette's colours."""
    colours = np.array([region.rgb for region in palette], np.uint8)
    Image.fromarray(colours[labels]).save(path)


def _halve(pixels: np.ndarray) -> np.ndarray:
    """Mean of each 2 x 2 pixels; a last odd row or column is dropped, as scanners do."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    blocks = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return ((blocks.sum(axis=(1, 3), dtype=np.uint16) + 2) // 4).astype(np.uint8)
