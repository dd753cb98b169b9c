"""Training of one segmentation network: its tiles, its loop and what is kept of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch.utils.data import DataLoader

from histoniche.errors import InputError
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.augmented_sheet import draw_augmented
from histoniche.learning.calibration import fit_temperature, sample_pixels
from histoniche.learning.data import EpochSampler, LabelledTiles, balanced_chances, class_lookup
from histoniche.learning.encoder_weights import weights_digest
from histoniche.learning.loop import TrainingLoader, fit, keep_model, loader_options, state_name
from histoniche.learning.losses import class_weights
from histoniche.learning.metrics import class_metrics, confusion_matrix
from histoniche.learning.models import choose_device, count_devices
from histoniche.learning.networks import published_colours
from histoniche.learning.segmenter import Batch, Segmenter
from histoniche.randomness import derived_seed, generator
from histoniche.slides.store import TileStore


def train_segmenter(
    stores: Mapping[str, Sequence[Path]],
    out: Path,
    state: Path,
    *,
    classes: Mapping[str, Sequence[int]],
    settings: Mapping[str, Any],
    encoder_weights: Path | None,
    origin: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train one network and write the best epoch as a model folder.

    Parameters
    ----------
    stores
        Folders of tile stores under `train` and `validation`.
    out
        Folder of the model; its `history.parquet` holds losses and metrics by epoch, its
        `augmented.png` shows training tiles as the network sees them.
    state
        Folder for checkpoints; survives a failure, is removed at the end.
    classes
        Labels of each class, by the class's name.
    settings
        The config's block `segmentation.training`, with the head's own settings.
    encoder_weights
        Safetensors file that the encoder starts from, where the settings name one.
    origin
        What else the model's description shall say of where it comes from.
    seed, threads
        Seed of this network; CPU threads it may use.

    Raises
    ------
    InputError
        If one side has no labelled tile.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(derived_seed(seed, "weights"))
    opened = {side: [TileStore(folder) for folder in folders] for side, folders in stores.items()}
    tiles = _labelled_tiles(opened, class_lookup(list(classes.values())), settings)
    normalisation = _normalisation(tiles["train"], settings)
    draw_augmented(tiles["train"], out / "augmented.png", seed=seed)
    devices = count_devices()
    loaders = _loaders(tiles, settings, seed, threads, devices)
    counts = tiles["train"].pixels.sum(0).tolist()
    module = Segmenter(
        settings,
        classes=len(classes),
        encoder_weights=encoder_weights,
        normalisation=normalisation,
        class_weight=class_weights(counts, settings["class_balance"]),
        steps=settings["epochs"] * len(loaders["train"]),
        seed=seed,
    )
    content = [store.attributes["manifest"] for side in opened.values() for store in side]
    state = state / state_name([settings, seed, classes, content])
    fit(module, loaders, state, settings, epochs=settings["epochs"], devices=devices)
    module.to(choose_device())
    held_out = _evaluate(module, loaders["validation"], list(classes), seed)
    first = next(store for store in opened["train"] if len(store))
    description = {
        "classes": list(classes),
        "labels": {name: list(labels) for name, labels in classes.items()},
        "mpp": first.attributes["mpp"],
        "fit_px": first.attributes.get("fit_px"),
        "size": first.attributes["size"],
        "normalisation": normalisation,
        "settings": dict(settings),
        "seed": seed,
        "tiles": {side: len(some) for side, some in tiles.items()},
        "encoder_weights_sha256": weights_digest(encoder_weights, settings),
        **held_out,
        **origin,
    }
    keep_model(module, description, out=out, state=state)


def _labelled_tiles(
    stores: Mapping[str, Sequence[TileStore]], lookup: np.ndarray, settings: Mapping[str, Any]
) -> dict[str, LabelledTiles]:
    """Tiles of each side, from stores whose content is what was written."""
    changes = {"train": Augmentation(settings["augment"], crop=settings["crop"])}
    tiles = {}
    for side, some in stores.items():
        for store in some:
            store.check()
        tiles[side] = LabelledTiles(some, lookup, changes.get(side))
        if len(tiles[side]) == 0:
            raise InputError(
                f"no labelled tile for {side}",
                column="annotation",
                remedy="annotate more slides or change the block split",
            )
    return tiles


def _normalisation(tiles: LabelledTiles, settings: Mapping[str, Any]) -> dict[str, list[float]]:
    """Mean and deviation that pixels are brought from, as the settings say."""
    if settings["normalisation"] == "imagenet":
        return {"mean": list(IMAGENET_DEFAULT_MEAN), "deviation": list(IMAGENET_DEFAULT_STD)}
    if settings["normalisation"] == "encoder":
        return published_colours(settings["encoder"])
    mean, deviation = tiles.colour_statistics()
    return {"mean": mean, "deviation": deviation}


def _loaders(
    tiles: Mapping[str, LabelledTiles],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
    devices: int,
) -> dict[str, DataLoader[Batch]]:
    """Loaders of both sides."""
    options = loader_options(settings["batch_size"], devices=devices, threads=threads)
    balanced = settings["sampling"] == "balanced"
    chances = balanced_chances(tiles["train"].pixels) if balanced else None
    count = len(tiles["train"])
    sampler = EpochSampler(count, seed, chances=chances, processes=devices)
    return {
        "train": TrainingLoader(tiles["train"], sampler=sampler, **options),
        "validation": DataLoader(tiles["validation"], **options),
    }


@torch.inference_mode()
def _evaluate(
    module: Segmenter, loader: DataLoader[Batch], classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Temperature and IoU of the best epoch on the validation tiles."""
    rng = generator(seed, "calibration")
    matrix = np.zeros((len(classes), len(classes)), np.int64)
    samples = []
    for pixels, labels in loader:
        logits = module(pixels.to(module.device)).float().cpu()
        matrix += confusion_matrix(labels.numpy(), logits.argmax(1).numpy(), classes=len(classes))
        samples.append(sample_pixels(logits, labels, rng=rng))
    scores, truths = (torch.cat(parts) for parts in zip(*samples, strict=True))
    iou = dict(zip(classes, class_metrics(matrix)["iou"], strict=True))
    return {"temperature": fit_temperature(scores, truths), "validation_iou": _finite(iou)}


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which has no NaN."""
    return {name: float(x) if np.isfinite(x) else None for name, x in numbers.items()}
