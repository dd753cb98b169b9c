"""Features of tiles from an encoder that does not learn: published, or from a file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn
from torch.nn import functional as F

from histoniche.errors import InputError
from histoniche.learning.classifiers import build_encoder, encoder_colours
from histoniche.learning.encoder_weights import installed_file, load_encoder
from histoniche.learning.folding import folded
from histoniche.learning.models import as_reckoned, normalise, reckoning


@dataclass(frozen=True)
class FrozenEncoder:
    """An encoder ready to be applied.

    `digest` names its weights. `side` is the side that tiles are brought to, or None. With
    `tokens` the features of a vision transformer are its class token and the mean of its
    patches, one after the other, as its publication may say (Virchow, Vorontsov et al. 2024,
    Nat Med 30:2924).
    """

    network: nn.Module
    normalisation: Mapping[str, Any]
    digest: str
    side: int | None
    tokens: bool

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features of uint8 tiles (n, 3, height, width): float16 (n, width)."""
        normalised = normalise(pixels, self.normalisation)
        if self.side is not None and self.side != pixels.shape[-1]:
            size = [self.side, self.side]
            normalised = F.interpolate(normalised, size, mode="bilinear", antialias=True)
        with reckoning(self.device):
            if not self.tokens:
                return self.network(normalised).half()
            network: Any = self.network
            found = network.forward_features(normalised)
            patches = found[:, int(network.num_prefix_tokens) :].mean(1)
            return torch.cat([found[:, 0], patches], 1).half()


def frozen_encoder(
    settings: Mapping[str, Any], *, weights: Path | None, size: int, device: torch.device
) -> FrozenEncoder:
    """Load an encoder for its features.

    Parameters
    ----------
    settings
        `encoder`, a network of torchvision or timm, also as `hf-hub:ORG/NAME@REVISION`;
        `encoder_weights`, `encoder_sha256`, `encoder_options`; `normalisation`, `encoder` or
        `imagenet`; `input_px`, the side that tiles are brought to; `tokens`.
    weights
        Safetensors file with its weights, or None for published ones.
    size
        Side of the tiles.
    device
        Where it shall be.

    Raises
    ------
    InputError
        If it has no weights to start from: features of a random network say nothing.
    """
    if weights is None and settings["encoder_weights"] is None:
        raise InputError(
            "the encoder has no weights",
            column="features.encoder_weights",
            value=settings["encoder"],
            remedy="name published weights or a file of safetensors",
        )
    file = weights or installed_file(settings)
    encoder, _ = build_encoder(settings, published_weights=file is None)
    if file is not None:
        load_encoder(encoder, file, settings, block="features")
    if settings["tokens"] and not hasattr(encoder, "num_prefix_tokens"):
        raise InputError(
            "is no vision transformer",
            column="features.tokens",
            value=settings["encoder"],
            remedy="set tokens to false",
        )
    imagenet = {"mean": list(IMAGENET_DEFAULT_MEAN), "deviation": list(IMAGENET_DEFAULT_STD)}
    own = settings["normalisation"] == "encoder"
    digest = _digest(encoder)
    side = settings["input_px"]
    ready = as_reckoned(folded(encoder.eval(), side=side or size), device)
    return FrozenEncoder(
        ready.to(memory_format=torch.channels_last).to(device),
        encoder_colours(settings["encoder"]) if own else imagenet,
        digest,
        side,
        settings["tokens"],
    )


def _digest(encoder: nn.Module) -> str:
    """SHA-256 of an encoder's weights, wherever they come from."""
    digest = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
