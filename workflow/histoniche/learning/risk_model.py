"""A network over the slices of a patient that foresees survival, ready to be applied.

It is trained in `histoniche.learning.risk`, whose imports are many.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from histoniche.errors import InputError
from histoniche.learning.gradcam import speaking_maps
from histoniche.learning.hazards import centred_risk
from histoniche.learning.models import choose_device, load_described
from histoniche.learning.risk_images import normalise_maps
from histoniche.learning.risk_network import SliceNetwork, build_slice_network

# Patients that are judged at once.
_AT_ONCE = 16


class RiskModel(NamedTuple):
    """A network over the slices of a patient ready to be applied, and its description."""

    network: SliceNetwork
    description: Mapping[str, Any]

    def judge(self, images: NDArray[np.floating]) -> NDArray[np.float64]:
        """Log hazard (n,), higher = dies sooner, of images in the units that were learned from.

        Parameters
        ----------
        images
            (n, slices, maps, side, side), of the shape that was learned from.

        Raises
        ------
        InputError
            If they are of another shape.
        """
        with torch.inference_mode():
            found = [self.network(some).double().cpu() for some in self._normalised(images)]
        return torch.cat([torch.zeros(0), *found]).numpy()

    def risk(self, log_hazard: NDArray[np.floating]) -> NDArray[np.float64]:
        """Risk, 0 to 1, of log hazards; see `centred_risk`."""
        return centred_risk(log_hazard, self.description["mean_log_hazard"])

    def activation(self, images: NDArray[np.floating]) -> NDArray[np.float32]:
        """Class activation maps of the risk: where in which slice a network sees danger.

        Maps of the encoder's last convolutional stage are summed by their weight for the log
        hazard. Of a network that ends in the mean over places and a linear layer, as a
        ResNet, this is the class activation map (Zhou et al. 2016), whose mean over places
        and slices is the log hazard but for the bias; of another it is Grad-CAM without its
        cut at 0 (Selvaraju et al. 2017), since of a patient at low risk all may lie below.

        Parameters
        ----------
        images
            As for `judge`.

        Returns
        -------
        (n, slices, side, side), enlarged bilinearly from the stage's resolution: from 0, what
        speaks for the lowest hazard in any slice of the patient, to 1, what speaks for the
        highest. All 0 if all places say the same.

        Raises
        ------
        InputError
            If images are of another shape, or the encoder has no maps, as a transformer.

        References
        ----------
        Zhou et al. 2016, CVPR, arXiv 1512.04150; Selvaraju et al. 2017, ICCV, arXiv
        1610.02391.
        """
        found = [self._activation(some) for some in self._normalised(images)]
        nothing = np.zeros((0, images.shape[1], *images.shape[3:]), np.float32)
        return np.concatenate([nothing, *found])

    def _activation(self, images: torch.Tensor) -> NDArray[np.float32]:
        """Class activation maps of a few patients."""
        count, slices, _, side, _ = images.shape
        name = self.description["settings"]["network"]
        with torch.enable_grad():
            maps = speaking_maps(self.network, images, torch.Tensor.sum, name=name)
        whole = F.interpolate(maps, [side, side], mode="bilinear", align_corners=False)
        by_patient = whole.view(count, -1)
        least, most = by_patient.amin(1, keepdim=True), by_patient.amax(1, keepdim=True)
        scaled = (by_patient - least) / (most - least).clamp_min(torch.finfo(torch.float32).tiny)
        return scaled.view(count, slices, side, side).cpu().numpy()

    def _normalised(self, images: NDArray[np.floating]) -> list[torch.Tensor]:
        """Images of a few patients at a time, normalised, where the network is."""
        shape = self.description["shape"]
        if list(images.shape[1:]) != shape:
            raise InputError(
                f"images of shape {list(images.shape[1:])}, the network learned from {shape}",
                column="images",
                remedy="make samples with the slices, maps and side of the training",
            )
        device = next(self.network.parameters()).device
        values = torch.from_numpy(np.asarray(images, np.float32))
        parts = [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]
        statistics = self.description["normalisation"]
        return [normalise_maps(some.to(device), statistics) for some in parts]


def load_risk_model(folder: Path) -> RiskModel:
    """Load a finished network over slices; nothing in it is executed.

    Raises
    ------
    InputError
        If files are missing, are not what they are described as, or are of another kind.
    """

    def build(known: Mapping[str, Any]) -> SliceNetwork:
        return build_slice_network(known["settings"], maps=known["shape"][1])

    network, description = load_described(folder, task="risk", build=build)
    return RiskModel(network.to(choose_device()), description)
