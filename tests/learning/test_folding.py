import pytest
import torch

from histoniche.learning.folding import folded
from histoniche.learning.networks import build_network
from training_settings import DEFAULTS


def normalisations(network):
    kinds = (torch.nn.BatchNorm2d,)
    return sum(isinstance(module, kinds) for module in network.modules())


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "resnet18"},
        {"encoder": "tu-tf_efficientnet_lite0"},
        {"architecture": "FPN", "encoder": "densenet121"},
    ],
)
def test_a_folded_network_says_the_same_in_fewer_steps(change):
    torch.manual_seed(0)
    network = build_network({**DEFAULTS, **change}, classes=3).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    changed = folded(network)
    pixels = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        before, after = network(pixels), changed(pixels)
    assert normalisations(changed) < normalisations(network)
    assert torch.allclose(before, after, atol=1e-3 * float(before.abs().max()))


class Crossed(torch.nn.Module):
    """Registers a normalisation behind a convolution, but applies it before."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.normalisation = torch.nn.BatchNorm2d(3)
        self.normalisation.running_mean.fill_(0.7)

    def forward(self, pixels):
        return self.convolution(self.normalisation(pixels))


def test_a_network_that_runs_otherwise_than_it_is_written_stays_as_it_is():
    network = Crossed().eval()
    assert folded(network) is network
