"""Calibration: one temperature that makes a network's probabilities mean what they say."""

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from histoniche.cohort.palette import IGNORE

_PIXELS_A_TILE = 512


def sample_pixels(
    logits: torch.Tensor, labels: torch.Tensor, *, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Up to 512 labelled pixels of each tile, enough to calibrate on.

    Parameters
    ----------
    logits, labels
        (n, classes, h, w) and (n, h, w).

    Returns
    -------
    Logits (pixels, classes) and classes (pixels,).
    """
    scores, truths = [], []
    flat = logits.flatten(2).transpose(1, 2)
    for tile, truth in zip(flat, labels.flatten(1), strict=True):
        known = torch.nonzero(truth != IGNORE).squeeze(1).numpy()
        chosen = rng.permutation(known)[:_PIXELS_A_TILE]
        scores.append(tile[chosen])
        truths.append(truth[chosen])
    return torch.cat(scores), torch.cat(truths)


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Temperature that minimises the cross-entropy of held-out pixels.

    Parameters
    ----------
    logits, labels
        (pixels, classes) and (pixels,), not used in training.

    Returns
    -------
    A number in 0.05 to 20; logits are divided by it. Above 1 the network was
    too sure of itself, below 1 too timid.

    References
    ----------
    Guo et al. 2017, ICML, arXiv 1706.04599.
    """

    def cross_entropy(log_temperature: float) -> float:
        scaled = logits / float(np.exp(log_temperature))
        return float(torch.nn.functional.cross_entropy(scaled, labels))

    bounds = (np.log(0.05), np.log(20.0))
    return float(np.exp(minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x))
