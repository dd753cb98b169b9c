"""Heads: which network finds which region, and how their answers become one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from histoniche.cohort.palette import JOINT
from histoniche.errors import InputError
from histoniche.learning.models import Model, load_model


def head_classes(head: str, palette: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Classes of a head, each with the labels that belong to it.

    Parameters
    ----------
    head
        `all` for the joint network, else the region that a binary network finds.
    palette
        Mappings with `label` and `region`, background first.
    """
    if head == JOINT:
        return {entry["region"]: [entry["label"]] for entry in palette}
    rest = [entry["label"] for entry in palette if entry["region"] != head]
    own = [entry["label"] for entry in palette if entry["region"] == head]
    return {"rest": rest, head: own}


def load_heads(
    folders: Mapping[str, Path], palette: Sequence[Mapping[str, Any]], *, device: torch.device
) -> dict[str, Model]:
    """Load the models of all heads and check that they are what the palette wants.

    Raises
    ------
    InputError
        If a model's classes are not its head's.
    """
    models = {}
    for head, folder in folders.items():
        models[head] = load_model(folder, device=device)
        wanted = list(head_classes(head, palette))
        if models[head].classes != wanted:
            raise InputError(
                f"the model finds {', '.join(models[head].classes)} instead of {', '.join(wanted)}",
                file=folder,
                remedy="choose the palette, strategy and model that belong together",
            )
    return models


def fused_logits(
    models: Mapping[str, Model], pixels: torch.Tensor, palette: Sequence[Mapping[str, Any]]
) -> torch.Tensor:
    """Logits over all regions, from one joint network or from one network a region.

    Binary networks judge a pixel one region at a time. That exactly one region,
    or the background, is there makes the joint odds of a region its own
    calibrated odds, and those of the background 1: a softmax over the networks'
    logit differences with 0 for the background.

    Parameters
    ----------
    models
        By head.
    pixels
        uint8, (n, 3, size, size).

    Returns
    -------
    Float, (n, labels, size, size), in the order of the palette.
    """
    if JOINT in models:
        return models[JOINT].logits(pixels)
    odds = [_log_odds(models[entry["region"]].logits(pixels)) for entry in palette[1:]]
    return torch.stack([torch.zeros_like(odds[0]), *odds], dim=1)


def _log_odds(logits: torch.Tensor) -> torch.Tensor:
    """Log odds of the second of two classes."""
    return logits[:, 1] - logits[:, 0]
