"""Published weights that one job fetches for all others, which may have no internet."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from histoniche.cohort.named_files import is_file_of_weights
from histoniche.learning.installed_weights import comes_along

# The settings on which an encoder's layers and weights depend.
_KEYS = ("architecture", "encoder", "encoder_depth", "encoder_options", "encoder_weights")


def needs_fetching(settings: Mapping[str, Any]) -> bool:
    """Whether a network starts from published weights that do not come with the environment."""
    weights = settings["encoder_weights"]
    if weights is None or is_file_of_weights(weights):
        return False
    return not (weights == "imagenet" and comes_along(settings["encoder"]))


def encoder_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a network's settings that its encoder depends on.

    `auxiliary` says whether the encoder has a classifier of its own for its training.
    """
    own = {key: settings[key] for key in _KEYS if key in settings}
    return {**own, "auxiliary": settings.get("auxiliary_weight", 0) > 0}


def name_of_weights(settings: Mapping[str, Any]) -> str:
    """Name of a file for an encoder's weights, another one for every other encoder."""
    own = encoder_settings(settings)
    digest = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", f"{own['encoder']}-{own['encoder_weights']}")
    return f"{plain}-{digest}"
