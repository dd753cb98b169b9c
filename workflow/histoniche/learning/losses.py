"""Losses by name, and their sum; pixels labelled 255 count in none."""

from collections.abc import Callable, Sequence

import torch
from segmentation_models_pytorch.losses import DiceLoss

from histoniche.cohort.palette import IGNORE

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSSES: dict[str, Callable[[], Loss]] = {
    "cross_entropy": lambda: torch.nn.CrossEntropyLoss(ignore_index=IGNORE),
    "dice": lambda: DiceLoss(mode="multiclass", ignore_index=IGNORE),
}


def summed_loss(names: Sequence[str]) -> Loss:
    """Sum of the named losses, from logits (n, classes, h, w) and labels (n, h, w)."""
    terms = [LOSSES[name]() for name in names]

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.stack([term(logits, labels) for term in terms]).sum()

    return loss
