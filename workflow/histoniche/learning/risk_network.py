"""The network over the slices of a patient, by name from timm."""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import nn

from histoniche.errors import InputError
from histoniche.learning.classifiers import TileClassifier, build_encoder


class SliceNetwork(TileClassifier):
    """From some slices of a patient to a log hazard: the mean over what each slice says.

    Each slice goes through the same encoder, its maps as channels, and the same linear layer.
    Yan et al., whose sample has 16 images (4 slices of 4 maps) too, do not say how they enter
    the network. Were they 16 channels, activation could not be told by slice, and what is
    learned of one slice would have to be learned of the others again.

    References
    ----------
    Yan et al. 2021, EBioMedicine 72:103583, doi 10.1016/j.ebiom.2021.103583.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log hazard (n,) of normalised images (n, slices, maps, side, side)."""
        found = self.head(self.encoder(images.flatten(0, 1)))
        return found.view(len(images), -1).mean(1)


class _Shallow(nn.Module):
    """The first stages of a network, and the mean over the places of their last maps.

    Parameters
    ----------
    stages
        From images to a list of maps.
    """

    def __init__(self, stages: nn.Module) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (n, channels)."""
        maps: torch.Tensor = self.stages(images)[-1]
        return maps.mean((2, 3))


def build_slice_network(settings: Mapping[str, Any], *, maps: int) -> SliceNetwork:
    """Build the network that the settings name, all of it at random.

    Parameters
    ----------
    settings
        `network`, a name of timm; `network_options`, what timm shall be told of it; `depth`,
        how often images are halved up to the last maps that are used: 3 leaves out all that
        comes behind maps of an eighth of the side, and what is left sees less of the image
        from each place and so tells places apart; None for the whole network; `dropout`.
    maps
        Maps of a slice.

    Raises
    ------
    InputError
        If timm cannot build it, or it has no maps of that depth.
    """
    name, depth = settings["network"], settings["depth"]
    options = {**settings["network_options"], "in_chans": maps}
    if depth is None:
        try:
            encoder, width = build_encoder({"encoder": f"tu-{name}", "encoder_options": options})
        except InputError as error:
            raise _unknown(name, str(error.fields["problem"])) from error
    else:
        encoder, width = _shallow(name, options, depth)
    network = SliceNetwork(encoder, width, 1, dropout=float(settings["dropout"]))
    return network.to(memory_format=torch.channels_last)


def _shallow(name: str, options: Mapping[str, Any], depth: int) -> tuple[nn.Module, int]:
    """The first stages of a network and the number of their last maps."""
    try:
        whole: Any = timm.create_model(name, features_only=True, **options)
        reductions = whole.feature_info.reduction()
        wanted = [place for place, one in enumerate(reductions) if one == 2**depth][:1]
        stages: Any = timm.create_model(name, features_only=True, out_indices=wanted, **options)
    except (KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise _unknown(name, f"cannot be built: {' '.join(str(error).split())[:200]}") from error
    if not wanted:
        raise InputError(
            f"{name} reduces images {', '.join(map(str, reductions))} times",
            column="training.depth",
            value=depth,
            remedy="choose a depth whose power of 2 is one of these, or null",
        )
    return _Shallow(stages), int(stages.feature_info.channels()[-1])


def _unknown(name: str, problem: str) -> InputError:
    """The error of a network that timm cannot build."""
    return InputError(
        problem,
        column="training.network",
        value=name,
        remedy="choose a network of timm and options that it knows",
    )
