"""Grids: where the tiles of a slide lie, reckoned in micrometres."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from histoniche.errors import UnusableSlide
from histoniche.slides.artefact_kinds import KINDS

# Tiles may be finer than the slide by this factor; more would be invented detail.
_LARGEST_ENLARGEMENT = 1.5


def tile_mpp(tiling: Mapping[str, Any], *, size: tuple[int, int], mpp: float) -> float:
    """Resolution that a tiling asks for on one slide, in µm per pixel.

    Parameters
    ----------
    tiling
        One block of the config's `tilings`, with `mpp` or `fit_px`.
    size, mpp
        Width and height of the slide's level 0 in pixels, and its resolution.
    """
    if tiling.get("fit_px"):
        return mpp * max(size) / float(tiling["fit_px"])
    return float(tiling["mpp"])


class Grid(NamedTuple):
    """Where the tiles of a slide lie.

    `origin` (n, 2) holds x and y of each tile's corner and `footprint` the side
    of a tile, in pixels of level 0; `cell` (n, 2) column and row in the grid;
    `tissue` (n,) the share of tissue and `artefacts` (n, kinds) that of each kind
    of artefact, 0 to 1.
    """

    origin: np.ndarray
    cell: np.ndarray
    tissue: np.ndarray
    artefacts: np.ndarray
    footprint: float
    columns: int
    rows: int


def lay_grid(
    slide_size: tuple[int, int],
    tissue: np.ndarray,
    artefacts: np.ndarray,
    *,
    slide_mpp: float,
    mpp: float,
    size: int,
    min_tissue: float,
    max_artefact: float,
    largest: tuple[int, int] | None = None,
) -> Grid:
    """Lay a grid of tiles over a slide and keep those with tissue.

    The grid starts at the slide's corner and does not overlap; tiles at the
    right and lower edge reach beyond the slide and are filled up with white.

    Parameters
    ----------
    slide_size
        Width and height of level 0 in pixels.
    tissue, artefacts
        Boolean mask, and numbers of `KINDS` (0 for none), of the whole slide, of any size.
    slide_mpp, mpp
        Micrometres per pixel of level 0 and of the tiles.
    size
        Side of a tile in its own pixels.
    min_tissue
        Tiles with a smaller share of tissue are left out, and so are those with none.
    max_artefact
        Tiles with a larger share of artefacts are left out.
    largest
        Most columns and rows, where a level ends a fraction of a pixel early.

    Raises
    ------
    UnusableSlide
        If the slide is too coarse for the tiles, or no tile is left.
    """
    if slide_mpp > mpp * _LARGEST_ENLARGEMENT:
        raise UnusableSlide(
            f"its {slide_mpp:.3g} µm per pixel are too coarse for tiles of {mpp:g} µm per pixel"
        )
    footprint = size * mpp / slide_mpp
    columns, rows = (max(1, int(np.ceil(side / footprint - 1e-6))) for side in slide_size)
    if largest is not None:
        columns, rows = min(columns, largest[0]), min(rows, largest[1])
    steps = (footprint / slide_size[0], footprint / slide_size[1])
    covered = _shares(tissue, steps, columns, rows)
    spoilt = np.zeros((rows, columns, len(KINDS)))
    for number in np.unique(artefacts[artefacts > 0]):
        spoilt[..., number - 1] = _shares(artefacts == number, steps, columns, rows)
    enough = (covered >= min_tissue) & (covered > 0)
    kept = np.argwhere(enough & (spoilt.sum(-1) <= max_artefact + 1e-6))
    if len(kept) == 0:
        clean = f" and at most {max_artefact:.0%} artefacts" if enough.any() else ""
        raise UnusableSlide(f"no tile has {min_tissue:.0%} tissue{clean}")
    return Grid(
        origin=np.floor(kept[:, ::-1] * footprint).astype(np.int32),
        cell=kept[:, ::-1].astype(np.int32),
        tissue=covered[kept[:, 0], kept[:, 1]].astype(np.float32),
        artefacts=spoilt[kept[:, 0], kept[:, 1]].astype(np.float32),
        footprint=footprint,
        columns=columns,
        rows=rows,
    )


def _shares(mask: np.ndarray, steps: tuple[float, float], columns: int, rows: int) -> np.ndarray:
    """Share of every tile that a mask of the whole slide covers, (rows, columns).

    `steps` are width and height of a tile as shares of the slide. The sums come
    from the mask's integral image, read between its pixels, so that they are
    exact also for tiles smaller than a pixel of the mask.
    """
    height, width = mask.shape
    integral = np.zeros((height + 1, width + 1))
    inner = integral[1:, 1:]
    mask.cumsum(1, dtype=float, out=inner)
    inner.cumsum(0, out=inner)
    x = np.minimum(np.arange(columns + 1) * steps[0], 1) * width
    y = np.minimum(np.arange(rows + 1) * steps[1], 1) * height
    corners = _between(_between(integral, y).T, x).T
    sums = corners[1:, 1:] - corners[1:, :-1] - corners[:-1, 1:] + corners[:-1, :-1]
    # Differences of large sums leave a little dirt, far below a pixel of the mask.
    sums[sums < 1e-6] = 0
    return np.asarray(np.minimum(sums / (steps[0] * width * steps[1] * height), 1))


def _between(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of a table at fractional places, linear between neighbours."""
    low = np.minimum(places.astype(int), len(rows) - 2)
    part = (places - low)[:, None]
    return np.asarray(rows[low] * (1 - part) + rows[low + 1] * part)
