"""Attention on a slide's tiles, beside what other traits show."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from histoniche.errors import InputError
from histoniche.slides.store import TileStore
from histoniche.traits.attention_panel import (
    TileAttention,
    attention_legend_height,
    attention_title,
    draw_attention_legend,
    read_attention,
    tiles_of_half,
)
from histoniche.traits.colours import attention_colours, diverging_colours
from histoniche.traits.findings import write_findings
from histoniche.traits.heat_maps import draw_trait_heat_maps
from histoniche.traits.painting import pale_colours

ATTENTION = np.array([0.05, 0.3, 0.1, 0.05], np.float32)


@pytest.fixture
def attended(make_store, tmp_path):
    """Attention on the four tiles of a slide, whose patient has a second one of as many."""

    def write(store, values=ATTENTION, **changes):
        told = {
            "trait": "MGMT", "bag": "P1", "bag_slides": 2, "bag_tiles": 8,
            "classes": ["un", "meth"], "probabilities": [0.17, 0.83], "networks": [0],
            "seen": False,
        }  # fmt: skip
        out = tmp_path / "attention.zarr"
        write_findings(TileStore(store), out, {"attention": values}, {**told, **changes})
        return out

    return write


def test_attention_is_a_multiple_of_the_mean_over_the_bag(make_store, attended):
    store = make_store()
    panel = read_attention(store, attended(store), trait="MGMT")
    assert panel.relative == pytest.approx([0.4, 2.4, 0.8, 0.4])
    assert panel.origin.tolist() == [[0, 0], [16, 0], [16, 16], [32, 16]]
    assert (panel.side, panel.slides) == (16, 2)
    assert attention_title(panel) == "MGMT: meth 0.83, attention"


def test_the_colours_are_even_in_the_logarithm_and_darker_the_more():
    relative = np.array([1 / 64, 1 / 8, 1 / 2, 1, 2, 8, 64])
    colours = attention_colours(relative).astype(int)
    assert (np.diff(colours.sum(1))[1:-1] < -50).all()
    assert (colours[0] == colours[1]).all() and (colours[-1] == colours[-2]).all()


def test_half_of_the_attention_by_hand():
    assert tiles_of_half(np.array([1.0, 1, 1, 1])) == 2
    assert tiles_of_half(np.array([0.1, 0.6, 0.2, 0.1])) == 1
    assert tiles_of_half(np.zeros(0)) == 0


def test_a_panel_of_attention_stands_beside_one_of_tiles(
    make_store, make_probabilities, attended, thumbnail, tmp_path
):
    store, out = make_store(), tmp_path / "heat.png"
    traits = {
        "EGFR": {"classes": ["low", "high"], "method": "tiles"},
        "MGMT": {"classes": ["un", "meth"], "method": "mil"},
    }
    found = {
        "EGFR": make_probabilities([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.0, 1.0]]),
        "MGMT": attended(store),
    }
    draw_trait_heat_maps(dict.fromkeys(traits, store), found, thumbnail, out, traits=traits)
    drawn = np.asarray(Image.open(out)).astype(int)
    third = drawn.shape[1] // 3
    for place, colour in (
        (1, diverging_colours(np.array([1.0]), 0.5)[0]),
        (2, attention_colours(np.array([2.4]))[0]),
    ):
        own = drawn[:, place * third : (place + 1) * third]
        assert (np.abs(own - pale_colours(colour)).max(-1) <= 2).sum() > 1000


@pytest.mark.parametrize("slides", [1, 3])
def test_the_legend_stays_in_its_room_and_height(slides):
    panel = TileAttention("T", {"a": 1.0}, np.zeros((9, 2)), 1, np.ones(9), slides)
    image = Image.new("RGB", (400, 200), "white")
    draw_attention_legend(ImageDraw.Draw(image), (5, 10), panel, 330)
    dark = (np.asarray(image) < 250).any(-1)
    assert dark.any() and not dark[10 + attention_legend_height(panel) :].any()
    assert not dark[:, 5 + 331 :].any()
    # The further line is there only where the patient has several slides.
    assert dark[10 + 3 * 24 - 8 : 10 + 4 * 24].any() == (slides > 1)


def test_attention_of_other_tiles_is_refused_and_no_tile_is_no_attention(make_store, attended):
    empty = make_store("S2", cells=[])
    with pytest.raises(InputError, match="attention on 4 tiles where S2 has 0"):
        read_attention(empty, attended(make_store()), trait="T")
    panel = read_attention(empty, attended(empty, np.zeros(0, np.float32)), trait="T")
    assert len(panel.relative) == 0 and attention_title(panel) == "T, 0 tiles"
