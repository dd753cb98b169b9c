"""Files that say they are slides and are none, or are made to exhaust whoever opens them."""

import struct
import zlib
from pathlib import Path


def write_text(path: Path) -> None:
    """A text."""
    path.write_text("This is no slide.\n" * 100)


def write_huge(path: Path, side: int) -> None:
    """A TIFF that says it has so many pixels a side, in one strip of nothing."""
    tags = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (278, 4, 1, side),
        (279, 4, 1, 8),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 16) + bytes(8) + directory)


def write_bomb(path: Path, side: int = 40_000) -> None:
    """A PNG of so many white pixels a side in a few kilobytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    path.write_bytes(content + chunk(b"IEND", b""))
