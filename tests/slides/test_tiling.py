import json

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from histoniche.errors import InputError, UnusableSlide
from histoniche.files import read_json
from histoniche.slides import cutting
from histoniche.slides.annotations.annotation import Frame
from histoniche.slides.annotations.choice import check_annotation
from histoniche.slides.annotations.mask import read_mask, sample
from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.grids import Grid, lay_grid
from histoniche.slides.judging import judge
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.store import StoreError, TileStore
from histoniche.slides.tiling import tile_slide
from slide_settings import LIMITS

PALETTE = [
    {"label": 0, "region": "background", "name": "Background", "colour": "#FFFFFF"},
    {"label": 1, "region": "CT", "name": "Cellular tumour", "colour": "#FF0000"},
    {"label": 2, "region": "LE", "name": "Leading edge", "colour": "#0000FF"},
]
TILING = {
    "mpp": 4.0,
    "size": 64,
    "min_tissue": 0.05,
    "max_artefact": 1.0,
    "resample": "area",
    "codec": "zstd",
    "stain": {"method": "off"},
}


def cut(path, files, out, tiling=None, **changes):
    tile_slide(
        path,
        files.report,
        files.tissue,
        files.artefacts,
        out,
        slide="S1",
        tiling={**TILING, **(tiling or {})},
        **{
            "annotation": None,
            "palette": PALETTE,
            "verdict": judge(read_json(files.report), LIMITS)._asdict(),
            "threads": 2,
            **changes,
        },
    )
    return TileStore(out)


def test_the_store_keeps_the_contract(pyramid, inspected, tmp_path):
    store = cut(pyramid, inspected(pyramid), tmp_path / "S1.zarr")
    store.check()
    # 1.2 mm x 0.8 mm in tiles of 0.256 mm: five columns and four rows.
    assert len(store) == 20
    assert store.attributes["grid"] == [5, 4]
    assert store.attributes["scale_to_level0"] == pytest.approx(2.0)
    assert store.tile("pixels", 0).shape == (64, 64, 3)
    assert store.column("origin").dtype == np.int32
    assert store.column("origin")[7].tolist() == [2 * 128, 128]
    metadata = json.loads((tmp_path / "S1.zarr" / "pixels" / "zarr.json").read_text())
    assert metadata["zarr_format"] == 3
    assert metadata["chunk_grid"]["configuration"]["chunk_shape"] == [64, 64, 64, 3]
    assert metadata["codecs"][0]["configuration"]["chunk_shape"] == [1, 64, 64, 3]


def test_tiles_hold_the_slides_pixels_and_white_beyond_its_edge(
    pyramid, inspected, gradient, tmp_path
):
    store = cut(pyramid, inspected(pyramid), tmp_path / "S1.zarr")
    tile = store.tile("pixels", 6).astype(float)
    block = gradient[128:256, 128:256].reshape(64, 2, 64, 2, 3).mean((1, 3))
    # Level 1 of this file keeps every second pixel.
    assert np.abs(tile - block).max() <= 2
    corner = store.tile("pixels", 19)
    assert (corner[:, 44:] == 255).all()
    assert (corner[8:] == 255).all()


def test_a_lost_or_altered_chunk_is_named(pyramid, inspected, tmp_path):
    out = tmp_path / "S1.zarr"
    store = cut(pyramid, inspected(pyramid), out)
    chunk = out / "pixels" / "c" / "0" / "0" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[100] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(StoreError, match=r"slide S1: pixels/c/0/0/0/0 was altered"):
        store.check()
    chunk.unlink()
    with pytest.raises(StoreError, match=r"slide S1: pixels/c/0/0/0/0 is missing"):
        store.check()


def test_labels_follow_the_mask(pyramid, inspected, tmp_path):
    mask = np.full((400, 600, 3), 255, np.uint8)
    mask[:, :256] = (255, 0, 0)
    mask[256:, 256:] = (0, 0, 255)
    path = tmp_path / "mask.png"
    Image.fromarray(mask).save(path)
    store = cut(pyramid, inspected(pyramid), tmp_path / "S1.zarr", annotation=path)
    store.check()
    assert (store.tile("label", 0) == 1).all()
    assert (store.tile("label", 2) == 0).all()
    corner = store.tile("label", 19)
    assert (corner[:8, :44] == 2).all()
    assert (corner[8:] == 255).all()
    assert (corner[:, 44:] == 255).all()


def test_a_half_size_mask_labels_the_same_places():
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tile = sample(labels, (2, 2), x=2, y=2, footprint=4, size=4)
    assert tile.tolist() == [[5, 5, 6, 6], [5, 5, 6, 6], [9, 9, 10, 10], [9, 9, 10, 10]]


