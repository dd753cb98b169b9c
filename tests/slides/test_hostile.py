"""Broken and hostile files: each a row with a reason, none a crash."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from histoniche.files import read_json


def truncated(path, write_jpeg):
    content = write_jpeg("whole.tif").read_bytes()
    path.write_bytes(content[: len(content) // 3])


def empty(path, write_jpeg):
    path.write_bytes(b"")


def text(path, write_jpeg):
    path.write_text("This is no slide.\n" * 100)


def noise(path, write_jpeg):
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def missing_segments(path, write_jpeg):
    path.write_bytes(write_jpeg("whole.tif").read_bytes())
    with tifffile.TiffFile(path) as file:
        offsets = file.pages[0].dataoffsets
        lengths = file.pages[0].databytecounts
    content = bytearray(path.read_bytes())
    for offset, length in zip(offsets, lengths, strict=True):
        content[offset : offset + length] = bytes(length)
    path.write_bytes(content)


def absurd(path, write_jpeg):
    """A TIFF that says it has 2 billion by 2 billion pixels, in one strip of nothing."""
    tags = [
        (256, 4, 1, 2_000_000_000),
        (257, 4, 1, 2_000_000_000),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (278, 4, 1, 2_000_000_000),
        (279, 4, 1, 8),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 16) + bytes(8) + directory)


def bomb(path, write_jpeg):
    """A PNG of 40,000 x 40,000 white pixels in a few kilobytes."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    side = 40_000
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    path.write_bytes(content + chunk(b"IEND", b""))


CASES = {
    "truncated": (truncated, "tif"),
    "zero bytes": (empty, "svs"),
    "text renamed": (text, "svs"),
    "noise": (noise, "tif"),
    "missing segments": (missing_segments, "tif"),
    "absurd dimensions": (absurd, "tif"),
    "a decompression bomb": (bomb, "png"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_a_row_with_a_reason(case, tmp_path, write_jpeg, inspected):
    make, suffix = CASES[case]
    path = tmp_path / f"slide.{suffix}"
    make(path, write_jpeg)
    files = inspected(path, mpp=0.5)
    facts = read_json(files.report)
    assert facts["status"] == "skipped"
    assert facts["reason"]
    assert str(tmp_path) not in facts["reason"]
    assert Image.open(files.picture).size[0] > 0
    for output in files:
        assert output.is_file()


def test_a_label_or_macro_image_is_never_opened(real_data, inspected, monkeypatch):
    import openslide

    def refuse(*_):
        raise AssertionError("an associated image was opened")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    files = inspected(real_data / "slides" / "CMU-1-Small-Region.svs", tissue="otsu")
    facts = read_json(files.report)
    assert facts["status"] == "ok"
    # Names, dates and ids that the file states stay out of what is written.
    assert set(facts["properties"]) <= {
        "openslide.vendor", "openslide.objective-power", "openslide.mpp-x", "openslide.mpp-y",
        "openslide.level-count", "openslide.background-color", "openslide.icc-size",
        "aperio.AppMag", "aperio.MPP", "tiff.ResolutionUnit",
    }  # fmt: skip
