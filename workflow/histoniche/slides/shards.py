"""Shards: files of the Zarr v3 sharding codec, written whole and read chunk by chunk.

A shard is its chunks one after the other, then an index of where each lies
(offset and length as little-endian uint64) and the index's CRC-32C, as
https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed lays down.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c

_ENTRY = np.dtype("<u8")
_ABSENT = np.iinfo(np.uint64).max
_CHECKSUM = 4


class ShardError(ValueError):
    """A shard's index does not fit its checksum."""


class ShardWriter:
    """Writes one shard chunk by chunk, so that none has to wait in memory.

    Parameters
    ----------
    path
        The new file.
    capacity
        Chunks that the shard has room for; the last one of an array holds fewer.
    """

    def __init__(self, path: Path, *, capacity: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("wb")
        self._digest = hashlib.sha256()
        self._index = np.full((capacity, 2), _ABSENT, _ENTRY)
        self._offset = 0
        self._count = 0

    def append(self, chunk: bytes) -> None:
        """Write the next chunk, encoded."""
        self._index[self._count] = self._offset, len(chunk)
        self._count += 1
        self._offset += len(chunk)
        self._write(chunk)

    def close(self) -> str:
        """Write the index and close the file.

        Returns
        -------
        SHA-256 of the whole file, in hexadecimal.
        """
        content = self._index.tobytes()
        self._write(content)
        self._write(crc32c(content).to_bytes(_CHECKSUM, "little"))
        self._stream.close()
        return self._digest.hexdigest()

    def _write(self, part: bytes) -> None:
        """Write and count into the digest."""
        self._stream.write(part)
        self._digest.update(part)


def read_index(shard: int, *, capacity: int) -> np.ndarray:
    """Read a shard's index: offset and length of each chunk, int64 (capacity, 2).

    Parameters
    ----------
    shard
        Descriptor of the opened file.
    capacity
        Chunks that a shard has room for.

    Raises
    ------
    ShardError
        If the file is too short, or the index is damaged.
    """
    length = capacity * 2 * _ENTRY.itemsize
    size = os.fstat(shard).st_size
    content = os.pread(shard, length + _CHECKSUM, max(0, size - length - _CHECKSUM))
    index, checksum = content[:length], content[length:]
    if len(checksum) != _CHECKSUM or crc32c(index) != int.from_bytes(checksum, "little"):
        raise ShardError("its index is damaged")
    return np.frombuffer(index, _ENTRY).reshape(capacity, 2).astype(np.int64)
