"""Networks, built by name from segmentation-models-pytorch, timm and our own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from torch import nn

from histoniche.errors import InputError
from histoniche.learning.encoder_weights import installed_file, load_encoder
from histoniche.learning.foundation import TokenSegmenter
from histoniche.learning.hypercolumns import HyperColumns
from histoniche.learning.tiramisu import FCDenseNet
from histoniche.learning.unet2015 import UNet2015

# Architectures whose decoder is described by a width a stage.
_STAGED = {"Unet", "UnetPlusPlus", "MAnet"}
# The others have a depth of their own, to which their decoders are bound.
_WITH_DEPTH = {*_STAGED, "Linknet"}

# Networks of their own, without a separate encoder.
_WHOLE: dict[str, Callable[[int, float], nn.Module]] = {
    "FCDenseNet103": lambda classes, dropout: FCDenseNet(classes, dropout=dropout),
    "UNet2015": lambda classes, dropout: UNet2015(classes, dropout=dropout),
}


def build_network(
    settings: Mapping[str, Any], *, classes: int, published: str | None = None
) -> nn.Module:
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
    architecture, dropout = settings["architecture"], float(settings.get("dropout", 0))
    try:
        if architecture in _WHOLE:
            network = _WHOLE[architecture](classes, dropout)
        elif architecture == "TokenSegmenter":
            network = TokenSegmenter(
                settings["encoder"],
                classes,
                width=settings["decoder_channels"],
                dropout=dropout,
                options=settings.get("encoder_options", {}),
                published=published is not None,
            )
        elif architecture == "HyperColumns":
            network = HyperColumns(
                settings["encoder"],
                classes,
                depth=settings["encoder_depth"],
                width=settings["decoder_channels"],
                scales=settings["scales"],
                dropout=dropout,
                published=published,
            )
        else:
            network = _smp_network(settings, classes, published, dropout)
    except (KeyError, ValueError, RuntimeError, OSError, TypeError) as error:
        raise InputError(
            f"cannot be built: {error}",
            column="segmentation.training.encoder",
            value=f"{architecture}, {settings['encoder']}, {published}",
            remedy="choose an encoder of segmentation-models-pytorch or timm, and weights "
            "that are here",
        ) from error
    return network.to(memory_format=torch.channels_last)


def _smp_network(
    settings: Mapping[str, Any], classes: int, published: str | None, dropout: float
) -> nn.Module:
    """Build a network of segmentation-models-pytorch."""
    architecture, depth = settings["architecture"], settings["encoder_depth"]
    options: dict[str, Any] = {}
    if architecture in _WITH_DEPTH:
        options["encoder_depth"] = depth
    if architecture in _STAGED:
        width = settings["decoder_channels"]
        options["decoder_channels"] = [width * 2**stage for stage in reversed(range(depth))]
    if architecture == "DPT":
        # Tiles and halos have sizes of their own.
        options["dynamic_img_size"] = True
    network: Any = smp.create_model(
        architecture,
        encoder_name=settings["encoder"],
        encoder_weights=published,
        classes=classes,
        **options,
    )
    if dropout:
        network.segmentation_head = nn.Sequential(nn.Dropout2d(dropout), network.segmentation_head)
    return network


def start_network(settings: Mapping[str, Any], *, classes: int, weights: Path | None) -> nn.Module:
    """Build a network as its training starts: the encoder from weights that the settings name.

    Parameters
    ----------
    settings, classes
        As for `build_network`.
    weights
        Safetensors file with the encoder's weights, or None for published
        weights or a random start, as `encoder_weights` of the settings says.

    Returns
    -------
    The network; with `encoder_frozen` its encoder does not learn.

    Raises
    ------
    InputError
        If the weights do not fit the encoder, or are not those that
        `encoder_sha256` names.
    """
    file = weights or installed_file(settings)
    if file is None:
        network = build_network(settings, classes=classes, published=settings["encoder_weights"])
    else:
        network = build_network(settings, classes=classes)
        encoder = encoder_of(network, settings)
        # timm's own files lack the wrapper's name.
        inner = getattr(encoder, "model", None)
        load_encoder(encoder, file, settings, block="segmentation.training", inner=inner)
    if settings["encoder_frozen"]:
        encoder_of(network, settings).requires_grad_(False)
    return network


def published_colours(encoder: str) -> dict[str, list[float]]:
    """Mean and deviation of the pixels that an encoder of timm was published with.

    Raises
    ------
    InputError
        If nobody says so of this encoder.
    """
    try:
        cfg: Any = timm.models.get_pretrained_cfg(encoder.removeprefix("tu-"))
        return {"mean": list(cfg.mean), "deviation": list(cfg.std)}
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            "timm does not know which pixels it was trained with",
            column="segmentation.training.normalisation",
            value=encoder,
            remedy="choose imagenet or tiles",
        ) from error


def encoder_of(network: nn.Module, settings: Mapping[str, Any]) -> nn.Module:
    """The encoder of a network."""
    if not hasattr(network, "encoder"):
        raise InputError(
            "has no separate encoder",
            column="segmentation.training.architecture",
            value=settings["architecture"],
            remedy="leave encoder_weights and encoder_frozen away, or choose another architecture",
        )
    return network.get_submodule("encoder")
