"""The store's own shards and codecs against zarr-python, which must read the same."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import zarr

from histoniche.files import sha256, whole_folder
from histoniche.slides.codecs import JpegTiles, RawTiles, ZstdTiles
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.shards import ShardWriter, read_index
from histoniche.slides.store import StoreError, TileStore, TileWriter
from study import CHECKOUT

SHAPE = (32, 48, 3)


@pytest.fixture
def tiles():
    """More than a shard and less than two, some of them blank."""
    tiles = np.random.default_rng(0).integers(0, 40, (70, *SHAPE), dtype=np.uint8)
    tiles[[0, 5, 69]] = 0
    return tiles


def write(folder, tiles, codec):
    with whole_folder(folder) as temporary:
        shapes = {"pixels": SHAPE, "label": (4, 4)}
        writer = TileWriter(temporary, len(tiles), shapes, codecs={"pixels": codec})
        for number, tile in enumerate(tiles):
            writer.append(pixels=tile, label=np.full((4, 4), number, np.uint8))
        writer.close({"x": np.arange(len(tiles))}, {"slide": "S1", "status": "ok", "tiles": 70})
    return TileStore(folder)


@pytest.mark.parametrize("codec", [RawTiles(SHAPE), ZstdTiles(SHAPE)])
def test_zarr_python_reads_what_we_write(tmp_path, tiles, codec):
    store = write(tmp_path / "S1.zarr", tiles, codec)
    store.check()
    group = zarr.open_group(tmp_path / "S1.zarr", mode="r")
    assert np.array_equal(group["pixels"][:], tiles)
    assert np.array_equal(group["label"][:, 0, 0], np.arange(70))
    assert np.array_equal(store.column("x"), np.arange(70))


@pytest.mark.parametrize("codec", [RawTiles(SHAPE), ZstdTiles(SHAPE)])
def test_we_read_what_zarr_python_writes(tmp_path, tiles, codec):
    store = write(tmp_path / "S1.zarr", tiles, codec)
    array = zarr.open_group(tmp_path / "S1.zarr", mode="r+")["pixels"]
    array[:] = 255 - tiles
    again = TileStore(tmp_path / "S1.zarr")
    for number in (0, 5, 63, 64, 69):
        assert np.array_equal(again.tile("pixels", number), 255 - tiles[number])
    assert [start for start, _ in again.shards("pixels")] == [0, 64]
    with pytest.raises(StoreError, match="altered"):
        store.check()


def test_the_slides_own_segments_are_copied_and_decode_to_its_pixels(write_jpeg, tmp_path):
    path = write_jpeg(tile=64)
    with open_slide(path, mpp=None) as slide:
        source = slide.segments(0)
        count = source.columns * source.rows
        codecs = {"pixels": JpegTiles(source.coding)}
        with whole_folder(tmp_path / "S1.zarr") as folder:
            writer = TileWriter(folder, count, {"pixels": (64, 64, 3)}, codecs=codecs)
            for number in range(count):
                writer.append_encoded(pixels=slide.segment(0, number))
            writer.close({}, {"slide": "S1", "status": "ok", "tiles": count})
        inner = slide.read(0, 64, 128, 64, 64)
    tile = TileStore(tmp_path / "S1.zarr").tile("pixels", 2 * source.columns + 1)
    assert np.array_equal(tile, inner)
    # Another program that has the package installed reads it through zarr-python alone.
    script = "import sys, zarr; print(int(zarr.open_group(sys.argv[1])['pixels'][:].sum()))"
    command = [sys.executable, "-c", script, str(tmp_path / "S1.zarr")]
    total = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    store = TileStore(tmp_path / "S1.zarr")
    assert int(total) == sum(int(shard.sum()) for _, shard in store.shards("pixels"))
    # It cannot write into it: encoding anew would lose detail.
    with pytest.raises(TypeError, match="copied from the slide"):
        zarr.open_group(tmp_path / "S1.zarr", mode="r+")["pixels"][0] = tile


def test_a_damaged_index_or_tile_names_slide_and_shard(tmp_path, tiles):
    write(tmp_path / "S1.zarr", tiles, ZstdTiles(SHAPE))
    shard = tmp_path / "S1.zarr" / "pixels" / "c" / "1" / "0" / "0" / "0"
    content = bytearray(shard.read_bytes())
    content[-3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(StoreError, match=r"S1: tile 64 in pixels/c/1/0/0/0 is damaged: its index"):
        TileStore(tmp_path / "S1.zarr").tile("pixels", 64)
    shard.write_bytes(b"")
    with pytest.raises(StoreError, match="damaged"):
        TileStore(tmp_path / "S1.zarr").tile("pixels", 64)
    shard.unlink()
    with pytest.raises(StoreError, match="is missing"):
        TileStore(tmp_path / "S1.zarr").tile("pixels", 64)


def test_altered_attributes_are_found(tmp_path, tiles):
    store = write(tmp_path / "S1.zarr", tiles, ZstdTiles(SHAPE))
    store.check()
    root = tmp_path / "S1.zarr" / "zarr.json"
    root.write_text(root.read_text().replace('"status": "ok"', '"status": "no"'))
    with pytest.raises(StoreError, match=r"S1: zarr.json was altered"):
        TileStore(tmp_path / "S1.zarr").check()


def test_an_index_holds_what_was_packed(tmp_path):
    chunks = [b"abc", b"", b"defgh"]
    writer = ShardWriter(tmp_path / "shard", capacity=5)
    for chunk in chunks:
        writer.append(chunk)
    assert writer.close() == sha256(tmp_path / "shard")
    shard = os.open(tmp_path / "shard", os.O_RDONLY)
    index = read_index(shard, capacity=5)
    os.close(shard)
    assert index.tolist() == [[0, 3], [3, 0], [3, 5], [-1, -1], [-1, -1]]


def test_fewer_tiles_than_announced_are_an_error(tmp_path):
    writer = TileWriter(tmp_path, 2, {"label": (4, 4)})
    writer.append(label=np.zeros((4, 4), np.uint8))
    with pytest.raises(StoreError, match="1 tiles were written where 2"):
        writer.close({}, {})


def test_a_tile_that_lacks_an_array_is_an_error(tmp_path):
    writer = TileWriter(tmp_path, 2, {"label": (4, 4), "pixels": (4, 4, 3)})
    with pytest.raises(StoreError, match=r"a tile of \['label'\] where \['label', 'pixels'\]"):
        writer.append(label=np.zeros((4, 4), np.uint8))


def test_kill_9_in_the_middle_leaves_no_store_and_the_next_try_no_rest(tmp_path):
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        import numpy as np
        from histoniche.files import sha256, whole_folder
        from histoniche.slides.store import TileWriter

        with whole_folder(Path(sys.argv[1])) as folder:
            writer = TileWriter(folder, 200, {"label": (8, 8)})
            for _ in range(100):
                writer.append(label=np.ones((8, 8), np.uint8))
            print("in the middle", flush=True)
            time.sleep(60)
    """)
    out = tmp_path / "S1.zarr"
    command = [sys.executable, "-c", script, str(out)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout.readline() == "in the middle\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not out.exists()
    assert len(list(tmp_path.iterdir())) == 1
    with whole_folder(out) as folder:
        writer = TileWriter(folder, 1, {"label": (8, 8)})
        writer.append(label=np.ones((8, 8), np.uint8))
        writer.close({}, {"slide": "S1", "status": "ok", "tiles": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["S1.zarr"]
    TileStore(out).check()


def test_the_metadata_name_standard_codecs(tmp_path, tiles):
    write(tmp_path / "S1.zarr", tiles, ZstdTiles(SHAPE))
    metadata = json.loads((tmp_path / "S1.zarr" / "pixels" / "zarr.json").read_text())
    sharding = metadata["codecs"][0]
    assert sharding["name"] == "sharding_indexed"
    assert [codec["name"] for codec in sharding["configuration"]["codecs"]] == ["bytes", "zstd"]
