"""The job that draws a trait's gallery, with what drew the network to what it named."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from histoniche.errors import InputError
from histoniche.learning.gradcam import grad_cam
from histoniche.learning.models import Model, choose_device, load_model
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from histoniche.traits.gallery import picture_review_tiles
from histoniche.traits.voters import voters_of


def draw_review_tiles(
    chosen: Path,
    tiles: Mapping[str, Path],
    models: Mapping[int, Path],
    out: Path,
    *,
    choice: Path | None,
    rounds: Path | None,
    trait: str,
    classes: Sequence[str],
    threads: int,
) -> None:
    """Draw a trait's gallery, with a Grad-CAM beside each tile where models are given.

    Parameters
    ----------
    chosen
        What `choose_review_tiles` wrote.
    tiles
        Tile stores by slide.
    models
        Folders of the trait's models, by round; none to draw the tiles alone.
    out
        PNG.
    choice, rounds
        As for `histoniche.traits.votes.vote_tiles`. Of the networks that judge the tile's
        patient the best one is looked into.
    trait, classes, threads
        The trait and its classes; CPU threads.
    """
    torch.set_num_threads(threads)
    cams = None
    if models:
        table = read_table(chosen)
        networks = _networks(table, models, choice, rounds)
        cams = _grad_cams(table, tiles, networks, classes)
    picture_review_tiles(chosen, tiles, out, trait=trait, classes=classes, grad_cams=cams)


def _networks(
    chosen: pd.DataFrame, models: Mapping[int, Path], choice: Path | None, rounds: Path | None
) -> dict[str, Model]:
    """Best network that judges each patient."""
    divided = None if rounds is None else read_table(rounds)
    ranked = None if choice is None else read_table(choice)
    best = {
        patient: voters_of(patient, choice=ranked, rounds=divided, there=models).rounds[0]
        for patient in chosen["patient"].astype(str).unique()
    }
    device = choose_device()
    loaded = {
        number: load_model(models[number], device=device, task="classification")
        for number in sorted(set(best.values()))
    }
    return {patient: loaded[number] for patient, number in best.items()}


def _grad_cams(
    chosen: pd.DataFrame,
    tiles: Mapping[str, Path],
    networks: Mapping[str, Model],
    classes: Sequence[str],
) -> np.ndarray | None:
    """Grad-CAM of each chosen tile for the class called; None if no network has maps."""
    stores = {slide: TileStore(tiles[slide]) for slide in chosen["slide"].unique()}
    cams = []
    for row in chosen.to_dict("records"):
        pixels = stores[row["slide"]].tile("pixels", int(row["tile"]))
        try:
            target = list(classes).index(row["called"])
            cams.append(grad_cam(networks[row["patient"]], pixels, target=target))
        except InputError:
            # Of a network without maps, as a transformer, the tile stands alone.
            cams.append(np.full(pixels.shape[:2], np.nan, np.float32))
    found = np.stack(cams) if cams else np.empty((0, 1, 1), np.float32)
    return None if len(found) and bool(np.isnan(found).all()) else found
