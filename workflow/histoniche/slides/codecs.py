"""Codecs of tiles: Zarr's zstd, and a slide's own JPEG segments kept as they are."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import imagecodecs
import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.codecs import BytesCodec, ZstdCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer
from zarr.registry import register_codec

from histoniche.slides.readers.segments import JpegCoding

ZSTD_LEVEL = 1
SOURCE_JPEG = "histoniche.source_jpeg"


class TileCodec(Protocol):
    """How one tile becomes the bytes of a chunk and back; safe to use from several threads."""

    def encode(self, tile: np.ndarray) -> bytes:
        """Encode a tile, uint8."""

    def decode(self, chunk: bytes) -> np.ndarray:
        """Decode a chunk."""


@dataclass(frozen=True)
class RawTiles:
    """Tiles as they are."""

    shape: tuple[int, ...]

    def encode(self, tile: np.ndarray) -> bytes:
        """Encode a tile, uint8."""
        return np.ascontiguousarray(tile).tobytes()

    def decode(self, chunk: bytes) -> np.ndarray:
        """Decode a chunk."""
        return np.frombuffer(bytearray(chunk), np.uint8).reshape(self.shape)


@dataclass(frozen=True)
class ZstdTiles:
    """Tiles compressed by Zstandard; every Zarr v3 reader knows them."""

    shape: tuple[int, ...]

    def encode(self, tile: np.ndarray) -> bytes:
        """Encode a tile, uint8."""
        buffer = np.ascontiguousarray(tile)
        return bytes(imagecodecs.zstd_encode(buffer, level=ZSTD_LEVEL))  # type: ignore[arg-type]

    def decode(self, chunk: bytes) -> np.ndarray:
        """Decode a chunk."""
        out = np.empty(math.prod(self.shape), np.uint8)
        imagecodecs.zstd_decode(chunk, out=out)  # type: ignore[arg-type]
        return out.reshape(self.shape)


@dataclass(frozen=True)
class JpegTiles:
    """Tiles that are a slide's own JPEG segments; they are copied, never encoded."""

    coding: JpegCoding

    def encode(self, tile: np.ndarray) -> bytes:
        """Refuse: encoding anew would lose detail."""
        raise TypeError("source-jpeg tiles are copied from the slide, not encoded")

    def decode(self, chunk: bytes) -> np.ndarray:
        """Decode a chunk."""
        return self.coding.decode(chunk)


@dataclass(frozen=True)
class SourceJpegCodec(ArrayBytesCodec):
    """The same for zarr-python, registered under the name `histoniche.source_jpeg`."""

    coding: JpegCoding

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the codec's configuration in an array's metadata."""
        configuration = data["configuration"]
        return cls(
            JpegCoding(
                base64.b64decode(configuration["tables"]),
                configuration["colourspace"],
                int(configuration["width"]),
                int(configuration["height"]),
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Write the codec's configuration for an array's metadata."""
        return {
            "name": SOURCE_JPEG,
            "configuration": {
                "tables": base64.b64encode(self.coding.tables).decode(),
                "colourspace": self.coding.colourspace,
                "width": self.coding.width,
                "height": self.coding.height,
            },
        }

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        """Decode one chunk of one tile."""
        tile = self.coding.decode(chunk_bytes.to_bytes())
        return chunk_spec.prototype.nd_buffer.from_numpy_array(tile.reshape(chunk_spec.shape))

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        """Refuse: encoding anew would lose detail."""
        raise TypeError("source-jpeg tiles are copied from the slide, not encoded")

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Refuse, as Zarr asks of codecs whose chunks differ in size."""
        raise NotImplementedError("segments of source-jpeg differ in size")


register_codec(SOURCE_JPEG, SourceJpegCodec)


def zarr_codecs(codec: TileCodec) -> dict[str, Any]:
    """A codec as zarr-python's arguments for a new array."""
    if isinstance(codec, JpegTiles):
        return {"serializer": SourceJpegCodec(codec.coding), "compressors": None}
    zstd = isinstance(codec, ZstdTiles)
    return {
        "serializer": BytesCodec(),
        "compressors": ZstdCodec(level=ZSTD_LEVEL) if zstd else None,
    }


def tile_codec(metadata: Mapping[str, Any]) -> TileCodec:
    """The codec of a stored array of tiles, from its `zarr.json`."""
    sharding = metadata["codecs"][0]["configuration"]
    inner = [codec["name"] for codec in sharding["codecs"]]
    shape = tuple(sharding["chunk_shape"][1:])
    if inner == [SOURCE_JPEG]:
        return JpegTiles(SourceJpegCodec.from_dict(sharding["codecs"][0]).coding)
    if inner == ["bytes", "zstd"]:
        return ZstdTiles(shape)
    if inner == ["bytes"]:
        return RawTiles(shape)
    raise ValueError(f"unknown codecs {inner}")
