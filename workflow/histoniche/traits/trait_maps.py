"""The job that draws the heat maps of some slides and writes their tiles for QuPath."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from histoniche.traits.exports import export_tiles
from histoniche.traits.heat_maps import draw_trait_heat_maps


def draw_slides(
    tiles: Mapping[str, Mapping[str, Path]],
    found: Mapping[str, Mapping[str, Path]],
    thumbnails: Mapping[str, Path],
    heat_maps: Mapping[str, Path],
    geojson: Sequence[Path],
    *,
    traits: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw all traits of each slide in one picture, and write the tiles of each for QuPath.

    Parameters
    ----------
    tiles, found
        Stores of the tiles, and of the votes or the attention on them, by trait and slide.
    thumbnails
        PNG of each whole slide.
    heat_maps
        PNG to write, by slide.
    geojson
        Files to write: the traits that tiles were named by, each with all slides.
    traits
        In their order, each with `classes` and `method` (tiles, or mil for attention).
    """
    for number, (slide, out) in enumerate(heat_maps.items(), start=1):
        own = {name: stores[slide] for name, stores in tiles.items()}
        seen = {name: stores[slide] for name, stores in found.items()}
        draw_trait_heat_maps(own, seen, thumbnails[slide], out, traits=traits)
        logging.info("%d of %d: %s", number, len(heat_maps), slide)
    named = {name: entry["classes"] for name, entry in traits.items() if entry["method"] != "mil"}
    pairs = [(name, slide) for name in named for slide in heat_maps]
    for (name, slide), out in zip(pairs, geojson, strict=True):
        votes = found[name][slide]
        export_tiles(tiles[name][slide], votes, out, trait=name, classes=named[name])
