import numpy as np
import openslide
import pytest

from histoniche.errors import UnusableSlide
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.resolution import find_resolution
from histoniche.slides.scaling import read_overview, read_scaled


def test_a_pyramid_is_read_with_its_own_resolution(pyramid):
    with open_slide(pyramid, mpp=None) as slide:
        assert slide.levels == ((600, 400, 1.0), (300, 200, 2.0))
        assert slide.resolution == (pytest.approx(2.0), "openslide")


def test_the_sheet_wins_over_the_file(pyramid):
    with open_slide(pyramid, mpp=0.5) as slide:
        assert slide.resolution == (0.5, "sheet")


def test_unscaled_pixels_equal_those_of_openslide(pyramid, gradient):
    with open_slide(pyramid, mpp=None) as slide:
        ours = read_scaled(slide, x=37, y=11, width=200, height=150, size=(200, 150))
    theirs = openslide.OpenSlide(pyramid).read_region((37, 11), 0, (200, 150)).convert("RGB")
    assert np.array_equal(ours, np.asarray(theirs))
    assert np.array_equal(ours, gradient[11:161, 37:237])


def test_shrinking_averages_the_source_pixels(plain, gradient):
    with open_slide(plain, mpp=1.0) as slide:
        ours = read_scaled(slide, x=40, y=80, width=160, height=80, size=(20, 10))
    block = gradient[80:160, 40:200].reshape(10, 8, 20, 8, 3).mean((1, 3))
    assert np.abs(ours - block).max() <= 1


def test_a_fractional_footprint_lands_where_it_should(plain, gradient):
    with open_slide(plain, mpp=1.0) as slide:
        ours = read_scaled(slide, x=100.4, y=50.7, width=123.3, height=61.9, size=(64, 32))
    centre = gradient[int(50.7 + 30.95), int(100.4 + 61.65)].astype(int)
    assert np.abs(ours[16, 32].astype(int) - centre).max() <= 2


@pytest.mark.parametrize("name", ["pyramid", "plain"])
def test_outside_the_slide_it_is_white(name, request):
    with open_slide(request.getfixturevalue(name), mpp=1.0) as slide:
        pixels = read_scaled(slide, x=500, y=300, width=200, height=200, size=(200, 200))
    assert (pixels[:, 100:] == 255).all()
    assert (pixels[100:] == 255).all()
    assert (pixels[:100, :100] != 255).any()


def test_an_overview_in_strips_equals_one_in_one_piece(pyramid, monkeypatch):
    with open_slide(pyramid, mpp=None) as slide:
        whole = read_overview(slide, 150)
        monkeypatch.setattr("histoniche.slides.scaling._LARGEST_PX", 5000)
        strips = read_overview(slide, 150)
    assert whole.shape == (100, 150, 3)
    assert np.abs(whole.astype(int) - strips).max() <= 1


def test_a_file_that_is_no_slide_says_so_without_its_path(tmp_path):
    for start, words in {b"no": "no reader knows", b"II*\0": "not a whole image"}.items():
        path = tmp_path / "a.svs"
        path.write_bytes(start + b" this is no slide")
        with pytest.raises(UnusableSlide, match=words) as caught, open_slide(path, mpp=1.0):
            pass
        assert str(tmp_path) not in str(caught.value)


def test_a_plain_image_without_resolution_asks_for_it(plain):
    with pytest.raises(UnusableSlide, match="column mpp"), open_slide(plain, mpp=None):
        pass


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"openslide.mpp-x": "0.5", "openslide.mpp-y": "0.5"}, (0.5, "openslide")),
        ({"aperio.MPP": "0.2520"}, (0.252, "vendor")),
        (
            {
                "tiff.ResolutionUnit": "centimeter",
                "tiff.XResolution": "40000",
                "tiff.YResolution": "40000",
            },
            (0.25, "tiff"),
        ),
    ],
)
def test_resolution_is_found_in_the_stated_order(properties, expected):
    assert find_resolution(properties, None) == expected


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"openslide.objective-power": "40"},
        {"openslide.mpp-x": "352.78", "openslide.mpp-y": "352.78"},
        {"openslide.mpp-x": "0", "openslide.mpp-y": "0"},
    ],
)
def test_magnification_and_printers_resolutions_are_no_resolution(properties):
    with pytest.raises(UnusableSlide, match="column mpp"):
        find_resolution(properties, None)


def test_pixels_that_are_not_square_are_refused():
    with pytest.raises(UnusableSlide, match="not square"):
        find_resolution({"openslide.mpp-x": "0.5", "openslide.mpp-y": "0.25"}, None)
