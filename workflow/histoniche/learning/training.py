"""Training of one segmentation network: Lightning's loop, resumable, the best epoch kept."""

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging
from lightning.pytorch.plugins.environments import LightningEnvironment
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch.utils.data import DataLoader

from histoniche import __version__
from histoniche.errors import InputError
from histoniche.files import sha256
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.augmented_sheet import draw_augmented
from histoniche.learning.calibration import fit_temperature, sample_pixels
from histoniche.learning.checkpoints import Checkpoints, best_weights, last_history, newest_state
from histoniche.learning.data import EpochSampler, LabelledTiles, balanced_chances, class_lookup
from histoniche.learning.losses import class_weights
from histoniche.learning.metrics import class_metrics, confusion_matrix
from histoniche.learning.models import choose_device, choose_precision, count_devices, save_model
from histoniche.learning.networks import installed_file, published_colours
from histoniche.learning.segmenter import Batch, Segmenter
from histoniche.randomness import derived_seed, generator
from histoniche.slides.store import TileStore
from histoniche.tables import write_table


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
    loaders = _loaders(tiles, settings, seed, threads)
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
    state = state / _digest([settings, seed, classes, content])
    _fit(module, loaders, state, settings)
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
        "epochs": len(module.history),
        "kept": min(module.history, key=lambda row: row["validation_loss"]),
        "precision": choose_precision(),
        "encoder_weights_sha256": _weights_digest(encoder_weights, settings),
        "versions": {
            "histoniche": __version__,
            "lightning": lightning.__version__,
            "torch": torch.__version__,
        },
        **held_out,
        **origin,
    }
    save_model(module.network, description, out)
    write_table(pd.DataFrame(module.history), out / "history.parquet")
    shutil.rmtree(state, ignore_errors=True)


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


class _TrainingLoader(DataLoader[Batch]):
    """A loader that goes on in the middle of an epoch, since its sampler knows the place.

    Lightning asks for the two methods; what they would hold is in its own checkpoint.
    """

    def state_dict(self) -> dict[str, Any]:
        """Nothing of its own."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Nothing of its own."""


def _loaders(
    tiles: Mapping[str, LabelledTiles], settings: Mapping[str, Any], seed: int, threads: int
) -> dict[str, DataLoader[Batch]]:
    """Loaders of both sides; on a GPU the tiles are read by other processes."""
    devices = count_devices()
    options: dict[str, Any] = {"batch_size": max(1, settings["batch_size"] // devices)}
    if torch.cuda.is_available() and threads > 1:
        workers = max(1, threads // devices - 1)
        options |= {"num_workers": workers, "pin_memory": True, "persistent_workers": True}
    balanced = settings["sampling"] == "balanced"
    chances = balanced_chances(tiles["train"].pixels) if balanced else None
    count = len(tiles["train"])
    sampler = EpochSampler(count, seed, chances=chances, processes=devices)
    return {
        "train": _TrainingLoader(tiles["train"], sampler=sampler, **options),
        "validation": DataLoader(tiles["validation"], **options),
    }


def _fit(
    module: Segmenter,
    loaders: Mapping[str, DataLoader[Batch]],
    state: Path,
    settings: Mapping[str, Any],
) -> None:
    """Train, going on from the newest readable state, and load the best weights."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    devices = count_devices()
    callbacks: list[lightning.Callback] = [
        EarlyStopping("validation_loss", patience=settings["patience"]),
        Checkpoints(state, minutes=settings["checkpoint_minutes"], monitor="validation_loss"),
    ]
    if settings["weight_average"]:
        callbacks.append(EMAWeightAveraging(decay=settings["weight_average"]))
    trainer = lightning.Trainer(
        max_epochs=settings["epochs"],
        accelerator="auto",
        devices=devices,
        # Snakemake runs one process a job, which forks those of the devices. A shallow network
        # leaves the deeper stages of its encoder unused.
        strategy="ddp_fork_find_unused_parameters_true" if devices > 1 else "auto",
        precision=choose_precision(),
        callbacks=callbacks,
        # Lightning must not read SLURM's variables.
        plugins=[LightningEnvironment()],
        gradient_clip_val=settings["gradient_clip"] or None,
        # The sampler divides its epochs itself.
        use_distributed_sampler=False,
        deterministic=not torch.cuda.is_available(),
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        num_sanity_val_steps=0,
    )
    start = newest_state(state)
    if start is not None:
        _skip_seen(loaders["train"], start)
    with warnings.catch_warnings():
        # Lightning's own use of a class that torch has renamed.
        warnings.filterwarnings("ignore", message=".*LeafSpec")
        trainer.fit(
            module,
            loaders["train"],
            loaders["validation"],
            ckpt_path=start,
            weights_only=True,
        )
    # Forked processes trained copies, so that the files speak.
    module.history = last_history(state)
    module.load_state_dict(best_weights(state))
    module.eval()


def _skip_seen(loader: DataLoader[Batch], state: Path) -> None:
    """Let an epoch that was interrupted go on behind the tiles that it has seen."""
    content = torch.load(state, map_location="cpu", weights_only=True)
    progress = content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    sampler = loader.sampler
    if isinstance(sampler, EpochSampler) and progress["processed"] < len(loader):
        batch = int(loader.batch_size or 1) * count_devices()
        sampler.skip(content["epoch"], progress["processed"] * batch)


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


def _weights_digest(weights: Path | None, settings: Mapping[str, Any]) -> str | None:
    """Digest of the file that the encoder started from; None without a file."""
    file = weights or installed_file(settings)
    return sha256(file) if file else None


def _digest(content: Any) -> str:
    """Name of a training's state: other settings or tiles never resume it."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which has no NaN."""
    return {name: float(x) if np.isfinite(x) else None for name, x in numbers.items()}
