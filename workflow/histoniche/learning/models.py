"""Finished models: a folder with weights as safetensors and a description as JSON."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from histoniche.errors import InputError
from histoniche.files import read_json, sha256, whole_file, write_json
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.folding import folded
from histoniche.learning.networks import build_network

# Asked this way, whether there is a GPU does not start CUDA, after which no process may be forked.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "classification": build_classifier,
    "segmentation": build_network,
}
"""Builders of networks by what the description says they are for."""

Network = TypeVar("Network", bound=nn.Module)

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class Model:
    """A network ready to be applied, and its description."""

    network: nn.Module
    description: Mapping[str, Any]

    @property
    def classes(self) -> list[str]:
        """Names of the output channels."""
        return list(self.description["classes"])

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        """Calibrated logits of uint8 tiles (n, 3, h, w): float (n, classes, h, w)."""
        normalised = normalise(pixels, self.description["normalisation"])
        with reckoning(self.device):
            found = self.network(normalised)
        return found.float().div_(self.description["temperature"])


def normalise(pixels: torch.Tensor, statistics: Mapping[str, Any]) -> torch.Tensor:
    """Bring uint8 pixels to mean 0 and deviation 1 of the training tiles, float channels_last."""
    mean = torch.tensor(statistics["mean"], device=pixels.device).view(1, 3, 1, 1)
    deviation = torch.tensor(statistics["deviation"], device=pixels.device).view(1, 3, 1, 1)
    # One factor and one shift: half as many passes over the pixels.
    scaled = torch.mul(pixels, 1 / (255 * deviation)).sub_(mean / deviation)
    return scaled.contiguous(memory_format=torch.channels_last)


def save_model(network: nn.Module, description: Mapping[str, Any], folder: Path) -> None:
    """Write weights and description, the latter last and with the weights' digest."""
    weights = folder / WEIGHTS
    state = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    with whole_file(weights) as temporary:
        save_file(state, temporary)
    write_json({**description, "weights_sha256": sha256(weights)}, folder / DESCRIPTION)


def load_model(
    folder: Path,
    *,
    device: torch.device,
    task: Literal["classification", "segmentation"] = "segmentation",
) -> Model:
    """Load a finished model for application; nothing in it is executed.

    Raises
    ------
    InputError
        If files are missing, the weights are not those described, or the model is for
        something else than `task`.
    """

    def build(description: Mapping[str, Any]) -> nn.Module:
        return _BUILDERS[task](description["settings"], classes=len(description["classes"]))

    network, description = load_described(folder, task=task, build=build)
    # What names whole tiles may take no other size than theirs.
    side = {"side": int(description["size"])} if task == "classification" else {}
    ready = as_reckoned(folded(network, **side), device)
    return Model(ready.to(memory_format=torch.channels_last).to(device), description)


def load_described(
    folder: Path, *, task: str, build: Callable[[Mapping[str, Any]], Network]
) -> tuple[Network, dict[str, Any]]:
    """Load a finished network and its description as they are; nothing in them is executed.

    Parameters
    ----------
    folder
        Of the model.
    task
        What the model has to be for.
    build
        From the description to the network without its weights.

    Raises
    ------
    InputError
        If files are missing, the weights are not those described, or the model is for
        something else.
    """
    description = read_description(folder)
    own = description.get("task", "segmentation")
    if own != task:
        raise InputError(f"is a model for {own}", file=folder, remedy=f"name a model for {task}")
    network = build(description)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval(), description


def read_description(folder: Path) -> dict[str, Any]:
    """Description of a finished model whose weights are those that it describes.

    Raises
    ------
    InputError
        If files are missing, or the weights are not those described.
    """
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).is_file():
            raise InputError("no such file", file=folder / name, remedy="name a folder of a model")
    description: dict[str, Any] = read_json(folder / DESCRIPTION)
    if sha256(folder / WEIGHTS) != description["weights_sha256"]:
        raise InputError(
            "the weights are not those that model.json describes",
            file=folder / WEIGHTS,
            remedy="take both files from one training",
        )
    return description


def choose_device() -> torch.device:
    """The GPU that the allocation grants, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def count_devices() -> int:
    """GPUs that the allocation grants, or 1 for the CPU."""
    return max(1, torch.cuda.device_count())


def reckons_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has units for bfloat16; a CPU without them only emulates it, slowly."""
    return device.type == "cuda" or bool(torch.cpu._is_amx_tile_supported())


def reckoning(device: torch.device) -> torch.autocast:
    """Where networks are applied: bfloat16 if the device has units for it, else float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=reckons_in_bfloat16(device))


# Autocast rounds the weights of these. Their subclasses may do something with them before.
_ROUNDED = frozenset({nn.Conv2d, nn.ConvTranspose2d, nn.Linear})


def as_reckoned(network: nn.Module, device: torch.device) -> nn.Module:
    """The network, changed to hold the weights that `reckoning` would make of its own each time.

    It says the same to the last bit, but only within `reckoning`. Normalisations keep their
    float32, as they do there.
    """
    if reckons_in_bfloat16(device):
        for module in network.modules():
            if type(module) in _ROUNDED:
                module.to(torch.bfloat16)
    return network


def choose_precision() -> Literal["bf16-mixed", "32-true"]:
    """Precision of training: bfloat16 where the device has units for it, else float32."""
    return "bf16-mixed" if reckons_in_bfloat16(choose_device()) else "32-true"
