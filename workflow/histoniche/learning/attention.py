"""Gated attention: which tiles of a bag speak for the whole bag."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class GatedAttention(nn.Module):
    """From the features of a bag's tiles to the classes of the bag.

    Each tile's features h are brought to `hidden` numbers; its attention is a softmax over
    the tiles of w (tanh(V h) * sigmoid(U h)), and the bag is classified by the mean of h
    under that attention.

    Parameters
    ----------
    width
        Number of features of a tile.
    classes
        Number of classes.
    hidden, units
        Numbers that features are brought to, and units of V and of U.
    dropout
        Share of hidden numbers dropped in training, 0 to 1.

    References
    ----------
    Ilse et al. 2018, ICML, arXiv 1802.04712, equation 9.
    """

    def __init__(
        self, width: int, classes: int, *, hidden: int, units: int, dropout: float
    ) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.tanh = nn.Sequential(nn.Linear(hidden, units), nn.Tanh())
        self.gate = nn.Sequential(nn.Linear(hidden, units), nn.Sigmoid())
        self.weigh = nn.Linear(units, 1)
        self.head = nn.Linear(hidden, classes)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (classes,) and attention (tiles,), which sums to 1, of features (tiles, width)."""
        hidden = self.reduce(features)
        attention = self.weigh(self.tanh(hidden) * self.gate(hidden))[:, 0].softmax(0)
        return self.head(attention @ hidden), attention


def build_attention(settings: Mapping[str, Any], *, width: int, classes: int) -> GatedAttention:
    """Build the network that the settings of a training name.

    Parameters
    ----------
    settings
        `hidden`, `attention_units`, `dropout`.
    width, classes
        Number of features and of classes.
    """
    return GatedAttention(
        width,
        classes,
        hidden=settings["hidden"],
        units=settings["attention_units"],
        dropout=settings["dropout"],
    )
