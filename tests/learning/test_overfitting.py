"""Every architecture and every loss learns two pictures by heart."""

import numpy as np
import pytest
import torch

from histoniche.learning.losses import SummedLoss
from histoniche.learning.networks import build_network
from histoniche.learning.optimisers import build_optimiser
from training_settings import ARCHITECTURES, DEFAULTS, LOSSES

COLOURS = np.array([[0.95, 0.95, 0.95], [0.8, 0.3, 0.5], [0.35, 0.25, 0.6]])
ENCODERS = {"DPT": "tu-vit_tiny_patch16_224", "TokenSegmenter": "vit_tiny_patch16_224"}
# A transformer from a random start takes longer than a convolution, as do features of every stage.
STEPS = {"TokenSegmenter": 100, "DPT": 60, "HyperColumns": 100}
SIDE = 32


@pytest.fixture(scope="module")
def pictures():
    """Two pictures of three colours in blocks, some of it not annotated."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (2, 2, 2)).repeat(SIDE // 2, 1).repeat(SIDE // 2, 2)
    labels[1, :, : SIDE // 2] = 1
    labels[1, :, SIDE // 2 :] = 2
    pixels = COLOURS[labels] + rng.normal(0, 0.03, (*labels.shape, 3))
    known = labels.copy()
    known[:, :2] = 255
    return torch.from_numpy(pixels).float().permute(0, 3, 1, 2) - 0.5, torch.from_numpy(known)


def learn(pictures, steps, **changes):
    """Losses by step, and the share of annotated pixels that are right in the end."""
    torch.manual_seed(0)
    settings = {
        **DEFAULTS, "encoder": "resnet18", "decoder_channels": 8, "learning_rate": 0.003, **changes,
    }  # fmt: skip
    pixels, labels = pictures
    network = build_network(settings, classes=3).train()
    loss = SummedLoss(settings)
    optimiser = build_optimiser(network, settings)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        value = loss(network(pixels), labels)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(value.detach()))
    with torch.inference_mode():
        found = network(pixels).argmax(1)
    known = labels != 255
    return losses, float((found == labels)[known].float().mean())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_learns_two_pictures_by_heart(pictures, architecture):
    if architecture == "PAN":
        pixels, labels = pictures
        pictures = pixels.repeat(1, 1, 4, 4), labels.repeat(1, 4, 4)
    losses, right = learn(
        pictures,
        STEPS.get(architecture, 40),
        architecture=architecture,
        encoder=ENCODERS.get(architecture, "resnet18"),
        learning_rate=3e-4 if architecture in {"UNet2015", "DPT"} else 3e-3,
        loss=["cross_entropy"],
    )
    assert losses[-1] < 0.3 * losses[0]
    assert right > 0.93


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_leads_there(pictures, loss):
    losses, right = learn(pictures, 30, loss=[loss], encoder_depth=3)
    assert losses[-1] < 0.5 * losses[0]
    assert right > 0.95
