"""Networks, built by name from segmentation-models-pytorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file

from histoniche.errors import InputError

# Architectures whose decoder is described by a width a stage.
_STAGED = {"Unet", "UnetPlusPlus", "MAnet"}
# The others have a depth of their own, to which their decoders are bound.
_WITH_DEPTH = {*_STAGED, "Linknet"}


def build_network(settings: Mapping[str, Any], *, classes: int, start: bool) -> torch.nn.Module:
    """Build a segmentation network.

    Parameters
    ----------
    settings
        The config's block `segmentation.training`.
    classes
        Number of output channels.
    start
        Whether the encoder's published weights are loaded (training), or not
        because the whole network's weights follow (application).

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
    weights: str | None = settings["encoder_weights"] if start else None
    own = weights if weights and weights.endswith(".safetensors") else None
    try:
        network = smp.create_model(
            architecture,
            encoder_name=settings["encoder"],
            encoder_weights=None if own else weights,
            classes=classes,
            **options,
        )
        if own:
            network.encoder.load_state_dict(load_file(Path(own)))
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"cannot be built: {error}",
            column="segmentation.training.encoder",
            value=f"{architecture}, {settings['encoder']}, {weights}",
            remedy="choose an encoder of segmentation-models-pytorch, and weights that are here",
        ) from error
    return network.to(memory_format=torch.channels_last)
