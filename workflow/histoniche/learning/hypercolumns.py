"""Hypercolumns: all stages of an encoder, at two scales, judged pixel by pixel."""

import segmentation_models_pytorch as smp
import torch
from torch import nn

from histoniche.learning.foundation import resize

# The image, and at half its resolution what lies twice as far around each pixel.
_SCALES = (1, 2)
_FINEST = 4


class HyperColumns(nn.Module):
    """A small perceptron on the features that every stage of an encoder has at a pixel.

    As small as this, it learns from few annotated slides what a frozen encoder
    already tells apart, and hardly more: no decoder that could learn the shape of
    one tumour by heart. The image is seen at its own and at half its resolution.

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
        dropout: float,
        published: str | None,
    ) -> None:
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, depth=depth, weights=published)
        # The first is the image itself; stages that an encoder lacks have no channels.
        channels = [count for count in self.encoder.out_channels[1:] if count]
        self.weighed = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(count), nn.Dropout(dropout), nn.Conv2d(count, width, 1, bias=False)
            )
            for count in channels * len(_SCALES)
        )
        self.head = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(width, classes, 1),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes, height, width) of float pixels (n, 3, height, width)."""
        maps = []
        for scale in _SCALES:
            seen = nn.functional.avg_pool2d(pixels, scale) if scale > 1 else pixels
            maps += [one for one in self.encoder(seen)[1:] if one.shape[1]]
        finest = -(-pixels.shape[-1] // _FINEST)
        weighed = [
            layer(nn.functional.avg_pool2d(one, 2) if one.shape[-1] > finest else one)
            for layer, one in zip(self.weighed, maps, strict=True)
        ]
        # From coarse to fine, so that every sum is enlarged by one step alone.
        first, *others = sorted(weighed, key=lambda one: one.shape[-1])
        total = first
        for one in others:
            same = total.shape == one.shape
            total = one + (total if same else resize(total, list(one.shape[-2:])))
        return resize(self.head(total), list(pixels.shape[-2:]))
