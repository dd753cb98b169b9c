"""A segmentation network in training: its loss, its steps and its history."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from torchmetrics.classification import MulticlassConfusionMatrix

from histoniche.cohort.palette import IGNORE
from histoniche.learning.losses import SummedLoss
from histoniche.learning.metrics import accuracy, class_metrics
from histoniche.learning.models import normalise
from histoniche.learning.networks import start_network
from histoniche.learning.optimisers import build_optimiser, build_schedule
from histoniche.randomness import derived_seed

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
        Mean and deviation that pixels are brought from.
    class_weight
        Weight of each class in the losses by pixels, or None.
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
        class_weight: torch.Tensor | None,
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
        self._loss = SummedLoss(settings, class_weight)
        self._confusion = MulticlassConfusionMatrix(classes, ignore_index=IGNORE)
        self._losses: list[torch.Tensor] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of uint8 pixels."""
        return self.network(normalise(pixels, self._normalisation))

    def on_train_epoch_start(self) -> None:
        """Begin to gather the epoch's losses."""
        self._losses = []

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Loss of one batch."""
        if self._settings["encoder_frozen"]:
            # Its normalisation shall not learn either.
            self.network.get_submodule("encoder").eval()
        # Dropout depends on the step alone, so that resuming changes nothing.
        torch.manual_seed(derived_seed(self._seed, "step", self.global_step, self.global_rank))
        loss = self._loss(self(batch[0]).float(), batch[1])
        self._losses.append(loss.detach())
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss and confusion of one held-out batch."""
        logits = self(batch[0]).float()
        loss = self._loss(logits, batch[1])
        self.log("validation_loss", loss, on_epoch=True, batch_size=len(batch[0]), sync_dist=True)
        self._confusion.update(logits.argmax(1), batch[1])

    def on_train_epoch_end(self) -> None:
        """Note the epoch's losses and metrics."""
        matrix = self._confusion.compute().cpu().numpy()
        self._confusion.reset()
        found = class_metrics(matrix)
        there = matrix.sum(1) > 0
        row = {
            "epoch": self.current_epoch + 1,
            "learning_rate": float(self.trainer.optimizers[0].param_groups[-1]["lr"]),
            "train_loss": float(torch.stack([loss.cpu() for loss in self._losses]).mean()),
            "validation_loss": float(self.trainer.callback_metrics["validation_loss"]),
            "validation_accuracy": float(accuracy(matrix)),
            "validation_iou": float(found["iou"][there].mean()),
            "validation_dice": float(found["dice"][there].mean()),
        }
        self.history.append(row)
        logging.info(
            "epoch %(epoch)d: training loss %(train_loss).4f, validation loss "
            "%(validation_loss).4f, accuracy %(validation_accuracy).3f, mean Dice "
            "%(validation_dice).3f",
            row,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, that of the unfinished epoch too."""
        checkpoint["history"] = self.history
        checkpoint["losses"] = [float(loss) for loss in self._losses]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history up again."""
        self.history = checkpoint["history"]
        self._losses = [torch.tensor(loss) for loss in checkpoint["losses"]]

    def configure_optimizers(self) -> dict[str, Any]:
        """The optimiser and the schedule that the settings name."""
        optimiser = build_optimiser(self.network, self._settings)
        schedule = build_schedule(optimiser, self._settings, steps=self._steps)
        return {"optimizer": optimiser, "lr_scheduler": schedule}
