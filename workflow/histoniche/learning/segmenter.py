"""A segmentation network in training: its loss and what its validation finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torchmetrics.classification import MulticlassConfusionMatrix

from histoniche.cohort.palette import IGNORE
from histoniche.learning.learner import Learner, Row
from histoniche.learning.losses import SummedLoss
from histoniche.learning.metrics import accuracy, class_metrics
from histoniche.learning.networks import start_network

Batch = tuple[torch.Tensor, torch.Tensor]


class Segmenter(Learner):
    """A network that names every pixel, with its loss.

    Parameters
    ----------
    settings
        The config's block `segmentation.training`.
    classes
        Number of classes.
    encoder_weights
        Safetensors file that the encoder starts from, where the settings name one.
    normalisation, steps, seed
        As for `Learner`.
    class_weight
        Weight of each class in the losses by pixels, or None.
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
        super().__init__(
            start_network(settings, classes=classes, weights=encoder_weights),
            settings,
            normalisation=normalisation,
            steps=steps,
            seed=seed,
            monitor="validation_loss",
        )
        self._loss = SummedLoss(settings, class_weight)
        self._confusion = MulticlassConfusionMatrix(classes, ignore_index=IGNORE)

    def batch_loss(self, batch: Batch) -> torch.Tensor:
        """Loss of pixels and their labels."""
        if self._settings["encoder_frozen"]:
            # Its normalisation shall not learn either.
            self.network.get_submodule("encoder").eval()
        return self._loss(self(batch[0]).float(), batch[1])

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss and confusion of one held-out batch."""
        logits = self(batch[0]).float()
        loss = self._loss(logits, batch[1])
        self.log("validation_loss", loss, on_epoch=True, batch_size=len(batch[0]), sync_dist=True)
        self._confusion.update(logits.argmax(1), batch[1])

    def validation_row(self) -> Row:
        """Accuracy, IoU and Dice of the held-out tiles."""
        matrix = self._confusion.compute().cpu().numpy()
        self._confusion.reset()
        found = class_metrics(matrix)
        there = matrix.sum(1) > 0
        return {
            "validation_accuracy": float(accuracy(matrix)),
            "validation_iou": float(found["iou"][there].mean()),
            "validation_dice": float(found["dice"][there].mean()),
        }
