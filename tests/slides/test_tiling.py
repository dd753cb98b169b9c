import json

import numpy as np
import pytest
from PIL import Image

from histoniche.errors import InputError, UnusableSlide
from histoniche.files import read_json
from histoniche.slides.annotations import check_annotation, read_annotation, sample_labels
from histoniche.slides.inspection import inspect_slide
from histoniche.slides.store import StoreError, TileStore
from histoniche.slides.tiling import lay_grid, tile_slide

PALETTE = [
    {"label": 0, "colour": "#FFFFFF"},
    {"label": 1, "colour": "#FF0000"},
    {"label": 2, "colour": "#0000FF"},
]
INSPECTION = {
    "thumbnail_px": 300,
    "tissue": "all",
    "min_chroma": 0.05,
    "min_island_mm2": 0.0,
    "min_tissue_mm2": 0.01,
}


@pytest.fixture
def inspected(tmp_path):
    """Inspect a slide and give the three files."""

    def inspect(path, mpp=None, on_bad_slide="skip", **changes):
        files = [tmp_path / name for name in ("report.json", "thumb.png", "tissue.png")]
        inspect_slide(
            path,
            *files,
            slide="S1",
            mpp=mpp,
            annotation=changes.pop("annotation", None),
            tissue_mask=None,
            annotated_mpp=4.0,
            on_bad_slide=on_bad_slide,
            settings={**INSPECTION, **changes},
        )
        return files

    return inspect


def cut(path, files, out, **changes):
    tile_slide(
        path,
        files[0],
        files[2],
        out,
        slide="S1",
        **{
            "annotation": None,
            "palette": PALETTE,
            "tiling": {"mpp": 4.0, "size": 64, "min_tissue": 0.05},
            "on_bad_slide": "skip",
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
    tile = sample_labels(labels, x=2, y=2, footprint=4, slide_size=(8, 6), size=4)
    assert tile.tolist() == [[5, 5, 6, 6], [5, 5, 6, 6], [9, 9, 10, 10], [9, 9, 10, 10]]


def test_a_mask_of_another_size_fails_with_one_line(pyramid, inspected, tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (400, 400)).save(path)
    with pytest.raises(InputError, match=r"mask.png, column annotation: .*400 x 400"):
        inspected(pyramid, annotation=path)


def test_a_mask_coarser_than_the_tiles_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (60, 40)).save(path)
    with pytest.raises(InputError, match="coarser"):
        check_annotation(path, slide_size=(600, 400), mpp=2.0, coarsest_mpp=8.0)


def test_a_colour_outside_the_palette_is_named(tmp_path):
    path = tmp_path / "mask.png"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(path)
    with pytest.raises(InputError, match=r"#010203.*palette"):
        read_annotation(path, PALETTE)


def test_a_bad_slide_is_a_row_with_a_reason(tmp_path, inspected):
    path = tmp_path / "bad.svs"
    path.write_bytes(b"nothing")
    files = inspected(path)
    assert read_json(files[0])["status"] == "skipped"
    assert "no reader" in read_json(files[0])["reason"]
    store = cut(path, files, tmp_path / "bad.zarr")
    store.check()
    assert (len(store), store.status) == (0, "skipped")


def test_a_bad_slide_can_stop_the_run_instead(tmp_path, inspected):
    path = tmp_path / "bad.svs"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad.svs.*on_bad_slide"):
        inspected(path, on_bad_slide="fail")


def test_too_little_tissue_is_a_reason(plain, inspected):
    files = inspected(plain, mpp=2.0, min_tissue_mm2=5.0)
    assert "mm² of tissue" in read_json(files[0])["reason"]


def test_a_grid_leaves_out_what_has_no_tissue():
    tissue = np.zeros((100, 100), bool)
    tissue[:50, :50] = True
    grid = lay_grid((1000, 1000), tissue, slide_mpp=1.0, mpp=1.0, size=250, min_tissue=0.05)
    assert grid.cell.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert grid.tissue.tolist() == [1, 1, 1, 1]
    with pytest.raises(UnusableSlide, match="no tile"):
        lay_grid((1000, 1000), ~tissue & False, slide_mpp=1.0, mpp=1.0, size=250, min_tissue=0.05)
    with pytest.raises(UnusableSlide, match="too coarse"):
        lay_grid((1000, 1000), tissue, slide_mpp=2.0, mpp=1.0, size=250, min_tissue=0.05)
