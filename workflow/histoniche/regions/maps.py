"""Region maps: tiles put together into one label image a slide, and its exports."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import zarr

from histoniche.cohort.palette import rgb
from histoniche.files import whole_folder, write_json
from histoniche.regions.areas import measure_areas
from histoniche.regions.overlay import draw_overlay, draw_skipped
from histoniche.slides.outlines import feature, outline
from histoniche.slides.store import TileStore

_SMALLEST_LEVEL = 256
_CHUNK = 512
# Outlines and pictures are drawn from a level no larger than this.
_LARGEST_DRAWN = 8192


def strips(store: TileStore, name: str = "label", *, rows: int = 1) -> Iterator[np.ndarray]:
    """Put a store's tiles together, some rows of tiles at a time.

    Parameters
    ----------
    rows
        Rows of tiles in a strip.

    Yields
    ------
    uint8, (height, width) at the tiles' resolution, from top to bottom, all of
    the slide's width; 0 where there is no tile.
    """
    size = int(store.attributes["size"])
    columns, count = store.attributes["grid"]
    width, height = map_size(store)
    cells = store.column("cell")
    place = np.searchsorted(cells[:, 1], np.arange(0, count + rows, rows))
    for first, start, end in zip(range(0, count, rows), place, place[1:], strict=False):
        canvas = np.zeros((rows * size, columns * size), np.uint8)
        for index in range(start, end):
            column, row = cells[index]
            y, x = (row - first) * size, column * size
            canvas[y : y + size, x : x + size] = store.tile(name, index)
        strip = canvas[: height - first * size, :width]
        if len(strip):
            yield strip


def map_size(store: TileStore) -> tuple[int, int]:
    """Width and height of the whole slide at the tiles' resolution."""
    width, height = (
        max(1, round(side / store.attributes["scale_to_level0"]))
        for side in store.attributes["slide_size"]
    )
    return width, height


