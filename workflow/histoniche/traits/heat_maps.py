"""Heat maps: what was found on each tile, as colours over the slide."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from histoniche.pictures import draw_scale, save_png
from histoniche.regions.overlay import draw_skipped
from histoniche.slides.store import TileStore
from histoniche.traits.attention_panel import (
    TileAttention,
    attention_legend_height,
    attention_title,
    draw_attention_legend,
    read_attention,
)
from histoniche.traits.colours import (
    NEGATIVE,
    POSITIVE,
    as_rgb,
    attention_colours,
    confidence_colours,
    diverging_colours,
)
from histoniche.traits.painting import (
    INK,
    LINE,
    MUTED,
    fitted,
    font,
    paint_tiles,
    pale_colours,
    ramp,
    write,
)
from histoniche.traits.tile_calls import TileCalls, read_calls
from histoniche.wording import count

_SIDE = 480
_NARROWEST = 330
_GAP = 28
_HEAD = 34
_ROW = 24
_PANELS_A_ROW = 4
_BAR = 150
_NAMED = (0.5, 0.9, 0.99)


Panel = TileCalls | TileAttention
"""What one picture shows."""


def tile_colours(calls: Panel) -> np.ndarray:
    """Colour of each tile of a heat map.

    Parameters
    ----------
    calls
        Of attention the colour is the darker the more. Of a binary trait it is cool
        below the threshold, neutral at it and warm above; of more classes it is that of
        the most probable, the stronger the surer (see
        `histoniche.traits.colours.confidence_strength`).

    Returns
    -------
    uint8 (tiles, 3).
    """
    if isinstance(calls, TileAttention):
        return attention_colours(calls.relative)
    if calls.binary:
        return diverging_colours(calls.probabilities[:, 1], calls.threshold)
    called = calls.called()
    sure = calls.probabilities[np.arange(len(called)), called]
    return confidence_colours(called, sure, len(calls.classes))


def draw_heat_maps(
    overview: np.ndarray,
    traits: Sequence[Panel],
    *,
    slide: str,
    scale: float,
    mpp: float,
) -> Image.Image:
    """Draw a slide, and beside it a heat map of every trait with its legend.

    Parameters
    ----------
    overview
        Picture of the whole slide, uint8 (height, width, 3).
    traits
        One or more; their tiles may be cut differently. Of a trait that learned from whole
        bags the panel shows the attention.
    slide
        Its id, which stands above the pictures.
    scale
        Pixels of level 0 to a pixel of the overview.
    mpp
        Micrometres per pixel of level 0.
    """
    small, factor = fitted(overview, _SIDE)
    scale *= factor
    height, width = small.shape[:2]
    cell = max(width, _NARROWEST)
    deepest = max(_legend_height(panel) for panel in traits)
    columns = min(_PANELS_A_ROW, 1 + len(traits))
    rows = -(-(1 + len(traits)) // columns)
    step = _HEAD + height + deepest + _GAP
    canvas = Image.new("RGB", (columns * (cell + _GAP) + _GAP, rows * step + _HEAD), "white")
    draw = ImageDraw.Draw(canvas)
    write(draw, (_GAP, 10), slide, size=19, room=canvas.width - 2 * _GAP)
    for number in range(1 + len(traits)):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (cell + _GAP), _HEAD + row * step + _HEAD
        if number == 0:
            write(draw, (left, top - 24), "Slide", size=16)
            _place(canvas, small, (left, top))
            draw_scale(draw, (left, top + height + 14), mpp * scale / 1000, font(15))
            continue
        panel = traits[number - 1]
        write(draw, (left, top - 24), _title(panel), size=16, room=cell)
        painted = paint_tiles(small, panel.origin, tile_colours(panel), side=panel.side,
                              scale=scale)  # fmt: skip
        _place(canvas, painted, (left, top))
        _draw_legend(draw, (left, top + height + 10), panel, cell)
    return canvas


def draw_trait_heat_maps(
    tiles: Mapping[str, Path],
    probabilities: Mapping[str, Path | Sequence[Path]],
    thumbnail: Path,
    out: Path,
    *,
    traits: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw the heat maps of a slide from its files.

    Parameters
    ----------
    tiles, probabilities
        Tile store of the slide and probabilities of its tiles, by trait: see
        `histoniche.traits.tile_calls.read_calls`; of traits that learned from bags their
        attention, see `histoniche.traits.attention_panel.read_attention`.
    thumbnail
        PNG of the whole slide.
    out
        PNG. Of a slide without tiles it repeats the thumbnail.
    traits
        In their order, each with `classes`, `method` (tiles, or mil for attention) and, if
        binary, `threshold` (0.5).

    Raises
    ------
    InputError
        If tiles and probabilities do not fit each other.
    """
    panels = [
        _read_panel(tiles[name], probabilities[name], name, settings)
        for name, settings in traits.items()
    ]
    stores = [TileStore(tiles[name]) for name in traits]
    store = next((store for store in stores if len(store)), None)
    if store is None:
        draw_skipped(thumbnail, out)
        return
    with Image.open(thumbnail) as image:
        overview = np.asarray(image.convert("RGB"))
    scale = store.attributes["slide_size"][0] / overview.shape[1]
    mpp = float(store.attributes["slide_mpp"])
    save_png(draw_heat_maps(overview, panels, slide=store.slide, scale=scale, mpp=mpp), out)


