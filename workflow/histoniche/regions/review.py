"""Review: what the best trials of a search find, side by side with the annotation."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from histoniche.cohort.palette import IGNORE, JOINT
from histoniche.cohort.splits import roles_of
from histoniche.files import whole_folder, write_json
from histoniche.learning.metrics import accuracy, confusion_matrix, macro_f1
from histoniche.pictures import save_png
from histoniche.regions.application import segment_slides
from histoniche.regions.maps import map_size
from histoniche.regions.overlay import coloured
from histoniche.slides.store import TileStore
from histoniche.tables import read_table

_SIDE = 420
_GAP = 16
_SLIDES = 4
_NAMED = ("rank", "trial", "model")


def picture_trials(
    leaderboard: Path,
    models: Mapping[int, Path],
    tiles: Mapping[str, Path],
    thumbnails: Mapping[str, Path],
    *,
    split: Path,
    out: Path,
    head: str,
    fold: int | None,
    reviewed: int,
    patients: Mapping[str, str],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    threads: int,
) -> None:
    """Picture the best trials of one head and fold on slides of the validation patients.

    Parameters
    ----------
    leaderboard
        As from `histoniche.learning.leaderboard.rank_trials`.
    models
        Folder of each trial's model.
    tiles, thumbnails
        Stores of the annotated slides, and their pictures, by slide.
    out
        Folder for `trials.json`, a row a trial and slide with its numbers, and a
        picture of each: the slide, what is annotated, and what was found.
    fold
        In a cross-validation the fold that the network is tested on, else None.
    reviewed
        How many trials are pictured, the best first.
    settings
        The config's block `segmentation.application`.
    """
    board = read_table(leaderboard).head(reviewed)
    roles = roles_of(read_table(split), fold)
    shown = _spread([slide for slide in tiles if roles[patients[slide]] == "validation"], tiles)
    own = [entry for entry in palette if head in (JOINT, entry["region"]) or not entry["label"]]
    truths = {slide: _subsampled(TileStore(tiles[slide]), own) for slide in shown}
    rows = []
    with whole_folder(out) as folder:
        for rank, trial, model in zip(*(board[key] for key in _NAMED), strict=True):
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                stores = {slide: Path(scratch) / slide for slide in shown}
                segment_slides(
                    {slide: tiles[slide] for slide in shown},
                    stores,
                    {head: [models[trial]]},
                    patients=patients,
                    palette=own,
                    settings=settings,
                    threads=threads,
                )
                found = {slide: _subsampled(TileStore(store)) for slide, store in stores.items()}
            for slide in shown:
                picture = f"{trial}_{slide}.png"
                _draw(thumbnails[slide], truths[slide], found[slide], own, folder / picture)
                matrix = confusion_matrix(truths[slide], found[slide], classes=len(own))
                rows.append(
                    {
                        "rank": int(rank),
                        "trial": int(trial),
                        "model": model,
                        "slide": slide,
                        "patient": patients[slide],
                        "accuracy": float(accuracy(matrix)),
                        "macro_f1": float(macro_f1(matrix)),
                        "picture": picture,
                    }
                )
            logging.info("trial %d, rank %d: %d slides", trial, rank, len(shown))
        write_json(rows, folder / "trials.json")


def _spread(slides: Sequence[str], tiles: Mapping[str, Path]) -> list[str]:
    """A few slides with labelled tiles, spread evenly over all that have them."""
    stores = {slide: TileStore(tiles[slide]) for slide in slides}
    known = [slide for slide, store in stores.items() if len(store) and "label" in store]
    return known[:: max(1, -(-len(known) // _SLIDES))]


def _subsampled(store: TileStore, palette: Sequence[Mapping[str, Any]] | None = None) -> np.ndarray:
    """Labels of a whole slide, every so many pixels, so that memory does not grow with it.

    Parameters
    ----------
    palette
        Classes by which the labels are numbered anew; all others become 0. None
        leaves them as they are.

    Returns
    -------
    uint8 (height, width); 255 where there is no tile.
    """
    size = int(store.attributes["size"])
    columns, rows = store.attributes["grid"]
    step = max(1, max(columns, rows) * size // _SIDE)
    canvas = np.full((-(-rows * size // step), -(-columns * size // step)), IGNORE, np.uint8)
    lookup = np.arange(256, dtype=np.uint8)
    if palette is not None:
        lookup = np.zeros(256, np.uint8)
        lookup[IGNORE] = IGNORE
        lookup[[entry["label"] for entry in palette]] = range(len(palette))
    for index, (column, row) in enumerate(store.column("cell")):
        y, x = -(row * size) % step, -(column * size) % step
        small = lookup[store.tile("label", index)[y::step, x::step]]
        top, left = -(-row * size // step), -(-column * size // step)
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    width, height = map_size(store)
    return canvas[: -(-height // step), : -(-width // step)]


def _draw(
    thumbnail: Path,
    truth: np.ndarray,
    found: np.ndarray,
    palette: Sequence[Mapping[str, Any]],
    out: Path,
) -> None:
    """Draw a slide, its annotation and what was found in a row."""
    with Image.open(thumbnail) as image:
        plain = image.convert("RGB")
    plain.thumbnail((_SIDE, _SIDE))
    colours = [{**entry, "label": number} for number, entry in enumerate(palette)]
    pictures = [plain]
    for labels in (truth, found):
        shown = np.where(labels == IGNORE, 0, labels).astype(np.uint8)
        pictures.append(coloured(np.asarray(plain), shown, colours))
    width, height = plain.size
    canvas = Image.new("RGB", (3 * width + 2 * _GAP, height + 26), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(15)
    for number, (picture, words) in enumerate(
        zip(pictures, ("slide", "annotated", "found"), strict=True)
    ):
        left = number * (width + _GAP)
        draw.text((left, 2), words, fill="#222222", font=font)
        canvas.paste(picture, (left, 26))
    save_png(canvas, out)
