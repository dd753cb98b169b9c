"""Region maps: tiles put together into one label image a slide, and its exports."""

from collections.abc import Mapping, Sequence
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


def stitch(store: TileStore, name: str = "label") -> np.ndarray:
    """Put a store's tiles together into one image of the whole slide.

    Returns
    -------
    uint8, (height, width) at the tiles' resolution; 0 where there is no tile.
    """
    size = int(store.attributes["size"])
    columns, rows = store.attributes["grid"]
    canvas = np.zeros((rows * size, columns * size), np.uint8)
    cells = store.column("cell")
    for start, shard in store.shards(name):
        for tile, (column, row) in zip(shard, cells[start:], strict=False):
            canvas[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
    width, height = (
        max(1, round(side / store.attributes["scale_to_level0"]))
        for side in store.attributes["slide_size"]
    )
    return canvas[:height, :width]


def write_ome_zarr(
    labels: np.ndarray, out: Path, *, mpp: float, palette: Sequence[Mapping[str, Any]]
) -> None:
    """Write a label image as OME-Zarr 0.5, with a pyramid, the palette and the scale.

    Parameters
    ----------
    labels
        uint8, (height, width).
    mpp
        Micrometres per pixel.

    References
    ----------
    Moore et al. 2023, Histochem Cell Biol 160:223 (OME-Zarr).
    """
    levels = [labels]
    while max(levels[-1].shape) > _SMALLEST_LEVEL:
        levels.append(levels[-1][::2, ::2])
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [mpp * 2**number, mpp * 2**number]}
            ],
        }
        for number in range(len(levels))
    ]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in ("y", "x")]
    metadata = {
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
    with whole_folder(out) as folder:
        group = zarr.create_group(folder, zarr_format=3)
        for number, level in enumerate(levels):
            chunk = tuple(min(_CHUNK, side) for side in level.shape)
            group.create_array(
                str(number), data=level, chunks=chunk, dimension_names=["y", "x"], fill_value=0
            )
        group.attrs["ome"] = metadata


def write_geojson(
    labels: np.ndarray, out: Path, *, scale: float, palette: Sequence[Mapping[str, Any]]
) -> None:
    """Write the regions as annotations that QuPath opens, in pixels of level 0.

    Parameters
    ----------
    scale
        Pixels of level 0 to a pixel of the map.
    """
    features = []
    for entry in palette[1:]:
        polygons = outline(labels == entry["label"])
        if polygons.is_empty:
            continue
        geometry = shapely.transform(polygons, lambda points: np.round(points * scale, 2))
        features.append(
            feature(
                geometry,
                name=entry["name"],
                code=entry["region"],
                colour=rgb(entry["colour"]),
            )
        )
    write_json({"type": "FeatureCollection", "features": features}, out)


def map_regions(
    predictions: Path,
    thumbnail: Path,
    *,
    out_map: Path,
    out_geojson: Path,
    out_overlay: Path,
    out_areas: Path,
    palette: Sequence[Mapping[str, Any]],
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
    labels = stitch(store)
    mpp = float(store.attributes["mpp"])
    write_ome_zarr(labels, out_map, mpp=mpp, palette=palette)
    scale = float(store.attributes["scale_to_level0"])
    write_geojson(labels, out_geojson, scale=scale, palette=palette)
    regions = measure_areas(labels, mpp=mpp, palette=palette)
    draw_overlay(
        thumbnail, labels, regions, out_overlay, slide=store.slide, mpp=mpp, palette=palette
    )
    write_json({"status": "ok", "reason": "", "regions": regions}, out_areas)


def read_map(path: Path) -> np.ndarray:
    """Full resolution of a region map, uint8 (height, width)."""
    return np.asarray(zarr.open_group(path, mode="r")["0"][:])
