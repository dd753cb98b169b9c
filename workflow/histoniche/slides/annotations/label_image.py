"""Label images: OME-Zarr, whose pixels hold the palette's labels."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.cohort.palette import IGNORE
from histoniche.errors import InputError
from histoniche.slides.annotations.annotation import Frame, refuse_unknown
from histoniche.slides.annotations.mask import check_cover, sample
from histoniche.slides.ngff import FAULTS, open_multiscale

# Side of the blocks that are counted at a time, or a chunk's where that is larger.
_BLOCK_PX = 2048


class LabelImageAnnotation:
    """An OME-Zarr label image, read where it is needed.

    Parameters
    ----------
    path
        Folder of the image (NGFF 0.4 or 0.5): integers, (y, x). The pixel's
        value is the palette's label; 255 is not annotated.
    frame
        The slide.
    palette
        Mappings with `label`.

    Raises
    ------
    InputError
        If it is no label image, or listing labels that are not in the palette.
    """

    def __init__(self, path: Path, frame: Frame, palette: Sequence[Mapping[str, Any]]) -> None:
        self._frame, self._palette = frame, palette
        self._labels = open_labels(path)
        self._counts = np.zeros(IGNORE + 1, np.int64)
        unknown: set[str] = set()
        known = [entry["label"] for entry in palette]
        for rows, columns in _blocks(self._labels):
            values, counts = np.unique(self._labels[rows, columns], return_counts=True)
            unknown |= {str(value) for value in values if value not in known and value != IGNORE}
            if not unknown:
                self._counts[values] += counts
        remedy = "number the regions as the palette does, 255 for what is not annotated"
        refuse_unknown("labels", unknown, file=path, remedy=remedy)

    def tile(self, x: float, y: float, footprint: float, size: int) -> np.ndarray:
        """Labels of one tile; see `Annotation`."""
        height, width = self._labels.shape
        step_x, step_y = self._frame.width / width, self._frame.height / height
        left, top = max(0, int(x / step_x)), max(0, int(y / step_y))
        right = min(width, int(np.ceil((x + footprint) / step_x)) + 1)
        bottom = min(height, int(np.ceil((y + footprint) / step_y)) + 1)
        if right <= left or bottom <= top:
            return np.full((size, size), IGNORE, np.uint8)
        window = np.asarray(self._labels[top:bottom, left:right]).astype(np.uint8)
        corner = {"x": x - left * step_x, "y": y - top * step_y}
        return sample(window, (step_x, step_y), **corner, footprint=footprint, size=size)

    def areas_mm2(self) -> list[float]:
        """Annotated area of each label; see `Annotation`."""
        height, width = self._labels.shape
        share = self._frame.area_mm2 / (height * width)
        return [float(self._counts[entry["label"]] * share) for entry in self._palette]


def _blocks(labels: Any) -> Iterator[tuple[slice, slice]]:
    """Cut an array into blocks of whole chunks, so that each chunk is read once."""
    chunks = labels.shards or labels.chunks
    steps = [side * -(-_BLOCK_PX // side) for side in chunks]
    for top, left in product(
        *(range(0, n, step) for n, step in zip(labels.shape, steps, strict=True))
    ):
        yield slice(top, top + steps[0]), slice(left, left + steps[1])


def check_labels(path: Path, frame: Frame, *, coarsest_mpp: float) -> None:
    """Check that a label image covers the slide and is fine enough."""
    height, width = open_labels(path).shape
    check_cover(path, (width, height), frame, coarsest_mpp=coarsest_mpp)


def open_labels(path: Path) -> Any:
    """Open the finest level of an OME-Zarr label image, (y, x).

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        image, group = open_multiscale(path)
        array = group[image["datasets"][0]["path"]]
        if array.ndim == 2 and np.issubdtype(array.dtype, np.integer):
            return array
    except FAULTS:
        pass
    raise InputError(
        "no OME-Zarr label image of two axes",
        file=path,
        column="annotation",
        remedy="write integers with the axes y and x",
    )
