"""Tiles of real slides of several formats are what their readers give."""

import openslide
import pytest
from openslide import lowlevel
from PIL import Image

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.scaling import read_scaled
from histoniche.viewer.handles import HandlePool
from histoniche.viewer.pyramid import Pyramid
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import SlideFile
from histoniche.viewer.tiles import SlideTiles, encode_jpeg

SLIDES = {
    "CMU-1-Small-Region.svs": None,
    "TCGA-CR-7395-01A-01-TS1.svs": 0.5,
    "test3-DAPI-2-387.ndpi": 0.5,
    "openslide_boxes.tiff": 0.5,
}


@pytest.mark.parametrize("name", SLIDES)
def test_tiles_of_every_level_are_the_readers_own(real_data, name, tmp_path):
    file = SlideFile(real_data / "slides" / name, SLIDES[name])
    if not file.path.exists():
        pytest.skip(f"no {name} among the real slides")
    pool = HandlePool(2)
    tiles = SlideTiles(Settings(jpeg_quality=95), pool)
    Image.new("RGB", (10, 10), "white").save(tmp_path / "thumbnail.png")
    with open_slide(file.path, mpp=file.mpp) as slide:
        size = slide.levels[0][:2]
        pyramid = Pyramid(*size, 512)
        for level in range(pyramid.last - 3, pyramid.last + 1):
            step = 2 ** (pyramid.last - level)
            place = (level, size[0] // (2 * 512 * step), size[1] // (2 * 512 * step))
            rectangle = pyramid.rectangle(*place)
            sent = tiles.read(file, tmp_path / "thumbnail.png", rectangle, size)
            x, y, width, height, shown, _ = rectangle
            expected = read_scaled(slide, x=x, y=y, width=width, height=height, size=shown)
            assert sent == encode_jpeg(expected, 95)
    pool.close()


@pytest.mark.parametrize("name", SLIDES)
def test_label_and_macro_images_are_never_opened(real_data, name, tmp_path, monkeypatch):
    file = SlideFile(real_data / "slides" / name, SLIDES[name])
    if not file.path.exists():
        pytest.skip(f"no {name} among the real slides")
    opened = []
    hidden = property(lambda slide: opened.append(slide) or {})
    monkeypatch.setattr(openslide.OpenSlide, "associated_images", hidden)
    monkeypatch.setattr(lowlevel, "read_associated_image", lambda *_: opened.append("image"))
    with open_slide(file.path, mpp=file.mpp) as slide:
        size = slide.levels[0][:2]
    tiles = SlideTiles(Settings())
    pyramid = Pyramid(*size, 512)
    for level in range(pyramid.last - 2, pyramid.last + 1):
        tiles.read(file, tmp_path / "none.png", pyramid.rectangle(level, 0, 0), size)
    tiles.pool.close()
    assert opened == []


def test_a_broken_slide_is_an_error_of_its_own(real_data):
    pool = HandlePool(1)
    with pytest.raises(UnusableSlide):
        pool.read(SlideFile(real_data / "slides" / "broken.svs", None), lambda slide: slide.levels)
    assert len(pool) == 0
