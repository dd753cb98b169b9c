"""Networks, built by name from segmentation-models-pytorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from histoniche.errors import InputError

# Architectures whose decoder is described by a width a stage.
_STAGED = {"Unet", "UnetPlusPlus", "MAnet"}
# The others have a depth of their own, to which their decoders are bound.
_WITH_DEPTH = {*_STAGED, "Linknet"}


def build_network(
    settings: Mapping[str, Any], *, classes: int, published: str | None = None
) -> torch.nn.Module:
    """Build a segmentation network, all of it at random but for published weights.

    Parameters
    ----------
    settings
        The config's block `segmentation.training`.
    classes
        Number of output channels.
    published
        Name of the encoder's published weights.

    Returns
    -------
    A module from float (n, 3, height, width) to logits (n, classes, height, width).

    Raises
    ------
    InputError
        If the encoder is unknown or its weights cannot be had.
    """
    architecture, depth = settings["architecture"], settings["encoder_depth"]
    options: dict[str, Any] = {}
    if architecture in _WITH_DEPTH:
        options["encoder_depth"] = depth
    if architecture in _STAGED:
        width = settings["decoder_channels"]
        options["decoder_channels"] = [width * 2**stage for stage in reversed(range(depth))]
    try:
        network = smp.create_model(
            architecture,
            encoder_name=settings["encoder"],
            encoder_weights=published,
            classes=classes,
            **options,
        )
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"cannot be built: {error}",
            column="segmentation.training.encoder",
            value=f"{architecture}, {settings['encoder']}, {published}",
            remedy="choose an encoder of segmentation-models-pytorch, and weights that are here",
        ) from error
    return network.to(memory_format=torch.channels_last)


def start_network(
    settings: Mapping[str, Any], *, classes: int, weights: Path | None
) -> torch.nn.Module:
    """Build a network as its training starts: the encoder from weights that the settings name.

    Parameters
    ----------
    settings, classes
        As for `build_network`.
    weights
        Safetensors file with the encoder's weights, or None for published
        weights or a random start, as `encoder_weights` of the settings says.

    Raises
    ------
    InputError
        If the weights do not fit the encoder.
    """
    if weights is None:
        return build_network(settings, classes=classes, published=settings["encoder_weights"])
    network = build_network(settings, classes=classes)
    try:
        network.get_submodule("encoder").load_state_dict(load_file(weights))
    except (RuntimeError, OSError, SafetensorError) as error:
        raise InputError(
            f"not the weights of this encoder: {str(error).splitlines()[0]}",
            file=weights,
            column="segmentation.training.encoder_weights",
            value=settings["encoder"],
            remedy="name weights that were saved from this encoder",
        ) from error
    return network
