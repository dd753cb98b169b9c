"""Broken and hostile files: each a row with a reason, none a crash."""

import faulthandler
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from histoniche.errors import Unusable, UnusableSlide
from histoniche.files import read_json
from histoniche.guard import run_limited
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.slide import words_of
from hostile_slides import write_bomb, write_huge, write_text


def truncated(path, write_jpeg):
    content = write_jpeg("whole.tif").read_bytes()
    path.write_bytes(content[: len(content) // 3])


def empty(path, write_jpeg):
    path.write_bytes(b"")


def text(path, write_jpeg):
    write_text(path)


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
    write_huge(path, 2_000_000_000)


def bomb(path, write_jpeg):
    write_bomb(path)


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
    assert not facts["readable"]
    assert facts["reason"]
    assert str(tmp_path) not in facts["reason"]
    assert Image.open(files.picture).size[0] > 0
    for output in files:
        assert output.is_file()


def open_and_read(path):
    faulthandler.disable()
    with open_slide(path, mpp=0.5) as slide:
        slide.read(0, 0, 0, 64, 64)


def test_a_flipped_byte_anywhere_is_a_reason_or_harmless(tmp_path, write_jpeg, picture):
    """Each of many damaged files is read or refused; some crash the library in its child."""
    ome = tmp_path / "slide.ome.tif"
    options = {"tile": (64, 64), "photometric": "rgb", "compression": "zlib"}
    tifffile.imwrite(ome, picture, metadata={"axes": "YXS", "PhysicalSizeX": 0.5}, **options)
    rng = np.random.default_rng(0)
    refused = 0
    for source in (write_jpeg("whole.tif"), ome):
        content = source.read_bytes()
        # Where the structure lies: the first and last kilobytes, and anywhere.
        places = [*range(0, 300, 5), *rng.integers(0, len(content), 60), *range(-400, 0, 9)]
        for place in places:
            damaged = bytearray(content)
            damaged[place] ^= int(rng.integers(1, 256))
            path = tmp_path / f"damaged{''.join(source.suffixes)}"
            path.write_bytes(damaged)
            try:
                run_limited(open_and_read, path, seconds=20)
            except Unusable as reason:
                assert str(tmp_path) not in str(reason)
                refused += 1
    assert refused > 10


def test_an_ome_file_with_a_nonsensical_size_asks_for_the_sheet(tmp_path, picture):
    path = tmp_path / "slide.ome.tif"
    tifffile.imwrite(path, picture, metadata={"axes": "YXS", "PhysicalSizeX": "5+0"})
    with pytest.raises(UnusableSlide, match="column mpp"), open_slide(path, mpp=None):
        pass


def test_a_program_text_named_as_a_picture_is_not_run(tmp_path):
    path = tmp_path / "slide.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    with pytest.raises(UnusableSlide, match="no reader"), open_slide(path, mpp=1.0):
        pass


def test_transparent_pixels_are_white_and_a_wrong_suffix_does_no_harm(tmp_path):
    path = tmp_path / "slide.svs"
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, :20] = (200, 90, 150, 255)
    Image.fromarray(pixels).save(path, format="PNG")
    with open_slide(path, mpp=1.0) as slide:
        read = slide.read(0, 0, 0, 40, 40)
    assert (read[:, :20] == (200, 90, 150)).all()
    assert (read[:, 20:] == 255).all()


def test_reasons_name_no_folder():
    path = Path("/data/My Study/Doe John/x.svs")
    words = words_of(ValueError(f"cannot open {path}: see /tmp/some/log.txt or p/q"), path)
    assert words == "cannot open x.svs: see log.txt or p/q"


def test_a_label_or_macro_image_is_never_opened(real_data, inspected, monkeypatch):
    import openslide

    def refuse(*_):
        raise AssertionError("an associated image was opened")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    files = inspected(real_data / "slides" / "CMU-1-Small-Region.svs", tissue="otsu")
    facts = read_json(files.report)
    assert facts["readable"]
    # Names, dates and ids that the file states stay out of what is written.
    assert set(facts["properties"]) <= {
        "openslide.vendor", "openslide.objective-power", "openslide.mpp-x", "openslide.mpp-y",
        "openslide.level-count", "openslide.background-color", "openslide.icc-size",
        "aperio.AppMag", "aperio.MPP", "tiff.ResolutionUnit",
    }  # fmt: skip
