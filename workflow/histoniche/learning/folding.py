"""Folding: batch normalisation reckoned into the convolution before it, once and for all."""

import copy
import logging
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Differences of logits beyond this are no rounding.
_TOLERANCE = 1e-3
_SIDE = 128


def folded(network: nn.Module, *, side: int = _SIDE) -> nn.Module:
    """The same function with fewer steps, for application alone.

    A normalisation is folded where it is registered right behind a convolution
    of as many channels, as in all common networks. That this is also the way of
    the data is tested on a random image; a network that differs stays as it is.

    Parameters
    ----------
    network
        On the CPU, in evaluation mode; not changed.
    side
        Side of the image that the result is tested on, for networks that take one size alone.
    """
    changed = copy.deepcopy(network)
    for parent in changed.modules():
        for (name, first), (other, second) in pairwise(list(parent.named_children())):
            if (
                isinstance(first, nn.Conv2d)
                and isinstance(second, nn.BatchNorm2d)
                and first.out_channels == second.num_features
            ):
                setattr(parent, name, fuse_conv_bn_eval(first, second))
                setattr(parent, other, _rest(second))
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, side, side, generator=generator)
    with torch.inference_mode():
        before, after = network(image), changed(image)
    if torch.allclose(before, after, atol=_TOLERANCE * float(before.abs().max())):
        return changed
    logging.warning("normalisation is not folded: this network does not run as it is written down")
    return network


def _rest(normalisation: nn.Module) -> nn.Module:
    """What stays of a folded normalisation: its activation, where timm joins both."""
    return nn.Sequential(
        *(
            step
            for step in (getattr(normalisation, "drop", None), getattr(normalisation, "act", None))
            if isinstance(step, nn.Module)
        )
    )
