import pytest
import torch

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.regions.heads import fused_logits, head_classes

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))][:4]


class Fixed:
    """A model whose calibrated logits are given."""

    def __init__(self, logits):
        self._logits = logits

    def logits(self, pixels):
        return self._logits


def binary(probability):
    """Logits of a binary network that gives one pixel this probability."""
    odds = torch.tensor(probability).logit()
    return Fixed(torch.stack([torch.zeros_like(odds), odds]).view(1, 2, 1, 1))


def test_a_joint_head_has_every_region_and_a_binary_one_its_own():
    assert head_classes("all", PALETTE) == {"background": [0], "LE": [1], "IT": [2], "CT": [3]}
    assert head_classes("IT", PALETTE) == {"rest": [0, 1, 3], "IT": [2]}


def test_fusion_is_the_probability_given_that_exactly_one_is_there():
    chances = {"LE": 0.7, "IT": 0.2, "CT": 0.4}
    fused = fused_logits(
        {name: binary(p) for name, p in chances.items()}, torch.zeros(1, 3, 1, 1), PALETTE
    ).softmax(1)[0, :, 0, 0]
    weights = [1.0]
    for p in chances.values():
        weights[0] *= 1 - p
    for name, p in chances.items():
        others = [1 - q for other, q in chances.items() if other != name]
        weights.append(p * others[0] * others[1])
    expected = [weight / sum(weights) for weight in weights]
    assert fused.tolist() == pytest.approx(expected, abs=1e-6)


def test_where_no_network_sees_its_region_there_is_background():
    models = {name: binary(0.1) for name in ("LE", "IT", "CT")}
    assert fused_logits(models, torch.zeros(1, 3, 1, 1), PALETTE).argmax(1).item() == 0
