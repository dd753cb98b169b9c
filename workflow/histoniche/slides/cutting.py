"""Cutting: what each tile of a slide is made of, from its pixels or from its own JPEG tiles."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from histoniche.slides.annotations.annotation import Annotation
from histoniche.slides.codecs import JpegTiles, RawTiles, TileCodec, ZstdTiles
from histoniche.slides.grids import Grid, tile_mpp
from histoniche.slides.readers.jpeg_reader import JpegSlide
from histoniche.slides.readers.slide import Slide
from histoniche.slides.scaling import read_scaled

if TYPE_CHECKING:
    from histoniche.slides.stain import StainTransform

# Bytes of tiles in work at a time: enough to keep all threads busy.
_AHEAD_BYTES = 64 << 20
_LARGEST_SAMPLE_PX = 1_000_000
# Tiles that a slide's stains are estimated on.
_STAIN_TILES = 16
# A level's own tiles are copied where its resolution is the wanted one but for this share.
_NEAR_ENOUGH = 0.02


class Plan(NamedTuple):
    """How a slide is cut.

    `mpp` is the resolution of the tiles and `codec` how they are stored; `copied`
    is the level whose own segments are taken over as they are, or None, and
    `largest` its columns and rows; `note` says why a wish could not be met.
    """

    mpp: float
    codec: TileCodec
    copied: int | None
    largest: tuple[int, int] | None
    note: str


def make_plan(source: Slide, tiling: Mapping[str, Any]) -> Plan:
    """Decide the resolution of the tiles, and whether the slide's own segments can be copied."""
    size = int(tiling["size"])
    width, height, _ = source.levels[0]
    mpp = tile_mpp(tiling, size=(width, height), mpp=source.resolution.mpp)
    shape = (size, size, 3)
    if tiling["codec"] == "none":
        return Plan(mpp, RawTiles(shape), None, None, "")
    if tiling["codec"] == "zstd":
        return Plan(mpp, ZstdTiles(shape), None, None, "")
    if not isinstance(source, JpegSlide):
        note = f"stored as zstd, since the slide has no plain JPEG tiles (read by {source.reader})"
        return Plan(mpp, ZstdTiles(shape), None, None, note)
    found = []
    for number in source.stored_levels:
        level_mpp = source.resolution.mpp * source.levels[number].downsample
        segments = source.segments(number)
        coding = segments.coding
        if abs(mpp / level_mpp - 1) <= _NEAR_ENOUGH and (coding.width, coding.height) == shape[:2]:
            largest = (segments.columns, segments.rows)
            return Plan(level_mpp, JpegTiles(coding), number, largest, "")
        found.append(f"{coding.width} x {coding.height} px at {level_mpp:.4g} µm per pixel")
    note = (
        f"stored as zstd, since no level has tiles of {size} px at {mpp:.4g} µm per pixel to copy; "
        f"it has {', '.join(found)}"
    )
    return Plan(mpp, ZstdTiles(shape), None, None, note)


@dataclass(frozen=True)
class Cutter:
    """Reads and encodes the tiles of a grid on one slide.

    Parameters
    ----------
    source, plan, grid
        The open slide, how it is cut, and where.
    size
        Side of a tile in pixels.
    labels
        The annotation that becomes label tiles, or None.
    stain
        What brings the colours to those of a reference, or None.
    codecs
        Codec of each array of the store.
    """

    source: Slide
    plan: Plan
    grid: Grid
    size: int
    labels: Annotation | None
    stain: "StainTransform | None"
    codecs: Mapping[str, TileCodec]

    def cut(self, number: int) -> dict[str, bytes]:
        """Encode one tile: a chunk for each array."""
        column, row = (int(place) for place in self.grid.cell[number])
        side = self.grid.footprint
        x, y = column * side, row * side
        if self.plan.copied is not None and isinstance(self.source, JpegSlide):
            columns = self.source.segments(self.plan.copied).columns
            chunks = {"pixels": self.source.segment(self.plan.copied, row * columns + column)}
        else:
            size = (self.size, self.size)
            pixels = read_scaled(self.source, x=x, y=y, width=side, height=side, size=size)
            if self.stain is not None:
                pixels = self.stain.apply(pixels)
            chunks = {"pixels": self.codecs["pixels"].encode(pixels)}
        if self.labels is not None:
            label = self.labels.tile(x, y, side, self.size)
            chunks["label"] = self.codecs["label"].encode(label)
        return chunks

    def tiles(self, threads: int) -> Iterator[dict[str, bytes]]:
        """Encode all tiles, several at a time, and yield them in the grid's order."""
        if self.plan.copied is not None and self.labels is None:
            # Nothing to reckon that another thread could take off this one.
            yield from map(self.cut, range(len(self.grid.cell)))
            return
        ahead = max(threads + 1, min(64, _AHEAD_BYTES // (3 * self.size**2)))
        waiting: deque[Future[dict[str, bytes]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for number in range(len(self.grid.cell)):
                    waiting.append(pool.submit(self.cut, number))
                    if len(waiting) > ahead:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def fit_to_tiles(
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


def describe_fit(
    stain: "StainTransform | None", settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What was done to the colours, for the attributes; None if nothing was."""
    if stain is None:
        return None
    from histoniche.slides.stain import describe_stain  # noqa: PLC0415 - as above

    return describe_stain(settings["method"], stain, _reference(settings))


def _reference(settings: Mapping[str, Any]) -> Path | None:
    """Picture that the colours are brought to, if one is named."""
    return Path(settings["reference"]) if "reference" in settings else None
