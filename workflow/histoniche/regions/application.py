"""Application: all heads in one pass over each slide's tiles."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.learning.models import Model, choose_device
from histoniche.regions.heads import fused_logits, load_heads
from histoniche.slides.store import TileStore, TileWriter

_TILES_A_STEP = 16
# Pixels of the neighbouring tiles that a network sees around a tile, a multiple of 32.
_HALO = 32
# Tiles copied from a slide differ from the tiling's resolution by up to 2 %.
_NEAR_ENOUGH = 0.03
_COPIED = (
    "slide",
    "status",
    "reason",
    "mpp",
    "fit_px",
    "size",
    "scale_to_level0",
    "slide_size",
    "slide_mpp",
    "grid",
)


def segment_slides(
    stores: Mapping[str, Path],
    outs: Mapping[str, Path],
    models: Mapping[str, Path],
    *,
    palette: Sequence[Mapping[str, Any]],
    threads: int,
) -> None:
    """Find the regions on every tile of several slides.

    Parameters
    ----------
    stores
        Folders of the tiles, by slide.
    outs
        Folders to write, by slide: stores with `label` (n, size, size), the most
        probable region, and `confidence` (n, size, size), its calibrated
        probability from 0 to 255. A skipped slide gives an empty store.
    models
        Folders of the models, by head.
    palette
        Mappings with `label` and `region`, background first.
    """
    torch.set_num_threads(threads)
    device = choose_device()
    heads = load_heads(models, palette, device=device)
    for number, (slide, folder) in enumerate(stores.items(), start=1):
        tiles = TileStore(folder)
        tiles.check()
        _check_resolution(heads, tiles)
        _segment(tiles, outs[slide], heads, palette, device)
        logging.info("%d of %d: %s, %d tiles", number, len(stores), slide, len(tiles))


def _check_resolution(heads: Mapping[str, Model], tiles: TileStore) -> None:
    """A network sees tiles of the resolution that it was trained at."""
    if len(tiles) == 0:
        return
    for head, model in heads.items():
        fitted = model.description.get("fit_px")
        key, unit = ("fit_px", "px a slide") if fitted else ("mpp", "µm per pixel")
        wanted, given = float(model.description[key]), tiles.attributes.get(key)
        if given is None or abs(wanted / float(given) - 1) > _NEAR_ENOUGH:
            raise InputError(
                f"the model was trained at {wanted:g} {unit}, the tiles have {given}",
                column="segmentation.tiling",
                value=head,
                remedy="choose a tiling of the model's resolution",
            )


class Neighbourhood:
    """Tiles with a halo from their neighbours in the store; white where there is none.

    Parameters
    ----------
    tiles
        The store.
    halo
        Width of the halo in pixels, at most a tile's side.
    """

    def __init__(self, tiles: TileStore, *, halo: int) -> None:
        self._tiles = tiles
        self._halo = halo
        self._size = int(tiles.attributes["size"])
        self._cells = [(int(column), int(row)) for column, row in tiles.column("cell")]
        self._index = {cell: index for index, cell in enumerate(self._cells)}
        # Tiles come row by row, so two rows of them and a little more are read once.
        self._tile = lru_cache(maxsize=3 * int(tiles.attributes["grid"][0]) + 2)(self._read)

    def read(self, index: int) -> np.ndarray:
        """One tile with its halo, uint8 (size + 2 halo, size + 2 halo, 3)."""
        size, halo = self._size, self._halo
        canvas = np.full((3 * size, 3 * size, 3), 255, np.uint8)
        column, row = self._cells[index]
        for dx, dy in product((-1, 0, 1), repeat=2):
            neighbour = self._index.get((column + dx, row + dy))
            if neighbour is not None:
                y, x = (1 + dy) * size, (1 + dx) * size
                canvas[y : y + size, x : x + size] = self._tile(neighbour)
        inside = slice(size - halo, 2 * size + halo)
        return canvas[inside, inside]

    def crop(self, images: np.ndarray) -> np.ndarray:
        """The tiles of images that have a halo, (n, size, size)."""
        inside = slice(self._halo, self._halo + self._size)
        return images[:, inside, inside]

    def _read(self, index: int) -> np.ndarray:
        """Pixels of one tile."""
        return self._tiles.tile("pixels", index)


def _segment(
    tiles: TileStore,
    out: Path,
    heads: Mapping[str, Model],
    palette: Sequence[Mapping[str, Any]],
    device: torch.device,
) -> None:
    """Write the regions of one slide's tiles."""
    attributes = {key: tiles.attributes[key] for key in _COPIED if key in tiles.attributes}
    with whole_folder(out) as folder:
        if len(tiles) == 0:
            TileWriter(folder, 0, {}).close({}, {**attributes, "tiles": 0})
            return
        size = int(tiles.attributes["size"])
        shapes = {"label": (size, size), "confidence": (size, size)}
        writer = TileWriter(folder, len(tiles), shapes)
        neighbourhood = Neighbourhood(tiles, halo=min(_HALO, size))
        for first in range(0, len(tiles), _TILES_A_STEP):
            batch = range(first, min(first + _TILES_A_STEP, len(tiles)))
            pixels = np.stack([neighbourhood.read(index) for index in batch])
            found = _predict(pixels, heads, palette, device)
            for label, confidence in zip(*map(neighbourhood.crop, found), strict=True):
                writer.append(label=label, confidence=confidence)
        columns = {name: tiles.column(name) for name in ("origin", "cell", "tissue")}
        writer.close(columns, {**attributes, "tiles": len(tiles)})


@torch.inference_mode()
def _predict(
    pixels: np.ndarray,
    heads: Mapping[str, Model],
    palette: Sequence[Mapping[str, Any]],
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Regions and their confidence for tiles (n, size, size, 3), both uint8 (n, size, size)."""
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
    probabilities = fused_logits(heads, batch, palette).softmax(1)
    confidence, label = probabilities.max(1)
    return (
        label.to(torch.uint8).cpu().numpy(),
        (confidence * 255).round().to(torch.uint8).cpu().numpy(),
    )
