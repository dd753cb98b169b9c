"""Hypercolumns: all stages of an encoder, at several scales, judged pixel by pixel."""

from collections.abc import Sequence

import segmentation_models_pytorch as smp
import torch
from torch import nn

from histoniche.learning.foundation import resize

_FINEST = 4


class HyperColumns(nn.Module):
    """A small perceptron on the features that every stage of an encoder has at a pixel.

    As small as this, it learns from few annotated slides what a frozen encoder
    already tells apart, and hardly more: no decoder that could learn the shape of
    one tumour by heart. The image is seen at several scales: reduced, so that more
    of its surroundings speak for a pixel, and enlarged, so that the late stages,
    which know the most, see what is small.

    The first layer weighs each stage's features at that stage's resolution and
    enlarges the sums, which is the same as to enlarge all features and weigh them
    then, at a tenth of the work. The finest resolution is a quarter of the image's.

    Parameters
    ----------
    encoder
        Name of an encoder of segmentation-models-pytorch, or after `tu-` of timm.
    classes
        Number of output channels.
    depth
        Stages of the encoder.
    width
        Hidden units.
    scales
        How many pixels of the image become one, for each sight of it; 0.5 enlarges.
    dropout
        Share of features, and of hidden units, dropped in training, 0 to 1.
    published
        Name of the encoder's published weights, or None.

    References
    ----------
    Hariharan et al. 2015, CVPR, arXiv 1411.5752 (hypercolumns).
    """

    def __init__(
        self,
        encoder: str,
        classes: int,
        *,
        depth: int,
        width: int,
        scales: Sequence[float],
        dropout: float,
        published: str | None,
    ) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.encoder = smp.encoders.get_encoder(encoder, depth=depth, weights=published)
        # The first is the image itself; stages that an encoder lacks have no channels.
        channels = [count for count in self.encoder.out_channels[1:] if count]
        self.weighed = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(count), nn.Dropout(dropout), nn.Conv2d(count, width, 1, bias=False)
            )
            for count in channels * len(self.scales)
        )
        self.head = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(width, classes, 1),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes, height, width) of float pixels (n, 3, height, width)."""
        maps = [
            one
            for scale in self.scales
            for one in self.encoder(_rescale(pixels, scale))[1:]
            if one.shape[1]
        ]
        finest = -(-pixels.shape[-1] // _FINEST)
        weighed = [
            layer(_at_most(one, finest)) for layer, one in zip(self.weighed, maps, strict=True)
        ]
        # From coarse to fine, so that every sum is enlarged by one step alone.
        first, *others = sorted(weighed, key=lambda one: one.shape[-1])
        total = first
        for one in others:
            same = total.shape == one.shape
            total = one + (total if same else resize(total, list(one.shape[-2:])))
        return resize(self.head(total), list(pixels.shape[-2:]))


def _rescale(pixels: torch.Tensor, scale: float) -> torch.Tensor:
    """Pixels of which `scale` times `scale` become one."""
    if scale == 1:
        return pixels
    mode = "area" if scale > 1 else "bilinear"
    return nn.functional.interpolate(pixels, scale_factor=1 / scale, mode=mode)


def _at_most(features: torch.Tensor, width: int) -> torch.Tensor:
    """Features averaged, two by two, until they are no wider."""
    while features.shape[-1] > width:
        features = nn.functional.avg_pool2d(features, 2)
    return features
