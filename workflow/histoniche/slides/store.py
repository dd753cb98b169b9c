"""The tile store: a Zarr v3 group a slide, whole or absent, with a manifest of its content."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from histoniche.files import read_json, sha256
from histoniche.slides.codecs import TileCodec, ZstdTiles, tile_codec, zarr_codecs
from histoniche.slides.shards import ShardError, ShardWriter, read_index

TILES_PER_SHARD = 64
_ROOT = "zarr.json"


class StoreError(RuntimeError):
    """A store is incomplete or was altered."""


class TileWriter:
    """Writes arrays of equal length into a group, tile by tile.

    Parameters
    ----------
    folder
        A new, empty folder; use `histoniche.files.whole_folder`.
    count
        Number of tiles.
    arrays
        Per array of tiles, the shape of one tile; all are uint8.
    codecs
        Codecs of arrays; others are zstd.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        arrays: Mapping[str, tuple[int, ...]],
        *,
        codecs: Mapping[str, TileCodec] | None = None,
    ) -> None:
        self._folder = folder
        self._group = zarr.create_group(folder, zarr_format=3)
        self._count = count
        self._done = 0
        self._open: dict[str, ShardWriter] = {}
        self._manifest: dict[str, str] = {}
        self._ranks = {name: 1 + len(shape) for name, shape in arrays.items()}
        self.codecs: dict[str, TileCodec] = {
            **{name: ZstdTiles(shape) for name, shape in arrays.items()},
            **(codecs or {}),
        }
        for name, shape in arrays.items() if count else ():
            self._group.create_array(
                name,
                shape=(count, *shape),
                chunks=(1, *shape),
                shards=(TILES_PER_SHARD, *shape),
                dtype="uint8",
                **zarr_codecs(self.codecs[name]),
            )

    def append(self, **tile: np.ndarray) -> None:
        """Add one tile: one array of the declared shape for each name."""
        self.append_encoded(**{name: self.codecs[name].encode(tile[name]) for name in tile})

    def append_encoded(self, **chunks: bytes) -> None:
        """Add one tile that `codecs` have encoded already, a chunk for each array."""
        if chunks.keys() != self.codecs.keys():
            raise StoreError(f"a tile of {sorted(chunks)} where {sorted(self.codecs)} were wanted")
        number, place = divmod(self._done, TILES_PER_SHARD)
        if place == 0:
            self._finish()
        for name, chunk in chunks.items():
            if name not in self._open:
                path = self._folder / _shard_name(name, number, self._ranks[name])
                self._open[name] = ShardWriter(path, capacity=TILES_PER_SHARD)
            self._open[name].append(chunk)
        self._done += 1

    def close(self, columns: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> None:
        """Write the last shard, the per-tile columns, the attributes and the manifest."""
        self._finish()
        if self._done != self._count:
            raise StoreError(f"{self._done} tiles were written where {self._count} were announced")
        for name, values in columns.items() if self._count else ():
            self._group.create_array(name, data=values, chunks=values.shape)
        others = {
            name: sha256(path)
            for path in sorted(self._folder.rglob("*"))
            if path.is_file()
            and path != self._folder / _ROOT
            and (name := str(path.relative_to(self._folder))) not in self._manifest
        }
        manifest = dict(sorted({**self._manifest, **others}.items()))
        manifest[_ROOT] = _digest(attributes)
        self._group.update_attributes({**attributes, "manifest": manifest})

    def _finish(self) -> None:
        """Close the shards that are being written."""
        number = (self._done - 1) // TILES_PER_SHARD
        for name, shard in self._open.items():
            self._manifest[_shard_name(name, number, self._ranks[name])] = shard.close()
        self._open = {}


def write_columns(
    folder: Path, columns: Mapping[str, np.ndarray], attributes: Mapping[str, Any], *, count: int
) -> None:
    """Write a store of `count` tiles that has whole arrays and none that is read tile by tile.

    Parameters
    ----------
    folder
        A new, empty folder; use `histoniche.files.whole_folder`.
    columns
        Arrays of any type, as columns whose first axis is the tiles.
    """
    writer = TileWriter(folder, count, {})
    for _ in range(count):
        writer.append()
    writer.close(columns, {**attributes, "tiles": count})


class TileStore:
    """An opened store; see the design of the tilings for its arrays and attributes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / _ROOT).is_file():
            raise StoreError(f"{folder}: no such store; remake it with --forcerun tile_slide")
        self.attributes: dict[str, Any] = read_json(folder / _ROOT)["attributes"]
        self._arrays: dict[str, _ShardedTiles] = {}

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
        return len(self) > 0 and (self.folder / name / _ROOT).is_file()

    def tile(self, name: str, index: int) -> np.ndarray:
        """Read one tile of an array, uint8.

        Raises
        ------
        StoreError
            Naming the slide and the chunk if it is missing or damaged.
        """
        if name not in self._arrays:
            self._arrays[name] = _ShardedTiles(self.folder, name, self.slide)
        return self._arrays[name].tile(index)

    def column(self, name: str) -> np.ndarray:
        """Read a per-tile column, such as `origin` or `tissue`."""
        return np.asarray(zarr.open_array(self.folder / name, mode="r")[:])

    def shards(self, name: str) -> Iterator[tuple[int, np.ndarray]]:
        """Read an array shard by shard: number of the first tile, then the tiles."""
        for start in range(0, len(self), TILES_PER_SHARD):
            end = min(start + TILES_PER_SHARD, len(self))
            yield start, np.stack([self.tile(name, index) for index in range(start, end)])

    def check(self) -> None:
        """Compare every file with the manifest.

        Raises
        ------
        StoreError
            Naming the slide and the first file that is missing or altered.
        """
        manifest = dict(self.attributes["manifest"])
        stated = {key: value for key, value in self.attributes.items() if key != "manifest"}
        if manifest.pop(_ROOT) != _digest(stated):
            raise StoreError(f"slide {self.slide}: {_ROOT} was altered in {self.folder}")
        for name, digest in manifest.items():
            path = self.folder / name
            if not path.is_file():
                raise StoreError(f"slide {self.slide}: {name} is missing from {self.folder}")
            if sha256(path) != digest:
                raise StoreError(f"slide {self.slide}: {name} was altered in {self.folder}")


class _ShardedTiles:
    """One array of tiles, read chunk by chunk without Zarr's own machinery."""

    def __init__(self, folder: Path, name: str, slide: str) -> None:
        self._folder, self._name, self._slide = folder, name, slide
        metadata = read_json(folder / name / _ROOT)
        self._rank = len(metadata["shape"])
        self._codec = tile_codec(metadata)
        self._indices: dict[int, np.ndarray] = {}

    def tile(self, index: int) -> np.ndarray:
        """Read and decode one tile."""
        number, place = divmod(index, TILES_PER_SHARD)
        file = _shard_name(self._name, number, self._rank)
        try:
            shard = os.open(self._folder / file, os.O_RDONLY)
            try:
                if number not in self._indices:
                    self._indices[number] = read_index(shard, capacity=TILES_PER_SHARD)
                offset, length = self._indices[number][place]
                return self._codec.decode(os.pread(shard, int(length), int(offset)))
            finally:
                os.close(shard)
        except FileNotFoundError as error:
            raise StoreError(
                f"slide {self._slide}: {file} is missing from {self._folder}"
            ) from error
        except (ShardError, ValueError, RuntimeError, OSError) as error:
            raise StoreError(
                f"slide {self._slide}: tile {index} in {file} is damaged: {error}"
            ) from error


def _digest(attributes: Mapping[str, Any]) -> str:
    """SHA-256 of a store's attributes, however they are laid out in the file."""
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()


def _shard_name(array: str, number: int, rank: int) -> str:
    """Path of a shard in its store."""
    return "/".join([array, "c", str(number), *["0"] * (rank - 1)])
