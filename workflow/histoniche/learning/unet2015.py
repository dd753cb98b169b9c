"""The U-Net as it was first published, without an encoder of its own name."""

from itertools import pairwise

import torch
from torch import nn

_WIDTHS = (64, 128, 256, 512, 1024)


class UNet2015(nn.Module):
    """The original U-Net, but for padded convolutions.

    Parameters
    ----------
    classes
        Number of output channels.
    channels
        Number of input channels.
    dropout
        Share of feature maps dropped at the end of the contracting path, 0 to 1;
        the paper names dropout there, but no rate.

    The paper's convolutions are not padded, so that its map is smaller than its
    input; here they are, and the map has the input's size. The weights are the
    same in number. Height and width of the input are multiples of 16.

    References
    ----------
    Ronneberger et al. 2015, MICCAI, arXiv 1505.04597.
    """

    def __init__(self, classes: int, *, channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        before = (channels, *_WIDTHS)
        self.down = nn.ModuleList(map(_two_convolutions, before, _WIDTHS))
        self.dropout = nn.Dropout2d(dropout)
        wide_first = tuple(reversed(_WIDTHS))
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(wide, narrow, 2, stride=2) for wide, narrow in pairwise(wide_first)
        )
        self.up = nn.ModuleList(map(_two_convolutions, wide_first, wide_first[1:]))
        self.last = nn.Conv2d(_WIDTHS[0], classes, 1)
        for module in self.modules():
            # As the paper says: deviation of sqrt(2 / inputs), without which it hardly learns.
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes, height, width) of float pixels (n, channels, height, width)."""
        skips = []
        found = pixels
        for number, block in enumerate(self.down):
            found = block(found if number == 0 else nn.functional.max_pool2d(found, 2))
            skips.append(found)
        found = self.dropout(skips.pop())
        for grow, block in zip(self.grow, self.up, strict=True):
            found = block(torch.cat([skips.pop(), grow(found)], 1))
        return self.last(found)


def _two_convolutions(before: int, after: int) -> nn.Module:
    """Two convolutions of 3 x 3, each with its rectifier."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )
