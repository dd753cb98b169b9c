import json

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image, ImageDraw
from scipy import ndimage

from histoniche.files import read_json
from histoniche.slides.artefact_kinds import KINDS
from histoniche.slides.artefacts import (
    artefact_shares,
    blurred_map,
    find_artefacts,
    measure_focus,
)
from histoniche.slides.contact_sheet import Entry, draw_contact_sheet
from histoniche.slides.judging import judge
from histoniche.slides.readers.choice import open_slide
from slide_settings import INSPECTION, LIMITS

THRESHOLDS = INSPECTION["artefacts"]
EOSIN, GLASS = (222, 160, 195), (243, 242, 244)


@pytest.fixture
def section():
    """Pink tissue on glass, 8 µm per pixel, and its mask."""
    rng = np.random.default_rng(0)
    picture = np.full((400, 500, 3), GLASS, float)
    tissue = np.zeros((400, 500), bool)
    tissue[60:340, 80:420] = True
    nuclei = ndimage.gaussian_filter((rng.random(tissue.shape) < 0.05).astype(float), 1) * 2
    picture[tissue] = EOSIN
    picture -= nuclei[..., None] * np.array([130, 110, 50]) * tissue[..., None]
    picture += rng.normal(0, 3, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), tissue


def found(picture, tissue):
    numbers = find_artefacts(picture, tissue, mpp=8.0, thresholds=THRESHOLDS)
    return {kind: numbers == n for n, kind in enumerate(KINDS, start=1) if (numbers == n).any()}


def test_a_plain_section_has_none(section):
    assert found(*section) == {}


@pytest.mark.parametrize(
    ("kind", "colour"),
    [
        ("pen", (30, 60, 170)),
        ("pen", (20, 130, 70)),
        ("pen", (20, 20, 24)),
        ("overstained", (45, 8, 35)),
        ("fold", (110, 15, 85)),
        ("bubble", (170, 170, 172)),
    ],
)
def test_a_spot_of_each_kind_is_found_in_its_place(section, kind, colour):
    picture, tissue = section
    picture = picture.copy()
    picture[150:220, 200:300] = colour
    spots = found(picture, tissue)
    assert kind in spots
    inner = np.zeros_like(tissue)
    inner[156:214, 206:294] = True
    assert spots[kind][inner].mean() > 0.95
    assert spots[kind][~ndimage.binary_dilation(inner, iterations=14)].sum() == 0


def test_small_spots_and_dark_grounds_count_as_none(section):
    picture, tissue = section
    picture = picture.copy()
    picture[150:154, 200:204] = (30, 60, 170)
    assert found(picture, tissue) == {}
    dark = np.zeros_like(picture)
    dark[100:200, 100:200] = (10, 20, 160)
    assert found(dark, tissue) == {}


def test_blur_grows_with_the_width_of_the_focus(tmp_path):
    rng = np.random.default_rng(0)
    sharp = ndimage.gaussian_filter(rng.random((1200, 1200, 3)), (1, 1, 0)) * 900 - 250
    medians = []
    for number, sigma in enumerate((0, 2, 4, 8)):
        picture = ndimage.gaussian_filter(sharp, (sigma, sigma, 0)).clip(0, 255).astype(np.uint8)
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, picture, tile=(128, 128), photometric="rgb", metadata=None)
        with open_slide(path, mpp=0.5) as slide:
            centres, blur = measure_focus(slide, np.ones((150, 150), bool))
        assert len(blur) == len(centres) == 4
        medians.append(np.median(blur))
    assert medians == sorted(medians)
    assert medians[0] < 0.35
    assert medians[-1] > 0.5


def test_coarse_slides_show_nothing_that_could_be_blurred(pyramid):
    with open_slide(pyramid, mpp=4.0) as slide:
        centres, blur = measure_focus(slide, np.ones((40, 60), bool))
    assert len(centres) == len(blur) == 0
    assert not blurred_map(centres, blur, np.ones((4, 6), bool), threshold=0.5).any()


