"""Heterogeneity map: which combination of traits each tile of a slide shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from histoniche.errors import InputError
from histoniche.pictures import draw_scale, save_png
from histoniche.regions.overlay import draw_skipped
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from histoniche.traits.cartography import NO_TILE, POSITIVE
from histoniche.traits.colours import NO_POSITIVE, as_rgb, combination_colours, count_colours
from histoniche.traits.heterogeneity import combination_codes
from histoniche.traits.painting import (
    LINE,
    MUTED,
    fitted,
    font,
    paint_tiles,
    pale_colours,
    write,
)
from histoniche.traits.predictions import CALLS
from histoniche.wording import count

MOST_NAMED = 4
"""Traits up to which each combination has a colour; of more, each number of positive ones has."""

_SIDE = 480
_GAP = 28
_HEAD = 34
_ROW = 24
_LEGEND = 420
_WIDEST_NAME = 620
_LONGEST = 24


class Kind(NamedTuple):
    """One colour of the map: what it stands for, and on how many tiles it is."""

    name: str
    colour: str
    tiles: int


def combinations(cartography: np.ndarray) -> np.ndarray:
    """Combination of traits of each cell, as a number.

    Parameters
    ----------
    cartography
        int8 (traits, rows, columns): 1 positive, 0 negative, -1 no tile.

    Returns
    -------
    int64 (rows, columns): see `combination_codes`; -1 where any trait has no tile.
    """
    traits, *grid = cartography.shape
    codes = combination_codes((cartography == POSITIVE).reshape(traits, -1).T).reshape(grid)
    return np.where((cartography == NO_TILE).any(0), -1, codes)


def kinds_of(codes: np.ndarray, traits: Sequence[str]) -> tuple[np.ndarray, list[Kind]]:
    """Colours of a map, and the number of each cell's colour.

    Parameters
    ----------
    codes
        What `combinations` gives.
    traits
        Names, in the order of the cartography.

    Returns
    -------
    int64 of the shape of `codes`, -1 where there is no tile; and the kinds that
    it numbers: no positive trait first, then by the number of positive ones.
    """
    number = len(traits)
    positive = np.bitwise_count(np.maximum(codes, 0)).astype(np.int64)
    if number > MOST_NAMED:
        words = ["no trait", *(f"{k} of {number} traits" for k in range(1, number + 1))]
        colours = [NO_POSITIVE, *count_colours(number)]
        kinds = np.where(codes < 0, -1, positive)
    else:
        every = np.arange(2**number)
        order = np.argsort(np.bitwise_count(every), kind="stable")
        place = np.argsort(order)
        kinds = np.where(codes < 0, -1, place[np.maximum(codes, 0)])
        shades = [NO_POSITIVE, *combination_colours(number)]
        words = [_name(int(code), traits) for code in order]
        colours = [shades[code] for code in order]
    counts = np.bincount(kinds[kinds >= 0], minlength=len(words))
    return kinds, [
        Kind(name, colour, int(tiles))
        for name, colour, tiles in zip(words, colours, counts, strict=True)
    ]


def draw_heterogeneity_map(
    cartography: np.ndarray,
    overview: np.ndarray,
    *,
    slide: str,
    traits: Sequence[str],
    hti: float,
    cell_um: float,
    overview_um: float,
) -> Image.Image:
    """Draw a slide, which traits are positive where, a legend, and the HTI in the title.

    Parameters
    ----------
    cartography
        int8 (traits, rows, columns): 1 positive, 0 negative, -1 no tile. Its corner
        is that of the slide.
    overview
        Picture of the whole slide, uint8 (height, width, 3).
    traits
        Names, in the order of the cartography.
    hti
        Heterogeneity index of the slide; NaN if no tile is positive.
    cell_um, overview_um
        Micrometres to a cell of the cartography, and to a pixel of the overview.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, figure 3.
    """
    if cartography.ndim != 3 or len(cartography) != len(traits):
        raise ValueError(f"a cartography of {cartography.shape} does not fit {len(traits)} traits")
    small, factor = fitted(overview, _SIDE)
    um = overview_um * factor
    height, width = small.shape[:2]
    number, kinds = kinds_of(combinations(cartography), traits)
    rows, columns = np.nonzero(number >= 0)
    painted = paint_tiles(
        small,
        np.stack([columns, rows], -1) * cell_um,
        as_rgb([kind.colour for kind in kinds])[number[rows, columns]],
        side=cell_um,
        scale=um,
    )
    top = 2 * _HEAD + 6
    tall = max(height + 40, _ROW * (sum(kind.tiles > 0 for kind in kinds) + 4))
    legend = _legend_width(kinds)
    canvas = Image.new("RGB", (2 * width + legend + 4 * _GAP, top + tall + _GAP), "white")
    draw = ImageDraw.Draw(canvas)
    room = canvas.width - 2 * _GAP
    write(draw, (_GAP, 8), f"{slide}, {_index(hti)}", size=19, room=room)
    words = f"Traits: {', '.join(traits)}"
    write(draw, (_GAP, 36), words, size=15, room=room, colour=MUTED)
    for left, picture in ((_GAP, small), (2 * _GAP + width, painted)):
        canvas.paste(Image.fromarray(picture), (left, top))
        draw.rectangle((left - 1, top - 1, left + width, top + height), outline=LINE)
    draw_scale(draw, (_GAP, top + height + 14), um / 1000, font(15))
    _draw_legend(draw, (3 * _GAP + 2 * width, top), kinds, legend)
    return canvas


def map_heterogeneity(
    cartography: Path,
    tiles: Path,
    thumbnail: Path,
    heterogeneity: Path,
    out: Path,
    *,
    score: str,
    traits: Sequence[str],
) -> None:
    """Draw the heterogeneity map of a slide from its files.

    Parameters
    ----------
    cartography
        Zarr group with `calls` (traits, rows, columns), whose attributes are slide,
        traits and mpp (micrometres to a cell).
    tiles
        Tile store that it was made from.
    thumbnail
        PNG of the whole slide. Of a slide without tiles it is repeated.
    heterogeneity
        Table of slide, score and hti.
    out
        PNG.
    score, traits
        Name of the index, and the traits of the cartography that it is of.

    Raises
    ------
    InputError
        If the table lacks the slide.
    StoreError
        If the cartography is missing.
    """
    store = TileStore(cartography)
    if CALLS not in store:
        draw_skipped(thumbnail, out)
        return
    table = read_table(heterogeneity)
    found = table.loc[(table["slide"] == store.slide) & (table["score"] == score), "hti"]
    if len(found) != 1:
        raise InputError(
            f"{len(found)} rows of slide {store.slide} and score {score} where one is wanted",
            file=heterogeneity,
            remedy="measure the heterogeneity again",
        )
    with Image.open(thumbnail) as image:
        overview = np.asarray(image.convert("RGB"))
    layers = list(store.attributes["traits"])
    slide = TileStore(tiles).attributes
    width_um = float(slide["slide_size"][0]) * float(slide["slide_mpp"])
    drawn = draw_heterogeneity_map(
        store.column(CALLS)[[layers.index(name) for name in traits]],
        overview,
        slide=store.slide,
        traits=traits,
        hti=float(found.iloc[0]),
        cell_um=float(store.attributes["mpp"]),
        overview_um=width_um / overview.shape[1],
    )
    save_png(drawn, out)


def _index(hti: float) -> str:
    """The index in words."""
    return "HTI not defined (no positive tile)" if np.isnan(hti) else f"HTI {hti:.2f}"


def _name(code: int, traits: Sequence[str]) -> str:
    """The traits of a combination."""
    there = [_short(name) for number, name in enumerate(traits) if code >> number & 1]
    if not there:
        return "no trait"
    return f"{there[0]} only" if len(there) == 1 < len(traits) else " + ".join(there)


def _short(name: str) -> str:
    """A trait's name, cut so that four of them fit into one line."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"


