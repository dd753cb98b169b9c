"""Artefacts: pen ink, folds, bubbles, overstained and out-of-focus tissue.

Rules on colour and sharpness, each with its threshold in the config. They find
what is plain to see; they are no substitute for a look at the contact sheet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.color import rgb2hsv
from skimage.morphology import remove_small_objects

from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.readers.slide import Slide
from histoniche.slides.scaling import read_scaled

# Black ink is nearly without colour: largest minus smallest of R, G, B, 0 to 1.
_BLACK_CHROMA = 0.12
# Wide enough that single nuclei count as part of the tissue.
_SMOOTHING_UM = 30.0
_FINEST_UM = 10.0
_DARK = 110
_FOCUS_UM = 256.0
_FOCUS_PX = 256
# A slide coarser than this shows no detail that could be out of focus.
_COARSEST_FOR_FOCUS = 2.0
_MOST_PATCHES = 300
_EMPTY_DEVIATION = 0.01


def find_artefacts(
    overview: np.ndarray, tissue: np.ndarray, *, mpp: float, thresholds: Mapping[str, Any]
) -> np.ndarray:
    """Find what can be told by colour: pen ink, folds, bubbles and overstained tissue.

    Parameters
    ----------
    overview
        The whole slide in small, uint8 (height, width, 3).
    tissue
        Boolean, (height, width).
    mpp
        Micrometres per pixel of both.
    thresholds
        The config's block `slides.artefacts`; its schema says what each means.

    Returns
    -------
    uint8, (height, width): 0 or the number of the kind, see `KINDS`. Ink and
    bubbles count also beside the tissue. Slides on a dark ground, such as
    fluorescence, are not judged.
    """
    shape = tissue.shape
    # Finer than a few cells there is nothing to see but cells.
    step = max(1, int(_FINEST_UM / mpp))
    overview, tissue, mpp = overview[::step, ::step], tissue[::step, ::step], mpp * step
    found = np.zeros(tissue.shape, np.uint8)
    if np.quantile(overview.mean(-1), 0.9) < _DARK:
        return np.zeros(shape, np.uint8)
    smooth = ndimage.gaussian_filter(overview, (*[max(0.5, _SMOOTHING_UM / mpp / 2)] * 2, 0))
    hue, saturation, value = np.moveaxis(rgb2hsv(smooth), -1, 0)
    density = -np.log10((smooth.mean(-1) + 1) / 256)
    chroma = (smooth.max(-1).astype(float) - smooth.min(-1)) / 255
    smallest = max(1, int(thresholds["min_mm2"] * 1e6 / mpp**2))
    coloured = (saturation > thresholds["pen_saturation"]) & _between(
        hue * 360, thresholds["pen_hues"]
    )
    black = (value < thresholds["pen_black"]) & (chroma < _BLACK_CHROMA)
    # Later kinds win where several rules hold.
    masks = {
        # Where tissue lies double it is darker and more saturated at once (Bautista and Yagi 2010).
        "fold": tissue & (saturation - value > thresholds["fold"]),
        "overstained": tissue & (density > thresholds["overstained"]),
        "bubble": (chroma < thresholds["bubble_chroma"])
        & _between(value, thresholds["bubble_values"]),
        "pen": coloured | black,
    }
    for kind, mask in masks.items():
        large = remove_small_objects(mask, max_size=smallest - 1)
        found[large] = KINDS.index(kind) + 1
    return found.repeat(step, 0).repeat(step, 1)[: shape[0], : shape[1]]


def measure_focus(slide: Slide, tissue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure how blurred the tissue is, on patches spread evenly over it.

    Parameters
    ----------
    slide
        An open slide.
    tissue
        Boolean tissue mask of the whole slide, of any size.

    Returns
    -------
    Centres of the patches in pixels of the mask, (n, 2) row and column, and
    their blur from 0 (sharp) to 1 (blurred), (n,). Empty where the slide is
    coarser than 2 µm per pixel, which shows nothing that could be unsharp.

    References
    ----------
    Crete et al. 2007, Proc SPIE 6492:64920I (the measure); patches of 256 µm at
    1 µm per pixel.
    """
    width, height, _ = slide.levels[0]
    mpp = slide.resolution.mpp
    side = _FOCUS_UM / mpp
    if mpp > _COARSEST_FOR_FOCUS or min(width, height) < side:
        return np.empty((0, 2)), np.empty(0)
    cell = side * tissue.shape[1] / width
    rows, columns = (max(1, int(length // cell)) for length in tissue.shape)
    centres = np.stack(
        np.meshgrid(*((np.arange(n) + 0.5) * cell for n in (rows, columns)), indexing="ij"), -1
    ).reshape(-1, 2)
    inside = ndimage.uniform_filter(tissue.astype(np.float32), max(1, round(cell)))
    places = centres.astype(int).clip(0, np.array(tissue.shape) - 1)
    centres = centres[inside[places[:, 0], places[:, 1]] > 0.5]
    centres = centres[:: max(1, -(-len(centres) // _MOST_PATCHES))]
    blur = np.array([_blur(slide, row, column, tissue.shape, side) for row, column in centres])
    known = np.isfinite(blur)
    return centres[known], blur[known]


def blurred_map(
    centres: np.ndarray, blur: np.ndarray, tissue: np.ndarray, *, threshold: float
) -> np.ndarray:
    """Tissue whose nearest measured patch is blurred, boolean like `tissue`."""
    if len(centres) == 0:
        return np.zeros_like(tissue)
    places = centres.astype(int).clip(0, np.array(tissue.shape) - 1)
    unknown = np.ones(tissue.shape, bool)
    unknown[places[:, 0], places[:, 1]] = False
    values = np.zeros(tissue.shape, np.float32)
    values[places[:, 0], places[:, 1]] = blur
    _, (rows, columns) = ndimage.distance_transform_edt(unknown, return_indices=True)
    return np.asarray(tissue & (values[rows, columns] > threshold))


def artefact_shares(found: np.ndarray, tissue: np.ndarray) -> dict[str, float]:
    """Share of the tissue under each kind of artefact, 0 to 1."""
    area = max(1, int(tissue.sum()))
    return {
        kind: float(((found == number) & tissue).sum() / area)
        for number, kind in enumerate(KINDS, start=1)
    }


def _between(values: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """Whether values lie between two bounds."""
    low, high = bounds
    return np.asarray((values > low) & (values < high))


def _blur(slide: Slide, row: float, column: float, shape: tuple[int, ...], side: float) -> float:
    """Blur of one patch around a place of the mask; NaN where nothing is that could be sharp."""
    width, height, _ = slide.levels[0]
    x, y = column * width / shape[1] - side / 2, row * height / shape[0] - side / 2
    from skimage.measure import blur_effect  # noqa: PLC0415 - coarse slides do without

    size = (_FOCUS_PX, _FOCUS_PX)
    pixels = read_scaled(slide, x=x, y=y, width=side, height=side, size=size)
    grey = pixels.mean(-1) / 255
    return float(blur_effect(grey)) if grey.std() > _EMPTY_DEVIATION else np.nan
