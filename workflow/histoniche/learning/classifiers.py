"""Networks that name a whole tile, by name from torchvision and timm."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn
from torchvision import models as published

from histoniche.errors import InputError
from histoniche.learning.encoder_weights import installed_file, load_encoder
from histoniche.learning.networks import published_colours

Found = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


class TileClassifier(nn.Module):
    """An encoder, from tiles to features, and one linear layer, from features to classes.

    Parameters
    ----------
    encoder
        From float (n, 3, height, width) to features (n, width); in training perhaps also to
        the logits of an auxiliary classifier.
    width
        Number of features.
    classes
        Number of classes.
    dropout
        Share of features dropped before the linear layer, 0 to 1.
    """

    def __init__(self, encoder: nn.Module, width: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, pixels: torch.Tensor) -> Found:
        """Logits (n, classes); in training, where there are some, also auxiliary logits."""
        found = self.encoder(pixels)
        if isinstance(found, tuple):
            features, auxiliary = found
            return self.head(features), auxiliary
        return self.head(found)


class _Pooled(nn.Module):
    """Maps of features and their mean over the tile, of whatever size it is."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features (n, channels)."""
        return self.features(pixels).mean((2, 3))


def _vgg(name: str) -> Callable[[int, bool], tuple[nn.Module, int]]:
    """Maker of the convolutions of a VGG: its three dense layers are bound to 224 pixels."""

    def make(_: int, __: bool) -> tuple[nn.Module, int]:
        # Drawn as torchvision draws them, but for the dense layers, 120 million numbers.
        with torch.device("meta"):
            whole: Any = published.get_model(name, weights=None, init_weights=False)
        features = whole.features.to_empty(device="cpu")
        for module in features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.reset_parameters()
        return _Pooled(features), 512

    return make


def _resnet(name: str) -> Callable[[int, bool], tuple[nn.Module, int]]:
    """Maker of a residual network without its last layer."""

    def make(_: int, __: bool) -> tuple[nn.Module, int]:
        encoder: Any = published.get_model(name, weights=None)
        width = encoder.fc.in_features
        encoder.fc = nn.Identity()
        return encoder, width

    return make


def _inception(classes: int, auxiliary: bool) -> tuple[nn.Module, int]:
    """Inception v3 without its last layer; its auxiliary classifier is for training alone."""
    encoder: Any = published.inception_v3(
        weights=None,
        num_classes=classes,
        aux_logits=auxiliary,
        transform_input=False,
        init_weights=False,
        dropout=0.0,
    )
    # As torchvision draws them, which takes it seconds to truncate 20 deviations away.
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=float(getattr(module, "stddev", 0.1)))
    width = encoder.fc.in_features
    encoder.fc = nn.Identity()
    return encoder, width


_TORCHVISION: dict[str, Callable[[int, bool], tuple[nn.Module, int]]] = {
    **{name: _vgg(name) for name in ("vgg16", "vgg16_bn")},
    **{name: _resnet(name) for name in ("resnet18", "resnet34", "resnet50")},
    "inception_v3": _inception,
}
"""Networks of torchvision, by name; all other names, and all after `tu-`, are timm's."""


def build_encoder(
    settings: Mapping[str, Any], *, classes: int = 0, published_weights: bool = False
) -> tuple[nn.Module, int]:
    """Build an encoder of tiles, and count its features.

    Parameters
    ----------
    settings
        `encoder`, a name; `encoder_options`, what timm shall be told.
    classes
        Outputs of an auxiliary classifier, where the network has one; 0 for none.
    published_weights
        Whether the library shall fetch the weights it publishes.

    Raises
    ------
    InputError
        If the encoder is unknown or its weights cannot be had.
    """
    name = settings["encoder"]
    try:
        if name in _TORCHVISION:
            encoder, width = _TORCHVISION[name](classes, classes > 0)
            if published_weights:
                _fetch(encoder, name)
            return encoder, width
        return _timm_encoder(name.removeprefix("tu-"), settings, published_weights)
    except (KeyError, ValueError, RuntimeError, OSError, TypeError) as error:
        raise InputError(
            f"cannot be built: {' '.join(str(error).split())[:200]}",
            column="training.encoder",
            value=name,
            remedy=f"choose {', '.join(_TORCHVISION)} or a network of timm, and weights that are "
            "here",
        ) from error


