"""Grad-CAM: where in a tile a network sees what it names."""

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
        inputs = normalise(tile[None], model.description["normalisation"]).requires_grad_()
        logits, maps = _with_maps(model.network, inputs)
        if maps is None:
            raise InputError(
                "has no maps to look at",
                column="encoder",
                value=model.description["settings"]["encoder"],
                remedy="choose a convolutional network for Grad-CAM",
            )
        (gradient,) = torch.autograd.grad(logits[0, target], maps)
    weights = gradient.float().mean((2, 3), keepdim=True)
    cam = (weights * maps.detach().float()).sum(1, keepdim=True).relu()
    size = list(pixels.shape[:2])
    whole = F.interpolate(cam, size, mode="bilinear", align_corners=False)[0, 0]
    return (whole / whole.max().clamp_min(torch.finfo(torch.float32).tiny)).cpu().numpy()


def _with_maps(
    network: nn.Module, inputs: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Logits, and the maps (1, channels, height, width) of the encoder's last stage with any."""
    found: list[torch.Tensor] = []

    def keep(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            found.append(output)

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
