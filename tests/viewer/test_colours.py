"""Colours of slides whose files hold an ICC profile: shown in sRGB, analysed as stored."""

import time
from io import BytesIO

import numpy as np
import pytest
import simplejpeg
import tifffile
from PIL import Image, ImageCms

from histoniche.slides.readers.choice import open_slide
from histoniche.viewer.colours import Colours, Managed
from histoniche.viewer.pyramid import Pyramid
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import SlideFile
from histoniche.viewer.tiles import SlideTiles

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Of a scanner whose red is sRGB's green, and the other way round.
SWAPPED = SRGB.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
# Of another kind of colours than the pixels are.
GREY = SRGB[:16] + b"GRAY" + SRGB[20:]
PURPLE = (150, 60, 170)
SIDE = 600


@pytest.fixture
def write(tmp_path):
    """Writes a slide of one colour, perhaps with a profile."""

    def write(profile, name="slide.tif"):
        path = tmp_path / name
        pixels = np.full((SIDE, SIDE, 3), PURPLE, np.uint8)
        if name.endswith(".png"):
            Image.fromarray(pixels).save(path, icc_profile=profile)
        else:
            tifffile.imwrite(
                path, pixels, tile=(256, 256), photometric="rgb", compression="zlib",
                iccprofile=profile,
            )  # fmt: skip
        return SlideFile(path, 0.5)

    return write


def shown(file, tmp_path, tiles=None):
    """Mean colour of a tile as a browser gets it."""
    tiles = tiles or SlideTiles(Settings(tile_px=256, jpeg_quality=95))
    rectangle = Pyramid(SIDE, SIDE, 256).rectangle(10, 0, 0)
    tile = tiles.read(file, tmp_path / "none.png", rectangle, (SIDE, SIDE))
    tiles.pool.close()
    return simplejpeg.decode_jpeg(tile).mean(axis=(0, 1))


@pytest.mark.parametrize("name", ["slide.tif", "slide.png"])
def test_a_tile_is_shown_in_srgb_by_the_files_profile(write, tmp_path, name):
    file = write(SWAPPED, name)
    source = ImageCms.getOpenProfile(BytesIO(SWAPPED))
    pixel = Image.new("RGB", (1, 1), PURPLE)
    target = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(pixel, source, target).getpixel((0, 0))
    # Red and green have changed places.
    assert expected == pytest.approx((60, 150, 170), abs=2)
    assert shown(file, tmp_path) == pytest.approx(expected, abs=3)
    assert Colours().managed(file) == Managed.CONVERTED


@pytest.mark.parametrize("name", ["slide.tif", "slide.png"])
def test_networks_see_the_stored_colours(write, name):
    file = write(SWAPPED, name)
    with open_slide(file.path, mpp=0.5) as slide:
        assert (slide.read(0, 0, 0, SIDE, SIDE) == PURPLE).all()


@pytest.mark.parametrize("name", ["slide.tif", "slide.png"])
def test_without_a_profile_a_tile_is_shown_as_it_is_stored(write, tmp_path, name):
    file = write(None, name)
    assert shown(file, tmp_path) == pytest.approx(PURPLE, abs=3)
    assert Colours().managed(file) == Managed.STORED


@pytest.mark.parametrize("name", ["slide.tif", "slide.png"])
@pytest.mark.parametrize(
    "profile", [b"no profile at all" * 20, SRGB[:200], SRGB[:128] + b"\xff" * 400, GREY]
)
def test_a_profile_that_cannot_be_used_is_said_and_changes_nothing(write, tmp_path, name, profile):
    file = write(profile, name)
    assert shown(file, tmp_path) == pytest.approx(PURPLE, abs=3)
    assert Colours().managed(file) == Managed.UNREADABLE


def test_a_file_that_is_written_anew_is_read_anew(write, tmp_path):
    tiles = SlideTiles(Settings(tile_px=256, jpeg_quality=95))
    assert shown(write(None), tmp_path, tiles) == pytest.approx(PURPLE, abs=3)
    assert shown(write(SWAPPED), tmp_path, tiles)[1] == pytest.approx(150, abs=3)


def test_the_profile_is_read_once_and_a_tile_converted_fast(write, monkeypatch):
    file, colours = write(SWAPPED), Colours()
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    colours.shown(file, pixels)
    monkeypatch.setattr(ImageCms, "buildTransform", lambda *_: pytest.fail("made again"))
    times = []
    for _ in range(20):
        start = time.process_time()
        colours.shown(file, pixels)
        times.append(time.process_time() - start)
    assert np.median(times) < 0.02


def test_a_slides_page_says_what_was_done_about_its_colours(client):
    assert Managed.STORED in client.get("/slides/P1-1").text
