"""Reading and tiling slides, against the libraries that others use: `make bench-slides`."""

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import tiffslide
import zarr
from compare import Row, against, median_seconds, report
from cucim.clara import CuImage
from made_slide import MPP, SEGMENT, SIDE, write_svs
from PIL import Image
from zarr.codecs import ZstdCodec

from histoniche.files import write_json
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.jpeg_reader import JpegSlide
from histoniche.slides.scaling import read_scaled
from histoniche.slides.store import TileStore
from histoniche.slides.tiling import tile_slide

TILE = 512


def corners(tile: int, *, offset: int = 0, share: float = 0.47) -> list[tuple[int, int]]:
    """Corners of tiles in a disc that covers this share of the slide, row by row."""
    places = range(offset, SIDE - tile + 1, tile)
    radius2 = share * SIDE**2 / np.pi
    return [
        (x, y)
        for y in places
        for x in places
        if (x + tile / 2 - SIDE / 2) ** 2 + (y + tile / 2 - SIDE / 2) ** 2 < radius2
    ]


def bench_reading(path: Path, slide: JpegSlide) -> list[Row]:
    """Tiles along the segments' edges, one thread."""
    theirs, tiff, cu = openslide.OpenSlide(path), tiffslide.TiffSlide(path), CuImage(str(path))
    places = corners(TILE)
    size = (TILE, TILE)
    for x, y in places[::97]:
        expected = np.asarray(theirs.read_region((x, y), 0, size).convert("RGB"))
        assert np.array_equal(slide.read(0, x, y, *size), expected)
        assert np.array_equal(np.asarray(cu.read_region((x, y), size)), expected)
        assert np.array_equal(tiff.read_region((x, y), 0, size, as_array=True), expected)
    source = slide.segments(0)
    wanted = [
        (y // SEGMENT + dy) * source.columns + x // SEGMENT + dx
        for x, y in places
        for dy in range(TILE // SEGMENT)
        for dx in range(TILE // SEGMENT)
    ]
    seconds = median_seconds(
        {
            "ours": lambda: [slide.read(0, x, y, *size) for x, y in places],
            "openslide": lambda: [
                np.asarray(theirs.read_region((x, y), 0, size).convert("RGB")) for x, y in places
            ],
            "tiffslide": lambda: [
                tiff.read_region((x, y), 0, size, as_array=True) for x, y in places
            ],
            "cucim": lambda: [np.asarray(cu.read_region((x, y), size)) for x, y in places],
            "limit": lambda: [source.coding.decode(slide.segment(0, k)) for k in wanted],
        }
    )
    note = f"{len(places)} tiles"
    return [
        against("aligned tiles, openslide-python", seconds, "openslide", 4, note),
        against("aligned tiles, tiffslide", seconds, "tiffslide", 1.8, note),
        against("aligned tiles, cuCIM on CPU", seconds, "cucim", 0.95, note),
        against("aligned tiles, libjpeg-turbo alone", seconds, "limit", 0.85, note),
    ]


def bench_off_grid(path: Path) -> list[Row]:
    """Tiles across the segments' edges: per pixel of unique segments against decoding alone."""
    side, offset = 500, 130
    places = corners(side, offset=offset)
    with open_slide(path, mpp=None) as slide:
        assert isinstance(slide, JpegSlide)
        source = slide.segments(0)
        wanted = sorted(
            {
                row * source.columns + column
                for x, y in places
                for row in range(y // SEGMENT, -(-(y + side) // SEGMENT))
                for column in range(x // SEGMENT, -(-(x + side) // SEGMENT))
            }
        )

    def ours() -> int:
        decoded = 0
        with open_slide(path, mpp=None) as slide:
            assert isinstance(slide, JpegSlide)
            real = slide._decode

            def counted(*where: Any) -> np.ndarray:
                nonlocal decoded
                decoded += 1
                return real(*where)

            slide._decode = counted  # type: ignore[method-assign]
            for x, y in places:
                slide.read(0, x, y, side, side)
        return decoded

    def limit() -> None:
        with open_slide(path, mpp=None) as slide:
            assert isinstance(slide, JpegSlide)
            for index in wanted:
                source.coding.decode(slide.segment(0, index))

    assert ours() == len(wanted)
    seconds = median_seconds({"ours": ours, "limit": limit})
    note = f"{len(places)} tiles of {side} px; {len(wanted)} segments, each decoded once"
    return [against("off-grid tiles, libjpeg-turbo alone", seconds, "limit", 0.8, note)]


def bench_halves(path: Path) -> list[Row]:
    """40x to 20x."""
    theirs = openslide.OpenSlide(path)
    places = corners(2 * TILE)
    with open_slide(path, mpp=None, reduced=True) as slide:

        def ours(x: int, y: int) -> np.ndarray:
            side = 2 * TILE
            return read_scaled(slide, x=x, y=y, width=side, height=side, size=(TILE, TILE))

        def peer(x: int, y: int) -> np.ndarray:
            region = theirs.read_region((x, y), 0, (2 * TILE, 2 * TILE)).convert("RGB")
            return np.asarray(region.resize((TILE, TILE), Image.Resampling.BOX))

        x, y = places[len(places) // 2]
        difference = np.abs(ours(x, y).astype(int) - peer(x, y))
        seconds = median_seconds(
            {
                "ours": lambda: [ours(x, y) for x, y in places],
                "peer": lambda: [peer(x, y) for x, y in places],
            }
        )
    note = f"mean difference {difference.mean():.2f} grey levels, largest {difference.max()}"
    return [against("40x to 20x by dct, OpenSlide + PIL", seconds, "peer", 6, note)]


def on_cores(count: int, work: Callable[[], object]) -> object:
    """Work with so many cores and no more, threads and child processes included."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        return work()
    finally:
        os.sched_setaffinity(0, allowed)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended, in which slides are read."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def bench_tiling(path: Path, folder: Path) -> list[Row]:
    """The whole step from slide to store."""
    facts = {"readable": True, "width_px": SIDE, "height_px": SIDE, "mpp": MPP}
    write_json(facts, folder / "facts.json")
    y, x = np.mgrid[:1024, :1024]
    disc = (x - 511.5) ** 2 + (y - 511.5) ** 2 < 0.47 * 1024**2 / np.pi
    Image.fromarray(disc.astype(np.uint8) * 255).save(folder / "tissue.png")
    Image.fromarray(np.zeros_like(disc, np.uint8)).save(folder / "artefacts.png")

    def ours(name: str, size: int, codec: str, threads: int) -> TileStore:
        tiling = {
            "mpp": MPP,
            "size": size,
            "min_tissue": 0.5,
            "max_artefact": 1,
            "resample": "area",
            "codec": codec,
            "stain": {"method": "off"},
        }
        tile_slide(
            path,
            folder / "facts.json",
            folder / "tissue.png",
            folder / "artefacts.png",
            folder / name,
            slide="S1",
            annotation=None,
            palette=[],
            tiling=tiling,
            verdict={"status": "ok", "reason": ""},
            threads=threads,
        )
        return TileStore(folder / name)

    def peer(name: str, size: int, cells: np.ndarray) -> zarr.Array:
        slide = openslide.OpenSlide(path)
        array = zarr.create_array(
            folder / name,
            shape=(len(cells), size, size, 3),
            chunks=(1, size, size, 3),
            shards=(64, size, size, 3),
            dtype="uint8",
            compressors=ZstdCodec(level=1),
            overwrite=True,
        )
        for start in range(0, len(cells), 64):
            array[start : start + 64] = np.stack(
                [
                    np.asarray(slide.read_region(corner, 0, (size, size)).convert("RGB"))
                    for corner in (cells[start : start + 64] * size).tolist()
                ]
            )
        return array

    rows = []
    cells = {}
    for size, codec in ((TILE, "zstd"), (SEGMENT, "source-jpeg")):
        store = ours(f"ours-{codec}", size, codec, 1)
        cells[size] = store.column("cell")
        other = peer("peer", size, cells[size])
        for number in range(0, len(store), max(1, len(store) // 40)):
            assert np.array_equal(store.tile("pixels", number), other[number])
    shutil.rmtree(folder / "peer")
    with open_slide(path, mpp=None) as slide:
        assert isinstance(slide, JpegSlide)
        source = slide.segments(0)
        copied = sum(
            int(source.lengths[row * source.columns + column]) for column, row in cells[SEGMENT]
        )
    stored = sum(f.stat().st_size for f in (folder / "ours-source-jpeg").rglob("*") if f.is_file())

    def ours_on(cores: int) -> Callable[[], object]:
        return lambda: on_cores(cores, lambda: ours(f"ours-{cores}", TILE, "zstd", cores))

    wall = median_seconds(
        {
            "ours": ours_on(1),
            "two": ours_on(2),
            "peer": lambda: on_cores(1, lambda: peer("peer", TILE, cells[TILE])),
        },
        clock=time.perf_counter,
    )
    note = f"{len(cells[TILE])} tiles, wall time, the peer on one core"
    rows.append(against("SVS to zstd, openslide + zarr, one core", wall, "peer", 2.2, note))
    two = {"ours": wall["two"], "peer": wall["peer"], "one": wall["ours"]}
    rows.append(against("SVS to zstd, openslide + zarr, two cores", two, "peer", 3.5, note))
    rows.append(against("two workers, one worker", two, "one", 1.8, note))
    cpu = median_seconds(
        {
            "ours": lambda: ours("ours-source-jpeg", SEGMENT, "source-jpeg", 1),
            "peer": lambda: peer("peer", SEGMENT, cells[SEGMENT]),
        },
        clock=cpu_seconds,
    )
    note = f"{len(cells[SEGMENT])} tiles, {stored / copied:.4f} x the source's bytes"
    assert stored <= 1.02 * copied
    rows.append(against("SVS to source-jpeg, openslide + zarr", cpu, "peer", 50, note))
    rows += bench_random_reads(folder)
    return rows


def bench_random_reads(folder: Path) -> list[Row]:
    """Random tiles, as training reads them, against pread and decode alone."""
    rows = []
    for codec in ("zstd", "source-jpeg"):
        store = TileStore(folder / f"ours-{codec}")
        order = np.random.default_rng(0).permutation(len(store))[:600].tolist()
        store.tile("pixels", 0)
        array = store._arrays["pixels"]
        for number in order:
            store.tile("pixels", number)
        shards = {
            number: os.open(folder / f"ours-{codec}" / f"pixels/c/{number}/0/0/0", os.O_RDONLY)
            for number in array._indices
        }

        def plain(order: list[int] = order, array=array, shards: dict[int, int] = shards) -> None:
            for number in order:
                shard, place = divmod(number, 64)
                offset, length = array._indices[shard][place].tolist()
                array._codec.decode(os.pread(shards[shard], length, offset))

        def ours(order: list[int] = order, store: TileStore = store) -> None:
            for number in order:
                store.tile("pixels", number)

        seconds = median_seconds({"ours": ours, "plain": plain})
        for shard in shards.values():
            os.close(shard)
        rows.append(against(f"random reads, {codec}, pread + decode", seconds, "plain", 0.9))
    return rows


def main(out: Path) -> None:
    """Run all comparisons and write them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "slide.svs"
        write_svs(path)
        with open_slide(path, mpp=None) as slide:
            assert isinstance(slide, JpegSlide)
            rows = bench_reading(path, slide)
        rows += bench_off_grid(path)
        rows += bench_halves(path)
        rows += bench_tiling(path, folder)
    report(rows, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
