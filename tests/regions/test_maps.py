import json

import numpy as np
import pytest
import shapely
import torch
import zarr
from PIL import Image

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.files import read_json, whole_folder
from histoniche.regions.areas import measure_areas
from histoniche.regions.maps import map_regions, read_map, region_outlines, strips
from histoniche.regions.windows import Blender, Neighbourhood
from histoniche.slides.outlines import outline
from histoniche.slides.store import TileStore, TileWriter

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]


@pytest.fixture
def labels():
    """A map of 100 x 70 pixels with rings and islands."""
    y, x = np.mgrid[:70, :100]
    distance = np.hypot(y - 35, x - 50)
    picture = np.zeros((70, 100), np.uint8)
    for label, radius in zip((1, 2, 3, 7), (34, 28, 20, 8), strict=True):
        picture[distance < radius] = label
    picture[5:8, 90:95] = 6
    return picture


@pytest.fixture
def predictions(labels, tmp_path):
    """The map as a store of 32 px tiles at 8 µm per pixel, of a slide at 2 µm per pixel."""
    folder = tmp_path / "S1.zarr"
    canvas = np.zeros((96, 128), np.uint8)
    canvas[:70, :100] = labels
    cells = [(c, r) for r in range(3) for c in range(4) if canvas[32 * r :, 32 * c :].any()]
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, len(cells), {"label": (32, 32), "pixels": (32, 32, 3)})
        for column, row in cells:
            tile = canvas[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]
            writer.append(label=tile, pixels=np.repeat(tile[..., None], 3, -1))
        writer.close(
            {"cell": np.array(cells, np.int32)},
            {
                "slide": "S1", "status": "ok", "reason": "", "tiles": len(cells), "mpp": 8.0,
                "size": 32, "scale_to_level0": 4.0, "slide_size": [400, 280], "grid": [4, 3],
            },
        )  # fmt: skip
    return folder


@pytest.fixture
def mapped(predictions, tmp_path):
    """Everything that is written about one slide."""
    thumbnail = tmp_path / "thumb.png"
    Image.new("RGB", (200, 140), "#DDAACC").save(thumbnail)
    outs = {
        "out_map": tmp_path / "map.ome.zarr",
        "out_geojson": tmp_path / "regions.geojson",
        "out_overlay": tmp_path / "overlay.png",
        "out_areas": tmp_path / "areas.json",
    }
    map_regions(predictions, thumbnail, palette=PALETTE, tolerance_um=0, **outs)
    return outs


def test_tiles_are_put_together_where_they_were(predictions, labels):
    for rows in (1, 2, 5):
        assert np.array_equal(
            np.concatenate(list(strips(TileStore(predictions), rows=rows))), labels
        )


def test_the_map_is_a_label_image_with_scale_and_palette(mapped, labels):
    group = zarr.open_group(mapped["out_map"], mode="r")
    metadata = group.attrs["ome"]
    assert metadata["version"] == "0.5"
    dataset = metadata["multiscales"][0]["datasets"][0]
    assert dataset["coordinateTransformations"][0]["scale"] == [8.0, 8.0]
    colours = {c["label-value"]: c["rgba"] for c in metadata["image-label"]["colors"]}
    assert colours[6] == [255, 102, 0, 255]
    assert np.array_equal(read_map(mapped["out_map"]), labels)


def test_polygons_have_the_pixels_area_and_are_valid(labels):
    for label in (1, 2, 3, 6, 7):
        polygons = outline(labels == label)
        assert polygons.is_valid
        assert polygons.area == (labels == label).sum()
    assert outline(labels == 4).is_empty


def test_simple_outlines_move_little_and_still_touch(labels):
    exact = region_outlines(labels, tolerance=0)
    simple = region_outlines(labels, tolerance=1)
    assert simple.keys() == exact.keys()
    for label, polygons in simple.items():
        assert polygons.is_valid
        corners = [len(shapely.get_coordinates(one)) for one in (polygons, exact[label])]
        assert corners[0] < 0.6 * corners[1]
        assert polygons.area == pytest.approx(exact[label].area, rel=0.05)
        assert shapely.hausdorff_distance(polygons, exact[label]) < 2
    whole = shapely.union_all(list(simple.values()))
    assert whole.area == pytest.approx(sum(one.area for one in simple.values()))
    assert region_outlines(np.zeros((4, 4), np.uint8), tolerance=1) == {}


def test_annotations_are_in_pixels_of_level_0(mapped, labels):
    features = json.loads(mapped["out_geojson"].read_text())["features"]
    assert [feature["id"] for feature in features] == ["LE", "IT", "CT", "CTmvp", "CTne"]
    vessel = next(feature for feature in features if feature["id"] == "CTmvp")
    assert shapely.geometry.shape(vessel["geometry"]).bounds == (360, 20, 380, 32)
    assert vessel["properties"]["classification"]["color"] == [255, 102, 0]
    area = sum(shapely.geometry.shape(feature["geometry"]).area for feature in features)
    assert area == pytest.approx((labels > 0).sum() * 16)


def test_areas_are_pixels_times_their_size(mapped, labels):
    regions = {row["region"]: row for row in read_json(mapped["out_areas"])["regions"]}
    assert regions["CTmvp"]["pixels"] == 15
    assert regions["CTmvp"]["area_mm2"] == pytest.approx(15 * 64e-6)
    assert sum(row["tissue_share"] for row in regions.values()) == pytest.approx(1)
    assert regions["CTpan"]["pixels"] == 0


def test_a_map_without_any_region_has_no_shares():
    rows = measure_areas(np.zeros(8, int), mpp=8, palette=PALETTE)
    assert all(row["tissue_share"] is None for row in rows)


