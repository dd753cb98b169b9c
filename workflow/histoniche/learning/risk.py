"""Training of a risk from images: one network over a patient's slices, by Cox's likelihood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from histoniche.files import sha256
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.loop import loader_options, state_name
from histoniche.learning.risk_images import (
    RiskImages,
    RiskSample,
    common_shape,
    image_statistics,
)
from histoniche.learning.risk_learner import (
    Answers,
    RiskLearner,
    check_sides,
    fit_risk,
    risk_loaders,
)
from histoniche.learning.risk_network import build_slice_network
from histoniche.randomness import derived_seed


class ImageRiskLearner(RiskLearner):
    """A network over the slices of patients in training."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log hazards of normalised images."""
        return self.network(images)

    def log_hazards(self, batch: Answers) -> Answers:
        """Log hazards, times and events of some patients."""
        images, times, events = batch
        return self(images.to(self.device)).float(), times, events


def train_risk(
    samples: Mapping[str, Sequence[RiskSample]],
    out: Path,
    state: Path,
    *,
    settings: Mapping[str, Any],
    origin: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train one network from scratch and write the best epoch as a model folder.

    Parameters
    ----------
    samples
        Patients under `train` and `validation`.
    out
        Folder of the model; its `history.parquet` holds loss and concordance by epoch.
    state
        Folder for checkpoints; survives a failure, is removed at the end.
    settings
        The config's block of the training: those of `build_slice_network`, and `batch_size`,
        the most patients of a batch, who are each other's risk sets.
    origin
        What else the model's description shall say of where it comes from.
    seed, threads
        Seed of this network; CPU threads it may use.

    Raises
    ------
    InputError
        If a side has fewer than two events or nobody, samples differ in shape or cannot be
        read, or the network cannot be built.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(derived_seed(seed, "weights"))
    check_sides(samples)
    shape = common_shape([sample for side in samples.values() for sample in side])
    normalisation = image_statistics(samples["train"])
    # Normalised images have their mean at 0.
    changes = {"train": Augmentation(settings["augment"], crop=None, background=0.0)}
    sides = {
        side: RiskImages(some, normalisation, changes.get(side)) for side, some in samples.items()
    }
    options = loader_options(settings["batch_size"], devices=1, threads=threads)
    loaders = risk_loaders(sides, samples["train"], options, seed=seed)
    module = ImageRiskLearner(
        build_slice_network(settings, maps=shape[1]),
        settings,
        normalisation=normalisation,
        steps=settings["epochs"] * len(loaders["train"]),
        seed=seed,
    )
    content = [
        [(sha256(one.file), float(one.time), bool(one.event)) for one in some]
        for some in samples.values()
    ]
    description = {
        "task": "risk",
        "shape": list(shape),
        "normalisation": normalisation,
        "seed": seed,
        **origin,
    }
    state = state / state_name([settings, seed, content])
    fit_risk(module, loaders, samples, settings, description, out=out, state=state)
