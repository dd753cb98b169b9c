"""Gallery: a picture of the tiles that a trait's networks are surest of, right and wrong."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from histoniche.errors import InputError
from histoniche.pictures import save_png
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from histoniche.traits.colours import NEGATIVE, POSITIVE, class_colours
from histoniche.traits.painting import MUTED, font, write
from histoniche.wording import count

_TILE = 150
_GAP = 14
_MARGIN = 24
_LABEL = 90
_NARROWEST = 700
_BESIDE = 4
_STEP, _EMPTY = _TILE + 54, 34
_STEPS = (0.0, 0.5, 1.0)
_WARM = ((68, 1, 84), (213, 94, 0), (253, 231, 37))


def draw_gallery(
    chosen: pd.DataFrame,
    pixels: Sequence[np.ndarray],
    *,
    trait: str,
    classes: Sequence[str],
    grad_cams: np.ndarray | None = None,
) -> Image.Image:
    """Draw chosen tiles, a row for each class and verdict.

    Parameters
    ----------
    chosen
        What `histoniche.traits.review_tiles.choose_tiles` gives.
    pixels
        Each row's tile, uint8 (height, width, 3).
    classes
        In their order; one without a tile says so.
    grad_cams
        What drew the network to the class called: (rows, height, width) of any
        resolution, 0 to 1; NaN in a row that has none. Drawn beside each tile.
    """
    cell = _TILE if grad_cams is None else 2 * _TILE + _BESIDE
    most = int(chosen["rank"].max()) if len(chosen) else 0
    width = max(_NARROWEST, 2 * _MARGIN + _LABEL + most * (cell + _GAP))
    full = len(chosen[["truth", "verdict"]].drop_duplicates())
    height = 64 + 28 * len(classes) + full * _STEP + (2 * len(classes) - full) * _EMPTY
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    room = width - 2 * _MARGIN
    write(draw, (_MARGIN, 10), f"{trait}: surest tiles", size=19, room=room)
    words = "Frame: the class called, with its probability below. Tiles inherit their slide's class"
    words += "." if grad_cams is None else "; right of each: where the network looked (Grad-CAM)."
    write(draw, (_MARGIN, 36), words, size=13, room=room, colour=MUTED)
    shown = [
        [pixels[number]] if grad_cams is None else [pixels[number], _seen(pixels[number], cam)]
        for number, cam in enumerate(pixels if grad_cams is None else grad_cams)
    ]
    y = 64
    for name, verdict in product(classes, ("right", "wrong")):
        if verdict == "right":
            write(draw, (_MARGIN, y), f"Slides of the class {name}", size=16, room=room)
            y += 28
        mine = ((chosen["truth"] == name) & (chosen["verdict"] == verdict)).to_numpy()
        if not mine.any():
            write(draw, (_MARGIN, y), verdict, size=15)
            write(draw, (_MARGIN + _LABEL, y), "no such tile", size=15, colour=MUTED)
            y += _EMPTY
            continue
        write(draw, (_MARGIN, y + _TILE // 2 - 8), verdict, size=15)
        for place, number in enumerate(np.nonzero(mine)[0]):
            at = (_MARGIN + _LABEL + place * (cell + _GAP), y)
            _draw_tile(canvas, at, chosen.iloc[number], shown[number], classes)
        y += _STEP
    return canvas


def picture_review_tiles(
    chosen: Path,
    tiles: Mapping[str, Path],
    out: Path,
    *,
    trait: str,
    classes: Sequence[str],
    grad_cams: np.ndarray | None = None,
) -> None:
    """Draw a trait's gallery, reading only the chosen tiles from the stores.

    Parameters
    ----------
    chosen
        What `histoniche.traits.review_tiles.choose_review_tiles` wrote.
    tiles
        Tile stores by slide.
    out
        PNG.
    grad_cams
        In the order of the table; see `draw_gallery`.

    Raises
    ------
    InputError
        If the Grad-CAMs are not as many as the tiles.
    """
    table = read_table(chosen)
    if grad_cams is not None and len(grad_cams) != len(table):
        raise InputError(
            f"{len(grad_cams)} Grad-CAMs where {count(len(table), 'tile')} were chosen",
            file=chosen,
            remedy="make them from this table",
        )
    stores = {slide: TileStore(tiles[slide]) for slide in table["slide"].unique()}
    pixels = [
        stores[slide].tile("pixels", int(tile))
        for slide, tile in zip(table["slide"], table["tile"], strict=True)
    ]
    save_png(draw_gallery(table, pixels, trait=trait, classes=classes, grad_cams=grad_cams), out)


def _seen(pixels: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """A tile under its Grad-CAM, or as it is where there is none."""
    return pixels if np.isnan(cam).any() else lay_over(pixels, cam)


def _draw_tile(
    canvas: Image.Image,
    at: tuple[int, int],
    row: "pd.Series[Any]",
    pictures: Sequence[np.ndarray],
    classes: Sequence[str],
) -> None:
    """Pictures of one tile in frames of its class's colour, and its words below."""
    x, y = at
    draw = ImageDraw.Draw(canvas)
    number = len(classes)
    colours = [NEGATIVE, POSITIVE] if number == 2 else class_colours(number)
    colour = colours[list(classes).index(str(row["called"]))]
    for place, picture in enumerate(pictures):
        left = x + place * (_TILE + _BESIDE)
        small = Image.fromarray(picture).resize((_TILE - 6, _TILE - 6), Image.Resampling.LANCZOS)
        draw.rectangle((left, y, left + _TILE - 1, y + _TILE - 1), fill=colour)
        canvas.paste(small, (left + 3, y + 3))
    room = len(pictures) * (_TILE + _BESIDE) - _BESIDE
    probability = f"  {row['probability']:.3f}"
    taken = draw.textlength(probability, font=font(13))
    width = write(draw, (x, y + _TILE + 3), str(row["called"]), size=13, room=room - taken)
    write(draw, (x + width, y + _TILE + 3), probability, size=13)
    write(draw, (x, y + _TILE + 20), str(row["slide"]), size=12, room=room, colour=MUTED)


def lay_over(pixels: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """Lay a Grad-CAM over a tile: the stronger, the warmer and the less transparent.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    cam
        0 to 1, of any resolution.
    """
    height, width = pixels.shape[:2]
    whole = Image.fromarray(np.clip(cam, 0, 1).astype(np.float32))
    heat = np.asarray(whole.resize((width, height), Image.Resampling.BILINEAR))
    warm = np.stack([np.interp(heat, _STEPS, band) for band in np.transpose(_WARM)], -1)
    opacity = 0.65 * heat[..., None]
    return np.asarray(((1 - opacity) * pixels + opacity * warm).round().astype(np.uint8))
