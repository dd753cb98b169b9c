"""Panel of a heat map that shows which tiles a network attended to."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageDraw

from histoniche.errors import InputError
from histoniche.slides.store import TileStore
from histoniche.traits.colours import ATTENTION_ENDS, attention_colours
from histoniche.traits.painting import INK, MUTED, font, ramp, write
from histoniche.wording import count

_BAR = 220
_ROW = 24
_NAMED = ((1 / 8, "1/8"), (1 / 4, "1/4"), (1 / 2, "1/2"), (1, "1"), (2, "2"), (4, "4"), (8, "8"))


class TileAttention(NamedTuple):
    """Tiles of a slide with the attention that they got when its bag was judged.

    `origin` (n, 2) is x and y of each tile's corner and `side` its side, in pixels of
    level 0; `relative` (n,) the attention as a multiple of the mean over all tiles of the
    bag. `probabilities` are those of the bag, by class; `slides` how many slides it has.
    """

    trait: str
    probabilities: dict[str, float]
    origin: np.ndarray
    side: float
    relative: np.ndarray
    slides: int = 1


def read_attention(tiles: Path, attention: Path, *, trait: str) -> TileAttention:
    """Read the attention of one trait on one slide.

    Parameters
    ----------
    tiles
        The slide's tile store.
    attention
        As `histoniche.traits.mil_scoring.score_trait_mil` writes it.
    trait
        Its name.

    Raises
    ------
    InputError
        If the attention is of other tiles.
    """
    store, found = TileStore(tiles), TileStore(attention)
    if len(store) != len(found):
        raise InputError(
            f"attention on {count(len(found), 'tile')} where {store.slide} has {len(store)}",
            file=attention,
            remedy="score the trait again",
        )
    told = found.attributes
    if len(store) == 0:
        return TileAttention(trait, {}, np.zeros((0, 2), np.int32), 1.0, np.zeros(0))
    return TileAttention(
        trait,
        dict(zip(told["classes"], told["probabilities"], strict=True)),
        store.column("origin"),
        float(store.attributes["size"]) * float(store.attributes["scale_to_level0"]),
        found.column("attention").astype(np.float64) * told["bag_tiles"],
        int(told["bag_slides"]),
    )


def attention_title(panel: TileAttention) -> str:
    """Name of the trait, and the class of the bag with its probability."""
    if not panel.probabilities:
        return f"{panel.trait}, {count(0, 'tile')}"
    name = max(panel.probabilities, key=lambda one: panel.probabilities[one])
    return f"{panel.trait}: {name} {panel.probabilities[name]:.2f}, attention"


def attention_legend_height(panel: TileAttention) -> int:
    """Pixels that the legend takes."""
    return _ROW * (4 if panel.slides > 1 else 3) + 16


def draw_attention_legend(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], panel: TileAttention, room: int
) -> None:
    """The scale, and on how few tiles half of the attention is."""
    left, y = at
    least, most = np.log2(ATTENTION_ENDS)
    steps = 2 ** (least + (most - least) * (np.arange(100) + 0.5) / 100)
    ramp(draw, (left, y + 4, left + _BAR, y + 16), attention_colours(steps))
    for value, label in _NAMED:
        place = left + _BAR * (np.log2(value) - least) / (most - least)
        draw.line((place, y + 15, place, y + 19), fill=INK)
        half = draw.textlength(label, font=font(12)) / 2
        write(draw, (place - half, y + 20), label, size=12, colour=MUTED)
    words = "x the mean"
    write(draw, (left + _BAR + 14, y + 1), words, size=13, colour=MUTED, room=room - _BAR - 14)
    tiles, few = len(panel.relative), tiles_of_half(panel.relative)
    share = f" ({few / tiles:.0%})" if tiles else ""
    of = "this slide's attention" if panel.slides > 1 else "the attention"
    words = f"Half of {of} is on {few:,} of {count(tiles, 'tile')}{share}"
    write(draw, (left, y + 2 * _ROW - 4), words, size=13, colour=MUTED, room=room)
    if panel.slides > 1:
        words = f"Judged and compared over the patient's {panel.slides} slides"
        write(draw, (left, y + 3 * _ROW - 4), words, size=13, colour=MUTED, room=room)


def tiles_of_half(attention: np.ndarray) -> int:
    """Fewest tiles that have half of the attention together."""
    if attention.sum() == 0:
        return 0
    reached = np.cumsum(np.sort(attention)[::-1])
    return int(np.searchsorted(reached, reached[-1] / 2)) + 1
