"""What a person drew: which kind of file it is, and what reading it takes."""

import struct
from pathlib import Path

_PNG = b"\x89PNG\r\n\x1a\n"
_JSON = (".geojson", ".json")


def drawing_kind(path: Path) -> str:
    """Kind of an annotation or a tissue mask: `png`, `geojson` or `zarr`.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if is_zarr(path):
        return "zarr"
    if path.is_dir():
        raise ValueError(f"{path} is a folder, but no OME-Zarr")
    if path.suffix.lower() in _JSON:
        return "geojson"
    png_size(path)
    return "png"


def is_zarr(path: Path) -> bool:
    """Whether a path is the folder of a Zarr group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zattrs"))


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header.

    Raises
    ------
    ValueError
        If the file is no PNG.
    """
    with path.open("rb") as stream:
        header = stream.read(24)
    if len(header) < 24 or not header.startswith(_PNG) or header[12:16] != b"IHDR":
        raise ValueError(f"{path} is not a PNG")
    width, height = struct.unpack(">II", header[16:])
    return width, height


def decoding_mb(path: Path) -> int:
    """Memory that reading a drawing takes at most, in MB.

    A PNG is held as its pixels and the labels made of them; GeoJSON as text,
    objects and geometries; an OME-Zarr is read a few chunks at a time.
    """
    kind = drawing_kind(path)
    if kind == "png":
        width, height = png_size(path)
        return int(6 * width * height / 1e6)
    return int(20 * path.stat().st_size / 1e6) if kind == "geojson" else 0
