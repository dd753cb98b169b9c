"""Heat maps: whether the colours stand where the tiles stood."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from histoniche.pictures import draw_scale
from histoniche.traits.colours import as_rgb, class_colours, diverging_colours
from histoniche.traits.heat_maps import draw_heat_maps, draw_trait_heat_maps, tile_colours
from histoniche.traits.painting import font, paint_tiles, pale_colours, write
from histoniche.traits.tile_calls import make_calls

RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_tiles_are_painted_where_they_stood_and_nowhere_else():
    overview = np.full((20, 30, 3), 255, np.uint8)
    origin = np.array([[0, 0], [100, 100]])
    colours = np.array([RED, BLUE], np.uint8)
    painted = paint_tiles(overview, origin, colours, side=50, scale=10)
    assert (painted[1:4, 1:4] == pale_colours(colours[:1])[0]).all()
    assert (painted[11:14, 11:14] == pale_colours(colours[1:])[0]).all()
    outside = np.ones((20, 30), bool)
    outside[:5, :5] = outside[10:15, 10:15] = False
    assert (painted[outside] == 255).all()


def test_tiles_smaller_than_a_pixel_are_averaged_and_half_covered_pixels_half_painted():
    overview = np.full((8, 8, 3), 255, np.uint8)
    columns, rows = np.meshgrid(np.arange(16), np.arange(16))
    origin = np.stack([columns.ravel(), rows.ravel()], -1) * 5
    colours = np.array([RED, BLUE], np.uint8)[(origin.sum(1) // 5) % 2]
    painted = paint_tiles(overview, origin, colours, side=5, scale=10)
    mean = pale_colours(np.array([[127.5, 0, 127.5]]))[0].astype(int)
    assert np.abs(painted[1:-1, 1:-1].astype(int) - mean).max() <= 1
    sparse = paint_tiles(overview, origin[::2], colours[::2], side=5, scale=10)
    assert sparse[4, 4].min() > painted[4, 4].min()


def test_tiles_at_the_edge_of_the_slide_reach_beyond_without_harm():
    overview = np.full((4, 4, 3), 255, np.uint8)
    painted = paint_tiles(overview, np.array([[30, 30]]), np.array([RED], np.uint8), side=40,
                          scale=10)  # fmt: skip
    assert (painted[:3, :3] == 255).all() and painted[3, 3, 1] < 60


def test_colours_are_by_class_and_confidence_or_diverge():
    place = np.zeros((3, 2))
    found = np.array([[1, 0, 0], [0.1, 0.8, 0.1], [0.34, 0.33, 0.33]])
    drawn = tile_colours(make_calls("T", "abc", place, found, side=1)).astype(int)
    assert np.abs(drawn[0] - as_rgb(class_colours(3))[0]).max() <= 1
    assert drawn[2].min() > 215
    binary = make_calls("T", "ab", place[:1], found[:1, :2], side=1, threshold=0.3)
    assert (tile_colours(binary) == diverging_colours(np.array([0.0]), 0.3)).all()


@pytest.mark.parametrize("traits", [1, 3, 6])
@pytest.mark.parametrize("shape", [(40, 60), (300, 90), (60, 500)])
def test_several_traits_stand_side_by_side(traits, shape):
    overview = np.full((*shape, 3), 255, np.uint8)
    place = np.array([[0, 0], [8, 0]])
    calls = [
        make_calls(f"a long name of a trait, number {k}" * 3, ("low" * 30, "high" * 30), place,
                   np.array([[0.1, 0.9], [0.7, 0.3]]), side=8)
        for k in range(traits)
    ]  # fmt: skip
    drawn = np.asarray(draw_heat_maps(overview, calls, slide="S1", scale=1, mpp=2))
    warm = (drawn == pale_colours(tile_colours(calls[0])[:1])[0]).all(-1)
    # One block of warm pixels for each trait: side by side, then below.
    columns = min(4, 1 + traits)
    width = drawn.shape[1] // columns
    height = drawn.shape[0] // -(-(1 + traits) // columns)
    for number in range(1, 1 + traits):
        row, column = divmod(number, columns)
        assert warm[row * height : (row + 1) * height, column * width : (column + 1) * width].any()
    assert not warm[:height, : width // 2].any()


def longest_dark_run(row):
    """Most neighbouring dark pixels of a row."""
    dark = (row < 80).all(-1)
    return max(map(len, "".join(np.where(dark, "x", " ")).split()), default=0)


@pytest.mark.parametrize(("scale", "mpp"), [(1, 2), (30, 0.5)])
def test_a_bar_below_the_slide_tells_its_scale(scale, mpp):
    overview = np.full((40, 60, 3), 255, np.uint8)
    place = np.array([[0, 0]])
    calls = make_calls("T", ("low", "high"), place, np.array([[0.1, 0.9]]), side=8)
    drawn = np.asarray(draw_heat_maps(overview, [calls], slide="S1", scale=scale, mpp=mpp))
    # 480 pixels show the 60 of the overview.
    um = mpp * scale * 60 / 480
    below = drawn[drawn.shape[0] // 2 :, : drawn.shape[1] // 2]
    bar = max(map(longest_dark_run, below))
    lengths = [step * 10.0**power for power in range(5) for step in (1, 2, 5)]
    # A rectangle has both its ends.
    assert min(abs(bar - 1 - length / um) for length in lengths) <= 0.5
    assert 45 < bar < 110


@pytest.mark.parametrize("classes", [("low", "high"), ("II", "III", "IV")])
def test_the_legend_names_the_classes_in_their_colours_and_nothing_else_does(classes):
    overview = np.full((200, 300, 3), 255, np.uint8)
    found = np.eye(len(classes))[:2]
    place = np.array([[0, 0], [8, 0]])

    def draw(names):
        calls = make_calls("T", names, place, found, side=8)
        return np.asarray(draw_heat_maps(overview, [calls], slide="S1", scale=1, mpp=2)).astype(int)

    drawn, renamed = draw(classes), draw(tuple(name.upper() + "x" for name in classes))
    changed = np.argwhere((drawn != renamed).any(-1))
    top, left = changed.min(0)
    # Below the second picture, and nowhere else.
    assert left > drawn.shape[1] // 2 and top > 320
    legend = drawn[320:, drawn.shape[1] // 2 :]
    ends = diverging_colours(np.array([0.0, 1.0]), 0.5)
    for colour in ends if len(classes) == 2 else as_rgb(class_colours(3)):
        assert (np.abs(legend - pale_colours(colour)).max(-1) <= 3).sum() > 20


def test_a_slide_is_drawn_from_its_files(make_store, make_probabilities, thumbnail, tmp_path):
    store = make_store()
    found = {
        "MGMT": make_probabilities([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.0, 1.0]], "m"),
        "Type": make_probabilities([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.4, 0.3, 0.3]], "t"),
    }
    traits = {"Type": {"classes": ["A", "B", "C"]}, "MGMT": {"classes": ["un", "meth"]}}
    out = tmp_path / "heat.png"
    draw_trait_heat_maps(dict.fromkeys(traits, store), found, thumbnail, out, traits=traits)
    drawn = np.asarray(Image.open(out))
    for colour in (*as_rgb(class_colours(3)), diverging_colours(np.array([1.0]), 0.5)[0]):
        assert (np.abs(drawn.astype(int) - pale_colours(colour)).max(-1) <= 2).sum() > 1000
    before = out.read_bytes()
    draw_trait_heat_maps(dict.fromkeys(traits, store), found, thumbnail, out, traits=traits)
    assert out.read_bytes() == before


def test_a_slide_without_tiles_repeats_its_thumbnail(make_store, thumbnail, tmp_path):
    out = tmp_path / "heat.png"
    settings = {"T": {"classes": ["a", "b"]}}
    draw_trait_heat_maps(
        {"T": make_store(cells=[])}, {"T": tmp_path / "no"}, thumbnail, out, traits=settings
    )
    assert Image.open(out).size == (24, 16)


@pytest.mark.parametrize(("mm_per_pixel", "length"), [(0.1, 100), (0.003, 67), (0.00002, 100)])
def test_the_scale_bar_is_as_long_as_it_says(mm_per_pixel, length):
    # 100 px are 10 mm; 67 px at 3 µm are 200 µm; 100 px at 20 nm are 2 µm.
    image = Image.new("RGB", (300, 40), "white")
    draw_scale(ImageDraw.Draw(image), (5, 20), mm_per_pixel, font(15))
    dark = np.asarray(image)[22, :, 0] < 80
    assert dark[5 : 5 + length + 1].all() and not dark[5 + length + 1]


def test_words_keep_to_their_room_and_to_the_letters_of_the_font():
    draw = ImageDraw.Draw(Image.new("RGB", (300, 40)))
    assert write(draw, (0, 0), "a long name" * 20, size=15, room=120) <= 120
    assert write(draw, (0, 0), "é", size=15) == write(draw, (0, 0), "e", size=15)
    assert write(draw, (0, 0), "α", size=15) == write(draw, (0, 0), "?", size=15)