def test_empty_patches_are_not_blurred_but_unknown(tmp_path):
    path = tmp_path / "glass.tif"
    blank = np.full((1200, 1200, 3), 240, np.uint8)
    tifffile.imwrite(path, blank, tile=(128, 128), photometric="rgb", metadata=None)
    with open_slide(path, mpp=0.5) as slide:
        centres, blur = measure_focus(slide, np.ones((150, 150), bool))
    assert len(centres) == len(blur) == 0


def test_blur_is_that_of_the_nearest_patch_within_the_tissue():
    tissue = np.ones((10, 20), bool)
    tissue[0] = False
    blurred = blurred_map(np.array([[5, 4], [5, 15]]), np.array([0.2, 0.8]), tissue, threshold=0.5)
    assert not blurred[:, :9].any()
    assert blurred[1:, 11:].all()
    assert not blurred[0].any()


def test_shares_are_of_the_tissue():
    tissue = np.zeros((10, 10), bool)
    tissue[:, :5] = True
    numbers = np.zeros((10, 10), np.uint8)
    numbers[:, 2:8] = KINDS.index("pen") + 1
    shares = artefact_shares(numbers, tissue)
    assert shares["pen"] == pytest.approx(0.6)
    assert sum(shares.values()) == pytest.approx(0.6)


@pytest.fixture
def inked(tmp_path, section):
    """The section with broad pen strokes, as a file."""
    image = Image.fromarray(section[0])
    draw = ImageDraw.Draw(image)
    for y in (90, 170, 250, 320):
        draw.line((60, y, 440, y + 10), fill=(30, 60, 170), width=40)
    path = tmp_path / "inked.png"
    image.save(path)
    return path


def test_ink_is_measured_and_shown(inked, inspected):
    files = inspected(inked, mpp=8.0, tissue="otsu", thumbnail_px=500)
    facts = read_json(files.report)
    assert facts["pen_share"] > 0.3
    assert (np.asarray(Image.open(files.artefacts)) == 1).mean() > 0.2
    assert Image.open(files.picture).size == (500, 400)
    assert judge(facts, LIMITS).flags.startswith("pen ")


def test_other_hues_are_other_ink(section):
    picture, tissue = section
    picture[100:160, 100:400] = (30, 60, 170)
    for hues, share in (([70, 232], 0.15), ([70, 200], 0.0)):
        found = find_artefacts(
            picture, tissue, mpp=8.0, thresholds={**THRESHOLDS, "pen_hues": hues}
        )
        assert artefact_shares(found, tissue)["pen"] == pytest.approx(share, abs=0.05)


def test_the_contour_can_be_edited_and_given_back(section, tmp_path, inspected):
    path = tmp_path / "section.png"
    Image.fromarray(section[0]).save(path)
    files = inspected(path, mpp=8.0, tissue="otsu", thumbnail_px=250)
    content = json.loads(files.contour.read_text())
    (entry,) = content["features"]
    assert entry["properties"]["classification"]["name"] == "Tissue"
    shape = shapely.geometry.shape(entry["geometry"])
    assert shape.area == pytest.approx(section[1].sum(), rel=0.03)
    # A person cuts the left half away.
    half = shapely.intersection(shape, shapely.box(0, 0, 250, 400))
    entry["geometry"] = shapely.geometry.mapping(half)
    given = tmp_path / "given.geojson"
    given.write_text(json.dumps(content))
    files = inspected(path, mpp=8.0, tissue_mask=given, thumbnail_px=250)
    tissue = np.asarray(Image.open(files.tissue)) > 0
    assert tissue.sum() * 4 == pytest.approx(half.area, rel=0.02)
    assert not tissue[:, 126:].any()


def test_the_contact_sheet_shows_every_slide_and_its_remark(inked, inspected, tmp_path):
    picture = inspected(inked, mpp=8.0, tissue="otsu").picture
    entries = [Entry(f"S{k}", picture, "pen 60% of the tissue" if k < 2 else "") for k in range(11)]
    draw_contact_sheet(entries, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[1] > 8 * 200
    assert sheet.shape[0] > 2 * 200
    # Two rows of pictures, the last row short.
    assert (sheet[-120:, :600].std(axis=(0, 1)) > 5).all()
    assert (sheet[-120:, 800:] == 255).all()