def _read_panel(
    tiles: Path, found: Path | Sequence[Path], trait: str, settings: Mapping[str, Any]
) -> Panel:
    """What was found of one trait."""
    if isinstance(found, Path) and settings.get("method") == "mil":
        return read_attention(tiles, found, trait=trait)
    return read_calls(
        tiles, found, trait=trait, classes=settings["classes"], threshold=settings.get("threshold")
    )


def _place(canvas: Image.Image, pixels: np.ndarray, at: tuple[int, int]) -> None:
    """Put a picture on the canvas, framed."""
    height, width = pixels.shape[:2]
    canvas.paste(Image.fromarray(pixels), at)
    left, top = at
    ImageDraw.Draw(canvas).rectangle((left - 1, top - 1, left + width, top + height), outline=LINE)


def _title(panel: Panel) -> str:
    """What stands above a panel."""
    if isinstance(panel, TileAttention):
        return attention_title(panel)
    return f"{panel.trait}, {count(len(panel.origin), 'tile')}"


def _legend_height(panel: Panel) -> int:
    """Pixels that a legend takes."""
    if isinstance(panel, TileAttention):
        return attention_legend_height(panel)
    return _ROW * (len(panel.classes) + (2 if panel.binary else 1)) + 16


def _draw_legend(draw: ImageDraw.ImageDraw, at: tuple[int, int], panel: Panel, room: int) -> None:
    """Colours, names of the classes and how many tiles each got; or the scale of attention."""
    if isinstance(panel, TileAttention):
        draw_attention_legend(draw, at, panel, room)
        return
    counts = np.bincount(panel.called(), minlength=len(panel.classes))
    (_draw_binary if panel.binary else _draw_classes)(draw, at, panel, counts, room)


def _draw_binary(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], calls: TileCalls, counts: np.ndarray, room: int
) -> None:
    """The positive class on top, then the diverging scale with its threshold."""
    left, y = at
    ends = pale_colours(as_rgb([NEGATIVE, POSITIVE]))
    for which in (1, 0):
        draw.rectangle((left, y + 4, left + 16, y + 18), fill=tuple(ends[which].tolist()),
                       outline="#888888")  # fmt: skip
        _name(draw, (left + 26, y), calls.classes[which], counts, which, room=room - 26)
        y += _ROW
    steps = (np.arange(100) + 0.5) / 100
    ramp(draw, (left, y + 4, left + _BAR, y + 16), diverging_colours(steps, calls.threshold))
    place = left + _BAR * calls.threshold
    draw.line((place, y + 1, place, y + 19), fill=INK)
    # Ends that the threshold would write over stand aside.
    values = [calls.threshold, *(end for end in (0, 1) if abs(end - calls.threshold) > 0.12)]
    for value in values:
        label = f"{value:.3g}"
        half = draw.textlength(label, font=font(12)) / 2
        write(draw, (left + _BAR * value - half, y + 20), label, size=12, colour=MUTED)
    words = f"probability of {calls.classes[1]}"
    write(draw, (left + _BAR + 14, y + 1), words, size=13, colour=MUTED, room=room - _BAR - 14)


def _draw_classes(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], calls: TileCalls, counts: np.ndarray, room: int
) -> None:
    """A scale from light to full for each class, then what the scales mean."""
    left, y = at
    number = len(calls.classes)
    # Even steps of colour: the probability at which the doubt is 0.01 ** step.
    sure = 1 - 0.01 ** ((np.arange(60) + 0.5) / 60)
    for which, name in enumerate(calls.classes):
        colours = confidence_colours(np.full(60, which), sure, number)
        ramp(draw, (left, y + 4, left + _BAR, y + 18), colours)
        _name(draw, (left + _BAR + 12, y), name, counts, which, room=room - _BAR - 12)
        y += _ROW
    for value in _NAMED:
        place = left + _BAR * np.log(1 - value) / np.log(0.01)
        draw.line((place, y - 2, place, y + 2), fill=INK)
        half = draw.textlength(f"{value:g}", font=font(12)) / 2
        write(draw, (place - half, y + 3), f"{value:g}", size=12, colour=MUTED)
    words = "probability of the class"
    write(draw, (left + _BAR + 20, y + 2), words, size=13, colour=MUTED, room=room - _BAR - 20)


def _name(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    name: str,
    counts: np.ndarray,
    which: int,
    *,
    room: float,
) -> None:
    """Name of a class with its tiles; the name gives way, the number does not."""
    size = f"  {count(int(counts[which]), 'tile')} ({counts[which] / max(1, counts.sum()):.0%})"
    taken = draw.textlength(size, font=font(13))
    width = write(draw, at, name, size=15, room=room - taken)
    write(draw, (at[0] + width, at[1] + 2), size, size=13, colour=MUTED)
