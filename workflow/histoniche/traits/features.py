"""Features of a slide's tiles, reckoned once for whatever learns from them."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.learning.features import FrozenEncoder, frozen_encoder
from histoniche.learning.models import choose_device
from histoniche.learning.reading import batches
from histoniche.slides.store import TileStore
from histoniche.traits.findings import write_findings


def encode_slides(
    stores: Mapping[str, Path],
    outs: Mapping[str, Path],
    *,
    settings: Mapping[str, Any],
    encoder_weights: Path | None,
    threads: int,
    slides: Iterable[str] | None = None,
) -> None:
    """Write the features of every tile of several slides.

    Parameters
    ----------
    stores
        Folders of the tiles, by slide.
    outs
        Folders to write, by slide: stores with the column `features`, float16 (tiles, width),
        in the order of the tiles, whose attributes name the encoder and the digest of its
        weights. A slide without tiles gives an empty store.
    settings
        The config's block of the features; see `histoniche.learning.features.frozen_encoder`.
    encoder_weights
        Safetensors file with the encoder's weights, where the settings name one.
    threads
        CPU threads.
    slides
        Those that are still to be done, asked for one by one; all by default.
    """
    torch.set_num_threads(threads)
    opened = {slide: TileStore(folder) for slide, folder in stores.items()}
    size = next((int(one.attributes["size"]) for one in opened.values() if len(one)), 224)
    encoder = frozen_encoder(settings, weights=encoder_weights, size=size, device=choose_device())
    for slide in opened if slides is None else slides:
        tiles = opened[slide]
        tiles.check()
        encode_slide(tiles, outs[slide], encoder, settings=settings, threads=threads)
        logging.info("%s: %d tiles", slide, len(tiles))


def encode_slide(
    tiles: TileStore,
    out: Path,
    encoder: FrozenEncoder,
    *,
    settings: Mapping[str, Any],
    threads: int,
) -> None:
    """Write the features of every tile of one slide; parameters as of `encode_slides`."""
    some = batches(tiles, encoder.device, threads=threads) if len(tiles) else ()
    found = [encoder.features(batch) for batch in some]
    values = torch.cat(found).cpu().numpy() if found else np.empty((0,), np.float16)
    facts = {
        "encoder": settings["encoder"],
        "encoder_digest": encoder.digest,
        "settings": dict(settings),
    }
    write_findings(tiles, out, {"features": values}, facts)
