"""The tile store: a Zarr v3 group a slide, whole or absent, with a manifest of its content."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from histoniche.files import sha256

TILES_PER_SHARD = 64
_ROOT = "zarr.json"
_COMPRESSOR = BloscCodec(cname="zstd", clevel=1, shuffle="noshuffle")


class StoreError(RuntimeError):
    """A store is incomplete or was altered."""


class TileWriter:
    """Writes arrays of equal length into a group, whole shards at a time.

    Parameters
    ----------
    folder
        A new, empty folder; use `histoniche.files.whole_folder`.
    count
        Number of tiles.
    arrays
        Per array of tiles, the shape of one tile; all are uint8.
    """

    def __init__(self, folder: Path, count: int, arrays: Mapping[str, tuple[int, ...]]) -> None:
        self._folder = folder
        self._group = zarr.create_group(folder, zarr_format=3)
        self._count = count
        self._done = 0
        self._buffer: list[dict[str, np.ndarray]] = []
        for name, shape in arrays.items() if count else ():
            self._group.create_array(
                name,
                shape=(count, *shape),
                chunks=(1, *shape),
                shards=(TILES_PER_SHARD, *shape),
                dtype="uint8",
                compressors=_COMPRESSOR,
                # A shard is written also where every value equals the fill value,
                # so that a missing file always means damage.
                config={"write_empty_chunks": True},
            )

    def append(self, **tile: np.ndarray) -> None:
        """Add one tile: one array of the declared shape for each name."""
        self._buffer.append(tile)
        if len(self._buffer) == TILES_PER_SHARD:
            self._flush()

    def close(self, columns: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> None:
        """Write the last shard, the per-tile columns, the attributes and the manifest."""
        self._flush()
        if self._done != self._count:
            raise StoreError(f"{self._done} tiles were written where {self._count} were announced")
        for name, values in columns.items() if self._count else ():
            self._group.create_array(name, data=values, chunks=values.shape)
        self._group.attrs.update(attributes)
        manifest = {
            str(path.relative_to(self._folder)): sha256(path)
            for path in sorted(self._folder.rglob("*"))
            if path.is_file() and path != self._folder / _ROOT
        }
        self._group.attrs["manifest"] = manifest

    def _flush(self) -> None:
        """Write the buffered tiles as one shard."""
        if self._buffer:
            end = self._done + len(self._buffer)
            for name in self._buffer[0]:
                array = self._group[name]
                array[self._done : end] = np.stack([tile[name] for tile in self._buffer])
            self._done, self._buffer = end, []


class TileStore:
    """An opened store; see the design of the tilings for its arrays and attributes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / _ROOT).is_file():
            raise StoreError(f"{folder}: no such store; remake it with --forcerun tile_slide")
        self._group = zarr.open_group(folder, mode="r", zarr_format=3)
        self.attributes: dict[str, Any] = dict(self._group.attrs)
        self._arrays: dict[str, Any] = {}

    @property
    def slide(self) -> str:
        """Id of the slide."""
        return str(self.attributes["slide"])

    @property
    def status(self) -> str:
        """Either ok, or skipped with the attribute `reason`."""
        return str(self.attributes["status"])

    def __len__(self) -> int:
        """Count the tiles."""
        return int(self.attributes["tiles"])

    def __contains__(self, name: str) -> bool:
        """Whether the store has an array of this name."""
        return len(self) > 0 and name in self._group

    def tile(self, name: str, index: int) -> np.ndarray:
        """Read one tile of an array."""
        return np.asarray(self._array(name)[index])

    def column(self, name: str) -> np.ndarray:
        """Read a per-tile column, such as `origin` or `tissue`."""
        return np.asarray(self._array(name)[:])

    def shards(self, name: str) -> Iterator[tuple[int, np.ndarray]]:
        """Read an array shard by shard: number of the first tile, then the tiles."""
        for start in range(0, len(self), TILES_PER_SHARD):
            yield start, np.asarray(self._array(name)[start : start + TILES_PER_SHARD])

    def check(self) -> None:
        """Compare every file with the manifest.

        Raises
        ------
        StoreError
            Naming the slide and the first file that is missing or altered.
        """
        for name, digest in self.attributes["manifest"].items():
            path = self.folder / name
            if not path.is_file():
                raise StoreError(f"slide {self.slide}: {name} is missing from {self.folder}")
            if sha256(path) != digest:
                raise StoreError(f"slide {self.slide}: {name} was altered in {self.folder}")

    def _array(self, name: str) -> Any:
        """An array, opened once."""
        if name not in self._arrays:
            self._arrays[name] = self._group[name]
        return self._arrays[name]