def _timm_encoder(
    name: str, settings: Mapping[str, Any], published_weights: bool
) -> tuple[nn.Module, int]:
    """Build a network of timm without its last layer."""
    options = dict(settings.get("encoder_options", {}))
    # Tiles have sizes of their own.
    transformer = "vit" in name or name.startswith("hf-hub:")
    tries: list[dict[str, Any]] = [{"dynamic_img_size": True, **options}] if transformer else []
    for more in [*tries, options]:
        try:
            encoder: Any = timm.create_model(
                name, pretrained=published_weights, num_classes=0, **more
            )
        except TypeError:
            if more is options:
                raise
        else:
            return encoder, _width(encoder)
    raise ValueError(name)


def _width(encoder: nn.Module) -> int:
    """Number of features; timm's own count leaves out layers behind the pooling."""
    counted: Any = encoder
    return int(getattr(counted, "head_hidden_size", None) or counted.num_features)


def _fetch(encoder: nn.Module, name: str) -> None:
    """Load torchvision's published weights, fetched by their digest and read without pickle."""
    weights: Any = published.get_model_weights(name).DEFAULT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    known = encoder.state_dict()
    encoder.load_state_dict(
        {k: v for k, v in state.items() if k in known and known[k].shape == v.shape}, strict=False
    )


def build_classifier(
    settings: Mapping[str, Any], *, classes: int, published_weights: bool = False
) -> TileClassifier:
    """Build a network that names tiles, all of it at random but for published weights.

    Parameters
    ----------
    settings
        The block of the training: `encoder`, `encoder_options`, `auxiliary_weight`, `dropout`.
    classes
        Number of classes.
    published_weights
        Whether the library shall fetch the weights it publishes.
    """
    auxiliary = classes if settings["auxiliary_weight"] > 0 else 0
    encoder, width = build_encoder(settings, classes=auxiliary, published_weights=published_weights)
    network = TileClassifier(encoder, width, classes, dropout=float(settings["dropout"]))
    return network.to(memory_format=torch.channels_last)


def start_classifier(
    settings: Mapping[str, Any], *, classes: int, weights: Path | None
) -> TileClassifier:
    """Build a network as its training starts: the encoder from weights that the settings name.

    Parameters
    ----------
    settings, classes
        As for `build_classifier`; `encoder_weights` and `encoder_sha256` say where the encoder
        starts.
    weights
        Safetensors file with the encoder's weights, or None for published
        weights or a random start, as `encoder_weights` says.
    """
    file = weights or installed_file(settings)
    if file is None:
        named = settings["encoder_weights"] is not None
        return build_classifier(settings, classes=classes, published_weights=named)
    network = build_classifier(settings, classes=classes)
    load_encoder(network.encoder, file, settings, block="training")
    return network


def check_side(settings: Mapping[str, Any], side: int) -> None:
    """Fail if tiles are too small for a network, which torch would say in its own words.

    Raises
    ------
    InputError
        Of Inception v3 below 75 px, and below 299 px with its auxiliary classifier.
    """
    with_auxiliary = settings["auxiliary_weight"] > 0
    least = (299 if with_auxiliary else 75) if settings["encoder"] == "inception_v3" else 0
    if side < least:
        raise InputError(
            f"Inception v3 needs tiles of {least} px, these have {side}",
            column="training.auxiliary_weight" if with_auxiliary else "tiling",
            value=settings["auxiliary_weight"],
            remedy="set auxiliary_weight to 0 (75 px) or choose a tiling of larger tiles",
        )


def encoder_colours(encoder: str) -> dict[str, list[float]]:
    """Mean and deviation of the pixels that an encoder was published with."""
    if encoder in _TORCHVISION:
        return {"mean": list(IMAGENET_DEFAULT_MEAN), "deviation": list(IMAGENET_DEFAULT_STD)}
    return published_colours(encoder)
