"""The job that draws the heat maps of a slide and writes its tiles for QuPath."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from histoniche.traits.exports import export_tiles
from histoniche.traits.heat_maps import draw_trait_heat_maps


def draw_slide(
    tiles: Mapping[str, Path],
    found: Mapping[str, Path],
    thumbnail: Path,
    heat_maps: Path,
    geojson: Mapping[str, Path],
    *,
    traits: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw all traits of a slide in one picture, and write the tiles of each for QuPath.

    Parameters
    ----------
    tiles, found
        Stores of the tiles, and of the votes or the attention on them, by trait.
    thumbnail
        PNG of the whole slide.
    heat_maps
        PNG to write.
    geojson
        Files to write, by trait: those that tiles were named by.
    traits
        In their order, each with `classes` and `method` (tiles, or mil for attention).
    """
    draw_trait_heat_maps(tiles, found, thumbnail, heat_maps, traits=traits)
    for name, out in geojson.items():
        export_tiles(tiles[name], found[name], out, trait=name, classes=traits[name]["classes"])
