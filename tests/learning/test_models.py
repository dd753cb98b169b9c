"""Weights in the precision that they are used in: what was said before, without rounding anew."""

import pytest
import torch
from torch import nn

from classifier_settings import TINY
from histoniche.learning import models
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.joint import JointClassifiers
from histoniche.learning.models import Model, as_reckoned, load_model, save_model
from histoniche.learning.networks import build_network
from training_settings import DEFAULTS

CPU = torch.device("cpu")
SIDES = {"inception_v3": 96}
PIXELS = {"mean": [0.5] * 3, "deviation": [0.3] * 3}


def some_tiles(side):
    return torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)


def write(folder, encoder):
    settings = {**TINY, "encoder": encoder, "auxiliary_weight": 0}
    description = {
        "task": "classification",
        "classes": ["low", "high"],
        "settings": settings,
        "size": SIDES.get(encoder, 64),
        "temperature": 1.0,
        "normalisation": PIXELS,
    }
    save_model(build_classifier(settings, classes=2), description, folder)
    return folder


def load(folder, monkeypatch, *, bfloat16):
    monkeypatch.setattr(models, "reckons_in_bfloat16", lambda _: bfloat16)
    return load_model(folder, device=CPU, task="classification")


@pytest.mark.parametrize("encoder", ["vgg16", "resnet18", "inception_v3", "test_vit"])
def test_weights_held_in_bfloat16_say_what_autocast_says(encoder, tmp_path, monkeypatch):
    torch.manual_seed(0)
    pixels = some_tiles(SIDES.get(encoder, 64))
    write(tmp_path, encoder)
    plain = load(tmp_path, monkeypatch, bfloat16=False)
    exact = plain.logits(pixels)
    joint = JointClassifiers({"trait": load(tmp_path, monkeypatch, bfloat16=True)})
    kept = joint.models["trait"]
    steps = [step for step in kept.network.modules() if type(step) in (nn.Conv2d, nn.Linear)]
    assert {step.weight.dtype for step in steps} == {torch.bfloat16}
    found = kept.logits(pixels)
    # The same network with float32 weights, which autocast rounds at every step.
    assert torch.equal(found, plain.logits(pixels))
    assert found.dtype == torch.float32
    assert found.isfinite().all() and not torch.equal(found, exact)
    together = joint.probabilities(pixels)["trait"]
    assert together.dtype == torch.float32
    assert torch.equal(together, found.softmax(1))


def test_a_segmenting_network_says_the_same_and_keeps_its_normalisations(monkeypatch):
    monkeypatch.setattr(models, "reckons_in_bfloat16", lambda _: True)
    torch.manual_seed(0)
    settings = {**DEFAULTS, "architecture": "FCDenseNet103"}
    pixels = some_tiles(64)
    network = build_network(settings, classes=3).eval()
    description = {"temperature": 1.0, "normalisation": PIXELS}
    before = Model(network, description).logits(pixels)
    kept = Model(as_reckoned(network, CPU), description)
    norms = [step for step in network.modules() if isinstance(step, nn.BatchNorm2d)]
    assert {step.weight.dtype for step in norms} == {torch.float32}
    assert torch.equal(kept.logits(pixels), before)


def test_without_units_for_bfloat16_weights_stay_as_they_are(tmp_path, monkeypatch):
    write(tmp_path, "test_resnet")
    model = load(tmp_path, monkeypatch, bfloat16=False)
    assert {value.dtype for value in model.network.parameters()} == {torch.float32}


def test_weights_of_a_step_that_changes_them_are_left_to_it(monkeypatch):
    class Standardised(nn.Conv2d):
        """Brings its weights to mean 0, which rounded ones have not."""

    monkeypatch.setattr(models, "reckons_in_bfloat16", lambda _: True)
    network = as_reckoned(nn.Sequential(Standardised(3, 4, 1), nn.Conv2d(4, 4, 1)), CPU)
    assert [step.weight.dtype for step in network] == [torch.float32, torch.bfloat16]
