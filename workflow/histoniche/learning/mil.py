"""Multiple-instance learning: bags of tiles that have a class, though no tile has one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader

from histoniche.errors import InputError
from histoniche.learning.attention import GatedAttention, build_attention
from histoniche.learning.bags import Bag, FeatureBags, feature_statistics, open_bags, standardise
from histoniche.learning.calibration import fit_temperature
from histoniche.learning.classed_tiles import balanced_by_slide
from histoniche.learning.data import EpochSampler
from histoniche.learning.discrimination import macro_auroc
from histoniche.learning.learner import Learner, Row
from histoniche.learning.loop import TrainingLoader, fit, keep_model, state_name
from histoniche.learning.losses import SummedLoss, class_weights
from histoniche.learning.models import load_described
from histoniche.randomness import derived_seed

Item = tuple[torch.Tensor, int]


class BagLearner(Learner):
    """Gated attention in training.

    Parameters
    ----------
    settings
        The config's block of the training.
    width, classes
        Number of features and of classes.
    normalisation
        Mean and deviation of each feature.
    class_weight
        Weight of each class in the losses, or None.
    steps, seed
        As for `Learner`.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        width: int,
        classes: int,
        normalisation: Mapping[str, Any],
        class_weight: torch.Tensor | None,
        steps: int,
        seed: int,
    ) -> None:
        super().__init__(
            build_attention(settings, width=width, classes=classes),
            settings,
            normalisation=normalisation,
            steps=steps,
            seed=seed,
            monitor=settings["monitor"],
        )
        self._loss = SummedLoss(settings, class_weight)
        self._scores: list[torch.Tensor] = []
        self._classes: list[torch.Tensor] = []
        self._found: Row = {}

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (classes,) of the features of one bag."""
        return self.network(standardise(features, self._normalisation))[0]

    def batch_loss(self, batch: list[Item]) -> torch.Tensor:
        """Mean loss of some bags."""
        logits, classes = self._answers(batch)
        return self._loss(logits, classes)

    def validation_step(self, batch: list[Item], _: int) -> None:
        """Loss of some held-out bags; their probabilities are kept for the end."""
        logits, classes = self._answers(batch)
        loss = self._loss(logits, classes)
        self.log("validation_loss", loss, on_epoch=True, batch_size=len(batch), sync_dist=True)
        self._scores.append(logits.softmax(1).cpu())
        self._classes.append(classes.cpu())

    def on_validation_epoch_end(self) -> None:
        """Find how well bags are told apart."""
        scores, classes = (torch.cat(one).numpy() for one in (self._scores, self._classes))
        self._scores, self._classes = [], []
        self._found = {
            "validation_accuracy": float((scores.argmax(1) == classes).mean()),
            "validation_auc": macro_auroc(scores, classes),
        }
        self.log_dict(self._found, sync_dist=True)

    def validation_row(self) -> Row:
        """Accuracy and area under the curve."""
        return self._found

    def _answers(self, batch: list[Item]) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (bags, classes) and classes (bags,)."""
        logits = torch.stack([self(features).float() for features, _ in batch])
        return logits, torch.tensor([label for _, label in batch], device=logits.device)


