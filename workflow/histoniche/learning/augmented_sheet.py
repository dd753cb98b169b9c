"""A contact sheet of augmented tiles, so that a person sees what the network is shown."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image, ImageDraw

from histoniche.cohort.palette import IGNORE
from histoniche.learning.data import Draw
from histoniche.pictures import save_png
from histoniche.randomness import derived_seed, generator

_SIDE, _GAP, _HEAD = 160, 8, 26
_INK = "#222222"


class Tiles(Protocol):
    """Training tiles: pixels, then labels of the pixels or one class, then what else there is."""

    def __len__(self) -> int:
        """Count the tiles."""

    def __getitem__(self, item: int | Draw) -> tuple[Any, ...]:
        """One tile, as it is or as drawn."""


def draw_augmented(tiles: Tiles, out: Path, *, seed: int, rows: int = 6, draws: int = 7) -> None:
    """Draw some training tiles, each as it is and as the training sees it.

    Parameters
    ----------
    tiles
        The training tiles with their augmentation.
    out
        PNG: a row a tile, first as it is, then `draws` times changed. Where pixels
        have labels, what is not annotated is pale, so that it shows whether they
        move along.
    seed
        Chooses the tiles.
    rows, draws
        Number of tiles, and of changes of each.
    """
    rng = generator(seed, "augmented sheet")
    chosen = sorted(rng.choice(len(tiles), min(rows, len(tiles)), replace=False).tolist())
    size = (
        (draws + 1) * (_SIDE + _GAP) + _GAP,
        len(chosen) * (_SIDE + _GAP) + _GAP + _HEAD,
    )
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, _GAP), "as it is", fill=_INK, font_size=13)
    pen.text((2 * _GAP + _SIDE, _GAP), "as the network sees it", fill=_INK, font_size=13)
    for row, tile in enumerate(chosen):
        items: list[int | Draw] = [tile]
        items += [Draw(tile, derived_seed(seed, "sheet", tile, draw)) for draw in range(draws)]
        for column, item in enumerate(items):
            place = (_GAP + column * (_SIDE + _GAP), _HEAD + _GAP + row * (_SIDE + _GAP))
            picture = _picture(*tiles[item][:2])
            picture.thumbnail((_SIDE, _SIDE))
            sheet.paste(picture, place)
    save_png(sheet, out)


def _picture(pixels: torch.Tensor, labels: torch.Tensor | int) -> Image.Image:
    """A tile, pale where it is not annotated."""
    colours = pixels.permute(1, 2, 0).numpy().astype(float)
    if np.ndim(labels) < 2:
        return Image.fromarray(colours.astype(np.uint8))
    unknown = np.asarray(labels) == IGNORE
    colours[unknown] = 0.4 * colours[unknown] + 0.6 * 255
    return Image.fromarray(colours.round().astype(np.uint8))
