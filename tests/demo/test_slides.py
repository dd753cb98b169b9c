import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.demo.design import REGIONS, draw_design
from histoniche.demo.layout import draw_layout
from histoniche.demo.slides import (
    remove_resolution,
    write_broken_slide,
    write_mask,
    write_slide,
)
from histoniche.demo.textures import SITES, draw_stain, render_section
from histoniche.randomness import generator


@pytest.fixture(scope="module")
def section():
    """Label map and picture of one section whose sides are odd."""
    areas = draw_design([f"P{n}" for n in range(20)], seed=2).areas.loc["P3"].to_dict()
    labels = draw_layout(areas, size=(1001, 955), random=generator(2, "map"))
    stain = draw_stain("Aster", generator(2, "stain"))
    return labels, render_section(labels, stain=stain, random=generator(2, "picture"))


def test_openslide_reads_pyramid_resolution_and_colours(section, tmp_path):
    _, picture = section
    write_slide(picture, tmp_path / "S.tif")
    with openslide.OpenSlide(tmp_path / "S.tif") as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert slide.level_count == 3
        assert slide.level_dimensions == ((955, 1001), (477, 500), (238, 250))
        assert float(slide.properties["openslide.mpp-x"]) == 4.0
        assert float(slide.properties["openslide.mpp-y"]) == 4.0
        for level, (width, height) in enumerate(slide.level_dimensions):
            read = np.asarray(slide.read_region((0, 0), level, (width, height)).convert("RGB"))
            reduced = np.asarray(
                Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
            )
            difference = read.astype(int) - reduced
            assert np.abs(difference.mean(axis=(0, 1))).max() < 2
            assert np.abs(difference).mean() < 8


def test_tiles_are_jpeg_in_ycbcr_without_versions_or_dates(section, tmp_path):
    write_slide(section[1], tmp_path / "S.tif")
    with tifffile.TiffFile(tmp_path / "S.tif") as tiff:
        for number, page in enumerate(tiff.pages):
            assert page.compression == tifffile.COMPRESSION.JPEG
            assert page.photometric == tifffile.PHOTOMETRIC.YCBCR
            assert (page.tilewidth, page.tilelength) == (256, 256)
            assert page.subfiletype == (1 if number else 0)
            assert not {"Software", "DateTime", "ImageDescription"} & {
                tag.name for tag in page.tags
            }


def test_resolution_can_be_removed_without_touching_pixels(section, tmp_path):
    path = tmp_path / "S.tif"
    write_slide(section[1], path)
    before = tifffile.imread(path, level=1)
    remove_resolution(path)
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == 3
        for page in tiff.pages:
            assert not {282, 283, 296} & {tag.code for tag in page.tags}
    assert np.array_equal(tifffile.imread(path, level=1), before)
    with openslide.OpenSlide(path) as slide:
        assert slide.level_count == 3
        assert "openslide.mpp-x" not in slide.properties
        assert "tiff.XResolution" not in slide.properties


def test_broken_slide_looks_like_a_tiff_but_cannot_be_opened(tmp_path):
    path = tmp_path / "broken.tif"
    write_broken_slide(path, generator(1, "broken"))
    assert path.read_bytes()[:4] == b"II*\0"
    with pytest.raises(openslide.OpenSlideError):
        openslide.OpenSlide(path)


def test_mask_holds_exactly_the_colours_of_the_labels(section, tmp_path):
    labels, _ = section
    palette = read_palette(find_palette("ivygap"))
    write_mask(labels, palette, tmp_path / "M.png")
    mask = Image.open(tmp_path / "M.png")
    assert mask.mode == "RGB"
    pixels = np.asarray(mask)
    for region in palette:
        assert np.array_equal((pixels == region.rgb).all(axis=-1), labels == region.label)


def test_glass_is_nearly_white_and_regions_have_the_colours_of_h_and_e(section):
    labels, picture = section
    assert picture[labels == 0].mean() > 235
    mean = {
        region: picture[labels == label].mean(axis=0) for label, region in enumerate(REGIONS, 1)
    }
    for red, green, blue in mean.values():
        assert green < min(red, blue)  # pink to purple
    brightness = {region: colour.mean() for region, colour in mean.items()}
    assert brightness["CTpan"] < brightness["CT"] < brightness["IT"] < brightness["LE"]
    assert brightness["CTne"] == max(brightness.values())
    redness = {region: colour[0] - colour[2] for region, colour in mean.items()}
    assert redness["CTmvp"] > 20
    assert redness["CT"] < 10
    means = np.array(list(mean.values()))
    apart = np.linalg.norm(means[:, None] - means, axis=-1) + 255 * np.eye(len(REGIONS))
    assert apart.min() > 10


@pytest.mark.parametrize("site", SITES)
def test_saturation_tells_tissue_from_glass_at_every_site(section, site):
    labels, _ = section
    stain = draw_stain(site, generator(5, site))
    picture = render_section(labels, stain=stain, random=generator(5, "picture"))
    small = np.asarray(Image.fromarray(picture).resize((238, 250), Image.Resampling.BOX)) / 255
    mask = np.asarray(Image.fromarray(labels).resize((238, 250), Image.Resampling.NEAREST))
    saturation = 1 - small.min(axis=-1) / small.max(axis=-1)
    for label in range(1, 8):
        assert np.quantile(saturation[mask == label], 0.02) > 0.1
    assert np.quantile(saturation[mask == 0], 0.9) < 0.05


def test_stain_varies_from_slide_to_slide():
    stains = [draw_stain("Birch", generator(9, number)) for number in range(6)]
    assert len({tuple(stain.eosin) for stain in stains}) == 6