def test_a_mask_of_another_size_fails_with_one_line(pyramid, inspected, tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (400, 400)).save(path)
    with pytest.raises(InputError, match=r"mask.png, column annotation: .*400 x 400"):
        cut(pyramid, inspected(pyramid), tmp_path / "S1.zarr", annotation=path)
    assert not (tmp_path / "S1.zarr").exists()


def test_a_mask_coarser_than_the_tiles_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (60, 40)).save(path)
    with pytest.raises(InputError, match="coarser"):
        check_annotation(path, Frame(600, 400, 2.0), coarsest_mpp=8.0)


def test_a_colour_outside_the_palette_is_named(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(path)
    with pytest.raises(InputError, match=r"#010203.*palette"):
        read_mask(path, PALETTE)


def test_a_bad_slide_is_a_row_with_a_reason(tmp_path, inspected):
    path = tmp_path / "bad.svs"
    path.write_bytes(b"nothing")
    files = inspected(path)
    assert not read_json(files.report)["readable"]
    assert "no reader" in read_json(files.report)["reason"]
    store = cut(path, files, tmp_path / "bad.zarr")
    store.check()
    assert (len(store), store.status) == (0, "skipped")


def test_a_grid_leaves_out_what_has_no_tissue():
    tissue = np.zeros((100, 100), bool)
    tissue[:50, :50] = True
    none = np.zeros(tissue.shape, np.uint8)
    settings = {"mpp": 1.0, "size": 250, "min_tissue": 0.05, "max_artefact": 0.5}
    grid = lay_grid((1000, 1000), tissue, none, slide_mpp=1.0, **settings)
    assert grid.cell.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert grid.tissue.tolist() == [1, 1, 1, 1]
    with pytest.raises(UnusableSlide, match="no tile"):
        lay_grid((1000, 1000), none, none, slide_mpp=1.0, **settings)
    with pytest.raises(UnusableSlide, match="too coarse"):
        lay_grid((1000, 1000), tissue, none, slide_mpp=2.0, **settings)
    inked = none.copy()
    inked[:20, :25] = 1
    grid = lay_grid((1000, 1000), tissue, inked, slide_mpp=1.0, **settings)
    assert grid.cell.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert grid.artefacts.shape == (3, len(KINDS))
    with pytest.raises(UnusableSlide, match="at most 50% artefacts"):
        lay_grid((1000, 1000), tissue, none + 2, slide_mpp=1.0, **settings)


def test_the_whole_slide_scaled_to_a_size_becomes_one_tile(pyramid, inspected, tmp_path):
    tiling = {"mpp": None, "fit_px": 96, "size": 96}
    store = cut(pyramid, inspected(pyramid), tmp_path / "S1.zarr", tiling=tiling)
    assert len(store) == 1
    assert store.attributes["mpp"] == pytest.approx(1200 / 96)
    tile = store.tile("pixels", 0)
    assert (tile[65:] == 255).all()
    assert (tile[:63] != 255).any(-1).all()


@pytest.fixture
def seen(write_jpeg, inspected):
    """A JPEG pyramid of 0.5 µm per pixel in tiles of 64 px, inspected."""
    path = write_jpeg()
    return path, inspected(path)


def test_the_slides_own_tiles_are_copied_where_the_grid_is_theirs(seen, tmp_path):
    path, files = seen
    # Half a per cent off, so that the slide's own resolution counts.
    tiling = {"mpp": 0.502, "codec": "source-jpeg"}
    copied = cut(path, files, tmp_path / "copy.zarr", tiling=tiling)
    copied.check()
    assert copied.attributes["mpp"] == 0.5
    assert copied.attributes["note"] == ""
    cut_anew = cut(path, files, tmp_path / "zstd.zarr", tiling={"mpp": 0.5})
    assert np.array_equal(copied.column("cell"), cut_anew.column("cell"))
    inner = [n for n, (x, y) in enumerate(copied.column("cell")) if x < 10 and y < 7]
    for number in inner:
        assert np.array_equal(copied.tile("pixels", number), cut_anew.tile("pixels", number))
    source = path.stat().st_size
    stored = sum(f.stat().st_size for f in (tmp_path / "copy.zarr" / "pixels" / "c").rglob("*"))
    assert stored < source


def test_a_coarser_level_can_be_copied_too(seen, tmp_path):
    path, files = seen
    store = cut(path, files, tmp_path / "a.zarr", tiling={"mpp": 1.0, "codec": "source-jpeg"})
    with open_slide(path, mpp=None) as slide:
        expected = slide.read(1, 64, 64, 64, 64)
    cells = store.column("cell").tolist()
    assert np.array_equal(store.tile("pixels", cells.index([1, 1])), expected)


@pytest.mark.parametrize(
    ("tiling", "words"),
    [
        ({"mpp": 0.5, "size": 128}, "no level has tiles of 128 px at 0.5 µm per pixel to copy; it"),
        ({"mpp": 0.7}, "it has 64 x 64 px at 0.5 µm per pixel, 64 x 64 px at 1 µm per pixel"),
    ],
)
def test_an_unaligned_grid_says_why_it_is_stored_as_zstd(seen, tmp_path, tiling, words):
    path, files = seen
    store = cut(path, files, tmp_path / "a.zarr", tiling={"codec": "source-jpeg", **tiling})
    assert words in store.attributes["note"]
    metadata = json.loads((tmp_path / "a.zarr" / "pixels" / "zarr.json").read_text())
    codecs = metadata["codecs"][0]["configuration"]["codecs"]
    assert [codec["name"] for codec in codecs] == ["bytes", "zstd"]


def test_a_slide_without_jpeg_tiles_says_so_too(pyramid, inspected, tmp_path):
    tiling = {"mpp": 2.0, "codec": "source-jpeg"}
    store = cut(pyramid, inspected(pyramid), tmp_path / "a.zarr", tiling=tiling)
    assert "no plain JPEG tiles (read by openslide)" in store.attributes["note"]


def test_the_decoders_halves_give_nearly_the_same_tiles(write_jpeg, picture, inspected, tmp_path):
    smooth = ndimage.gaussian_filter(picture, (6, 6, 0))
    path = write_jpeg(content=smooth)
    files = inspected(path)
    stores = [
        cut(path, files, tmp_path / f"{way}.zarr", tiling={"mpp": 2.0, "resample": way})
        for way in ("area", "dct")
    ]
    area, dct = (store.tile("pixels", 0).astype(int) for store in stores)
    assert not np.array_equal(area, dct)
    assert np.abs(area - dct).mean() < 2


def test_the_number_of_threads_changes_nothing(seen, tmp_path):
    path, files = seen
    tiling = {"mpp": 0.61, "size": 32}
    stores = [cut(path, files, tmp_path / f"{n}.zarr", tiling=tiling, threads=n) for n in (1, 2, 5)]
    digests = [store.attributes["manifest"] for store in stores]
    assert digests[0] == digests[1] == digests[2]


@pytest.mark.parametrize(
    ("mpp", "size"), [(1.0, 64), (1.0, 256), (2.0, 32), (3.3, 64), (4.0, 64), (7.7, 32)]
)
def test_a_known_square_keeps_place_and_size_within_one_pixel(tmp_path, inspected, mpp, size):
    picture = np.full((900, 1200, 3), 255, np.uint8)
    picture[301:701, 403:803] = (90, 20, 120)
    path = tmp_path / "square.tif"
    options = {"tile": (128, 128), "photometric": "rgb", "metadata": None}
    tifffile.imwrite(path, picture, resolution=(10000, 10000), resolutionunit=3, **options)
    store = cut(path, inspected(path), tmp_path / "S1.zarr", tiling={"mpp": mpp, "size": size})
    columns, rows = store.attributes["grid"]
    whole = np.full((rows * size, columns * size), 255, np.uint8)
    for number, (column, row) in enumerate(store.column("cell")):
        tile = store.tile("pixels", number)[..., 0]
        whole[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
    ys, xs = np.nonzero(whole < 170)
    found = [xs.min(), xs.max() + 1, ys.min(), ys.max() + 1]
    assert np.abs(np.array(found) * mpp - [403, 803, 301, 701]).max() <= mpp


@settings(deadline=None)
@given(
    slide=st.tuples(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.1, 4)),
    ratio=st.floats(0.7, 64),
    size=st.sampled_from([32, 96, 512]),
    seed=st.integers(0, 9),
)
def test_grids_cover_all_tissue_once(slide, ratio, size, seed):
    width, height, slide_mpp = slide
    tissue = np.random.default_rng(seed).random((7, 9)) < 0.6
    tissue[3, 4] = True
    mpp = slide_mpp * ratio
    settings = {"mpp": mpp, "size": size, "min_tissue": 0.0, "max_artefact": 1.0}
    none = np.zeros(tissue.shape, np.uint8)
    grid = lay_grid((width, height), tissue, none, slide_mpp=slide_mpp, **settings)
    assert grid.footprint * slide_mpp == pytest.approx(size * mpp)
    assert grid.columns == max(1, np.ceil(width / grid.footprint - 1e-6))
    assert grid.rows == max(1, np.ceil(height / grid.footprint - 1e-6))
    assert len({tuple(cell) for cell in grid.cell}) == len(grid.cell)
    assert (grid.cell >= 0).all()
    assert (grid.cell < [grid.columns, grid.rows]).all()
    assert ((grid.tissue > 0) & (grid.tissue <= 1)).all()
    assert (np.abs(grid.origin - grid.cell * grid.footprint) < 1).all()
    # Every place of tissue lies in a tile, and the tiles' shares add up to the tissue.
    kept = np.zeros((grid.rows, grid.columns), bool)
    kept[grid.cell[:, 1], grid.cell[:, 0]] = True
    ys, xs = np.nonzero(tissue)
    x = ((xs + 0.5) / 9 * width / grid.footprint).astype(int).clip(0, grid.columns - 1)
    y = ((ys + 0.5) / 7 * height / grid.footprint).astype(int).clip(0, grid.rows - 1)
    assert kept[y, x].all()
    area = grid.tissue.sum() * grid.footprint**2 / (width * height)
    assert area == pytest.approx(tissue.mean(), rel=0.01)


def test_stains_are_normalised_and_what_was_done_is_recorded(seen, tmp_path):
    path, files = seen
    reference = tmp_path / "reference.png"
    picture = np.random.default_rng(0).normal((180, 90, 150), 8, (40, 40, 3))
    Image.fromarray(picture.astype(np.uint8)).save(reference)
    stain = {"method": "reinhard", "reference": str(reference)}
    store = cut(path, files, tmp_path / "a.zarr", tiling={"mpp": 0.5, "stain": stain})
    assert store.attributes["stain"]["method"] == "reinhard"
    assert store.attributes["stain"]["reference"]["name"] == "reference.png"
    assert str(tmp_path) not in json.dumps(store.attributes)
    tile = store.tile("pixels", 14)
    assert np.abs(tile.mean((0, 1)) - (180, 90, 150)).max() < 6


def test_tiles_smaller_than_a_pixel_of_the_mask_are_all_kept():
    tissue = np.ones((100, 100), bool)
    settings = {"mpp": 1.0, "size": 32, "min_tissue": 0.9, "max_artefact": 0.0}
    none = np.zeros(tissue.shape, np.uint8)
    grid = lay_grid((10_000, 10_000), tissue, none, slide_mpp=1.0, **settings)
    assert len(grid.cell) == 312**2
    assert (grid.tissue > 0.999).all()


def test_a_level_that_ends_early_lends_no_wrong_tiles(write_jpeg, picture, inspected, tmp_path):
    # Level 1 has 256 of 513 / 2 columns, so that its grid is one column short.
    path = write_jpeg(content=np.ascontiguousarray(picture[:417, :513]))
    with tifffile.TiffFile(path) as file:
        assert file.pages[1].shape == (209, 257, 3)
    with open_slide(path, mpp=None) as slide:
        segments = slide.segments(1)
        expected = slide.read(1, 0, 64, 64, 64)
    tiling = {"mpp": 1.0, "codec": "source-jpeg"}
    store = cut(path, inspected(path), tmp_path / "a.zarr", tiling=tiling)
    cells = store.column("cell").tolist()
    assert max(column for column, _ in cells) < segments.columns
    assert np.array_equal(store.tile("pixels", cells.index([0, 1])), expected)


def test_a_segment_that_grows_after_the_inspection_is_a_reason(seen, tmp_path):
    path, files = seen
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[17]
        content = bytearray(path.read_bytes())
        segment = content[offset : offset + file.pages[0].databytecounts[17]]
    frame = segment.index(b"\xff\xc0")
    content[offset + frame + 5 : offset + frame + 9] = b"\xff\xdc\xff\xdc"
    path.write_bytes(content)
    store = cut(path, files, tmp_path / "a.zarr", tiling={"mpp": 0.5}, threads=4)
    assert store.status == "skipped"
    assert "row 1, column 6: damaged" in store.attributes["reason"]


def test_stains_are_estimated_all_over_the_slide(write_jpeg, monkeypatch):
    path = write_jpeg()
    rows = []
    real = cutting.read_scaled

    def noted(slide, *, x, y, **where):
        rows.append(y)
        return real(slide, x=x, y=y, **where)

    monkeypatch.setattr(cutting, "read_scaled", noted)
    with open_slide(path, mpp=None) as slide:
        cells = np.array([(x, y) for y in range(15) for x in range(20)])
        grid = Grid(cells * 32, cells, np.ones(300), np.zeros((300, 5)), 32.0, 20, 15)
        settings = {"method": "macenko"}
        cutting.fit_to_tiles(slide, grid, 32, settings)
    assert len(rows) == 16
    assert min(rows) == 0
    assert max(rows) == 14 * 32
