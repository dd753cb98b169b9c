"""Masks that a person drew: what can be told from a PNG's first bytes."""

import struct
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header.

    Raises
    ------
    ValueError
        If the file is no PNG.
    """
    with path.open("rb") as stream:
        header = stream.read(24)
    if len(header) < 24 or not header.startswith(_SIGNATURE) or header[12:16] != b"IHDR":
        raise ValueError(f"{path} is not a PNG")
    width, height = struct.unpack(">II", header[16:])
    return width, height


def decoding_mb(path: Path) -> int:
    """Memory that reading a mask takes at most, in MB: its pixels and the labels made of them."""
    width, height = png_size(path)
    return int(6 * width * height / 1e6)
