"""A network that names tiles, in training: its loss and what its validation finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.learning.classifiers import start_classifier
from histoniche.learning.discrimination import macro_auroc, slide_shares
from histoniche.learning.learner import Learner, Row
from histoniche.learning.losses import SummedLoss

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Classifier(Learner):
    """A network that names tiles, with its loss.

    While the encoder is frozen, its normalisation does not learn either and an
    auxiliary classifier is left alone.

    Parameters
    ----------
    settings
        The config's block of the training; `frozen_epochs` passes through the tiles
        leave the encoder as it starts, None all of them.
    classes
        Number of classes.
    encoder_weights
        Safetensors file that the encoder starts from, where the settings name one.
    normalisation, steps, seed
        As for `Learner`.
    class_weight
        Weight of each class in the losses, or None.
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
            start_classifier(settings, classes=classes, weights=encoder_weights),
            settings,
            normalisation=normalisation,
            steps=steps,
            seed=seed,
            monitor=settings["monitor"],
        )
        self._loss = SummedLoss(settings, class_weight)
        self._seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self._found: Row = {}
        if settings["frozen_epochs"] is None:
            # Then the optimiser needs no room for it.
            self.network.get_submodule("encoder").requires_grad_(False)

    def batch_loss(self, batch: Batch) -> torch.Tensor:
        """Loss of tiles and their classes, with that of an auxiliary classifier."""
        frozen = self._freeze()
        found = self(batch[0])
        if not isinstance(found, tuple):
            return self._loss(found.float(), batch[1])
        loss = self._loss(found[0].float(), batch[1])
        if frozen:
            return loss
        return loss + self._settings["auxiliary_weight"] * self._loss(found[1].float(), batch[1])

    def _freeze(self) -> bool:
        """Let the encoder learn, or not yet: a matter of the epoch alone."""
        epochs = self._settings["frozen_epochs"]
        done = self.current_epoch // self._settings["checks_per_epoch"]
        frozen = epochs is None or done < epochs
        encoder = self.network.get_submodule("encoder")
        if epochs:
            encoder.requires_grad_(not frozen)
        encoder.train(not frozen)
        return frozen

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss of one held-out batch; its probabilities are kept for the end."""
        logits = self(batch[0]).float()
        loss = self._loss(logits, batch[1])
        self.log("validation_loss", loss, on_epoch=True, batch_size=len(batch[0]), sync_dist=True)
        self._seen.append((logits.softmax(1).cpu(), batch[1].cpu(), batch[2].cpu()))

    def on_validation_epoch_end(self) -> None:
        """Find how well tiles and slides are told apart."""
        probabilities, classes, slides = (
            torch.cat(parts).numpy() for parts in zip(*self._seen, strict=True)
        )
        self._seen = []
        self._found = {
            f"validation_{name}": value
            for name, value in tile_metrics(probabilities, classes, slides).items()
        }
        self.log_dict(self._found, sync_dist=True)

    def validation_row(self) -> Row:
        """Accuracy and areas under the curve, of tiles and of slides."""
        return self._found


def tile_metrics(probabilities: np.ndarray, classes: np.ndarray, slides: np.ndarray) -> Row:
    """Accuracy and area under the curve of tiles, and of slides by their share of tiles.

    Parameters
    ----------
    probabilities
        (tiles, classes).
    classes, slides
        Class and slide of each tile, (tiles,).

    Returns
    -------
    `accuracy` and `auc` of tiles, `slide_auc` of slides, whose score is the share of their
    tiles that are of a class; of more than two classes the mean over each against the rest.
    """
    _, first, number = np.unique(slides, return_index=True, return_inverse=True)
    shares = slide_shares(probabilities, number, count=len(first))
    return {
        "accuracy": float((probabilities.argmax(1) == classes).mean()),
        "auc": macro_auroc(probabilities, classes),
        "slide_auc": macro_auroc(shares, classes[first]),
    }
