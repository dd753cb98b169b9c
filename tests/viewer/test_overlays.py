"""Tiles and overlays: each pixel is that of the slide or the colour of the map."""

import io

import numpy as np
import pytest
import shapely
from PIL import Image

from histoniche.cohort.palette import rgb
from histoniche.demo.layout import MPP
from histoniche.files import read_json
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.store import TileStore
from histoniche.traits.heat_maps import tile_colours
from histoniche.traits.tile_calls import read_calls
from histoniche.viewer.index import Index
from histoniche.viewer.probabilities import probability_colours
from viewer_results import MAP_MPP, PALETTE, SIZE

STEP = round(MAP_MPP / MPP)
COLOURS = np.array([rgb(entry["colour"]) for entry in PALETTE], np.uint8)


def picture(answer):
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def view_of(client, slide="P1-1"):
    return client.get(f"/slides/{slide}/view.json").json()


def whole(client, name, level, view):
    """A level of an overlay put together from its tiles; `step` pixels of level 0 a pixel."""
    step = 2 ** (view["last"] - level)
    side = view["tile"] * step
    rows = []
    for row in range(-(-view["height"] // side)):
        tiles = [
            picture(client.get(f"/slides/P1-1/overlays/{name}/{level}/{column}_{row}.png"))
            for column in range(-(-view["width"] // side))
        ]
        rows.append(np.concatenate(tiles, axis=1))
    return np.concatenate(rows)


def middles(length, step, tile):
    """Places in level 0 of the middles of a row of shown pixels, which fill each tile evenly."""
    found = []
    for start in range(0, length, tile * step):
        width = min(tile * step, length - start)
        shown = -(-width // step)
        found.append(start + (np.arange(shown) + 0.5) * width / shown)
    return np.concatenate(found)


def test_every_overlay_of_the_run_is_offered_with_its_legend(client):
    view = view_of(client)
    names = {one["name"] for one in view["overlays"]}
    assert names == {
        *("tissue", "regions", "trait-egfr", "trait-mgmt", "attention-bag", "cartography"),
        *(f"probability-{entry['region']}" for entry in PALETTE[1:]),
    }
    for one in view["overlays"]:
        assert one["legend"]["keys"] or one["legend"]["ramps"]


def test_a_slide_is_cut_where_its_file_says(client, made):
    view = view_of(client)
    with open_slide(made.folder / "slides" / "P1-1.tif", mpp=None) as slide:
        assert (view["width"], view["height"]) == slide.levels[0][:2]
        expected = slide.read(0, 256, 512, 256, 256)
    found = picture(client.get(f"/slides/P1-1/tiles/{view['last']}/1_2.jpg"))
    assert found.shape == (256, 256, 3)
    # It was encoded once more.
    assert np.abs(found.astype(int) - expected).mean() < 4
    assert view["mpp"] == pytest.approx(MPP)


def test_tiles_at_the_edge_end_with_the_slide(client):
    view = view_of(client)
    column = (view["width"] - 1) // view["tile"]
    row = (view["height"] - 1) // view["tile"]
    found = picture(client.get(f"/slides/P1-1/tiles/{view['last']}/{column}_{row}.jpg"))
    assert found.shape[:2] == (
        view["height"] - row * view["tile"],
        view["width"] - column * view["tile"],
    )


@pytest.mark.parametrize("coarser", [0, 1, 2, 4])
def test_every_pixel_of_the_region_map_has_the_colour_of_its_region(client, made, coarser):
    view = view_of(client)
    level = view["last"] - coarser
    found = whole(client, "regions", level, view)
    labels = made.labels["P1-1"][::STEP, ::STEP]
    levels = len(list((made.results / "regions" / "P1-1" / "map.ome.zarr").glob("[0-9]")))
    reduction = 2 ** min(max(0, coarser - 1), levels - 1)
    labels = labels[::reduction, ::reduction]
    y = middles(view["height"], 2**coarser, view["tile"]) / (STEP * reduction)
    x = middles(view["width"], 2**coarser, view["tile"]) / (STEP * reduction)
    y, x = (
        np.minimum(y.astype(int), len(labels) - 1),
        np.minimum(x.astype(int), labels.shape[1] - 1),
    )
    expected = labels[np.ix_(y, x)]
    inside = expected > 0
    assert inside.mean() > 0.3
    assert np.array_equal(found[..., 3] > 0, inside)
    assert np.array_equal(found[inside][:, :3], COLOURS[expected[inside]])


def test_probabilities_have_the_colours_of_their_scale_near_and_far(client, made):
    view = view_of(client)
    label = next(entry["label"] for entry in PALETTE if entry["region"] == "CT")
    colours = {True: probability_colours()[200], False: probability_colours()[7]}
    labels = made.labels["P1-1"][::STEP, ::STEP]
    for level in (view["last"], view["last"] - 1, view["last"] - 3):
        found = whole(client, "probability-CT", level, view)
        step = 2 ** (view["last"] - level)
        y, x = (int(side / step / 2) for side in (view["height"], view["width"]))
        for dy, dx in ((0, 0), (20, 9), (-17, 4), (3, -25)):
            at = [int((k + 0.5) * step / STEP) for k in (y + dy, x + dx)]
            near = labels[at[0] - 4 : at[0] + 5, at[1] - 4 : at[1] + 5]
            if len(np.unique(near)) == 1:
                expected = colours[bool(near[0, 0] == label)]
                assert np.array_equal(found[y + dy, x + dx, :3], expected)
    store = TileStore(made.results / "segmentation" / "P1-1.zarr")
    there = np.zeros(store.attributes["grid"][::-1], bool)
    there[tuple(store.column("cell").T[::-1])] = True
    found = whole(client, "probability-CT", view["last"], view)
    side = SIZE * STEP
    covered = np.kron(there, np.ones((side, side), bool))[: view["height"], : view["width"]]
    assert np.array_equal(found[..., 3] > 0, covered)


@pytest.mark.parametrize("trait", ["egfr", "mgmt"])
def test_heat_maps_have_the_reports_colours_on_every_tile(client, made, trait):
    view = view_of(client)
    path = made.results / "traits" / "maps" / "P1-1" / f"{trait}.zarr"
    calls = read_calls(path, path, trait=trait, classes=["low", "high"])
    found = whole(client, f"trait-{trait}", view["last"], view)
    for (x, y), colour in zip(calls.origin, tile_colours(calls), strict=True):
        side = SIZE * STEP
        part = found[y : y + side, x : x + side]
        assert (part == [*colour, 255]).all()
    assert (found[..., 3] > 0).sum() < SIZE**2 * STEP**2 * len(calls.origin) + 1


def test_the_cartography_has_the_legends_colours(client, made):
    view = view_of(client)
    legend = next(one for one in view["overlays"] if one["name"] == "cartography")["legend"]
    named = {key["label"]: rgb(key["colour"]) for key in legend["keys"]}
    found = whole(client, "cartography", view["last"], view)
    maps = made.results / "traits" / "maps" / "P1-1"
    calls = [TileStore(maps / f"{trait}.zarr").column("calls") for trait in ("egfr", "mgmt")]
    origin = TileStore(maps / "egfr.zarr").column("origin")
    words = {(0, 0): "no trait", (1, 0): "egfr only", (0, 1): "mgmt only", (1, 1): "egfr + mgmt"}
    for (x, y), egfr, mgmt in zip(origin, *calls, strict=True):
        assert tuple(found[y + 5, x + 5, :3]) == named[words[egfr, mgmt]]


def test_the_outline_runs_along_the_tissue(client, made):
    view = view_of(client)
    found = whole(client, "tissue", view["last"], view)
    outline = read_json(made.results / "slides" / "P1-1" / "tissue.geojson")["features"][0]
    boundary = shapely.boundary(shapely.geometry.shape(outline["geometry"]))
    rows, columns = np.nonzero(found[..., 3])
    assert len(rows) > 500
    points = shapely.points(columns + 0.5, rows + 0.5)
    assert shapely.distance(boundary, points).max() < 4
    assert {tuple(colour) for colour in found[rows, columns]} == {(27, 120, 55, 255)}


def test_overlays_of_a_slide_without_them_are_none(client):
    assert client.get("/slides/P2-1/overlays/regions/0/0_0.png").status_code == 404
    assert client.get("/slides/P1-1/overlays/nothing/0/0_0.png").status_code == 404


def test_a_damaged_map_hides_no_other_overlay(copied, browse):
    (copied.results / "regions" / "P1-1" / "map.ome.zarr" / "zarr.json").write_text("{")
    names = {one["name"] for one in view_of(browse(Index(copied.results)))["overlays"]}
    assert "regions" not in names
    assert {"tissue", "trait-egfr", "cartography"} <= names
