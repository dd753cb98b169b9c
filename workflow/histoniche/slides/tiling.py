"""Tiling: a slide's tissue cut into tiles of one physical size."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import zarr
from PIL import Image

from histoniche import __version__
from histoniche.errors import InputError, UnusableSlide
from histoniche.files import read_json, whole_folder
from histoniche.slides.annotations.annotation import Annotation, Frame
from histoniche.slides.annotations.choice import check_annotation, open_annotation
from histoniche.slides.codecs import JpegTiles, RawTiles, TileCodec, ZstdTiles
from histoniche.slides.grids import Grid, lay_grid, tile_mpp
from histoniche.slides.guard import run_limited
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.jpeg_reader import JpegSlide
from histoniche.slides.readers.slide import Slide
from histoniche.slides.scaling import read_scaled
from histoniche.slides.store import TileWriter

if TYPE_CHECKING:
    from histoniche.slides.stain import StainTransform

# Bytes of tiles in work at a time: enough to keep all threads busy.
_AHEAD_BYTES = 64 << 20
_LARGEST_SAMPLE_PX = 1_000_000
# Limits of the guarded child: address space beside the file itself, and CPU time of all threads.
_MEMORY_GB, _LONGEST_S = 16, 7 * 24 * 3600
# Tiles that a slide's stains are estimated on.
_STAIN_TILES = 16
# A level's own tiles are copied where its resolution is the wanted one but for this share.
_NEAR_ENOUGH = 0.02


class _Plan(NamedTuple):
    """How a slide is cut: resolution, codec, and the level whose segments are copied, if any."""

    mpp: float
    codec: TileCodec
    copied: int | None
    largest: tuple[int, int] | None
    note: str


def tile_slide(
    path: Path,
    inspection: Path,
    tissue: Path,
    artefacts: Path,
    out: Path,
    *,
    slide: str,
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
    on_bad_slide: str,
    threads: int,
) -> None:
    """Cut one slide into tiles and write them as a store.

    Parameters
    ----------
    path
        The slide.
    inspection, tissue, artefacts
        What `inspect_slide` wrote. A slide that it skipped gives an empty store
        with the reason.
    out
        Folder of the store.
    slide
        Its id.
    annotation
        A person's annotation, which becomes label tiles, or None.
    palette
        Mappings with `label`, `region`, `name` and `colour`.
    tiling
        One block of the config's `tilings`.
    on_bad_slide
        What to do if no tile is left: `skip` or `fail`.
    threads
        Tiles that are read and encoded at the same time.
    """
    facts = read_json(inspection)
    attributes = {"slide": slide, "status": facts["status"], "reason": facts["reason"]}
    if facts["status"] == "ok":
        try:
            # The file is mapped into memory, which counts as address space.
            run_limited(
                _tile,
                path,
                out,
                slide=slide,
                frame=Frame(int(facts["width_px"]), int(facts["height_px"]), float(facts["mpp"])),
                masks=(_read_mask(tissue) > 0, _read_mask(artefacts)),
                annotation=annotation,
                palette=palette,
                tiling=tiling,
                threads=threads,
                memory_gb=_MEMORY_GB + path.stat().st_size / 2**30,
                seconds=_LONGEST_S,
            )
            return
        except UnusableSlide as reason:
            if on_bad_slide == "fail":
                raise InputError(
                    str(reason), file=path, value=slide, remedy="change the tiling or the slide"
                ) from reason
            attributes |= {"status": "skipped", "reason": str(reason)}
    with whole_folder(out) as folder:
        TileWriter(folder, 0, {}).close({}, {**attributes, "tiles": 0})


def _tile(
    path: Path,
    out: Path,
    *,
    slide: str,
    frame: Frame,
    masks: tuple[np.ndarray, np.ndarray],
    annotation: Path | None,
    palette: Sequence[Mapping[str, Any]],
    tiling: Mapping[str, Any],
    threads: int,
) -> None:
    """Write the store of a usable slide; runs in the guarded child."""
    labels = None
    if annotation is not None:
        mpp = tile_mpp(tiling, size=(frame.width, frame.height), mpp=frame.mpp)
        check_annotation(annotation, frame, coarsest_mpp=2 * mpp)
        labels = open_annotation(annotation, frame, palette)
    reduced = tiling["resample"] == "dct"
    with open_slide(path, mpp=frame.mpp, reduced=reduced) as source:
        _write_tiles(
            source,
            out,
            slide=slide,
            frame=frame,
            masks=masks,
            labels=labels,
            tiling=tiling,
            threads=threads,
        )


def _write_tiles(
    source: Slide,
    out: Path,
    *,
    slide: str,
    frame: Frame,
    masks: tuple[np.ndarray, np.ndarray],
    labels: Annotation | None,
    tiling: Mapping[str, Any],
    threads: int,
) -> None:
    """Read, encode and write the tiles of an open slide."""
    size = int(tiling["size"])
    plan = _make_plan(source, tiling)
    if plan.note:
        logging.warning("%s: %s", slide, plan.note)
    grid = lay_grid(
        (frame.width, frame.height),
        *masks,
        slide_mpp=frame.mpp,
        mpp=plan.mpp,
        size=size,
        min_tissue=tiling["min_tissue"],
        max_artefact=tiling["max_artefact"],
        largest=plan.largest,
    )
    shapes: dict[str, tuple[int, ...]] = {"pixels": (size, size, 3)}
    if labels is not None:
        shapes["label"] = (size, size)
    stain = _fit_stain(source, grid, size, tiling["stain"])
    with whole_folder(out) as folder, ThreadPoolExecutor(threads) as pool:
        writer = TileWriter(folder, len(grid.cell), shapes, codecs={"pixels": plan.codec})
        cut = _cutter(
            source,
            plan=plan,
            grid=grid,
            labels=labels,
            size=size,
            codecs=writer.codecs,
            stain=stain,
        )
        ahead = max(threads + 1, min(64, _AHEAD_BYTES // (3 * size**2)))
        for chunks in _in_order(pool, cut, range(len(grid.cell)), ahead=ahead):
            writer.append_encoded(**chunks)
        columns = ("origin", "cell", "tissue", "artefacts")
        writer.close(
            {name: getattr(grid, name) for name in columns},
            {
                "slide": slide,
                "status": "ok",
                "reason": "",
                "tiles": len(grid.cell),
                "mpp": plan.mpp,
                "fit_px": tiling.get("fit_px"),
                "size": size,
                "scale_to_level0": grid.footprint / size,
                "slide_size": [frame.width, frame.height],
                "slide_mpp": frame.mpp,
                "grid": [grid.columns, grid.rows],
                "reader": source.reader,
                "note": plan.note,
                "settings": {key: value for key, value in tiling.items() if key != "stain"},
                "stain": None if stain is None else _describe_stain(stain, tiling["stain"]),
                "annotated_mm2": None if labels is None else labels.areas_mm2(),
                "versions": {"histoniche": __version__, "zarr": zarr.__version__},
            },
        )
    logging.info(
        "%s: %d tiles of %d px at %.4g µm per pixel", slide, len(grid.cell), size, plan.mpp
    )


def _read_mask(path: Path) -> np.ndarray:
    """A mask that the inspection wrote, uint8."""
    with Image.open(path) as image:
        return np.asarray(image)


def _make_plan(source: Slide, tiling: Mapping[str, Any]) -> _Plan:
    """Decide the resolution of the tiles, and whether the slide's own segments can be copied."""
    size = int(tiling["size"])
    width, height, _ = source.levels[0]
    mpp = tile_mpp(tiling, size=(width, height), mpp=source.resolution.mpp)
    shape = (size, size, 3)
    if tiling["codec"] == "none":
        return _Plan(mpp, RawTiles(shape), None, None, "")
    if tiling["codec"] == "zstd":
        return _Plan(mpp, ZstdTiles(shape), None, None, "")
    if not isinstance(source, JpegSlide):
        note = f"stored as zstd, since the slide has no plain JPEG tiles (read by {source.reader})"
        return _Plan(mpp, ZstdTiles(shape), None, None, note)
    found = []
    for number in source.stored_levels:
        level_mpp = source.resolution.mpp * source.levels[number].downsample
        segments = source.segments(number)
        coding = segments.coding
        if abs(mpp / level_mpp - 1) <= _NEAR_ENOUGH and (coding.width, coding.height) == shape[:2]:
            largest = (segments.columns, segments.rows)
            return _Plan(level_mpp, JpegTiles(coding), number, largest, "")
        found.append(f"{coding.width} x {coding.height} px at {level_mpp:.4g} µm per pixel")
    note = (
        f"stored as zstd, since no level has tiles of {size} px at {mpp:.4g} µm per pixel to copy; "
        f"it has {', '.join(found)}"
    )
    return _Plan(mpp, ZstdTiles(shape), None, None, note)


