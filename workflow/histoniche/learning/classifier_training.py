"""Training of one network that names tiles by the class of their slide."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from histoniche.errors import InputError
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.augmented_sheet import draw_augmented
from histoniche.learning.calibration import fit_temperature
from histoniche.learning.classed_tiles import ClassedTiles, balanced_by_slide
from histoniche.learning.classifier import Batch, Classifier, tile_metrics
from histoniche.learning.classifiers import check_side, encoder_colours
from histoniche.learning.data import EpochSampler
from histoniche.learning.encoder_weights import weights_digest
from histoniche.learning.learner import best_row
from histoniche.learning.loop import TrainingLoader, fit, loader_options, state_name, versions
from histoniche.learning.losses import class_weights
from histoniche.learning.models import choose_device, choose_precision, count_devices, save_model
from histoniche.randomness import derived_seed
from histoniche.slides.store import TileStore
from histoniche.tables import write_table


class ClassedSlide(NamedTuple):
    """A slide's tiles and its class."""

    store: Path
    label: str


def train_classifier(
    slides: Mapping[str, Sequence[ClassedSlide]],
    out: Path,
    state: Path,
    *,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    encoder_weights: Path | None,
    origin: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train one network and write the best check as a model folder.

    Parameters
    ----------
    slides
        Slides with their classes under `train` and `validation`.
    out
        Folder of the model; its `history.parquet` holds losses and metrics by check, its
        `augmented.png` shows training tiles as the network sees them.
    state
        Folder for checkpoints; survives a failure, is removed at the end.
    classes
        Names in order; of two the second is the positive one.
    settings
        The config's block of the training.
    encoder_weights
        Safetensors file that the encoder starts from, where the settings name one.
    origin
        What else the model's description shall say of where it comes from.
    seed, threads
        Seed of this network; CPU threads it may use.

    Raises
    ------
    InputError
        If a class has no tile to learn from, or only one has tiles to validate with.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(derived_seed(seed, "weights"))
    opened = {side: [TileStore(one.store) for one in some] for side, some in slides.items()}
    tiles = _classed_tiles(slides, opened, classes, settings, seed)
    first = next(store for store in opened["train"] if len(store))
    check_side(settings, settings["crop"] or int(first.attributes["size"]))
    normalisation = _normalisation(tiles["train"], settings)
    draw_augmented(tiles["train"], out / "augmented.png", seed=seed)
    devices = count_devices()
    loaders = _loaders(tiles, settings, seed, threads, devices)
    checks = settings["epochs"] * settings["checks_per_epoch"]
    counts = np.bincount(tiles["train"].classes, minlength=len(classes)).tolist()
    module = Classifier(
        settings,
        classes=len(classes),
        encoder_weights=encoder_weights,
        normalisation=normalisation,
        class_weight=class_weights(counts, settings["class_balance"]),
        steps=checks * len(loaders["train"]),
        seed=seed,
    )
    state = state / state_name([settings, seed, list(classes), _content(slides, opened)])
    fit(module, loaders, state, settings, epochs=checks, devices=devices)
    module.to(choose_device())
    description = {
        "task": "classification",
        "classes": list(classes),
        "mpp": first.attributes["mpp"],
        "size": first.attributes["size"],
        "normalisation": normalisation,
        "settings": dict(settings),
        "seed": seed,
        **_course(module, tiles),
        "encoder_weights_sha256": weights_digest(encoder_weights, settings),
        "versions": versions(),
        **_evaluate(module, loaders["validation"]),
        **origin,
    }
    save_model(module.network, description, out)
    write_table(_history(module, settings), out / "history.parquet")
    shutil.rmtree(state, ignore_errors=True)


def _content(
    slides: Mapping[str, Sequence[ClassedSlide]], stores: Mapping[str, Sequence[TileStore]]
) -> dict[str, list[tuple[str, Any]]]:
    """What a network learns from by class and manifest, side by side, to name its state."""
    return {
        side: [
            (one.label, store.attributes["manifest"])
            for one, store in zip(some, opened, strict=True)
        ]
        for (side, some), opened in zip(slides.items(), stores.values(), strict=True)
    }


def _course(module: Classifier, tiles: Mapping[str, ClassedTiles]) -> dict[str, Any]:
    """What a network was trained on, for how long, and which of its checks is kept."""
    return {
        "tiles": {side: len(some) for side, some in tiles.items()},
        "slides": {side: len(np.unique(some.slides)) for side, some in tiles.items()},
        "checks": len(module.history),
        "kept": best_row(module.history, module.monitor),
        "precision": choose_precision(),
    }


def _classed_tiles(
    slides: Mapping[str, Sequence[ClassedSlide]],
    stores: Mapping[str, Sequence[TileStore]],
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
) -> dict[str, ClassedTiles]:
    """Tiles of each side, from stores whose content is what was written."""
    changes = {"train": Augmentation(settings["augment"], crop=settings["crop"])}
    few = {"validation": settings["validation_tiles_per_slide"]}
    tiles = {}
    for side, some in slides.items():
        for store in stores[side]:
            store.check()
        tiles[side] = ClassedTiles(
            stores[side],
            [list(classes).index(one.label) for one in some],
            min_tissue=settings["min_tissue"],
            augmentation=changes.get(side),
            per_slide=few.get(side),
            seed=seed,
        )
        _check_classes(tiles[side], side, classes)
        there = {stores[side][number].slide for number in np.unique(tiles[side].slides)}
        without = sorted({store.slide for store in stores[side]} - there)
        if without:
            logging.warning("no tile with enough tissue for %s: %s", side, ", ".join(without))
    return tiles


def _check_classes(tiles: ClassedTiles, side: str, classes: Sequence[str]) -> None:
    """Training needs tiles of every class, validation of two to tell apart."""
    there = set(np.unique(tiles.classes).tolist())
    missing = [name for number, name in enumerate(classes) if number not in there]
    if (side == "train" and missing) or len(there) < 2:
        raise InputError(
            f"no tile of class {', '.join(missing)} for {side}",
            column="classes",
            remedy="label more slides, divide the patients anew or lower min_tissue",
        )


def _normalisation(tiles: ClassedTiles, settings: Mapping[str, Any]) -> dict[str, list[float]]:
    """Mean and deviation that pixels are brought from, as the settings say."""
    if settings["normalisation"] == "encoder":
        return encoder_colours(settings["encoder"])
    mean, deviation = tiles.colour_statistics()
    return {"mean": mean, "deviation": deviation}


def _loaders(
    tiles: Mapping[str, ClassedTiles],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
    devices: int,
) -> dict[str, DataLoader[Batch]]:
    """Loaders of both sides."""
    options = loader_options(settings["batch_size"], devices=devices, threads=threads)
    train = tiles["train"]
    balanced = settings["sampling"] == "balanced"
    sampler = EpochSampler(
        len(train),
        seed,
        chances=balanced_by_slide(train.classes, train.slides) if balanced else None,
        processes=devices,
        parts=settings["checks_per_epoch"],
        groups=train.slides,
        per_group=settings["tiles_per_slide"],
    )
    # A last batch of one tile has no deviation to normalise by.
    lonely = len(sampler) % options["batch_size"] == 1 and len(sampler) > 1
    return {
        "train": TrainingLoader(train, sampler=sampler, drop_last=lonely, **options),
        "validation": DataLoader(tiles["validation"], **options),
    }


@torch.inference_mode()
def _evaluate(module: Classifier, loader: DataLoader[Batch]) -> dict[str, Any]:
    """Temperature and metrics of the best check on the validation tiles."""
    found = [
        (module(pixels.to(module.device)).float().cpu(), classes, slides)
        for pixels, classes, slides in loader
    ]
    logits, classes, slides = (torch.cat(parts) for parts in zip(*found, strict=True))
    metrics = tile_metrics(logits.softmax(1).numpy(), classes.numpy(), slides.numpy())
    return {"temperature": fit_temperature(logits, classes), "validation": metrics}


def _history(module: Classifier, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Losses and metrics by check, with the passes through the tiles that were done by then."""
    table = pd.DataFrame(module.history).rename(columns={"epoch": "check"})
    table.insert(0, "epoch", table["check"] / settings["checks_per_epoch"])
    return table
