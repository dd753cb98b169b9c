"""Tiles for QuPath."""

import json

import numpy as np
import pytest
import shapely

from histoniche.traits.exports import export_tiles, write_tiles_geojson
from histoniche.traits.tile_calls import make_calls

PROBABILITIES = [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.25, 0.75]]


def features(path):
    return json.loads(path.read_text())["features"]


def test_tiles_are_squares_in_pixels_of_level_0(make_store, make_probabilities, tmp_path):
    out = tmp_path / "tiles.geojson"
    export_tiles(
        make_store(), make_probabilities(PROBABILITIES), out, trait="MGMT", classes=["un", "meth"]
    )
    found = features(out)
    boxes = [shapely.geometry.shape(one["geometry"]) for one in found]
    assert [box.bounds for box in boxes] == [
        (0, 0, 16, 16), (16, 0, 32, 16), (16, 16, 32, 32), (32, 16, 48, 32),
    ]  # fmt: skip
    assert all(box.is_valid and box.area == 256 for box in boxes)
    classes = [one["properties"]["classification"]["name"] for one in found]
    assert classes == ["un", "un", "un", "meth"]
    last = found[-1]["properties"]
    assert last["objectType"] == "tile"
    assert last["measurements"] == {"MGMT: un": 0.25, "MGMT: meth": 0.75}
    assert len(last["classification"]["color"]) == 3


def test_tiles_are_cut_at_the_edge_of_the_slide(tmp_path):
    calls = make_calls("T", "ab", np.array([[10, 0]]), np.array([[0.1, 0.9]]), side=7.5)
    write_tiles_geojson(calls, tmp_path / "t.geojson", slide_size=(15, 5))
    (one,) = features(tmp_path / "t.geojson")
    assert shapely.geometry.shape(one["geometry"]).bounds == (10, 0, 15, 5)


def test_too_many_tiles_are_put_together_with_their_means(tmp_path):
    columns, rows = np.meshgrid(np.arange(6), np.arange(5))
    origin = np.stack([columns.ravel(), rows.ravel()], -1) * 10
    rng = np.random.default_rng(0)
    found = rng.dirichlet([1, 1, 1], 30)
    calls = make_calls("T", "abc", origin, found, side=10)
    out = tmp_path / "t.geojson"
    assert write_tiles_geojson(calls, out, most=30) == 30
    assert write_tiles_geojson(calls, out, most=29) == 9
    merged = {
        shapely.geometry.shape(one["geometry"]).bounds: one["properties"] for one in features(out)
    }
    mean = found[[0, 1, 6, 7]].mean(0)
    first = merged[0, 0, 20, 20]
    assert first["measurements"]["tiles"] == 4
    assert [first["measurements"][f"T: {name}"] for name in "abc"] == pytest.approx(mean, abs=1e-4)
    assert first["classification"]["name"] == "abc"[mean.argmax()]
    # The lowest row of tiles has no second one to go with.
    assert merged[0, 40, 20, 60]["measurements"]["tiles"] == 2
    assert sum(one["measurements"].get("tiles", 1) for one in merged.values()) == 30
    assert write_tiles_geojson(calls, out, most=1) == 1


def test_no_tile_gives_no_feature_and_a_failure_no_file(make_store, tmp_path):
    out = tmp_path / "t.geojson"
    export_tiles(make_store(cells=[]), tmp_path / "no", out, trait="T", classes=["a", "b"])
    assert features(out) == []
    broken = make_calls("T", "ab", np.zeros((1, 2)), np.array([[0.5, 0.5]]), side=1)
    with pytest.raises(ValueError, match="JSON"):
        write_tiles_geojson(
            broken._replace(probabilities=np.full((1, 2), np.nan)), tmp_path / "b.geojson"
        )
    assert [path.name for path in tmp_path.glob("*.geojson")] == ["t.geojson"]


def test_a_large_slide_stays_small_enough_for_a_viewer(tmp_path):
    columns, rows = np.meshgrid(np.arange(150), np.arange(140))
    origin = np.stack([columns.ravel(), rows.ravel()], -1) * 512
    found = np.full((len(origin), 2), 0.5)
    out = tmp_path / "t.geojson"
    write_tiles_geojson(make_calls("T", ("low", "high"), origin, found, side=512), out)
    assert out.stat().st_size < 8_000_000
