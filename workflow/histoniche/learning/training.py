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
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch.utils.data import DataLoader

from histoniche import __version__
from histoniche.errors import InputError
from histoniche.files import sha256
from histoniche.learning.augmentation import augment
from histoniche.learning.calibration import fit_temperature, sample_pixels
from histoniche.learning.data import EpochSampler, LabelledTiles, class_lookup
from histoniche.learning.losses import summed_loss
from histoniche.learning.metrics import confusion_matrix, region_metrics
from histoniche.learning.models import choose_precision, normalise, save_model
from histoniche.learning.networks import start_network
from histoniche.randomness import derived_seed, generator
from histoniche.slides.store import TileStore
from histoniche.tables import write_table

Batch = tuple[torch.Tensor, torch.Tensor]


class Segmenter(lightning.LightningModule):
    """A network with its loss, optimiser and history.

    Parameters
    ----------
    settings
        The config's block `segmentation.training`.
    classes
        Number of classes.
    encoder_weights
        Safetensors file that the encoder starts from, where the settings name one.
    normalisation
        Mean and deviation of the training tiles.
    steps
        Optimiser steps of the whole training, for the schedule.
    seed
        Every step draws from this and its number alone.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        classes: int,
        encoder_weights: Path | None,
        normalisation: Mapping[str, Any],
        steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = start_network(settings, classes=classes, weights=encoder_weights)
        self.history: list[dict[str, float]] = []
        self._settings = settings
        self._normalisation = normalisation
        self._steps = steps
        self._seed = seed
        self._loss = summed_loss(settings["loss"])
        self._train_losses: list[torch.Tensor] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of pixels in 0 to 1."""
        return self.network(normalise(pixels, self._normalisation))

    def on_train_epoch_start(self) -> None:
        """Begin to gather the epoch's losses."""
        self._train_losses = []

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Loss of one augmented batch."""
        # Dropout and augmentation depend on the step alone, so that resuming changes nothing.
        torch.manual_seed(derived_seed(self._seed, "step", self.global_step))
        pixels, labels = augment(
            batch[0].float() / 255, batch[1], strength=self._settings["augment"]
        )
        loss = self._loss(self(pixels), labels)
        self._train_losses.append(loss.detach())
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss of one held-out batch."""
        loss = self._loss(self(batch[0].float() / 255), batch[1])
        self.log("validation_loss", loss, on_epoch=True, batch_size=len(batch[0]), sync_dist=True)

    def on_train_epoch_end(self) -> None:
        """Note the epoch's losses."""
        row = {
            "epoch": self.current_epoch + 1,
            "train_loss": float(torch.stack(self._train_losses).mean()),
            "validation_loss": float(self.trainer.callback_metrics["validation_loss"]),
        }
        self.history.append(row)
        logging.info(
            "epoch %(epoch)d: training loss %(train_loss).4f, "
            "validation loss %(validation_loss).4f",
            row,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history with the checkpoint."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history up again."""
        self.history = checkpoint["history"]

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW with a one-cycle schedule (Smith and Topin 2017, arXiv 1708.07120)."""
        rate = self._settings["learning_rate"]
        optimiser = torch.optim.AdamW(
            self.parameters(), lr=rate, weight_decay=self._settings["weight_decay"]
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=rate, total_steps=self._steps
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


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
        Folder of the model; its `history.parquet` holds the losses by epoch.
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
    tiles = _labelled_tiles(opened, class_lookup(list(classes.values())))
    mean, deviation = tiles["train"].colour_statistics()
    normalisation = {"mean": mean, "deviation": deviation}
    loaders = _loaders(tiles, settings["batch_size"], seed, threads)
    module = Segmenter(
        settings,
        classes=len(classes),
        encoder_weights=encoder_weights,
        normalisation=normalisation,
        steps=settings["epochs"] * len(loaders["train"]),
        seed=seed,
    )
    content = [store.attributes["manifest"] for side in opened.values() for store in side]
    state = state / _digest([settings, seed, classes, content])
    _fit(module, loaders, state, settings)
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
        "precision": choose_precision(),
        "encoder_weights_sha256": encoder_weights and sha256(encoder_weights),
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
    stores: Mapping[str, Sequence[TileStore]], lookup: np.ndarray
) -> dict[str, LabelledTiles]:
    """Tiles of each side, from stores whose content is what was written."""
    tiles = {}
    for side, some in stores.items():
        for store in some:
            store.check()
        tiles[side] = LabelledTiles(some, lookup)
        if len(tiles[side]) == 0:
            raise InputError(
                f"no labelled tile for {side}",
                column="annotation",
                remedy="annotate more slides or change the block split",
            )
    return tiles


def _loaders(
    tiles: Mapping[str, LabelledTiles], batch_size: int, seed: int, threads: int
) -> dict[str, DataLoader[Batch]]:
    """Loaders of both sides; on a GPU the tiles are read by other processes."""
    options: dict[str, Any] = {"batch_size": batch_size}
    if torch.cuda.is_available() and threads > 1:
        options |= {"num_workers": threads - 1, "pin_memory": True, "persistent_workers": True}
    sampler = EpochSampler(len(tiles["train"]), seed)
    return {
        "train": DataLoader(tiles["train"], sampler=sampler, **options),
        "validation": DataLoader(tiles["validation"], **options),
    }


def _fit(
    module: Segmenter,
    loaders: Mapping[str, DataLoader[Batch]],
    state: Path,
    settings: Mapping[str, Any],
) -> None:
    """Train, going on from the last checkpoint if there is one, and load the best weights."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    keeper = ModelCheckpoint(
        dirpath=state,
        filename="best",
        monitor="validation_loss",
        save_last=True,
        # After the history has its row, so that the checkpoint holds it.
        save_on_train_epoch_end=True,
    )
    trainer = lightning.Trainer(
        max_epochs=settings["epochs"],
        accelerator="auto",
        devices=1,
        precision=choose_precision(),
        callbacks=[keeper, EarlyStopping("validation_loss", patience=settings["patience"])],
        # Snakemake starts one task a job; Lightning must not read SLURM's variables.
        plugins=[LightningEnvironment()],
        gradient_clip_val=1.0,
        deterministic=not torch.cuda.is_available(),
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        num_sanity_val_steps=0,
    )
    last = state / "last.ckpt"
    with warnings.catch_warnings():
        # Lightning's own use of a class that torch has renamed.
        warnings.filterwarnings("ignore", message=".*LeafSpec")
        trainer.fit(
            module,
            loaders["train"],
            loaders["validation"],
            ckpt_path=last if last.is_file() else None,
            weights_only=True,
        )
    best = torch.load(keeper.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(best["state_dict"])
    module.eval()


@torch.inference_mode()
def _evaluate(
    module: Segmenter, loader: DataLoader[Batch], classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Temperature and IoU of the best epoch on the validation tiles."""
    rng = generator(seed, "calibration")
    matrix = np.zeros((len(classes), len(classes)), np.int64)
    samples = []
    for pixels, labels in loader:
        logits = module(pixels.to(module.device).float() / 255).float().cpu()
        matrix += confusion_matrix(labels.numpy(), logits.argmax(1).numpy(), classes=len(classes))
        samples.append(sample_pixels(logits, labels, rng=rng))
    scores, truths = (torch.cat(parts) for parts in zip(*samples, strict=True))
    iou = dict(zip(classes, region_metrics(matrix)["iou"], strict=True))
    return {"temperature": fit_temperature(scores, truths), "validation_iou": _finite(iou)}


def _digest(content: Any) -> str:
    """Name of a training's state: other settings or tiles never resume it."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which has no NaN."""
    return {name: float(x) if np.isfinite(x) else None for name, x in numbers.items()}
