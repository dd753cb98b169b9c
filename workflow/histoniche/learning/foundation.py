"""Vision transformers as encoders: pathology's foundation models below a small decoder."""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from timm.layers.mlp import SwiGLUPacked
from torch import nn

# Layers of the transformer whose tokens the decoder sees.
_TAPS = 4
# Published transformers name these building blocks; a config can only name them.
_BLOCKS = {"SwiGLUPacked": SwiGLUPacked, "SiLU": nn.SiLU, "GELU": nn.GELU}


class TokenSegmenter(nn.Module):
    """A vision transformer whose tokens a few convolutions bring back to pixels.

    Tokens of four layers, evenly spread over the depth, are normalised, brought
    to `width` channels each and joined; each doubling of the resolution then is
    a bilinear enlargement and a convolution. As small as this so that a frozen
    encoder can be judged by its features.

    Parameters
    ----------
    encoder
        Name of a vision transformer of timm, also as `hf-hub:ORG/NAME@REVISION`.
    classes
        Number of output channels.
    width
        Channels of the decoder at the finest stage, those before have twice as many.
    dropout
        Share of feature maps dropped before the last convolution, 0 to 1.
    options
        What the encoder's publication says of how it is made, such as
        `init_values: 1.0e-5` (UNI) or `mlp_layer: SwiGLUPacked` (Virchow2).
    published
        Whether timm shall fetch the published weights.
    """

    def __init__(
        self,
        encoder: str,
        classes: int,
        *,
        width: int,
        dropout: float,
        options: Mapping[str, Any],
        published: bool,
    ) -> None:
        super().__init__()
        named: dict[str, Any] = {key: _BLOCKS.get(value, value) for key, value in options.items()}
        encoder_network: Any = timm.create_model(
            encoder,
            pretrained=published,
            num_classes=0,
            **{"dynamic_img_size": True, **named},
        )
        self.encoder = encoder_network
        self._patch = int(encoder_network.patch_embed.patch_size[0])
        depth = len(encoder_network.blocks)
        self._taps = [depth * (tap + 1) // _TAPS - 1 for tap in range(_TAPS)]
        channels = int(encoder_network.num_features)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in self._taps)
        self.joins = nn.ModuleList(nn.Conv2d(channels, 2 * width, 1) for _ in self._taps)
        # A patch becomes one pixel; each step doubles, the last enlargement fits the rest.
        self.steps = nn.ModuleList(
            _convolution(2 * width if number else 2 * width * _TAPS, 2 * width)
            for number in range(max(1, self._patch.bit_length() - 2))
        )
        self.head = nn.Sequential(
            _convolution(2 * width, width), nn.Dropout2d(dropout), nn.Conv2d(width, classes, 1)
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes, height, width) of float pixels (n, 3, height, width)."""
        height, width = pixels.shape[-2:]
        # Patches of 14 do not divide tiles of 32; a little enlargement makes them fit.
        fitted = [side + -side % self._patch for side in (height, width)]
        if fitted != [height, width]:
            pixels = resize(pixels, fitted)
        encoder: Any = self.encoder
        tokens = encoder.get_intermediate_layers(
            pixels, n=self._taps, reshape=False, return_prefix_tokens=False, norm=False
        )
        rows, columns = (side // self._patch for side in fitted)
        maps = [
            join(norm(one).transpose(1, 2).unflatten(2, (rows, columns)))
            for one, norm, join in zip(tokens, self.norms, self.joins, strict=True)
        ]
        found = torch.cat(maps, 1)
        for number, step in enumerate(self.steps):
            if number:
                found = nn.functional.interpolate(found, scale_factor=2, mode="bilinear")
            found = step(found)
        return resize(self.head(found), [height, width])


def _convolution(before: int, after: int) -> nn.Module:
    """A convolution with normalisation and rectifier."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def resize(images: torch.Tensor, size: list[int]) -> torch.Tensor:
    """Enlarge images bilinearly to a height and width."""
    return nn.functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
