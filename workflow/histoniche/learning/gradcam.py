"""Grad-CAM: where in a tile a network sees what it names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from histoniche.errors import InputError
from histoniche.learning.models import Model, normalise, reckoning


def grad_cam(model: Model, pixels: np.ndarray, *, target: int) -> np.ndarray:
    """Map of how much each place of a tile speaks for a class.

    The maps of the encoder's last convolutional stage are summed, each weighted by the mean
    gradient of the class's logit with respect to it; what speaks against the class is cut
    off at 0.

    Parameters
    ----------
    model
        A convolutional network that names tiles.
    pixels
        uint8, (height, width, 3).
    target
        Number of the class.

    Returns
    -------
    float32 (height, width), from 0 to 1, the strongest place, enlarged bilinearly from the
    stage's resolution; all 0 if nothing speaks for the class.

    Raises
    ------
    InputError
        If the encoder has no maps, as a transformer.

    References
    ----------
    Selvaraju et al. 2017, ICCV, arXiv 1610.02391.
    """
    with torch.enable_grad(), reckoning(model.device):
        tile = torch.from_numpy(np.ascontiguousarray(pixels)).to(model.device).permute(2, 0, 1)
        inputs = normalise(tile[None], model.description["normalisation"])
        name = model.description["settings"]["encoder"]
        cam = speaking_maps(model.network, inputs, lambda logits: logits[0, target], name=name)
    cam = cam.relu()
    size = list(pixels.shape[:2])
    whole = F.interpolate(cam, size, mode="bilinear", align_corners=False)[0, 0]
    return (whole / whole.max().clamp_min(torch.finfo(torch.float32).tiny)).cpu().numpy()


def speaking_maps(
    network: nn.Module,
    inputs: torch.Tensor,
    score: Callable[[torch.Tensor], torch.Tensor],
    *,
    name: str,
) -> torch.Tensor:
    """How much each place of the last convolutional stage speaks for a score.

    Parameters
    ----------
    network
        Has its convolutional stages under `encoder`.
    inputs
        Normalised pixels.
    score
        From what the network answers to one number, a sum over all inputs if they are several.
    name
        Of the encoder, for the message.

    Returns
    -------
    float32 (n, 1, height, width) in the resolution of the stage; below 0 what speaks against
    it. Of a network that ends in the mean over places and a linear layer these are the class
    activation maps of Zhou et al. 2016, CVPR, arXiv 1512.04150, divided by the number of
    places that the mean is over.

    Raises
    ------
    InputError
        If the encoder has no maps, as a transformer.
    """
    answers, maps = _with_maps(network, inputs.requires_grad_())
    if maps is None:
        raise InputError(
            "has no maps to look at",
            column="encoder",
            value=name,
            remedy="choose a convolutional network for Grad-CAM",
        )
    (gradient,) = torch.autograd.grad(score(answers), maps)
    weights = gradient.float().mean((2, 3), keepdim=True)
    return (weights * maps.detach().float()).sum(1, keepdim=True)


def _with_maps(
    network: nn.Module, inputs: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Answers, and the maps (n, channels, height, width) of the encoder's last stage with any."""
    found: list[torch.Tensor] = []

    def keep(module: nn.Module, _: Any, output: Any) -> None:
        last = output[-1] if isinstance(output, list) else output
        if isinstance(last, torch.Tensor):
            found.append(last)

    encoder = network.get_submodule("encoder")
    stages = [stage for stage in encoder.children() if any(True for _ in stage.parameters())]
    hooks = [stage.register_forward_hook(keep) for stage in stages]
    try:
        logits = network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    maps = [one for one in found if one.ndim == 4 and min(one.shape[2:]) > 1]
    tokens = any(one.ndim == 3 for one in found)
    # Of some transformers maps come by place, not by channel, as timm says.
    by_place = str(getattr(encoder, "output_fmt", "")).endswith("NHWC")
    if not maps or tokens or by_place:
        return logits, None
    return logits, maps[-1]
