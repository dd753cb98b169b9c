"""Heads: which network finds which region, and how their answers become one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from histoniche.cohort.palette import JOINT
from histoniche.cohort.splits import unseen
from histoniche.errors import InputError
from histoniche.learning.ensembles import Ensemble
from histoniche.learning.models import load_model


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
    folders: Mapping[str, Sequence[Path]],
    palette: Sequence[Mapping[str, Any]],
    *,
    device: torch.device,
) -> dict[str, Ensemble]:
    """Load the models of all heads and check that they are what the palette wants.

    Raises
    ------
    InputError
        If a model's classes are not its head's.
    """
    heads = {}
    for head, own in folders.items():
        heads[head] = Ensemble([load_model(folder, device=device) for folder in own])
        wanted = list(head_classes(head, palette))
        for folder, model in zip(own, heads[head].members, strict=True):
            if model.classes != wanted:
                raise InputError(
                    f"the model finds {', '.join(model.classes)} instead of {', '.join(wanted)}",
                    file=folder,
                    remedy="choose the palette, strategy and model that belong together",
                )
    return heads


def heads_for(heads: Mapping[str, Ensemble], patient: str) -> dict[str, Ensemble]:
    """The heads with those of their models that have not seen a patient, or else with all.

    So what a cross-validation finds in its own patients is out of fold, and in
    others it is the mean of all folds.
    """
    return {head: _unseen(ensemble, patient) for head, ensemble in heads.items()}


def _unseen(ensemble: Ensemble, patient: str) -> Ensemble:
    """The models of an ensemble that have not seen a patient, or all if each has."""
    seen = [model.description.get("patients_sha256", {}) for model in ensemble.members]
    return Ensemble([ensemble.members[number] for number in unseen(seen, patient)])


def fused_logits(
    heads: Mapping[str, Ensemble], pixels: torch.Tensor, palette: Sequence[Mapping[str, Any]]
) -> torch.Tensor:
    """Logits over all regions, from one joint network or from one network a region.

    Binary networks judge a pixel one region at a time. That exactly one region,
    or the background, is there makes the joint odds of a region its own
    calibrated odds, and those of the background 1: a softmax over the networks'
    logit differences with 0 for the background.

    Parameters
    ----------
    heads
        By name.
    pixels
        uint8, (n, 3, size, size).

    Returns
    -------
    Float, (n, labels, size, size), in the order of the palette.
    """
    if JOINT in heads:
        return heads[JOINT].logits(pixels)
    odds = [_log_odds(heads[entry["region"]].logits(pixels)) for entry in palette[1:]]
    return torch.stack([torch.zeros_like(odds[0]), *odds], dim=1)


def _log_odds(logits: torch.Tensor) -> torch.Tensor:
    """Log odds of the second of two classes."""
    return logits[:, 1] - logits[:, 0]
