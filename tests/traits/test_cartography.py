import numpy as np
import pytest
import zarr

from histoniche.errors import InputError
from histoniche.slides.store import StoreError, TileStore
from histoniche.traits.cartography import Network, lay_calls, map_traits, read_cartography
from histoniche.traits.predictions import read_networks, read_probabilities
from trait_stores import write_network, write_tiles

CELLS = [(1, 0), (4, 0), (0, 2), (3, 3)]
TILING = {"A": "cell", "B": "cell"}
CLASSES = ("low", "high")


def test_cells_stand_where_the_tiles_stood():
    footprint = 512 * 0.5 / 0.2527
    cells = np.array(CELLS)
    origin = np.floor(cells * footprint).astype(np.int32)
    tensor = lay_calls(origin, np.array([[1, 0, 1, 0]]), footprint=footprint, grid=(5, 4))
    expected = np.full((1, 4, 5), -1)
    expected[0, 0, 1], expected[0, 0, 4], expected[0, 2, 0], expected[0, 3, 3] = 1, 0, 1, 0
    assert np.array_equal(tensor, expected)


def test_every_cell_of_a_large_grid_comes_back():
    rng = np.random.default_rng(0)
    for footprint in (7.3, 256.0, 1013.08):
        cells = np.argwhere(rng.random((90, 70)) < 0.5)[:, ::-1]
        origin = np.floor(cells * footprint).astype(np.int32)
        calls = rng.integers(0, 2, (3, len(cells)))
        tensor = lay_calls(origin, calls, footprint=footprint, grid=(70, 90))
        assert np.array_equal(tensor[:, cells[:, 1], cells[:, 0]], calls)
        assert (tensor != -1).sum() == 3 * len(cells)


def test_tiles_of_another_grid_are_an_error():
    calls = np.array([[1, 1]])
    with pytest.raises(ValueError, match="do not lie on a grid"):
        lay_calls(np.array([[0, 0], [90, 0]]), calls, footprint=64, grid=(5, 4))
    with pytest.raises(ValueError, match="do not lie on a grid"):
        lay_calls(np.array([[0, 0], [320, 0]]), calls, footprint=64, grid=(5, 4))
    with pytest.raises(ValueError, match="two tiles have one cell"):
        lay_calls(np.array([[64, 0], [64, 0]]), calls, footprint=64, grid=(5, 4))


@pytest.fixture
def slide(tmp_path):
    tiles = write_tiles(tmp_path, "S1", CELLS)
    networks = {
        "A": Network([write_network(tmp_path, "S1", [0.9, 0.1, 0.8, 0.4], "A")], CLASSES),
        "B": Network(
            [
                write_network(tmp_path, "S1", [0.9, 0.2, 0.1, 0.4], "B0"),
                write_network(tmp_path, "S1", [0.6, 0.7, 0.2, 0.4], "B1"),
                write_network(tmp_path, "S1", [0.1, 0.8, 0.3, 0.4], "B2"),
            ],
            CLASSES,
        ),
    }
    return tiles, networks


def test_a_slides_cartography_goes_through_the_file(slide, tmp_path):
    tiles, networks = slide
    out = tmp_path / "S1.zarr"
    map_traits(tiles, networks, out, tiling=TILING)
    found = read_cartography(out)
    assert found.traits == ("A", "B")
    assert found.calls.dtype == np.int8
    assert found.calls.shape == (2, 4, 5)
    own = TileStore(tiles).column("cell")
    assert found.calls[:, own[:, 1], own[:, 0]].tolist() == [[1, 0, 1, 0], [1, 1, 0, 0]]
    assert (found.calls == -1).sum() == 2 * (20 - 4)
    assert found.positive(["B", "A"]).tolist() == [[1, 1], [1, 0], [0, 1], [0, 0]]
    assert found.attributes["mpp"] == pytest.approx(85.4 * 0.5)
    assert found.attributes["tiling"] == "cell"
    # Others read it without us.
    assert np.array_equal(zarr.open_group(out, mode="r")["calls"][:], found.calls)


def test_thresholds_move_the_calls(slide, tmp_path):
    tiles, networks = slide
    networks["A"] = networks["A"]._replace(thresholds=[0.05])
    map_traits(tiles, networks, tmp_path / "S1.zarr", tiling=TILING)
    assert read_cartography(tmp_path / "S1.zarr").positive(["A"]).all()


def test_traits_of_two_tilings_are_an_error_that_says_so(slide, tmp_path):
    tiles, networks = slide
    with pytest.raises(InputError, match="A is found on the tiling cell, B on coarse"):
        map_traits(tiles, networks, tmp_path / "S1.zarr", tiling={"A": "cell", "B": "coarse"})
    assert not (tmp_path / "S1.zarr").exists()


def test_other_tiles_and_other_classes_are_errors(slide, tmp_path):
    tiles, networks = slide
    out = tmp_path / "S1.zarr"
    fewer = {**networks, "A": Network([write_network(tmp_path, "S1", [0.9, 0.1], "X")], CLASSES)}
    with pytest.raises(InputError, match="A was found on 2 tiles, the slide has 4"):
        map_traits(tiles, fewer, out, tiling=TILING)
    three = write_network(tmp_path, "S1", np.full((4, 3), 1 / 3), "Y", classes="abc")
    with pytest.raises(
        InputError, match=r"traits\.heterogeneity.*traits of two classes, and A has 3"
    ):
        map_traits(tiles, {**networks, "A": Network([three], tuple("abc"))}, out, tiling=TILING)
    with pytest.raises(InputError, match="finds a, b, c instead of low, high"):
        map_traits(tiles, {**networks, "A": Network([three], CLASSES)}, out, tiling=TILING)
    with pytest.raises(InputError, match="2 tiles where another network saw 4"):
        read_networks([*networks["A"].folders, *fewer["A"].folders], CLASSES)
    assert not out.exists()


def test_a_skipped_slide_gives_an_empty_cartography_with_the_reason(tmp_path):
    tiles = write_tiles(tmp_path, "S2", [])
    networks = {"A": Network([write_network(tmp_path, "S2", np.empty((0, 2)))], CLASSES)}
    map_traits(tiles, networks, tmp_path / "S2.zarr", tiling=TILING)
    found = read_cartography(tmp_path / "S2.zarr")
    assert found.calls.size == 0
    assert found.positive(["A"]).shape == (0, 1)
    assert found.attributes["reason"] == "no tile has 10% tissue"


def test_a_store_that_was_altered_is_not_read(slide, tmp_path):
    tiles, networks = slide
    map_traits(tiles, networks, tmp_path / "S1.zarr", tiling=TILING)
    zarr.open_group(tmp_path / "S1.zarr", mode="r+")["calls"][0, 0, 0] = 1
    with pytest.raises(StoreError, match="was altered"):
        read_cartography(tmp_path / "S1.zarr")
    folder = networks["A"].folders[0]
    zarr.open_group(folder, mode="r+")["probabilities"][0] = [0.5, 0.5]
    with pytest.raises(StoreError, match="was altered"):
        read_probabilities(folder, CLASSES)
