"""Several classifiers on the same tiles, with what they share reckoned once."""

import hashlib
from collections.abc import Mapping

import torch
from torch import nn

from histoniche.learning.models import Model, normalise, reckoning


class JointClassifiers:
    """Classifiers that see the same tiles.

    Those whose encoders are equal to the last bit, as after transfer learning from the
    same published weights, have their features reckoned once for all heads.

    Parameters
    ----------
    models
        By name, loaded by `load_model` onto one device.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.models = dict(models)
        groups: dict[str, list[str]] = {}
        for name, model in models.items():
            groups.setdefault(_encoder_digest(model), []).append(name)
        self.groups = list(groups.values())

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(iter(self.models.values())).device

    @torch.inference_mode()
    def probabilities(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Calibrated probabilities by model: float (n, classes), of uint8 (n, 3, size, size)."""
        found = {}
        for names in self.groups:
            first = self.models[names[0]]
            normalised = normalise(pixels, first.description["normalisation"])
            with reckoning(self.device):
                features = first.network.get_submodule("encoder")(normalised)
                for name in names:
                    model = self.models[name]
                    logits = model.network.get_submodule("head")(features).float()
                    found[name] = (logits / model.description["temperature"]).softmax(1)
        return {name: found[name] for name in self.models}


def _encoder_digest(model: Model) -> str:
    """Digest of an encoder, its weights and the normalisation before it."""
    encoder: nn.Module = model.network.get_submodule("encoder")
    digest = hashlib.sha256(repr((encoder, model.description["normalisation"])).encode())
    for value in encoder.state_dict().values():
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
