"""Tiling: a slide's tissue cut into tiles of one physical size."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
from PIL import Image

from histoniche import __version__
from histoniche.errors import InputError, UnusableSlide
from histoniche.files import read_json, whole_folder
from histoniche.slides.annotations import annotated_areas, read_annotation, sample_labels
from histoniche.slides.readers import Slide, open_slide, read_scaled
from histoniche.slides.store import TileWriter

# Tiles may be finer than the slide by this factor; more would be invented detail.
_LARGEST_ENLARGEMENT = 1.5


class Grid(NamedTuple):
    """Where the tiles of a slide lie.

    `origin` (n, 2) holds x and y of each tile's corner and `footprint` the side
    of a tile, in pixels of level 0; `cell` (n, 2) column and row in the grid.
    """

    origin: np.ndarray
    cell: np.ndarray
    tissue: np.ndarray
    footprint: float
    columns: int
    rows: int


def lay_grid(
    slide_size: tuple[int, int],
    tissue: np.ndarray,
    *,
    slide_mpp: float,
    mpp: float,
    size: int,
    min_tissue: float,
) -> Grid:
    """Lay a grid of tiles over a slide and keep those with tissue.

    The grid starts at the slide's corner and does not overlap; tiles at the
    right and lower edge reach beyond the slide and are filled up with white.

    Parameters
    ----------
    slide_size
        Width and height of level 0 in pixels.
    tissue
        Boolean tissue mask of the whole slide, of any size.
    slide_mpp, mpp
        Micrometres per pixel of level 0 and of the tiles.
    size
        Side of a tile in its own pixels.
    min_tissue
        Tiles with a smaller share of tissue are left out, and so are those with none.

    Raises
    ------
    UnusableSlide
        If the slide is too coarse for the tiles, or no tile has enough tissue.
    """
    if slide_mpp > mpp * _LARGEST_ENLARGEMENT:
        raise UnusableSlide(
            f"its {slide_mpp:.3g} µm per pixel are too coarse for tiles of {mpp:g} µm per pixel"
        )
    footprint = size * mpp / slide_mpp
    columns, rows = (max(1, int(np.ceil(side / footprint - 1e-6))) for side in slide_size)
    # Mean of the mask over each cell by way of its integral image.
    integral = np.zeros((tissue.shape[0] + 1, tissue.shape[1] + 1))
    integral[1:, 1:] = tissue.cumsum(0, dtype=float).cumsum(1)
    x = np.minimum(np.arange(columns + 1) * footprint / slide_size[0], 1) * tissue.shape[1]
    y = np.minimum(np.arange(rows + 1) * footprint / slide_size[1], 1) * tissue.shape[0]
    corners = integral[np.ix_(np.round(y).astype(int), np.round(x).astype(int))]
    sums = corners[1:, 1:] - corners[1:, :-1] - corners[:-1, 1:] + corners[:-1, :-1]
    cell_area = footprint**2 * tissue.size / (slide_size[0] * slide_size[1])
    share = np.minimum(sums / cell_area, 1)
    kept = np.argwhere((share >= min_tissue) & (share > 0))
    if len(kept) == 0:
        raise UnusableSlide(f"no tile has {min_tissue:.0%} tissue")
    return Grid(
        origin=np.floor(kept[:, ::-1] * footprint).astype(np.int32),
        cell=kept[:, ::-1].astype(np.int32),
        tissue=share[kept[:, 0], kept[:, 1]].astype(np.float32),
        footprint=footprint,
        columns=columns,
        rows=rows,
    )


def tile_slide(
    path: Path,
    inspection: Path,
    tissue: Path,
    out: Path,
    *,
    slide: str,
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
    on_bad_slide: str,
) -> None:
    """Cut one slide into tiles and write them as a store.

    Parameters
    ----------
    path
        The slide.
    inspection, tissue
        What `inspect_slide` wrote. A slide that it skipped gives an empty store
        with the reason.
    out
        Folder of the store.
    slide
        Its id.
    annotation
        A person's mask, which becomes label tiles, or None.
    palette
        Mappings with `label` and `colour`.
    tiling
        One block of the config's `tilings`: mpp, size, min_tissue.
    on_bad_slide
        What to do if no tile is left: `skip` or `fail`.
    """
    facts = read_json(inspection)
    attributes = {"slide": slide, "status": facts["status"], "reason": facts["reason"]}
    if facts["status"] == "ok":
        try:
            _tile(
                path,
                facts,
                tissue,
                out,
                slide=slide,
                annotation=annotation,
                palette=palette,
                tiling=tiling,
            )
            return
        except UnusableSlide as reason:
            if on_bad_slide == "fail":
                raise InputError(
                    str(reason), file=path, value=slide, remedy="change the tiling or the slide"
                ) from reason
            attributes |= {"status": "skipped", "reason": str(reason)}
    with whole_folder(out) as folder:
        TileWriter(folder, 0, {}).close({}, {**attributes, "tiles": 0})


def _tile(
    path: Path,
    facts: Mapping[str, Any],
    tissue: Path,
    out: Path,
    *,
    slide: str,
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
) -> None:
    """Write the store of a usable slide."""
    size = int(tiling["size"])
    slide_size = (int(facts["width_px"]), int(facts["height_px"]))
    with Image.open(tissue) as image:
        mask = np.asarray(image) > 0
    grid = lay_grid(slide_size, mask, slide_mpp=facts["mpp"], **tiling)
    labels = None if annotation is None else read_annotation(annotation, palette)
    shapes: dict[str, tuple[int, ...]] = {"pixels": (size, size, 3)}
    if labels is not None:
        shapes["label"] = (size, size)
    with open_slide(path, mpp=facts["mpp"]) as source, whole_folder(out) as folder:
        writer = TileWriter(folder, len(grid.cell), shapes)
        for column, row in grid.cell:
            x, y = column * grid.footprint, row * grid.footprint
            tile = {"pixels": _read_tile(source, x, y, grid.footprint, size)}
            if labels is not None:
                tile["label"] = sample_labels(
                    labels, x=x, y=y, footprint=grid.footprint, slide_size=slide_size, size=size
                )
            writer.append(**tile)
        writer.close(
            {"origin": grid.origin, "cell": grid.cell, "tissue": grid.tissue},
            {
                "slide": slide,
                "status": "ok",
                "reason": "",
                "tiles": len(grid.cell),
                "mpp": tiling["mpp"],
                "size": size,
                "scale_to_level0": grid.footprint / size,
                "slide_size": slide_size,
                "slide_mpp": facts["mpp"],
                "grid": [grid.columns, grid.rows],
                "reader": source.reader,
                "settings": dict(tiling),
                "annotated_mm2": None
                if labels is None
                else annotated_areas(
                    labels, palette=palette, slide_mm2=_area_mm2(slide_size, facts["mpp"])
                ),
                "versions": {"histoniche": __version__, "zarr": zarr.__version__},
            },
        )
    logging.info(
        "%s: %d tiles of %d px at %g µm per pixel", slide, len(grid.cell), size, tiling["mpp"]
    )


def _area_mm2(size: tuple[int, int], mpp: float) -> float:
    """Area of a slide of some pixels."""
    return size[0] * size[1] * mpp**2 / 1e6


def _read_tile(slide: Slide, x: float, y: float, footprint: float, size: int) -> np.ndarray:
    """Pixels of one tile, (size, size, 3)."""
    return read_scaled(slide, x=x, y=y, width=footprint, height=footprint, size=(size, size))