def _legend_width(kinds: Sequence[Kind]) -> int:
    """Room for the longest name that occurs."""
    longest = max((font(15).getlength(kind.name) for kind in kinds if kind.tiles), default=0)
    return max(_LEGEND, 190 + min(_WIDEST_NAME, round(longest)))


def _draw_legend(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], kinds: Sequence[Kind], room: int
) -> None:
    """Colour, name and share of each combination that occurs."""
    left, y = at
    none, *others = kinds
    positive = sum(kind.tiles for kind in others)
    words = f"Share of {count(positive, 'tile')} with a positive trait"
    write(draw, (left, y), words, size=15, room=room)
    for kind in others:
        if kind.tiles:
            y += _ROW
            share = f"{kind.tiles / positive:.1%}, {count(kind.tiles, 'tile')}"
            _draw_kind(draw, (left, y), kind, share, room)
    if none.tiles:
        total = positive + none.tiles
        words = f"{none.tiles / total:.1%} of all {count(total, 'tile')}"
        _draw_kind(draw, (left, y + _ROW + 10), none, words, room)


def _draw_kind(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], kind: Kind, share: str, room: int
) -> None:
    """One line of the legend; the name gives way, the share does not."""
    left, y = at
    colour = tuple(pale_colours(as_rgb([kind.colour]))[0].tolist())
    draw.rectangle((left, y + 3, left + 18, y + 17), fill=colour, outline="#888888")
    taken = draw.textlength(f"  {share}", font=font(13))
    width = write(draw, (left + 28, y), kind.name, size=15, room=room - 28 - taken)
    write(draw, (left + 28 + width, y + 2), f"  {share}", size=13, colour=MUTED)
