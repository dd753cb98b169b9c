"""Application: the probabilities of all traits on all tiles of a slide, in one pass."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.errors import InputError
from histoniche.learning.joint import JointClassifiers
from histoniche.learning.models import choose_device, load_model
from histoniche.learning.reading import batches
from histoniche.slides.store import TileStore
from histoniche.traits.findings import write_findings

# Tiles copied from a slide differ from the tiling's resolution by up to 2 %.
_NEAR_ENOUGH = 0.03


def classify_slides(
    stores: Mapping[str, Path],
    outs: Mapping[str, Mapping[str, Path]],
    models: Mapping[str, Path],
    *,
    threads: int,
    slides: Iterable[str] | None = None,
) -> None:
    """Find the probabilities of several models on every tile of several slides.

    Parameters
    ----------
    stores
        Folders of the tiles, by slide.
    outs
        Folders to write, by slide and by model: stores with the column `probabilities`,
        float16 (tiles, classes), in the order of the tiles, beside `origin`, `cell` and
        `tissue`. Of each slide only the models named here are applied. A slide without
        tiles gives an empty store.
    models
        Folders of the models, by name.
    threads
        CPU threads.
    slides
        Those that are still to be done, asked for one by one; all by default.

    Raises
    ------
    InputError
        If a model was trained at another resolution or tile size.
    """
    torch.set_num_threads(threads)
    device = choose_device()
    wanted = {name for own in outs.values() for name in own}
    loaded = {
        name: load_model(models[name], device=device, task="classification")
        for name in sorted(wanted)
    }
    joint: dict[tuple[str, ...], JointClassifiers] = {}
    for slide in stores if slides is None else slides:
        tiles = TileStore(stores[slide])
        tiles.check()
        names = tuple(outs[slide])
        if names not in joint:
            joint[names] = JointClassifiers({name: loaded[name] for name in names})
        classify_slide(tiles, outs[slide], joint[names], threads=threads)
        logging.info("%s: %d tiles", slide, len(tiles))


def classify_slide(
    tiles: TileStore, outs: Mapping[str, Path], joint: JointClassifiers, *, threads: int
) -> None:
    """Find the probabilities of several models on every tile of one slide.

    Each tile is read and decoded once for all models, and brought to the device once.

    Parameters
    ----------
    tiles
        The slide's tiles.
    outs
        Folder to write, by model; see `classify_slides`.
    joint
        The models.
    threads
        That read and decode while a GPU reckons.

    Raises
    ------
    InputError
        If a model was trained at another resolution or tile size.
    """
    for name in outs:
        check_fit(joint.models[name].description, tiles, name)
    found: dict[str, list[torch.Tensor]] = {name: [] for name in outs}
    for batch in batches(tiles, joint.device, threads=threads) if len(tiles) else ():
        for name, probabilities in joint.probabilities(batch).items():
            found[name].append(probabilities.half())
    for name, folder in outs.items():
        description = joint.models[name].description
        attributes = {
            "model": name,
            "classes": description["classes"],
            "model_sha256": description["weights_sha256"],
        }
        values = torch.cat(found[name]).cpu().numpy() if found[name] else np.empty((0,))
        write_findings(tiles, folder, {"probabilities": values}, attributes)


def check_fit(description: Mapping[str, Any], tiles: TileStore, name: str) -> None:
    """A network sees tiles of the size and resolution that it was trained at.

    Raises
    ------
    InputError
        If these tiles are others.
    """
    if len(tiles) == 0:
        return
    mpp, size = float(description["mpp"]), int(description["size"])
    given, side = float(tiles.attributes["mpp"]), int(tiles.attributes["size"])
    if abs(mpp / given - 1) > _NEAR_ENOUGH or size != side:
        raise InputError(
            f"the model was trained on tiles of {size} px at {mpp:g} µm per pixel, those of "
            f"slide {tiles.slide} have {side} px at {given:g} µm per pixel",
            column="tiling",
            value=name,
            remedy="choose the tiling that the model was trained on",
        )
