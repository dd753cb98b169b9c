"""Fetching of published weights, so that they are at hand where there is no internet."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from histoniche.files import sha256, whole_file, write_json
from histoniche.learning.classifiers import build_encoder
from histoniche.learning.networks import build_network, encoder_of

_LIBRARIES = ("segmentation-models-pytorch", "timm", "torchvision")
# What a decoder is like does not matter to the encoder, nor how many classes there are; an
# auxiliary classifier has as many as ImageNet.
_DECODER = {"decoder_channels": 16, "scales": [1], "dropout": 0}
_CLASSES = 1000


def fetch_weights(settings: Mapping[str, Any], weights: Path, description: Path) -> None:
    """Fetch an encoder's published weights and keep them as safetensors.

    Parameters
    ----------
    settings
        What `encoder_settings` gives; with `architecture` the encoder of a segmentation
        network, without one that of a classifier.
    weights, description
        Files to write: the weights, and JSON with their SHA-256 and where they come from.

    Raises
    ------
    InputError
        If the encoder is unknown or its weights cannot be had.
    """
    encoder = _published_encoder(settings)
    state = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    with whole_file(weights) as temporary:
        save_file(state, temporary)
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    content = {"sha256": sha256(weights), "encoder": dict(settings), "fetched_by": versions}
    write_json(content, description)


def _published_encoder(settings: Mapping[str, Any]) -> nn.Module:
    """The encoder with the weights that its library publishes."""
    if "architecture" in settings:
        network = build_network(
            {**settings, **_DECODER}, classes=2, published=settings["encoder_weights"]
        )
        return encoder_of(network, settings)
    classes = _CLASSES if settings["auxiliary"] else 0
    return build_encoder(settings, classes=classes, published_weights=True)[0]
