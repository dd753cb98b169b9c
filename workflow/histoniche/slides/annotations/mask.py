"""Masks: PNG in the palette's colours over the whole slide."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from histoniche.cohort.masks import png_size
from histoniche.cohort.palette import IGNORE
from histoniche.errors import InputError
from histoniche.slides.annotations.annotation import Frame, centres, refuse_unknown

_LARGEST = 1_600_000_000
_STRIP_PX = 512


class MaskAnnotation:
    """A mask, held in memory as labels.

    Parameters
    ----------
    path
        PNG, each pixel in exactly one of the palette's colours; transparent
        pixels are not annotated.
    frame
        The slide.
    palette
        Mappings with `label` and `colour` (#RRGGBB).

    Raises
    ------
    InputError
        If it cannot be decoded, or listing colours that are not in the palette.
    """

    def __init__(self, path: Path, frame: Frame, palette: Sequence[Mapping[str, Any]]) -> None:
        self._frame, self._palette = frame, palette
        self._labels = read_mask(path, palette)

    def tile(self, x: float, y: float, footprint: float, size: int) -> np.ndarray:
        """Labels of one tile; see `Annotation`."""
        height, width = self._labels.shape
        steps = (self._frame.width / width, self._frame.height / height)
        return sample(self._labels, steps, x=x, y=y, footprint=footprint, size=size)

    def areas_mm2(self) -> list[float]:
        """Annotated area of each label; see `Annotation`."""
        counts = np.zeros(IGNORE + 1, np.int64)
        # By strips, since counting needs eight bytes a pixel.
        for top in range(0, len(self._labels), _STRIP_PX):
            strip = self._labels[top : top + _STRIP_PX]
            counts += np.bincount(strip.ravel(), minlength=IGNORE + 1)
        share = self._frame.area_mm2 / self._labels.size
        return [float(counts[entry["label"]] * share) for entry in self._palette]


def sample(
    labels: np.ndarray,
    steps: tuple[float, float],
    *,
    x: float,
    y: float,
    footprint: float,
    size: int,
) -> np.ndarray:
    """A tile of labels, each that of the image's pixel under the tile pixel's centre.

    Parameters
    ----------
    labels
        uint8, (height, width).
    steps
        Width and height of its pixels in pixels of level 0.
    x, y, footprint, size
        The tile, as for `Annotation`; x and y from the corner of `labels`.
    """
    height, width = labels.shape
    columns = np.floor(centres(x, footprint, size) / steps[0]).astype(int)
    rows = np.floor(centres(y, footprint, size) / steps[1]).astype(int)
    tile = labels[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))].copy()
    tile[(rows < 0) | (rows >= height)] = IGNORE
    tile[:, (columns < 0) | (columns >= width)] = IGNORE
    return tile


def check_mask(path: Path, frame: Frame, *, coarsest_mpp: float) -> None:
    """Check that a mask covers the slide and is fine enough, without decoding it.

    Parameters
    ----------
    coarsest_mpp
        A mask coarser than this cannot label the tiles.

    Raises
    ------
    InputError
        If it has another shape than the slide, or is too coarse.
    """
    check_cover(path, png_size(path), frame, coarsest_mpp=coarsest_mpp)


def check_cover(path: Path, size: tuple[int, int], frame: Frame, *, coarsest_mpp: float) -> None:
    """Check that an image of labels covers the slide and is fine enough."""
    scale = (frame.width / size[0], frame.height / size[1])
    # A mask made from a downsampled level is rounded to whole pixels.
    if abs(scale[0] - scale[1]) > max(0.01 * scale[0], 2 / min(size) * max(scale)):
        raise InputError(
            f"the mask ({size[0]} x {size[1]}) has another shape than the slide "
            f"({frame.width} x {frame.height})",
            file=path,
            column="annotation",
            remedy="draw it over the whole slide",
        )
    if frame.mpp * max(scale) > coarsest_mpp:
        raise InputError(
            f"the mask ({size[0]} x {size[1]}) has {frame.mpp * max(scale):.3g} µm per pixel, "
            "coarser than twice the tiles",
            file=path,
            column="annotation",
            remedy="save it in a finer size, best the slide's own",
        )


def read_mask(path: Path, palette: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Read a mask as labels, uint8 (height, width), 255 where nothing is annotated."""
    lookup = np.full(1 << 24, IGNORE, np.uint8)
    for entry in palette:
        lookup[int(entry["colour"][1:], 16)] = entry["label"]
    unknown: set[str] = set()
    with opened_mask(path, column="annotation") as image:
        labels = np.empty((image.height, image.width), np.uint8)
        # Strip by strip, so that a large mask is never held in more than one form.
        for top in range(0, image.height, _STRIP_PX):
            strip = image.crop((0, top, image.width, min(top + _STRIP_PX, image.height)))
            labels[top : top + _STRIP_PX], strange = _labels_of(strip, lookup)
            unknown |= strange
    remedy = "draw in the palette's exact colours and save as PNG"
    refuse_unknown("colours", unknown, file=path, remedy=remedy)
    return labels


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


def _labels_of(strip: Image.Image, lookup: np.ndarray) -> tuple[np.ndarray, set[str]]:
    """Labels of some rows of a mask, and the colours in them that have none."""
    pixels = np.asarray(strip.convert("RGBA"))
    codes = (
        (pixels[..., 0].astype(np.uint32) << 16)
        | (pixels[..., 1].astype(np.uint32) << 8)
        | pixels[..., 2]
    )
    labels = lookup[codes]
    seen = pixels[..., 3] > 0
    strange = np.unique(codes[(labels == IGNORE) & seen])
    labels[~seen] = IGNORE
    return labels, {f"#{code:06X}" for code in strange}
