"""Exports: classified tiles as GeoJSON that QuPath opens."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from histoniche.cohort.palette import rgb
from histoniche.files import whole_file
from histoniche.slides.store import TileStore
from histoniche.traits.colours import NEGATIVE, POSITIVE, class_colours
from histoniche.traits.tile_calls import TileCalls, read_calls

_MOST = 50_000


def write_tiles_geojson(
    calls: TileCalls,
    out: Path,
    *,
    slide_size: tuple[int, int] | None = None,
    most: int = _MOST,
) -> int:
    """Write tiles as QuPath's tile objects, a square each, in pixels of level 0.

    Parameters
    ----------
    calls
        Tiles of one slide.
    out
        Ends in `.geojson`; whole or not there.
    slide_size
        Width and height of level 0; tiles that reach beyond are cut to it.
    most
        Most squares in the file. Of more tiles, 2 x 2 neighbours are put together
        with their mean probabilities, and these again, until they fit: a square
        then states how many tiles it stands for.

    Returns
    -------
    How many squares were written.

    Notes
    -----
    Each has the class that its tile was given, and as measurements the
    probability of every class. QuPath 0.4 or later.
    """
    merged, tiles, times = _merged(calls, most)
    if times > 1:
        logging.info("%s: %d x %d tiles put together for QuPath", calls.trait, times, times)
    with whole_file(out) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write('{"type": "FeatureCollection", "features": [')
        for number, one in enumerate(_features(merged, tiles, slide_size)):
            stream.write(",\n" if number else "\n")
            stream.write(json.dumps(one, separators=(",", ":"), allow_nan=False))
        stream.write("\n]}\n")
    return len(merged.origin)


def export_tiles(
    tiles: Path,
    probabilities: Path | Sequence[Path],
    out: Path,
    *,
    trait: str,
    classes: Sequence[str],
    threshold: float | None = None,
    most: int = _MOST,
) -> None:
    """Write the classified tiles of a slide for QuPath; of one without tiles an empty file.

    Parameters
    ----------
    tiles, probabilities, trait, classes, threshold
        See `histoniche.traits.tile_calls.read_calls`.
    out, most
        See `write_tiles_geojson`.
    """
    calls = read_calls(tiles, probabilities, trait=trait, classes=classes, threshold=threshold)
    size = TileStore(tiles).attributes.get("slide_size")
    write_tiles_geojson(calls, out, slide_size=None if size is None else tuple(size), most=most)


def _merged(calls: TileCalls, most: int) -> tuple[TileCalls, np.ndarray, int]:
    """Tiles put together until they are few enough, how many each stands for, and the factor."""
    times = 1
    cells = np.round(calls.origin / calls.side).astype(np.int64)
    groups = np.arange(len(cells))
    while len(groups) and groups.max() >= most:
        times *= 2
        _, groups = np.unique(cells // times, axis=0, return_inverse=True)
        groups = groups.ravel()
    tiles = np.bincount(groups)
    if times == 1:
        return calls, tiles, times
    sums = np.zeros((len(tiles), len(calls.classes)))
    np.add.at(sums, groups, calls.probabilities)
    first = np.unique(groups, return_index=True)[1]
    merged = calls._replace(
        origin=np.floor(cells[first] // times * times * calls.side).astype(np.int64),
        side=calls.side * times,
        probabilities=(sums / tiles[:, None]).astype(np.float32),
        calls=None,
    )
    return merged, tiles, times


def _features(
    calls: TileCalls, tiles: np.ndarray, slide_size: tuple[int, int] | None
) -> Iterator[dict[str, Any]]:
    """The squares one by one."""
    colours = [NEGATIVE, POSITIVE] if calls.binary else class_colours(len(calls.classes))
    kinds = [
        {"name": name, "color": list(rgb(colour))}
        for name, colour in zip(calls.classes, colours, strict=True)
    ]
    names = [f"{calls.trait}: {name}" for name in calls.classes]
    ends = calls.origin + calls.side
    if slide_size is not None:
        ends = np.minimum(ends, slide_size)
    for (left, top), (right, bottom), called, found, count in zip(
        calls.origin.tolist(),
        np.round(ends, 2).tolist(),
        calls.called().tolist(),
        calls.probabilities.astype(float).round(4).tolist(),
        tiles.tolist(),
        strict=True,
    ):
        measured = dict(zip(names, found, strict=True))
        if count > 1:
            measured["tiles"] = count
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        yield {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {
                "objectType": "tile",
                "classification": kinds[called],
                "measurements": measured,
            },
        }
