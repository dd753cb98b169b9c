"""The direct reader against OpenSlide, whose pixels it must give byte by byte."""

import struct
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import imagecodecs
import numpy as np
import pytest
import tifffile

from histoniche.errors import UnusableSlide
from histoniche.slides.readers import segments
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.readers.openslide_reader import OpenSlideSlide

RECTANGLES = [
    (0, 0, 700, 500),
    (64, 128, 64, 64),
    (37, 11, 200, 150),
    (-20, -30, 100, 90),
    (650, 470, 200, 200),
    (900, 900, 40, 40),
    (-90, -90, 40, 40),
    # Beyond the edge, but inside a segment that is filled up.
    (701, 0, 40, 40),
    (0, 505, 40, 40),
]
KINDS = {
    "4:2:0": {"subsampling": (2, 2)},
    "4:2:2": {"subsampling": (2, 1)},
    "4:4:4": {"subsampling": (1, 1)},
    "large tiles": {"tile": 256},
    "RGB": {"compressionargs": {"level": 90, "outcolorspace": "rgb"}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_openslide(write_jpeg, kind):
    path = write_jpeg(**KINDS[kind])
    theirs = OpenSlideSlide(path, None)
    with open_slide(path, mpp=None) as ours:
        assert ours.reader == "jpeg"
        assert ours.levels == theirs.levels
        assert ours.resolution == theirs.resolution
        for level in range(2):
            for rectangle in RECTANGLES:
                expected = theirs.read(level, *rectangle)
                assert np.array_equal(ours.read(level, *rectangle), expected), rectangle


def test_pixels_of_a_real_slide_are_those_of_openslide(real_data):
    path = real_data / "slides" / "CMU-1-Small-Region.svs"
    theirs = OpenSlideSlide(path, None)
    with open_slide(path, mpp=None) as ours:
        assert (ours.reader, ours.vendor) == ("jpeg", "aperio")
        # Its segments share their tables.
        assert ours.segments(0).coding.tables
        for rectangle in [(0, 0, 2220, 2967), (1001, 77, 512, 512), (2100, 2900, 300, 300)]:
            assert np.array_equal(ours.read(0, *rectangle), theirs.read(0, *rectangle))


def test_an_odd_level_holds_its_own_pixels(write_jpeg, picture):
    path = write_jpeg(content=np.ascontiguousarray(picture[:499, :699]))
    with tifffile.TiffFile(path) as file:
        level = file.pages[1].asarray()
    with open_slide(path, mpp=None) as slide:
        assert slide.levels[1].downsample != 2
        assert np.array_equal(slide.read(1, 0, 0, 350, 250), level)
        assert np.array_equal(slide.read(1, 131, 57, 100, 90), level[57:147, 131:231])


def test_whatever_is_unusual_is_left_to_other_readers(write_jpeg):
    paths = [
        write_jpeg("strips.tif", tile=None),
        write_jpeg("deflate.tif", compression="deflate", compressionargs=None),
        write_jpeg("4-1-1.tif", subsampling=(4, 1)),
    ]
    assert readers_of(paths) == ["pillow", "openslide", "openslide"]


def test_whatever_is_unusual_of_real_slides_is_left_to_openslide(real_data):
    paths = [
        real_data / "slides" / "TCGA-CR-7395-01A-01-TS1.svs",
        real_data / "slides" / "test3-DAPI-2-387.ndpi",
    ]
    assert readers_of(paths) == ["openslide", "openslide"]


def readers_of(paths):
    readers = []
    for path in paths:
        with open_slide(path, mpp=0.5) as slide:
            readers.append(slide.reader)
            slide.read(0, 0, 0, 64, 64)
    return readers


def test_missing_segments_are_left_to_openslide(write_jpeg):
    path = write_jpeg()
    _edit_tag(path, "TileByteCounts", 3, 0)
    with open_slide(path, mpp=None) as slide:
        assert slide.reader == "openslide"


def test_a_damaged_segment_names_its_place(write_jpeg):
    path = write_jpeg()
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[13], file.pages[0].databytecounts[13]
    content = bytearray(path.read_bytes())
    content[offset : offset + length] = b"\0" * length
    path.write_bytes(content)
    with open_slide(path, mpp=None) as slide:
        slide.read(0, 0, 0, 64, 64)
        with pytest.raises(UnusableSlide, match="level 0, row 1, column 2: damaged") as caught:
            slide.read(0, 0, 0, 700, 500)
    assert str(path.parent) not in str(caught.value)


def test_each_segment_is_decoded_once_though_tiles_lie_across_them(write_jpeg, monkeypatch):
    path = write_jpeg()
    decoded = []
    real = imagecodecs.jpeg8_decode

    def counted(segment, **options):
        decoded.append(bytes(segment))
        return real(segment, **options)

    with open_slide(path, mpp=None) as slide:
        monkeypatch.setattr(segments.imagecodecs, "jpeg8_decode", counted)
        corners = [[(x, y) for x in range(0, 700, 50)] for y in range(0, 500, 50)]
        with ThreadPoolExecutor(4) as pool:
            # The cache holds what a row of tiles needs: a thread that a busy machine leaves more
            # than a row behind decodes anew, so rows wait for each other here.
            rows = [list(pool.map(lambda c: slide.read(0, *c, 50, 50), row)) for row in corners]
        source = slide.segments(0)
    assert len(decoded) == source.columns * source.rows
    monkeypatch.undo()
    theirs = OpenSlideSlide(path, None)
    for corner, tile in zip(chain(*corners), chain(*rows), strict=True):
        assert np.array_equal(tile, theirs.read(0, *corner, 50, 50))


def test_the_decoders_own_halves_are_near_area_averages(write_jpeg, picture):
    path = write_jpeg(subsampling=(1, 1))
    with open_slide(path, mpp=None, reduced=True) as slide:
        # The half is in the file; its half and the slide's eighth are the decoder's.
        assert [level.downsample for level in slide.levels] == [1, 2, 4, 8, 16]
        assert list(slide.stored_levels) == [0, 1]
        quarter = slide.read(2, 0, 0, 175, 125).astype(float)
        crossing = slide.read(2, 10, 20, 100, 90)
    average = picture.reshape(125, 4, 175, 4, 3).mean((1, 3))
    assert np.abs(quarter - average).mean() < 2
    assert np.array_equal(crossing, quarter[20:110, 10:110])


def _edit_tag(path, name, index, value):
    """Write one number of a tag of the first page, in place."""
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[name]
        size = {3: 2, 4: 4}[tag.dtype]
        place = tag.valueoffset + index * size
    content = bytearray(path.read_bytes())
    content[place : place + size] = struct.pack("<H" if size == 2 else "<I", value)
    path.write_bytes(content)


def test_threads_that_wait_hear_of_any_failure(write_jpeg, monkeypatch):
    path = write_jpeg()

    def fail(segment, **options):
        time.sleep(0.05)
        raise MemoryError

    with open_slide(path, mpp=None) as slide:
        monkeypatch.setattr(segments.imagecodecs, "jpeg8_decode", fail)
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(slide.read, 0, 10, 10, 20, 20) for _ in range(8)]
            for future in futures:
                with pytest.raises(MemoryError):
                    future.result(timeout=20)
