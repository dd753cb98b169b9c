"""JPEG pyramids read directly: mapped into memory, each segment decoded once."""

import mmap
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from itertools import product
from pathlib import Path

import numpy as np

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.openslide_reader import OpenSlideSlide
from histoniche.slides.readers.segments import (
    REDUCTIONS,
    SegmentLevel,
    UnusualFileError,
    find_segments,
)
from histoniche.slides.readers.slide import Level

# Formats whose levels are single grids of tiles; others shift or overlap theirs.
VENDORS = {"aperio", "generic-tiff"}
# Tiles of 1,024 px that lie across the segments of a slide 100,000 px wide share those of five
# rows, 385 MB.
CACHE_BYTES = 448 << 20
# Just below the largest that glibc's dynamic threshold follows (mallopt(3), M_MMAP_THRESHOLD).
_KEPT_BYTES = 31 << 20


class JpegSlide:
    """A pyramid of JPEG tiles, read several times faster than by OpenSlide.

    Pixels are byte-identical to OpenSlide's, but for levels whose downsampling
    is no whole number: there OpenSlide shifts by a fraction of a pixel, while
    this reader gives the level's own pixels. What the file is (levels,
    resolution, background) OpenSlide says; only the pixels are decoded here.
    Several threads may read at the same time.

    Parameters
    ----------
    known
        The slide as OpenSlide opened it.
    path
        The file.
    reduced
        Whether halves, quarters and eighths of a level that the file lacks
        shall be had from the decoder's transform, as further levels.
    cache_bytes
        Most that is kept of segments that neighbouring rectangles share.

    Raises
    ------
    UnusualFileError
        If the file is better left to OpenSlide.
    """

    def __init__(
        self,
        known: OpenSlideSlide,
        path: Path,
        *,
        reduced: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if known.vendor not in VENDORS:
            raise UnusualFileError(f"format {known.vendor}")
        self._known = known
        found = find_segments(path, known.levels)
        self.reader = "jpeg"
        self.vendor = known.vendor
        self.resolution = known.resolution
        self.properties = known.properties
        self._sources: list[tuple[SegmentLevel, int]] = [(level, 1) for level in found]
        self.levels = known.levels
        if reduced:
            self._add_reduced()
        with path.open("rb") as stream:
            self._file = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self._cache = _SegmentCache(cache_bytes)
        self._scratch = threading.local()
        # Freed at once and never touched: from then on glibc keeps freed memory up to this size. To
        # hand it back and fault it in anew with every tile took as long as decoding.
        np.empty(_KEPT_BYTES, np.uint8)

    @property
    def stored_levels(self) -> range:
        """Levels that are in the file; further ones the decoder makes."""
        return range(len(self._known.levels))

    def segments(self, level: int) -> SegmentLevel:
        """The segments of a level that is in the file."""
        return self._sources[level][0]

    def segment(self, level: int, index: int) -> bytes:
        """One compressed segment of a level."""
        source = self._sources[level][0]
        start = int(source.offsets[index])
        return self._file[start : start + int(source.lengths[index])]

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        """Read a rectangle of a level; see `Slide`."""
        source, factor = self._sources[level]
        side_x, side_y = source.coding.width // factor, source.coding.height // factor
        left, top = max(x, 0), max(y, 0)
        right = min(x + width, self.levels[level].width)
        bottom = min(y + height, self.levels[level].height)
        if right <= left or bottom <= top:
            return np.full((height, width, 3), self._known.background, np.uint8)
        whole = (left, top, right, bottom) == (x, y, x + width, y + height)
        out = np.empty((height, width, 3), np.uint8)
        if not whole:
            out[:] = self._known.background
        # A rectangle along the segments' edges shares none with its neighbours.
        shared = any((x % side_x, y % side_y, width % side_x, height % side_y))
        rows = range(top // side_y, -(-bottom // side_y))
        columns = range(left // side_x, -(-right // side_x))
        if shared:
            # Reading goes row by row: more than the width of the slide is hardly wanted again (only
            # by a thread that fell a row behind), and memory that is soon free costs less than
            # memory that is new.
            self._cache.hold((len(rows) + 1) * source.columns * 3 * side_x * side_y)
        for row, column in product(rows, columns):
            pixels = self._decoded(level, row * source.columns + column, shared)
            x0, y0 = max(left, column * side_x), max(top, row * side_y)
            x1, y1 = min(right, (column + 1) * side_x), min(bottom, (row + 1) * side_y)
            out[y0 - y : y1 - y, x0 - x : x1 - x] = pixels[
                y0 - row * side_y : y1 - row * side_y, x0 - column * side_x : x1 - column * side_x
            ]
        return out

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._known.close()

    def _add_reduced(self) -> None:
        """Add levels that the decoder makes, where the file has none as coarse."""
        there = [level.downsample for level in self.levels]
        for number, factor in product(range(len(there)), REDUCTIONS):
            level, (source, _) = self.levels[number], self._sources[number]
            downsample = level.downsample * factor
            new = all(abs(other / downsample - 1) > 0.01 for other in there)
            if (
                new
                and source.coding.width % (8 * factor) == source.coding.height % (8 * factor) == 0
            ):
                there.append(downsample)
                smaller = Level(level.width // factor, level.height // factor, downsample)
                self.levels = (*self.levels, smaller)
                self._sources.append((source, factor))

    def _decoded(self, level: int, index: int, shared: bool) -> np.ndarray:
        """Pixels of one segment, from the cache where neighbours want them too."""
        if not shared:
            return self._decode(level, index, self._scratch_for(level))
        return self._cache.get((level, index), lambda: self._decode(level, index))

    def _scratch_for(self, level: int) -> np.ndarray | None:
        """Room for one segment that this thread uses again and again, which new memory is not."""
        source, factor = self._sources[level]
        if factor > 1:
            return None
        size = (source.coding.height, source.coding.width, 3)
        kept: np.ndarray | None = getattr(self._scratch, "pixels", None)
        if kept is None or kept.shape != size:
            kept = self._scratch.pixels = np.empty(size, np.uint8)
        return kept

    def _decode(self, level: int, index: int, out: np.ndarray | None = None) -> np.ndarray:
        """Decode one segment, into `out` if there is one and the decoder can."""
        source, factor = self._sources[level]
        try:
            segment = self.segment(level, index)
            if factor == 1:
                return source.coding.decode(segment, out)
            return source.coding.decode_reduced(segment, factor)
        except ValueError as error:
            row, column = divmod(index, source.columns)
            raise UnusableSlide(f"level {level}, row {row}, column {column}: {error}") from error


class _SegmentCache:
    """The segments used last, each decoded once while kept, however many threads want it."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._limit = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], Future[np.ndarray]] = OrderedDict()
        self._size = 0

    def hold(self, size: int) -> None:
        """Keep at least this many bytes, as far as the largest size allows."""
        self._limit = min(max(self._limit, size), self._largest)

    def get(self, key: tuple[int, int], decode: Callable[[], np.ndarray]) -> np.ndarray:
        """Get a segment; the first thread that asks decodes it, others wait."""
        with self._lock:
            future = self._kept.get(key)
            first = future is None
            if future is None:
                future = self._kept[key] = Future()
            else:
                self._kept.move_to_end(key)
        if first:
            self._fill(key, future, decode)
        return future.result()

    def _fill(
        self, key: tuple[int, int], future: "Future[np.ndarray]", decode: Callable[[], np.ndarray]
    ) -> None:
        """Decode, and forget what was not used for longest."""
        try:
            pixels = decode()
        except BaseException as error:  # noqa: BLE001 - handed on
            # Whoever waits must hear of it, whatever it is.
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
            return
        future.set_result(pixels)
        with self._lock:
            self._size += pixels.nbytes
            while self._size > self._limit and len(self._kept) > 1:
                oldest, gone = next(iter(self._kept.items()))
                if not gone.done() or oldest == key:
                    break
                del self._kept[oldest]
                self._size -= gone.result().nbytes
