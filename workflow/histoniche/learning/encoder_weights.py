"""Weights that an encoder starts from: a file of safetensors, or what the environment brings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from histoniche.errors import InputError
from histoniche.files import sha256
from histoniche.learning.installed_weights import installed_weights

# What follows the features in published networks, and is left away where features are wanted.
_CLASSIFIERS = ("classifier.", "head.", "fc.", "conv_head.", "bn2.", "norm.", "head_norm.")
# What Inception v3 has for its training alone.
_AUXILIARY = "AuxLogits."


def installed_file(settings: Mapping[str, Any]) -> Path | None:
    """File of the published weights that the settings name, if the environment brings it."""
    named = settings["encoder_weights"] == "imagenet"
    return installed_weights(settings["encoder"]) if named else None


def weights_digest(weights: Path | None, settings: Mapping[str, Any]) -> str | None:
    """Digest of the file that the encoder started from; None without a file."""
    file = weights or installed_file(settings)
    return sha256(file) if file else None


def load_encoder(
    encoder: nn.Module,
    weights: Path,
    settings: Mapping[str, Any],
    *,
    block: str,
    inner: nn.Module | None = None,
) -> None:
    """Load an encoder's weights from a file.

    Parameters
    ----------
    encoder
        What gets them.
    weights
        Safetensors, or what the environment brings.
    settings
        `encoder`, `encoder_weights` and `encoder_sha256`.
    block
        Where the settings stand in the config, for errors.
    inner
        The part of the encoder that files without the prefix `model.` belong to.

    Raises
    ------
    InputError
        If the weights do not fit the encoder, are no safetensors, or are not those that
        `encoder_sha256` names.
    """
    wanted = settings["encoder_sha256"]
    if wanted is not None and sha256(weights) != wanted:
        raise InputError(
            "not the weights that encoder_sha256 names",
            file=weights,
            column=f"{block}.encoder_sha256",
            value=wanted,
            remedy="fetch the weights again, or name the digest of these",
        )
    try:
        if weights == installed_file(settings):
            state = read_installed(settings["encoder"], weights)
        else:
            state = load_file(weights)
        within = inner is not None and not any(name.startswith("model.") for name in state)
        _load(inner if within and inner is not None else encoder, state)
    except (RuntimeError, OSError, SafetensorError) as error:
        raise InputError(
            f"not the weights of this encoder: {' '.join(str(error).split())[:200]}",
            file=weights,
            column=f"{block}.encoder_weights",
            value=settings["encoder"],
            remedy="name safetensors that were saved from this encoder",
        ) from error


def _load(target: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load what the target has; classifiers, which nobody needs, may be left over."""
    known = target.state_dict()
    kept = {
        name: value
        for name, value in state.items()
        if not (name not in known and name.startswith((*_CLASSIFIERS, _AUXILIARY)))
        # The last layer of the auxiliary classifier has as many outputs as there are classes.
        and not (name.startswith(_AUXILIARY) and known[name].shape != value.shape)
    }
    missing = [n for n in known if n not in kept and not n.startswith(_AUXILIARY)]
    if missing:
        raise RuntimeError(f"without {', '.join(missing[:3])}")
    target.load_state_dict(kept, strict=not any(n.startswith(_AUXILIARY) for n in known))


def read_installed(encoder: str, path: Path) -> dict[str, torch.Tensor]:
    """Weights of an encoder under timm's names.

    The file holds the same layers in the same order under older names.

    Parameters
    ----------
    encoder
        As for `installed_weights`.
    path
        What that gives.

    Raises
    ------
    RuntimeError
        If a layer's shape is not that of timm's layer.
    """
    with torch.device("meta"):
        layers = timm.create_model(encoder.removeprefix("tu-")).state_dict()
    values = list(torch.load(path, map_location="cpu", weights_only=True).values())
    shapes = [tuple(value.shape) for value in values]
    if shapes != [tuple(layer.shape) for layer in layers.values()]:
        raise RuntimeError(f"{path.name} does not hold the layers of {encoder}")
    return dict(zip(layers, values, strict=True))
