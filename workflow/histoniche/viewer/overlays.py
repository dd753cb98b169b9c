"""Overlays: what was found on a slide, each with its legend, as far as the run left it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from histoniche.cohort.palette import rgb
from histoniche.errors import InputError
from histoniche.files import read_json
from histoniche.slides.ngff import FAULTS, open_multiscale
from histoniche.slides.pictures import CONTOUR
from histoniche.slides.store import StoreError, TileStore
from histoniche.traits.attention_panel import read_attention
from histoniche.traits.cartography import read_cartography
from histoniche.traits.colours import as_rgb
from histoniche.traits.heat_maps import Panel, tile_colours
from histoniche.traits.heterogeneity_map import combinations, kinds_of
from histoniche.traits.tile_calls import read_calls
from histoniche.viewer.index import ID, Index, region_colours
from histoniche.viewer.legends import (
    Key,
    Legend,
    attention_legend,
    calls_legend,
    hexadecimal,
    kinds_legend,
    probability_legend,
)
from histoniche.viewer.painting import paint_cells, paint_levels, paint_outline
from histoniche.viewer.probabilities import ProbabilityTiles
from histoniche.viewer.pyramid import Rectangle

_MAPS = "traits/maps"


@dataclass(frozen=True)
class Overlay:
    """One thing found on a slide.

    `name` stands in addresses; `paint` gives a rectangle as uint8 (height, width, 4).
    """

    name: str
    title: str
    group: str
    legend: Legend
    paint: Callable[[Rectangle], np.ndarray]


def overlays_of(index: Index, slide: str) -> dict[str, Overlay]:
    """Overlays of a slide by name, those that the run left and that can be read."""
    found: dict[str, Overlay] = {}
    for make in (_tissue, _regions, _probabilities, _traits, _attention, _cartography):
        try:
            found |= {overlay.name: overlay for overlay in make(index, slide)}
        except (InputError, StoreError, *FAULTS):
            # One that is damaged hides no other; the run's own checks say what is wrong with it.
            continue
    return found


def _tissue(index: Index, slide: str) -> Iterator[Overlay]:
    """Outline of the tissue."""
    path = index.outline(slide)
    features = read_json(path)["features"] if path else []
    if not features:
        return
    shapes = shapely.from_geojson([json.dumps(entry["geometry"]) for entry in features])
    lines = shapely.union_all(shapely.boundary(shapes))
    shapely.prepare(lines)
    legend = Legend([Key(hexadecimal(CONTOUR), "outline of the tissue")])
    yield Overlay("tissue", "Tissue", "Slide", legend, partial(paint_outline, lines, CONTOUR))


def _regions(index: Index, slide: str) -> Iterator[Overlay]:
    """The region map."""
    path = index.of_slide(slide, "regions/{slide}/map.ome.zarr")
    named = region_colours(path) if path else {}
    facts = index.facts(slide)
    if path is None or not named or "mpp" not in facts:
        return
    stated, group = open_multiscale(path)
    levels = [group[entry["path"]] for entry in stated["datasets"]]
    scale = stated["datasets"][0]["coordinateTransformations"][0]["scale"]
    colours = np.zeros((256, 4), np.uint8)
    for label, region in named.items():
        colours[label] = (*rgb(region.colour), 255 if label else 0)
    side = float(scale[-1]) / float(facts["mpp"])
    keys = [Key(one.colour, one.name, one.region) for label, one in named.items() if label]
    yield Overlay(
        "regions", "Regions", "Regions", Legend(keys), partial(paint_levels, levels, side, colours)
    )


def _probabilities(index: Index, slide: str) -> Iterator[Overlay]:
    """Probability of each region, where the run kept them."""
    path = index.of_slide(slide, "segmentation/{slide}.zarr")
    of_map = index.of_slide(slide, "regions/{slide}/map.ome.zarr")
    if path is None or of_map is None or "probability" not in TileStore(path):
        return
    tiles = ProbabilityTiles(path)
    for label, region in region_colours(of_map).items():
        if label:
            yield Overlay(
                f"probability-{region.region}",
                f"Probability of {region.region}",
                "Probabilities",
                probability_legend(region.name),
                partial(tiles.paint, label),
            )


def _traits(index: Index, slide: str) -> Iterator[Overlay]:
    """Heat map of each trait that was learned from tiles."""
    folder = index.of_slide(slide, f"{_MAPS}/{{slide}}")
    for path in sorted(folder.glob("*.zarr")) if folder else []:
        store = _findings(index, path)
        if store is None or "trait" not in store.attributes:
            continue
        # The store of a vote repeats where its tiles lie.
        trait = str(store.attributes["trait"])
        calls = read_calls(path, path, trait=trait, classes=store.attributes["classes"])
        yield _heat_map(f"trait-{path.stem}", trait, calls, calls_legend(calls), store)


def _attention(index: Index, slide: str) -> Iterator[Overlay]:
    """Attention of each trait that was learned from whole slides."""
    for folder in sorted((index.root / "traits").glob("*/attention")):
        store = _findings(index, folder / f"{slide}.zarr")
        if store is not None:
            trait = folder.parent.name
            found = read_attention(store.folder, store.folder, trait=trait)
            legend = attention_legend(found)
            yield _heat_map(f"attention-{trait}", f"{trait}, attention", found, legend, store)


def _cartography(index: Index, slide: str) -> Iterator[Overlay]:
    """Which combination of traits each tile shows."""
    path = index.of_slide(slide, f"{_MAPS}/{{slide}}/cartography.zarr")
    store = None if path is None else _findings(index, path)
    if path is None or store is None:
        return
    read = read_cartography(path)
    numbers, kinds = kinds_of(combinations(read.calls), read.traits)
    colours = np.zeros((len(kinds) + 1, 4), np.uint8)
    colours[:-1] = np.insert(as_rgb([kind.colour for kind in kinds]), 3, 255, axis=1)
    side = float(read.attributes["scale_to_level0"])
    cells = colours[numbers]
    title = "Cartography: " + ", ".join(read.traits)
    yield Overlay(
        "cartography", title, "Traits", kinds_legend(kinds), partial(paint_cells, cells, side)
    )


def _heat_map(name: str, title: str, panel: Panel, legend: Legend, store: TileStore) -> Overlay:
    """Tiles in the colours that the report's pictures give them."""
    columns, rows = store.attributes["grid"]
    cells = np.zeros((rows, columns, 4), np.uint8)
    at = np.rint(panel.origin / panel.side).astype(int)
    cells[at[:, 1], at[:, 0]] = np.insert(tile_colours(panel), 3, 255, axis=1)
    return Overlay(name, title, "Traits", legend, partial(paint_cells, cells, panel.side))


def _findings(index: Index, path: Path) -> TileStore | None:
    """A store of findings on tiles; None if it is absent, empty, or lies out of the results."""
    if not ID.fullmatch(path.name) or index.path(str(path.relative_to(index.root))) is None:
        return None
    store = TileStore(path)
    return store if len(store) else None
