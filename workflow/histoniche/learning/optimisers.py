"""Optimisers and schedules of the learning rate, by name."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import lr_scheduler

Optimiser = torch.optim.Optimizer

# Share of the peak that a warm-up starts from.
_COLD = 0.04


def build_optimiser(network: nn.Module, settings: Mapping[str, Any]) -> Optimiser:
    """Build the optimiser that the settings name.

    Parameters
    ----------
    network
        The network; what lies under `encoder` learns at its own rate.
    settings
        The config's block `segmentation.training`: `optimiser`,
        `learning_rate`, `encoder_rate`, `weight_decay`, `momentum`.

    Returns
    -------
    The optimiser. `weight_decay` is decoupled in AdamW (Loshchilov and Hutter
    2019, arXiv 1711.05101) and an L2 penalty in the others.
    """
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    sides: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            sides[name.startswith("encoder.")].append(parameter)
    groups = [
        {"params": parameters, "lr": rate * (settings["encoder_rate"] if encoder else 1)}
        for encoder, parameters in sides.items()
        if parameters
    ]
    momentum = settings["momentum"]
    makers: dict[str, Callable[[], Optimiser]] = {
        "adamw": lambda: torch.optim.AdamW(groups, lr=rate, weight_decay=decay),
        "adam": lambda: torch.optim.Adam(groups, lr=rate, weight_decay=decay),
        "rmsprop": lambda: torch.optim.RMSprop(
            groups, lr=rate, weight_decay=decay, momentum=momentum
        ),
        "sgd": lambda: torch.optim.SGD(groups, lr=rate, weight_decay=decay, momentum=momentum),
    }
    return makers[settings["optimiser"]]()


def build_schedule(
    optimiser: Optimiser,
    settings: Mapping[str, Any],
    *,
    steps: int,
    monitor: str = "validation_loss",
    mode: Literal["min", "max"] = "min",
) -> dict[str, Any]:
    """Build the schedule that the settings name, as Lightning wants it.

    Parameters
    ----------
    settings
        `schedule`, and of it `warmup`, `decay`, `factor`, `patience`.
    steps
        Optimiser steps of the whole training.
    monitor, mode
        What `plateau` looks at, and whether less or more of it is better.

    Returns
    -------
    Lightning's `lr_scheduler`. `constant` stays at the peak; `inverse_time`
    divides it by 1 + decay x step (the decay of Keras, which GBM_WSSM names);
    `cosine` falls along half a wave (Loshchilov and Hutter 2017, arXiv
    1608.03983); `plateau` multiplies by `factor` after `patience` looks
    in a row without a better value of what is monitored. All but `plateau` first rise over the
    share `warmup` of the steps.
    """
    schedule = settings["schedule"]
    if schedule["name"] == "plateau":
        plateau = lr_scheduler.ReduceLROnPlateau(
            optimiser,
            mode=mode,
            factor=schedule["factor"],
            # As Keras and early stopping count; torch waits for one more, and wants more gain.
            patience=schedule["patience"] - 1,
            threshold=0,
        )
        return {"scheduler": plateau, "interval": "epoch", "monitor": monitor}
    warmup = round(schedule["warmup"] * steps)
    rest = max(1, steps - warmup)
    decay = schedule["decay"]
    falls: dict[str, Callable[[int], float]] = {
        "constant": lambda _: 1.0,
        "inverse_time": lambda step: 1 / (1 + decay * step),
        "cosine": lambda step: 0.5 * (1 + math.cos(math.pi * min(step / rest, 1))),
    }
    fall = falls[schedule["name"]]

    def factor(step: int) -> float:
        if step < warmup:
            return _COLD + (1 - _COLD) * step / warmup
        return fall(step - warmup)

    return {"scheduler": lr_scheduler.LambdaLR(optimiser, factor), "interval": "step"}