def write_ome_zarr(
    store: TileStore, out: Path, *, palette: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """Write a store's labels as OME-Zarr 0.5, with a pyramid, the palette and the scale.

    Written strip by strip, so that memory grows with the slide's width alone.

    Returns
    -------
    Pixels of each label, int64 (256,).

    References
    ----------
    Moore et al. 2023, Histochem Cell Biol 160:223 (OME-Zarr).
    """
    size, mpp = int(store.attributes["size"]), float(store.attributes["mpp"])
    rows = max(1, _CHUNK // size)
    chunk = rows * size
    counts = np.zeros(256, np.int64)
    with whole_folder(out) as folder:
        group = zarr.create_group(folder, zarr_format=3)
        width, height = map_size(store)
        level = _new_level(group, 0, (height, width), chunk)
        top = 0
        for strip in strips(store, rows=rows):
            level[top : top + len(strip)] = strip
            counts += np.bincount(strip.ravel(), minlength=256)
            top += len(strip)
        levels = 1
        while max(level.shape) > _SMALLEST_LEVEL:
            level = _halve(group, level, levels, chunk)
            levels += 1
        group.attrs["ome"] = _metadata(levels, mpp, palette)
    return counts


def _new_level(group: zarr.Group, number: int, shape: tuple[int, int], chunk: int) -> Any:
    """Add an empty level to the pyramid."""
    return group.create_array(
        str(number),
        shape=shape,
        dtype="uint8",
        chunks=tuple(min(chunk, side) for side in shape),
        dimension_names=["y", "x"],
        fill_value=0,
    )


def _halve(group: zarr.Group, level: Any, number: int, chunk: int) -> Any:
    """Add a level of half the resolution, each pixel one of four."""
    height, width = level.shape
    half = _new_level(group, number, (-(-height // 2), -(-width // 2)), chunk)
    for top in range(0, half.shape[0], chunk):
        half[top : top + chunk] = level[2 * top : 2 * (top + chunk)][::2, ::2]
    return half


def _metadata(levels: int, mpp: float, palette: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Scale, levels and palette as OME-Zarr states them."""
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [mpp * 2**number, mpp * 2**number]}
            ],
        }
        for number in range(levels)
    ]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in ("y", "x")]
    return {
        "version": "0.5",
        "multiscales": [{"name": "regions", "axes": axes, "datasets": datasets}],
        "image-label": {
            "colors": [
                {"label-value": entry["label"], "rgba": [*rgb(entry["colour"]), 255]}
                for entry in palette
            ],
            "properties": [
                {
                    "label-value": entry["label"],
                    "region": entry["region"],
                    "name": entry["name"],
                }
                for entry in palette
            ],
        },
    }


def write_geojson(
    labels: np.ndarray,
    out: Path,
    *,
    scale: float,
    tolerance: float,
    palette: Sequence[Mapping[str, Any]],
) -> None:
    """Write the regions as annotations that QuPath opens, in pixels of level 0.

    Parameters
    ----------
    labels
        uint8, (height, width).
    scale
        Pixels of level 0 to a pixel of the map.
    tolerance
        About how far outlines may be moved to make them simple, in pixels of the
        map: corners whose triangle is smaller than its square are cut. Regions
        that touch still do.
    """
    outlines = region_outlines(labels, tolerance=tolerance)
    features = [
        feature(
            shapely.transform(outlines[entry["label"]], lambda points: np.round(points * scale, 2)),
            name=entry["name"],
            code=entry["region"],
            colour=rgb(entry["colour"]),
        )
        for entry in palette[1:]
        if entry["label"] in outlines
    ]
    write_json({"type": "FeatureCollection", "features": features}, out)


def region_outlines(labels: np.ndarray, *, tolerance: float) -> dict[int, shapely.MultiPolygon]:
    """Outline of every label but 0, in pixels, with shared borders that stay shared.

    Parameters
    ----------
    labels
        uint8, (height, width).
    tolerance
        See `write_geojson`; 0 keeps every pixel's corner.
    """
    found = {int(label): outline(labels == label) for label in np.unique(labels[labels > 0])}
    if tolerance == 0 or not found:
        return found
    # Borders cut where any two meet, so that both sides of each have the same corners.
    borders = shapely.union_all([shapely.boundary(one) for one in found.values()])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(borders)))
    inside = shapely.get_coordinates(shapely.point_on_surface(faces)).astype(int)
    owners = labels[inside[:, 1], inside[:, 0]]
    simple = shapely.coverage_simplify(faces[owners > 0], tolerance)
    owners = owners[owners > 0]
    return {
        label: shapely.MultiPolygon(
            [
                part
                for part in shapely.get_parts(shapely.union_all(simple[owners == label]))
                if isinstance(part, shapely.Polygon) and not part.is_empty
            ]
        )
        for label in found
    }


def map_regions(
    predictions: Path,
    thumbnail: Path,
    *,
    out_map: Path,
    out_geojson: Path,
    out_overlay: Path,
    out_areas: Path,
    palette: Sequence[Mapping[str, Any]],
    tolerance_um: float,
) -> None:
    """Write a slide's region map, its exports and its areas.

    A skipped slide gives an empty map with its reason, so that every slide has
    the same files.
    """
    store = TileStore(predictions)
    store.check()
    if len(store) == 0:
        reason = store.attributes["reason"]
        with whole_folder(out_map) as folder:
            zarr.create_group(folder, attributes={"status": "skipped", "reason": reason})
        write_json({"type": "FeatureCollection", "features": []}, out_geojson)
        draw_skipped(thumbnail, out_overlay)
        write_json({"status": "skipped", "reason": reason, "regions": []}, out_areas)
        return
    mpp, scale = (float(store.attributes[key]) for key in ("mpp", "scale_to_level0"))
    counts = write_ome_zarr(store, out_map, palette=palette)
    regions = measure_areas(counts, mpp=mpp, palette=palette)
    labels, reduction = _drawn_level(out_map)
    write_geojson(
        labels,
        out_geojson,
        scale=scale * reduction,
        tolerance=tolerance_um / (mpp * reduction),
        palette=palette,
    )
    draw_overlay(
        thumbnail,
        labels,
        regions,
        out_overlay,
        slide=store.slide,
        mpp=mpp * reduction,
        palette=palette,
    )
    write_json({"status": "ok", "reason": "", "regions": regions}, out_areas)


def _drawn_level(path: Path) -> tuple[np.ndarray, int]:
    """The finest level of a map that is small enough to be drawn, and its reduction."""
    group = zarr.open_group(path, mode="r")
    number = 0
    while max(group[str(number)].shape) > _LARGEST_DRAWN:
        number += 1
    return np.asarray(group[str(number)][:]), 2**number


def read_map(path: Path) -> np.ndarray:
    """Full resolution of a region map, uint8 (height, width)."""
    return np.asarray(zarr.open_group(path, mode="r")["0"][:])
