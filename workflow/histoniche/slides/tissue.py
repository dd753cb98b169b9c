"""Tissue: told from glass by colour, cleaned by physical size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import filters
from skimage.morphology import remove_small_holes, remove_small_objects

from histoniche.cohort.masks import drawing_kind
from histoniche.errors import InputError
from histoniche.slides.annotations.annotation import centres
from histoniche.slides.annotations.mask import opened_mask
from histoniche.slides.annotations.polygons import read_polygons, rings_of
from histoniche.slides.annotations.rasterise import inside

# About a cell's size: joins stained nuclei on a dark ground, keeps contours.
_SMOOTHING_UM = 20.0


def chroma(pixels: np.ndarray) -> np.ndarray:
    """How colourful each pixel is: largest minus smallest of R, G and B, 0 to 1.

    White glass, black fluorescence background and grey dust are all near 0.

    Parameters
    ----------
    pixels
        uint8, (height, width, 3).
    """
    return (pixels.max(-1) - pixels.min(-1)).astype(np.float32) / 255


def _otsu(values: np.ndarray, floor: float) -> np.ndarray:
    """Above Otsu's threshold (Otsu 1979, IEEE Trans SMC 9:62), but never below `floor`."""
    return values > max(filters.threshold_otsu(values), floor)


def _hysteresis(values: np.ndarray, floor: float) -> np.ndarray:
    """Above half of Otsu's threshold where connected to what is above it."""
    high = max(filters.threshold_otsu(values), floor)
    return filters.apply_hysteresis_threshold(values, max(high / 2, floor), high)


def _all(values: np.ndarray, floor: float) -> np.ndarray:
    """Everything."""
    return np.ones(values.shape, bool)


METHODS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "otsu": _otsu,
    "hysteresis": _hysteresis,
    "all": _all,
}


def find_tissue(
    overview: np.ndarray, *, mpp: float, method: str, min_chroma: float, min_island_mm2: float
) -> np.ndarray:
    """Find the tissue on a thumbnail.

    Parameters
    ----------
    overview
        uint8, (height, width, 3).
    mpp
        Micrometres per pixel of the thumbnail.
    method
        A key of `METHODS`.
    min_chroma
        Floor of the threshold, 0 to 1.
    min_island_mm2
        Smaller islands are dropped and smaller holes filled.

    Returns
    -------
    Boolean, (height, width): True on tissue.
    """
    smooth = ndimage.gaussian_filter(chroma(overview), max(1.0, _SMOOTHING_UM / mpp))
    mask = METHODS[method](smooth, min_chroma)
    # One pixel less than the limit: the library keeps what is larger than max_size.
    smallest = max(0, int(np.ceil(min_island_mm2 * 1e6 / mpp**2)) - 1)
    mask = remove_small_objects(mask, max_size=smallest)
    return remove_small_holes(mask, max_size=smallest)


def read_tissue(path: Path, *, size: tuple[int, int], slide_size: tuple[int, int]) -> np.ndarray:
    """Read a person's tissue mask and scale it to `size`.

    Parameters
    ----------
    path
        PNG over the whole slide, in which what is neither black nor transparent
        is tissue; or GeoJSON whose polygons, of any class, are tissue, in pixels
        of level 0.
    size
        Width and height of the result.
    slide_size
        Width and height of level 0.

    Returns
    -------
    Boolean, (height, width).

    Raises
    ------
    InputError
        If it cannot be read, or has another shape than the slide.
    """
    if drawing_kind(path) == "geojson":
        return _read_polygons(path, size, slide_size)
    with opened_mask(path, column="tissue_mask") as image:
        if abs((image.width / image.height) / (size[0] / size[1]) - 1) > 0.02:
            raise InputError(
                f"the mask ({image.width} x {image.height}) has another shape than the slide",
                file=path,
                column="tissue_mask",
                remedy="draw it over the whole slide",
            )
        ground = Image.new("RGBA", image.size, "black")
        ground.alpha_composite(image.convert("RGBA"))
    tissue = np.asarray(ground)[..., :3].max(-1) > 0
    scaled = Image.fromarray(tissue.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    return np.asarray(scaled) >= 128


def _read_polygons(path: Path, size: tuple[int, int], slide_size: tuple[int, int]) -> np.ndarray:
    """The union of a file's polygons on a grid of `size`."""
    xs, ys = (centres(0, slide, count) for slide, count in zip(slide_size, size, strict=True))
    mask = np.zeros((size[1], size[0]), bool)
    for _, polygon in read_polygons(path, column="tissue_mask"):
        mask |= inside(rings_of(polygon), xs, ys)
    return mask
