"""Shards: files of the Zarr v3 sharding codec, written whole and read chunk by chunk.

A shard is its chunks one after the other, then an index of where each lies
(offset and length as little-endian uint64) and the index's CRC-32C, as
https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed lays down.
"""

import os
from collections.abc import Sequence

import numpy as np
from google_crc32c import value as crc32c

_ENTRY = np.dtype("<u8")
_ABSENT = np.iinfo(np.uint64).max
_CHECKSUM = 4


class ShardError(ValueError):
    """A shard's index does not fit its checksum."""


def pack_shard(chunks: Sequence[bytes], *, capacity: int) -> list[bytes]:
    """Put chunks together as a shard.

    Parameters
    ----------
    chunks
        Encoded chunks in their order; the last shard of an array has fewer
        than `capacity`.
    capacity
        Chunks that a shard has room for.

    Returns
    -------
    Parts to write one after the other; the chunks are not copied.
    """
    index = np.full((capacity, 2), _ABSENT, _ENTRY)
    lengths = [len(chunk) for chunk in chunks]
    index[: len(chunks), 0] = np.cumsum([0, *lengths])[:-1]
    index[: len(chunks), 1] = lengths
    content = index.tobytes()
    return [*chunks, content, crc32c(content).to_bytes(_CHECKSUM, "little")]


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