def test_the_overlay_shows_the_regions_colours(mapped):
    with Image.open(mapped["out_overlay"]) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    for entry in PALETTE[1:]:
        value = int(entry["colour"][1:], 16)
        assert (value >> 16, value >> 8 & 255, value & 255) in colours


def test_a_halo_shows_the_neighbours_and_white_beyond(predictions, labels):
    store = TileStore(predictions)
    neighbourhood = Neighbourhood(store, halo=16)
    cells = store.column("cell").tolist()
    canvas = np.full((128, 160), 255, np.uint8)
    canvas[16:112, 16:144] = 0
    canvas[16:86, 16:116] = labels
    for index, (column, row) in enumerate(cells):
        around = [
            [c, r] in cells
            for c in range(column - 1, column + 2)
            for r in range(row - 1, row + 2)
            if 0 <= c < 4 and 0 <= r < 3
        ]
        if all(around):
            expected = canvas[row * 32 : row * 32 + 64, column * 32 : column * 32 + 64]
            assert np.array_equal(neighbourhood.read(index)[..., 0], expected)


def test_a_skipped_slide_has_the_same_files_with_its_reason(tmp_path):
    folder = tmp_path / "S2.zarr"
    with whole_folder(folder) as temporary:
        TileWriter(temporary, 0, {}).close(
            {}, {"slide": "S2", "status": "skipped", "reason": "torn", "tiles": 0}
        )
    thumbnail = tmp_path / "thumb.png"
    Image.new("RGB", (20, 20)).save(thumbnail)
    outs = {
        "out_map": tmp_path / "m", "out_geojson": tmp_path / "g",
        "out_overlay": tmp_path / "o.png", "out_areas": tmp_path / "a",
    }  # fmt: skip
    map_regions(folder, thumbnail, palette=PALETTE, tolerance_um=0, **outs)
    assert read_json(outs["out_areas"]) == {"status": "skipped", "reason": "torn", "regions": []}
    assert all(path.exists() for path in outs.values())


CELLS = [(c, r) for r in range(4) for c in range(5) if (c, r) not in {(0, 0), (3, 2)}]


def blended(windows, cells, *, size, halo):
    """Tiles of the blended windows, in order, and the most that waited at a time."""
    blender = Blender(cells, size=size, halo=halo, keep=True, device=torch.device("cpu"))
    tiles, waited = [], 0
    for index, window in enumerate(windows):
        blender.add(index, window)
        tiles += blender.finished(last=index + 1 == len(windows))
        waited = max(waited, index + 1 - len(tiles))
    assert len(tiles) == len(cells)
    for tile in tiles:
        assert torch.equal(tile.confidence, tile.probability.max(0).values)
        chosen = tile.probability.gather(0, tile.label[None].long())[0]
        assert (tile.confidence.int() - chosen.int()).abs().max() <= 1
    return [tile.probability / 255 for tile in tiles], waited


@pytest.mark.parametrize("halo", [0, 8, 16])
def test_blending_leaves_what_all_windows_agree_on(halo):
    size = 32
    field = torch.rand(3, 6 * size, 7 * size, generator=torch.Generator().manual_seed(0))
    windows = []
    for column, row in CELLS:
        y, x = (row + 1) * size - halo, (column + 1) * size - halo
        windows.append(field[:, y : y + size + 2 * halo, x : x + size + 2 * halo].clone())
    tiles, waited = blended(windows, CELLS, size=size, halo=halo)
    for (column, row), tile in zip(CELLS, tiles, strict=True):
        y, x = (row + 1) * size, (column + 1) * size
        assert torch.allclose(tile, field[:, y : y + size, x : x + size], atol=0.002)
    # A row and two tiles, whatever the height.
    assert waited <= (0 if halo == 0 else 7)


def test_blending_fades_where_windows_differ():
    size, halo = 32, 8
    cells = [(0, 0), (1, 0)]
    windows = [torch.full((1, 48, 48), value) for value in (0.0, 1.0)]
    tiles, _ = blended(windows, cells, size=size, halo=halo)
    line = torch.cat([tile[0, 16] for tile in tiles])
    assert (line.diff() >= 0).all()
    assert line.diff().max() == pytest.approx(1 / halo, abs=0.004)
    assert line[: size - halo // 2].max() == 0
    assert line[size + halo // 2 :].min() == 1


def test_the_outer_half_of_a_halo_never_counts():
    size, halo = 32, 8
    windows = []
    for _ in CELLS:
        window = torch.full((1, 48, 48), 0.5)
        window[:, 4:-4, 4:-4] = 0.25
        windows.append(window)
    tiles, _ = blended(windows, CELLS, size=size, halo=halo)
    assert all(torch.allclose(tile, torch.tensor(0.25), atol=0.002) for tile in tiles)


@pytest.mark.parametrize("labels", [1, 2, 3, 8, 9, 40])
@pytest.mark.parametrize("halo", [0, 8])
def test_the_label_is_the_most_probable_and_of_equals_the_lowest(labels, halo):
    generator = torch.Generator().manual_seed(labels)
    window = (3 * torch.randn(labels, 32 + 2 * halo, 32 + 2 * halo, generator=generator)).softmax(0)
    window[:, :, 16:20] = 1 / labels
    window[:, :, 20:24] = 0
    window[-1, :, 20:24] = 1
    blender = Blender([(0, 0)], size=32, halo=halo, keep=False, device=torch.device("cpu"))
    blender.add(0, window)
    (tile,) = blender.finished(last=True)
    inner = slice(halo, halo + 32)
    confidence, label = window[:, inner, inner].max(0)
    assert torch.equal(tile.label, label.to(torch.uint8))
    assert torch.equal(tile.confidence, (confidence * 255).round().to(torch.uint8))
    assert tile.probability is None
