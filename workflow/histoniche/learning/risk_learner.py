"""A network that foresees survival, in training: what those of images and of bags share."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from histoniche.learning.concordance import agreement, check_events
from histoniche.learning.data import EpochSampler
from histoniche.learning.hazards import cox_loss
from histoniche.learning.learner import Batch, Learner, Row
from histoniche.learning.loop import TrainingLoader, fit, keep_model
from histoniche.learning.models import choose_device

SIDES = ("train", "validation")

Answers = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Followed(Protocol):
    """A patient of whom is known how long they lived, or at least lived."""

    @property
    def time(self) -> float:
        """Days, say, until death or the last contact."""

    @property
    def event(self) -> bool:
        """Whether the patient died then."""


class RiskLearner(Learner):
    """A network from what a patient shows to a log hazard, trained by Cox's partial likelihood.

    Risk sets of the training are those of a batch. The validation's loss and concordance are
    of all its patients at once.

    Parameters
    ----------
    network
        Its linear layer for the log hazard comes last.
    settings
        The config's block of the training; `ties` and `monitor`, which is `validation_loss`
        or `validation_concordance`.
    normalisation, steps, seed
        As for `Learner`.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Mapping[str, Any],
        *,
        normalisation: Mapping[str, Any],
        steps: int,
        seed: int,
    ) -> None:
        super().__init__(
            network,
            {"encoder_rate": 1, **settings},
            normalisation=normalisation,
            steps=steps,
            seed=seed,
            monitor=settings["monitor"],
        )
        self._seen: list[Answers] = []
        self._found: Row = {}

    @abstractmethod
    def log_hazards(self, batch: Batch) -> Answers:
        """Log hazards, times and events of a batch, each (n,)."""

    def batch_loss(self, batch: Batch) -> torch.Tensor:
        """Loss of some patients against one another; 0 where none of them died."""
        return self._loss(self.log_hazards(batch))

    def validation_step(self, batch: Batch, _: int) -> None:
        """Keep the log hazards of some held-out patients for the end."""
        found, times, events = self.log_hazards(batch)
        self._seen.append((found.cpu(), times.cpu(), events.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Find the loss of all held-out patients in one, and how well their order is foreseen."""
        found, times, events = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
        self._seen = []
        loss = self._loss((found, times, events))
        self._found = {"validation_concordance": agreement(found, times, events)}
        self.log_dict({"validation_loss": loss, **self._found})

    def validation_row(self) -> Row:
        """Concordance."""
        return self._found

    def _loss(self, answers: Answers) -> torch.Tensor:
        """Loss of patients who are each other's risk sets."""
        found, times, events = answers
        return cox_loss(found.float(), times, events, ties=self._settings["ties"])


def check_sides(sides: Mapping[str, Sequence[Followed]]) -> None:
    """Fail if one side has too few patients or events to learn from, or to stop by.

    Raises
    ------
    InputError
        As `check_events`.
    """
    for side in SIDES:
        times, events = _outcomes(sides.get(side, ()))
        check_events(times, events, whom=f"those for {side}")


def risk_loaders(
    sides: Mapping[str, Dataset[Any]],
    patients: Sequence[Followed],
    options: Mapping[str, Any],
    *,
    seed: int,
) -> dict[str, DataLoader[Any]]:
    """Loaders of both sides; batches of the training are of one size and have deaths alike.

    Parameters
    ----------
    sides
        Data sets under `train` and `validation`.
    patients
        Of the training, in the order of its data set.
    options
        Of a loader; `batch_size` is the most patients of a batch.
    seed
        Of the training.
    """
    count = len(patients)
    # A last batch of a few has hardly a risk set.
    batches = math.ceil(count / options["batch_size"])
    size = math.ceil(count / batches)
    sampler = EpochSampler(count, seed, spread=_outcomes(patients)[1])
    return {
        "train": TrainingLoader(sides["train"], sampler=sampler, **{**options, "batch_size": size}),
        "validation": DataLoader(sides["validation"], **options),
    }


def fit_risk(
    module: RiskLearner,
    loaders: Mapping[str, DataLoader[Any]],
    sides: Mapping[str, Sequence[Followed]],
    settings: Mapping[str, Any],
    description: Mapping[str, Any],
    *,
    out: Path,
    state: Path,
) -> None:
    """Train a network and write its best epoch as a model folder.

    Parameters
    ----------
    module, loaders
        What is trained, and on what.
    sides
        Patients under `train` and `validation`.
    settings
        The config's block of the training.
    description
        What the model's description shall say of its input and of where it comes from. Added
        are patients and events by side and `mean_log_hazard`, of the training patients.
    out, state
        Folder of the model; folder of the checkpoints of this very training.
    """
    # Over several devices a batch's risk sets would be divided.
    fit(module, loaders, state, settings, epochs=settings["epochs"], devices=1)
    module.to(choose_device())
    whole = {
        "patients": {side: len(some) for side, some in sides.items()},
        "events": {side: int(_outcomes(some)[1].sum()) for side, some in sides.items()},
        "mean_log_hazard": _mean_log_hazard(module, loaders["train"]),
        "settings": dict(settings),
        **description,
    }
    keep_model(module, whole, out=out, state=state)


@torch.inference_mode()
def _mean_log_hazard(module: RiskLearner, loader: DataLoader[Any]) -> float:
    """Mean log hazard of the training patients as they are, not augmented."""
    plain = DataLoader(loader.dataset, batch_size=loader.batch_size, collate_fn=loader.collate_fn)
    return float(torch.cat([module.log_hazards(batch)[0].double() for batch in plain]).mean())


def _outcomes(patients: Sequence[Followed]) -> tuple[np.ndarray, np.ndarray]:
    """Times and events, each (n,)."""
    times = np.array([one.time for one in patients], np.float64)
    return times, np.array([one.event for one in patients], np.bool_)
