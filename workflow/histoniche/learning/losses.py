"""Losses by name, and their sum; pixels labelled 255 count in none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from segmentation_models_pytorch.losses import DiceLoss, TverskyLoss
from torch import nn

from histoniche.cohort.palette import IGNORE

_EPSILON = 1e-6


class CrossEntropyLoss(nn.Module):
    """Cross-entropy over the labelled pixels, 0 where there is none, as after an unlucky crop.

    Parameters
    ----------
    weight
        Weight of each class, or None.
    smoothing
        Share of each label that is spread over all classes.
    """

    def __init__(self, weight: torch.Tensor | None = None, *, smoothing: float = 0) -> None:
        super().__init__()
        self._sum = nn.CrossEntropyLoss(
            weight, ignore_index=IGNORE, label_smoothing=smoothing, reduction="sum"
        )

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, h, w) and labels (n, h, w)."""
        known = labels[labels != IGNORE]
        weight = self._sum.weight
        total = known.numel() if weight is None else weight[known].sum()
        return self._sum(logits, labels) / max(float(total), _EPSILON)


class FocalLoss(nn.Module):
    """Cross-entropy that counts a pixel the less, the surer the network is of it.

    -(1 - p)^gamma log p of the labelled class's probability p.

    Parameters
    ----------
    gamma
        0 is cross-entropy.

    References
    ----------
    Lin et al. 2017, ICCV, arXiv 1708.02002.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self._gamma = gamma

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, h, w) and labels (n, h, w)."""
        known = labels != IGNORE
        log_p = -nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none")
        loss = -((1 - log_p.exp()).clamp_min(0) ** self._gamma) * log_p
        return loss.sum() / max(int(known.sum()), 1)


class GeneralisedDiceLoss(nn.Module):
    """Dice over all classes at once, each weighted by the inverse of its squared size.

    Small classes count as much as large ones. From 0 (all right) to 1.

    References
    ----------
    Sudre et al. 2017, DLMIA, arXiv 1707.03237.
    """

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, h, w) and labels (n, h, w)."""
        probability, truth = _known(logits, labels)
        size = truth.sum(0)
        # A class that is not there has no weight, rather than an infinite one.
        weight = torch.where(size > 0, 1 / size.clamp_min(1) ** 2, torch.zeros_like(size))
        common = (weight * (probability * truth).sum(0)).sum()
        both = (weight * (probability + truth).sum(0)).sum()
        return 1 - 2 * common / both.clamp_min(_EPSILON)


class GeneralisedCrossEntropyLoss(nn.Module):
    """Between cross-entropy and mean absolute error, which wrong labels hardly move.

    (1 - p^q) / q of the labelled class's probability p.

    Parameters
    ----------
    q
        Near 0 it is cross-entropy, at 1 the mean absolute error.
    weight
        Weight of each class, or None.

    References
    ----------
    Zhang and Sabuncu 2018, NeurIPS, arXiv 1805.07836.
    """

    def __init__(self, q: float, weight: torch.Tensor | None = None) -> None:
        super().__init__()
        self.q = q
        self.weight: torch.Tensor | None
        self.register_buffer("weight", weight)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, h, w) and labels (n, h, w)."""
        probability, truth = _known(logits, labels)
        right = (probability * truth).sum(1).clamp_min(_EPSILON)
        loss = (1 - right**self.q) / self.q
        if self.weight is None:
            return loss.sum() / max(len(loss), 1)
        weight = (truth * self.weight).sum(1)
        return (loss * weight).sum() / weight.sum().clamp_min(_EPSILON)


def _known(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities and one-hot labels of the labelled pixels, both (pixels, classes)."""
    known = labels != IGNORE
    probability = logits.softmax(1).movedim(1, -1)[known]
    truth = nn.functional.one_hot(labels[known], logits.shape[1])
    return probability, truth.to(probability.dtype)


def class_weights(counts: Sequence[int], power: float) -> torch.Tensor | None:
    """Weight of each class in a loss by pixels, (classes,).

    Parameters
    ----------
    counts
        Labelled pixels of each class in the training tiles.
    power
        0 gives all pixels one weight (None); 1 gives all classes one weight,
        by the inverse of their share; between them, that to this power.

    Returns
    -------
    Weights whose mean over the pixels is 1; 0 for a class without pixels.
    """
    if power == 0:
        return None
    sizes = torch.tensor(counts, dtype=torch.float64)
    weight = torch.where(sizes > 0, sizes.clamp_min(1) ** -power, torch.zeros_like(sizes))
    return (weight * sizes.sum() / (weight * sizes).sum()).float()


def _losses(
    settings: Mapping[str, Any], weight: torch.Tensor | None
) -> dict[str, Callable[[], nn.Module]]:
    """Makers of all losses, by name."""
    return {
        "cross_entropy": lambda: CrossEntropyLoss(weight, smoothing=settings["label_smoothing"]),
        "generalised_cross_entropy": lambda: GeneralisedCrossEntropyLoss(settings["gce_q"], weight),
        "dice": lambda: DiceLoss(mode="multiclass", ignore_index=IGNORE),
        "generalised_dice": GeneralisedDiceLoss,
        "focal": lambda: FocalLoss(settings["focal_gamma"]),
        "tversky": lambda: TverskyLoss(
            mode="multiclass",
            ignore_index=IGNORE,
            alpha=1 - settings["tversky_beta"],
            beta=settings["tversky_beta"],
        ),
    }


class SummedLoss(nn.Module):
    """Sum of named losses.

    Parameters
    ----------
    settings
        The config's block `segmentation.training`: `loss` with the names, and
        the numbers that they need.
    weight
        Weight of each class in the losses by pixels, or None.
    """

    def __init__(self, settings: Mapping[str, Any], weight: torch.Tensor | None = None) -> None:
        super().__init__()
        makers = _losses(settings, weight)
        self.terms = nn.ModuleList(makers[name]() for name in settings["loss"])

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of logits (n, classes, h, w) and labels (n, h, w), int64."""
        return torch.stack([term(logits, labels) for term in self.terms]).sum()
