"""Pictures of annotations as masks in the palette's exact colours."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from histoniche.cohort.palette import IGNORE, Region
from histoniche.errors import InputError
from histoniche.files import whole_file

TOLERANCE = 30.0
"""Largest distance in RGB from a colour of the palette; its nearest two are 70 apart."""

_STRIP = 512
_STEP = 16
_LARGEST = 1_600_000_000
_SHARE = 0.001


class Strange(NamedTuple):
    """Pixels of about one colour that is none of the palette's."""

    colour: str
    """#RRGGBB, the middle of a cube of 16 steps a side."""
    pixels: int
    share: float
    """Of all pixels of the picture."""


def mask_from_picture(
    picture: Path, palette: Sequence[Region], out: Path, *, tolerance: float = TOLERANCE
) -> list[Strange]:
    """Write the regions of a picture as PNG in the palette's exact colours.

    A lossy picture blurs colours, most of all where regions meet. Each pixel gets the nearest
    colour of the palette that is within `tolerance`; one without stays transparent, which
    means that nobody annotated it, so that a blend of two regions seldom becomes a third.

    Parameters
    ----------
    picture
        JPEG or PNG in about the palette's colours.
    palette
        The regions.
    out
        The mask.
    tolerance
        In RGB, less than half the distance between any two colours of the palette.

    Returns
    -------
    Colours that are none of the palette's and cover more than a thousandth, the largest first.

    Raises
    ------
    InputError
        If the picture cannot be decoded, or the palette's colours are too close.
    """
    _check_tolerance(palette, tolerance)
    Image.MAX_IMAGE_PIXELS = _LARGEST
    colours = np.array([[*region.rgb, 255] for region in palette] + [[0, 0, 0, 0]], np.uint8)
    strange: Counter[int] = Counter()
    try:
        with Image.open(picture, formats=("JPEG", "PNG")) as image:
            whole = image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("cannot be decoded", file=picture, remedy="fetch it again") from error
    mask = np.empty((whole.height, whole.width, 4), np.uint8)
    for top in range(0, whole.height, _STRIP):
        strip = np.asarray(whole.crop((0, top, whole.width, min(top + _STRIP, whole.height))))
        labels = nearest_labels(strip, palette, tolerance=tolerance)
        cubes = strip[labels == IGNORE].astype(int) // _STEP
        strange.update((cubes[:, 0] << 8 | cubes[:, 1] << 4 | cubes[:, 2]).tolist())
        labels = np.where(labels == IGNORE, len(palette), labels)
        mask[top : top + _STRIP] = colours[labels]
    with whole_file(out) as temporary:
        Image.fromarray(mask).save(temporary, format="PNG")
    pixels = whole.height * whole.width
    return [
        Strange(_middle(cube), number, number / pixels)
        for cube, number in strange.most_common()
        if number > _SHARE * pixels
    ]


def nearest_labels(
    pixels: np.ndarray, palette: Sequence[Region], *, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Label of the nearest colour of each pixel.

    Parameters
    ----------
    pixels
        uint8, (height, width, 3).

    Returns
    -------
    uint8, (height, width); 255 where no colour is within `tolerance`.
    """
    labels = np.full(pixels.shape[:2], IGNORE, np.uint8)
    best = np.full(pixels.shape[:2], tolerance**2, np.float32)
    for region in palette:
        apart = pixels.astype(np.int32) - np.array(region.rgb, np.int32)
        distance = (apart**2).sum(axis=2)
        nearer = distance <= best
        labels[nearer] = region.label
        best[nearer] = distance[nearer]
    return labels


def _check_tolerance(palette: Sequence[Region], tolerance: float) -> None:
    """No pixel may be within the tolerance of two colours."""
    colours = np.array([region.rgb for region in palette], float)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    closest = float(apart[~np.eye(len(colours), dtype=bool)].min())
    if closest <= 2 * tolerance:
        remedy = "give colours that a lossy picture keeps apart, or masks as PNG"
        raise InputError(f"two colours of the palette are {closest:.0f} apart", remedy=remedy)


def _middle(cube: int) -> str:
    """Colour in the middle of a cube."""
    half = _STEP // 2
    parts = (cube >> 8, cube >> 4 & 15, cube & 15)
    return "#" + "".join(f"{part * _STEP + half:02X}" for part in parts)
