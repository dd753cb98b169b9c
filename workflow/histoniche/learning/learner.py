"""A network in training: what all of them share, whatever they learn."""

import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import lightning
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from histoniche.learning.models import normalise
from histoniche.learning.optimisers import build_optimiser, build_schedule
from histoniche.randomness import derived_seed

Batch = Any
Row = dict[str, float]


def better(monitor: str) -> Literal["min", "max"]:
    """Whether less or more of what is monitored is better: less of a loss, more of the rest."""
    return "min" if monitor.endswith("loss") else "max"


def best_row(history: list[Row], monitor: str) -> Row:
    """The first of the best rows of a history."""
    choose = min if better(monitor) == "min" else max
    return choose(history, key=lambda row: row[monitor])


class Learner(lightning.LightningModule):
    """A network with its optimiser, its schedule and its history.

    A subclass says what the loss of a batch is (`batch_loss`), logs
    `validation_loss` and what else is monitored in its `validation_step`, and
    says what the validation found (`validation_row`).

    Parameters
    ----------
    network
        From normalised pixels to logits.
    settings
        The config's block of the training.
    normalisation
        Mean and deviation that pixels are brought from.
    steps
        Optimiser steps of the whole training, for the schedule.
    seed
        Every step draws from this and its number alone.
    monitor
        Name of what tells the best epoch.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Mapping[str, Any],
        *,
        normalisation: Mapping[str, Any],
        steps: int,
        seed: int,
        monitor: str,
    ) -> None:
        super().__init__()
        self.network = network
        self.monitor = monitor
        self.history: list[Row] = []
        self._settings = settings
        self._normalisation = normalisation
        self._steps = steps
        self._seed = seed
        self._losses: list[torch.Tensor] = []
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_state: dict[str, Any] | None = None

    @abstractmethod
    def batch_loss(self, batch: Batch) -> torch.Tensor:
        """Loss of one batch in training."""

    @abstractmethod
    def validation_row(self) -> Row:
        """What the validation of this epoch found, beside its loss; it is then forgotten."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of uint8 pixels."""
        return self.network(normalise(pixels, self._normalisation))

    def on_train_epoch_start(self) -> None:
        """Begin to gather the epoch's losses."""
        self._losses = []

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Loss of one batch."""
        # Dropout depends on the step alone, so that resuming changes nothing.
        torch.manual_seed(derived_seed(self._seed, "step", self.global_step, self.global_rank))
        loss = self.batch_loss(batch)
        self._losses.append(loss.detach())
        return loss

    def on_train_epoch_end(self) -> None:
        """Note the epoch's losses and metrics."""
        row = {
            "epoch": self.current_epoch + 1,
            "learning_rate": float(self.trainer.optimizers[0].param_groups[-1]["lr"]),
            "train_loss": float(torch.stack([loss.cpu() for loss in self._losses]).mean()),
            "validation_loss": float(self.trainer.callback_metrics["validation_loss"]),
            **self.validation_row(),
        }
        self.history.append(row)
        if self._plateau is not None:
            # Not left to Lightning, which forgets it where a training resumes between epochs.
            self._plateau.step(row[self.monitor])
        numbers = [
            f"{name.replace('_', ' ')} {value:.4f}"
            for name, value in row.items()
            if name not in ("epoch", "learning_rate")
        ]
        logging.info("epoch %d: %s", row["epoch"], ", ".join(numbers))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, that of the unfinished epoch too."""
        checkpoint["history"] = self.history
        checkpoint["losses"] = [float(loss) for loss in self._losses]
        checkpoint["plateau"] = None if self._plateau is None else self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history up again."""
        self.history = checkpoint["history"]
        self._losses = [torch.tensor(loss) for loss in checkpoint["losses"]]
        # Its optimiser is made later.
        self._plateau_state = checkpoint.get("plateau")

    def configure_optimizers(self) -> dict[str, Any]:
        """The optimiser and the schedule that the settings name."""
        optimiser = build_optimiser(self.network, self._settings)
        schedule = build_schedule(
            optimiser,
            self._settings,
            steps=self._steps,
            monitor=self.monitor,
            mode=better(self.monitor),
        )
        if isinstance(schedule["scheduler"], ReduceLROnPlateau):
            self._plateau = schedule["scheduler"]
            if self._plateau_state is not None:
                self._plateau.load_state_dict(self._plateau_state)
            return {"optimizer": optimiser}
        return {"optimizer": optimiser, "lr_scheduler": schedule}
