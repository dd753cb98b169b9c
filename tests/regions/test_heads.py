import pytest
import torch

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.cohort.splits import patient_digest
from histoniche.learning.ensembles import Ensemble
from histoniche.regions.heads import fused_logits, head_classes, heads_for

PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))][:4]


class Fixed:
    """A model whose calibrated logits are given."""

    def __init__(self, logits, seen=()):
        self._logits = logits
        self.description = {"patients_sha256": {"train": [patient_digest(name) for name in seen]}}

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


def test_an_ensemble_gives_the_mean_of_its_members_probabilities():
    ensemble = Ensemble([binary(0.1), binary(0.5), binary(0.9)])
    assert ensemble.logits(torch.zeros(1, 3, 1, 1)).softmax(1)[0, 1].item() == pytest.approx(0.5)
    uneven = Ensemble([binary(0.2), binary(0.6)]).logits(torch.zeros(1, 3, 1, 1))
    assert uneven.exp()[0, :, 0, 0].tolist() == pytest.approx([0.6, 0.4])


def test_no_patient_is_judged_by_a_network_that_has_seen_it():
    first, second = Fixed(None, seen=["A"]), Fixed(None, seen=["B"])
    heads = {"CT": Ensemble([first, second]), "LE": Ensemble([first])}
    assert heads_for(heads, "A")["CT"].members == [second]
    assert heads_for(heads, "B")["CT"].members == [first]
    assert heads_for(heads, "C")["CT"].members == [first, second]
    # Where each has, the split tells that the patient trained it.
    assert heads_for(heads, "A")["LE"].members == [first]
