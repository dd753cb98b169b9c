"""Risk from slides: gated attention over bags of tiles, by Cox's partial likelihood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from histoniche.learning.attention import GatedAttention, build_attention
from histoniche.learning.bags import FeatureBags, feature_statistics, open_bags, standardise
from histoniche.learning.hazards import centred_risk
from histoniche.learning.loop import state_name
from histoniche.learning.models import load_described
from histoniche.learning.risk_learner import (
    Answers,
    RiskLearner,
    check_sides,
    fit_risk,
    risk_loaders,
)
from histoniche.randomness import derived_seed

Outcome = tuple[float, bool]


class RiskBag(NamedTuple):
    """Stores of the features of a patient's slides, and time until death or the last contact."""

    stores: tuple[Path, ...]
    time: float
    event: bool


class BagRiskLearner(RiskLearner):
    """Gated attention with one output, the log hazard, in training."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Log hazard (1,) of the features of one bag."""
        return self.network(standardise(features, self._normalisation))[0]

    def log_hazards(self, batch: Sequence[tuple[torch.Tensor, Outcome]]) -> Answers:
        """Log hazards, times and events of some bags."""
        found = torch.cat([self(features.to(self.device)).float() for features, _ in batch])
        times = torch.tensor([time for _, (time, _) in batch], dtype=torch.float64)
        events = torch.tensor([event for _, (_, event) in batch])
        return found, times.to(found.device), events.to(found.device)


class BagRiskModel(NamedTuple):
    """Gated attention that foresees survival, ready to be applied, and its description."""

    network: GatedAttention
    description: Mapping[str, Any]

    @torch.inference_mode()
    def judge(self, features: np.ndarray) -> tuple[float, np.ndarray]:
        """Log hazard, higher = dies sooner, and attention (tiles,) of features (tiles, width)."""
        values = torch.from_numpy(features.astype(np.float32))
        found, attention = self.network(standardise(values, self.description["normalisation"]))
        return float(found[0]), attention.numpy()

    def risk(self, log_hazard: NDArray[np.floating]) -> NDArray[np.float64]:
        """Risk, 0 to 1, of log hazards; see `centred_risk`."""
        return centred_risk(log_hazard, self.description["mean_log_hazard"])


def load_mil_risk(folder: Path) -> BagRiskModel:
    """Load finished gated attention that foresees survival; nothing in it is executed.

    Raises
    ------
    InputError
        If files are missing, are not what they are described as, or are of another kind.
    """
    network, description = load_described(
        folder,
        task="mil_risk",
        build=lambda known: build_attention(known["settings"], width=known["width"], classes=1),
    )
    return BagRiskModel(network, description)


def train_mil_risk(
    bags: Mapping[str, Sequence[RiskBag]],
    out: Path,
    state: Path,
    *,
    settings: Mapping[str, Any],
    origin: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train gated attention to foresee survival and write the best epoch as a model folder.

    Parameters
    ----------
    bags
        Under `train` and `validation`, one a patient; those without a tile are passed over.
    out, state, settings, origin, seed, threads
        As for `histoniche.learning.risk.train_risk`; the settings' network is that of
        `histoniche.learning.mil`.

    Raises
    ------
    InputError
        If a side has fewer than two events or nobody, or features come from different
        encoders or tilings.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(derived_seed(seed, "weights"))
    opened = open_bags(bags)
    patients = {side: some for side, (some, _) in opened.sides.items()}
    check_sides(patients)
    outcomes = {
        side: [(float(bag.time), bool(bag.event)) for bag in some]
        for side, some in patients.items()
    }
    most = {"train": settings["tiles_per_bag"]}
    sides = {
        side: FeatureBags(stores, outcomes[side], most=most.get(side))
        for side, (_, stores) in opened.sides.items()
    }
    normalisation = feature_statistics(sides["train"])
    options = {"batch_size": settings["batch_size"], "collate_fn": list}
    loaders = risk_loaders(sides, patients["train"], options, seed=seed)
    width = len(normalisation["mean"])
    module = BagRiskLearner(
        build_attention(settings, width=width, classes=1),
        settings,
        normalisation=normalisation,
        steps=settings["epochs"] * len(loaders["train"]),
        seed=seed,
    )
    description = {
        "task": "mil_risk",
        "width": width,
        **opened.common,
        "normalisation": normalisation,
        "seed": seed,
        **origin,
    }
    content = [settings, seed, list(outcomes.values()), opened.manifests()]
    state = state / state_name(content)
    fit_risk(module, loaders, patients, settings, description, out=out, state=state)