class BagModel(NamedTuple):
    """Gated attention ready to be applied, and its description."""

    network: GatedAttention
    description: Mapping[str, Any]

    @torch.inference_mode()
    def judge(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated probabilities (classes,) and attention (tiles,) of features (tiles, width)."""
        values = torch.from_numpy(features.astype(np.float32))
        logits, attention = self.network(standardise(values, self.description["normalisation"]))
        calibrated = logits / self.description["temperature"]
        return calibrated.softmax(0).numpy(), attention.numpy()


def load_bag_model(folder: Path) -> BagModel:
    """Load finished gated attention; nothing in it is executed.

    Raises
    ------
    InputError
        If files are missing, are not what they are described as, or are of another kind.
    """
    network, description = load_described(
        folder,
        task="mil",
        build=lambda known: build_attention(
            known["settings"], width=known["width"], classes=len(known["classes"])
        ),
    )
    return BagModel(network, description)


def train_mil(
    bags: Mapping[str, Sequence[Bag]],
    out: Path,
    state: Path,
    *,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    origin: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train gated attention on features and write the best epoch as a model folder.

    Parameters
    ----------
    bags
        Under `train` and `validation`.
    out, state
        Folder of the model with its `history.parquet`; folder for checkpoints.
    classes
        Names in order; of two the second is the positive one.
    settings
        The config's block of the training.
    origin
        What else the model's description shall say of where it comes from.
    seed, threads
        Seed of this network; CPU threads it may use.

    Raises
    ------
    InputError
        If a class has no bag to learn from, only one has bags to validate with, or
        features come from different encoders or tilings.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(derived_seed(seed, "weights"))
    opened = open_bags(bags)
    most = {"train": settings["tiles_per_bag"]}
    sides = {}
    for side, (some, stores) in opened.sides.items():
        labels = [list(classes).index(bag.label) for bag in some]
        _check_classes(labels, side, classes)
        sides[side] = FeatureBags(stores, labels, most=most.get(side))
    train = sides["train"]
    normalisation = feature_statistics(train)
    loaders = _loaders(sides, settings, seed)
    counts = np.bincount(train.known, minlength=len(classes)).tolist()
    width = len(normalisation["mean"])
    module = BagLearner(
        {"encoder_rate": 1, **settings},
        width=width,
        classes=len(classes),
        normalisation=normalisation,
        class_weight=class_weights(counts, settings["class_balance"]),
        steps=settings["epochs"] * len(loaders["train"]),
        seed=seed,
    )
    named = [[bag.label for bag in some] for some, _ in opened.sides.values()]
    content = [settings, seed, list(classes), named, opened.manifests()]
    state = state / state_name(content)
    # A bag is little work: several devices would wait for one another.
    fit(module, loaders, state, settings, epochs=settings["epochs"], devices=1)
    description = {
        "task": "mil",
        "classes": list(classes),
        "width": width,
        **opened.common,
        "normalisation": normalisation,
        "settings": dict(settings),
        "seed": seed,
        "bags": {side: len(some) for side, some in sides.items()},
        "temperature": _temperature(module, sides["validation"]),
        **origin,
    }
    keep_model(module, description, out=out, state=state)


@torch.inference_mode()
def _temperature(module: BagLearner, bags: FeatureBags[int]) -> float:
    """Temperature that calibrates the best epoch on the validation bags."""
    module.to("cpu")
    logits = torch.stack([module(bags[number][0]).float() for number in range(len(bags))])
    classes = torch.tensor(bags.known)
    # Of few bags all may be told right; then the likelihood rises for ever the surer they are.
    if bool((logits.argmax(1) == classes).all()):
        return 1.0
    return fit_temperature(logits, classes)


def _check_classes(labels: Sequence[int], side: str, classes: Sequence[str]) -> None:
    """Training needs bags of every class, validation of two to tell apart."""
    missing = [name for number, name in enumerate(classes) if number not in labels]
    if (side == "train" and missing) or len(set(labels)) < 2:
        raise InputError(
            f"no bag of class {', '.join(missing)} for {side}",
            column="classes",
            remedy="label more slides or divide the patients anew",
        )


def _loaders(
    sides: Mapping[str, FeatureBags[int]], settings: Mapping[str, Any], seed: int
) -> dict[str, DataLoader[Any]]:
    """Loaders of both sides."""
    train = sides["train"]
    balanced = settings["sampling"] == "balanced"
    chances = balanced_by_slide(np.array(train.known), np.arange(len(train))) if balanced else None
    options: dict[str, Any] = {"batch_size": settings["batch_size"], "collate_fn": list}
    sampler = EpochSampler(len(train), seed, chances=chances)
    return {
        "train": TrainingLoader(train, sampler=sampler, **options),
        "validation": DataLoader(sides["validation"], **options),
    }
