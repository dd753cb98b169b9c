"""Application: all heads in one pass over each slide's tiles."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.files import whole_folder
from histoniche.learning.models import Model, choose_device
from histoniche.regions.heads import fused_logits, load_heads
from histoniche.slides.store import TileStore, TileWriter

_TILES_A_STEP = 16
_COPIED = (
    "slide",
    "status",
    "reason",
    "mpp",
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
        _segment(tiles, outs[slide], heads, palette, device)
        logging.info("%d of %d: %s, %d tiles", number, len(stores), slide, len(tiles))


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
        for _, shard in tiles.shards("pixels"):
            for first in range(0, len(shard), _TILES_A_STEP):
                for label, confidence in zip(
                    *_predict(shard[first : first + _TILES_A_STEP], heads, palette, device),
                    strict=True,
                ):
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
