"""Annotations: a person's mask of the regions, read as labels."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from histoniche.cohort.masks import png_size
from histoniche.cohort.palette import IGNORE
from histoniche.errors import InputError

_LARGEST = 1_600_000_000
_STRIP_PX = 512


def check_annotation(
    path: Path, *, slide_size: tuple[int, int], mpp: float, coarsest_mpp: float
) -> None:
    """Check that a mask covers the slide and is fine enough, without decoding it.

    Parameters
    ----------
    path
        The mask.
    slide_size
        Width and height of the slide's level 0 in pixels.
    mpp
        Micrometres per pixel of level 0.
    coarsest_mpp
        A mask coarser than this cannot label the tiles.
    """
    size = png_size(path)
    scale = (slide_size[0] / size[0], slide_size[1] / size[1])
    # A mask made from a downsampled level is rounded to whole pixels.
    if abs(scale[0] - scale[1]) > max(0.01 * scale[0], 2 / min(size) * max(scale)):
        raise InputError(
            f"the mask ({size[0]} x {size[1]}) has another shape than the slide "
            f"({slide_size[0]} x {slide_size[1]})",
            file=path,
            column="annotation",
            remedy="draw it over the whole slide",
        )
    if mpp * max(scale) > coarsest_mpp:
        raise InputError(
            f"the mask ({size[0]} x {size[1]}) has {mpp * max(scale):.3g} µm per pixel, coarser "
            f"than twice the tiles",
            file=path,
            column="annotation",
            remedy="save it in a finer size, best the slide's own",
        )


def read_annotation(path: Path, palette: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Read a mask in the palette's colours as labels.

    Parameters
    ----------
    path
        PNG, each pixel in exactly one of the palette's colours; transparent
        pixels are not annotated.
    palette
        Mappings with `label` and `colour` (#RRGGBB).

    Returns
    -------
    uint8, (height, width); 255 where nothing is annotated.

    Raises
    ------
    InputError
        Naming the first colour that is not in the palette, and its place.
    """
    lookup = np.full(1 << 24, IGNORE, np.uint8)
    for entry in palette:
        lookup[int(entry["colour"][1:], 16)] = entry["label"]
    with opened_mask(path, column="annotation") as image:
        labels = np.empty((image.height, image.width), np.uint8)
        # Strip by strip, so that a large mask is never held in more than one form.
        for top in range(0, image.height, _STRIP_PX):
            strip = image.crop((0, top, image.width, min(top + _STRIP_PX, image.height)))
            labels[top : top + _STRIP_PX] = _labels_of(strip, lookup, path, top)
    return labels


def annotated_areas(
    labels: np.ndarray, *, palette: Sequence[Mapping[str, Any]], slide_mm2: float
) -> list[float]:
    """Area that a whole mask gives to each label of a palette.

    Parameters
    ----------
    labels
        uint8, (height, width), over the whole slide.
    palette
        Mappings with `label`, in the order of the labels.
    slide_mm2
        Area of the slide.
    """
    counts = np.zeros(IGNORE + 1, np.int64)
    for top in range(0, len(labels), _STRIP_PX):
        counts += np.bincount(labels[top : top + _STRIP_PX].ravel(), minlength=IGNORE + 1)
    return [float(counts[entry["label"]] / labels.size * slide_mm2) for entry in palette]


@contextmanager
def opened_mask(path: Path, *, column: str) -> Iterator[Image.Image]:
    """Open a mask and decode it; `column` of the sheet is named if that fails."""
    Image.MAX_IMAGE_PIXELS = _LARGEST
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()
            yield image
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            "cannot be decoded, or is larger than 3.2 gigapixels",
            file=path,
            column=column,
            remedy="save it as PNG again, in a coarser size if need be",
        ) from error


def _labels_of(strip: Image.Image, lookup: np.ndarray, path: Path, top: int) -> np.ndarray:
    """Labels of some rows of a mask, the first of which is row `top` of the whole."""
    pixels = np.asarray(strip.convert("RGBA"))
    codes = (
        (pixels[..., 0].astype(np.uint32) << 16)
        | (pixels[..., 1].astype(np.uint32) << 8)
        | pixels[..., 2]
    )
    labels = lookup[codes]
    seen = pixels[..., 3] > 0
    unknown = (labels == IGNORE) & seen
    if unknown.any():
        y, x = np.argwhere(unknown)[0]
        raise InputError(
            f"the colour at x {x}, y {top + y} is not in the palette",
            file=path,
            column="annotation",
            value=f"#{int(codes[y, x]):06X}",
            remedy="draw in the palette's exact colours and save as PNG",
        )
    labels[~seen] = IGNORE
    return labels


def sample_labels(
    labels: np.ndarray,
    *,
    x: float,
    y: float,
    footprint: float,
    slide_size: tuple[int, int],
    size: int,
) -> np.ndarray:
    """Labels of one tile, each the mask's pixel under the tile pixel's centre.

    Parameters
    ----------
    labels
        The whole mask, (height, width), over the whole slide.
    x, y, footprint
        Corner and side of the tile in pixels of level 0.
    slide_size
        Width and height of level 0.
    size
        Side of the tile in pixels.

    Returns
    -------
    uint8, (size, size); 255 outside the slide.
    """
    centres = (np.arange(size) + 0.5) * footprint / size
    columns = np.floor((x + centres) * labels.shape[1] / slide_size[0]).astype(int)
    rows = np.floor((y + centres) * labels.shape[0] / slide_size[1]).astype(int)
    tile = labels[
        np.ix_(rows.clip(0, labels.shape[0] - 1), columns.clip(0, labels.shape[1] - 1))
    ].copy()
    tile[rows >= labels.shape[0]] = IGNORE
    tile[:, columns >= labels.shape[1]] = IGNORE
    return tile
