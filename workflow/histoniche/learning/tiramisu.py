"""FC-DenseNet, the "one hundred layers tiramisu": a U-shaped network of dense blocks."""

from collections.abc import Sequence

import torch
from torch import nn


class FCDenseNet(nn.Module):
    """Fully convolutional DenseNet for segmentation.

    Parameters
    ----------
    classes
        Number of output channels.
    growth
        Feature maps that each layer adds.
    first
        Feature maps of the first convolution.
    blocks
        Layers of the dense blocks on the way down, mirrored on the way up.
    bottleneck
        Layers of the block between them.
    dropout
        Share of activations dropped after every convolution of the blocks, 0 to 1.

    The defaults are FC-DenseNet103. Height and width of the input are multiples
    of 2 to the number of blocks.

    References
    ----------
    Jegou et al. 2017, CVPR Workshops, arXiv 1611.09326.
    """

    def __init__(
        self,
        classes: int,
        *,
        growth: int = 16,
        first: int = 48,
        blocks: Sequence[int] = (4, 5, 7, 10, 12),
        bottleneck: int = 15,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, first, 3, padding=1)
        width = first
        skips = []
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for layers in blocks:
            self.down.append(_DenseBlock(width, growth, layers, dropout))
            width += growth * layers
            skips.append(width)
            self.shrink.append(_transition_down(width, dropout))
        self.bottleneck = _DenseBlock(width, growth, bottleneck, dropout)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        new = growth * bottleneck
        for layers, skip in zip(reversed(blocks), reversed(skips), strict=True):
            # Only what the block below has added goes up; the skip brings the rest.
            self.grow.append(nn.ConvTranspose2d(new, new, 3, stride=2, padding=1, output_padding=1))
            self.up.append(_DenseBlock(new + skip, growth, layers, dropout))
            new, width = growth * layers, new + skip + growth * layers
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes, height, width) of float pixels (n, 3, height, width)."""
        found = self.first(pixels)
        skips = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            found = torch.cat([found, block(found)], 1)
            skips.append(found)
            found = shrink(found)
        new = self.bottleneck(found)
        for block, grow in zip(self.up, self.grow, strict=True):
            found = torch.cat([grow(new), skips.pop()], 1)
            new = block(found)
        return self.last(torch.cat([found, new], 1))


class _DenseBlock(nn.Module):
    """Layers that each see the block's input and all layers before; gives what they added."""

    def __init__(self, width: int, growth: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(width + number * growth),
                nn.ReLU(inplace=True),
                nn.Conv2d(width + number * growth, growth, 3, padding=1),
                nn.Dropout2d(dropout),
            )
            for number in range(layers)
        )

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        """Feature maps that the layers add."""
        added: list[torch.Tensor] = []
        for layer in self.layers:
            added.append(layer(torch.cat([found, *added], 1)))
        return torch.cat(added, 1)


def _transition_down(width: int, dropout: float) -> nn.Module:
    """Halve the resolution."""
    return nn.Sequential(
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 1),
        nn.Dropout2d(dropout),
        nn.MaxPool2d(2),
    )