def _cutter(
    source: Slide,
    *,
    plan: _Plan,
    grid: Grid,
    labels: Annotation | None,
    size: int,
    codecs: Mapping[str, TileCodec],
    stain: "StainTransform | None",
) -> Callable[[int], dict[str, bytes]]:
    """Make a function that reads and encodes the tile of a number."""

    def cut(number: int) -> dict[str, bytes]:
        column, row = (int(place) for place in grid.cell[number])
        x, y, side = column * grid.footprint, row * grid.footprint, grid.footprint
        if plan.copied is not None and isinstance(source, JpegSlide):
            columns = source.segments(plan.copied).columns
            chunks = {"pixels": source.segment(plan.copied, row * columns + column)}
        else:
            pixels = read_scaled(source, x=x, y=y, width=side, height=side, size=(size, size))
            if stain is not None:
                pixels = stain.apply(pixels)
            chunks = {"pixels": codecs["pixels"].encode(pixels)}
        if labels is not None:
            chunks["label"] = codecs["label"].encode(labels.tile(x, y, side, size))
        return chunks

    return cut


def _fit_stain(
    source: Slide, grid: Grid, size: int, settings: Mapping[str, Any]
) -> "StainTransform | None":
    """Fit the normalisation on the tiles with the most tissue; None if it is off."""
    if settings["method"] == "off":
        return None
    from histoniche.slides.stain import fit_stain  # noqa: PLC0415 - off for most

    # From all over the slide, where most is tissue.
    full = np.flatnonzero(grid.tissue >= np.quantile(grid.tissue, 0.75))
    full = full[np.unique(np.linspace(0, len(full) - 1, _STAIN_TILES).astype(int))]
    side = grid.footprint
    size = min(size, int((_LARGEST_SAMPLE_PX / _STAIN_TILES) ** 0.5))
    tiles = [
        read_scaled(
            source, x=column * side, y=row * side, width=side, height=side, size=(size, size)
        )
        for column, row in grid.cell[full]
    ]
    return fit_stain(settings["method"], tiles, _reference(settings))


def _describe_stain(stain: "StainTransform", settings: Mapping[str, Any]) -> dict[str, Any]:
    """What was done to the colours, for the attributes."""
    from histoniche.slides.stain import describe_stain  # noqa: PLC0415 - as above

    return describe_stain(settings["method"], stain, _reference(settings))


def _reference(settings: Mapping[str, Any]) -> Path | None:
    """Picture that the colours are brought to, if one is named."""
    return Path(settings["reference"]) if "reference" in settings else None


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[int], dict[str, bytes]],
    numbers: Iterable[int],
    *,
    ahead: int,
) -> Iterator[dict[str, bytes]]:
    """Work on several numbers at a time and yield the results in order, few of them waiting."""
    waiting: deque[Future[dict[str, bytes]]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(work, number))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
