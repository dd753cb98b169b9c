"""Networks that name tiles: every name learns a few tiles by heart, and starts where it is told."""

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models as published

from classifier_settings import CLASSIFIER, TINY
from histoniche.errors import InputError
from histoniche.files import sha256
from histoniche.learning.classifiers import (
    build_classifier,
    build_encoder,
    encoder_colours,
    start_classifier,
)
from histoniche.learning.folding import folded
from histoniche.learning.optimisers import build_optimiser

SIDES = {"inception_v3": 75}


@pytest.mark.parametrize(
    ("encoder", "rate", "steps"),
    [
        ("vgg16", 3e-4, 12),
        ("vgg16_bn", 1e-3, 8),
        ("resnet18", 1e-3, 8),
        ("inception_v3", 1e-3, 8),
        ("tu-test_resnet", 3e-3, 30),
        ("test_vit", 3e-3, 30),
    ],
)
def test_every_network_learns_four_tiles_by_heart(encoder, rate, steps):
    torch.manual_seed(0)
    settings = {**CLASSIFIER, "encoder": encoder, "learning_rate": rate, "auxiliary_weight": 0}
    network = build_classifier(settings, classes=2).train()
    optimiser = build_optimiser(network, settings)
    side = SIDES.get(encoder, 32)
    pixels, classes = torch.randn(4, 3, side, side), torch.tensor([0, 1, 1, 0])
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(pixels), classes)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    # A few steps do not settle the running statistics, so that it is judged as it was trained.
    assert network(pixels).argmax(1).tolist() == classes.tolist()


def test_inception_answers_twice_in_training_and_once_in_application():
    network = build_classifier({**CLASSIFIER, "encoder": "inception_v3"}, classes=3)
    pixels = torch.randn(2, 3, 299, 299)
    assert [one.shape for one in network.train()(pixels)] == [(2, 3), (2, 3)]
    assert network.eval()(pixels).shape == (2, 3)
    without = {**CLASSIFIER, "encoder": "inception_v3", "auxiliary_weight": 0}
    assert not any("Aux" in name for name in build_classifier(without, classes=3).state_dict())


@pytest.mark.parametrize(
    ("name", "last"),
    [("resnet18", "fc"), ("vgg16", "classifier"), ("inception_v3", "fc")],
)
def test_torchvisions_own_files_of_weights_fit(name, last, tmp_path):
    torch.manual_seed(0)
    options = {"init_weights": False} if name != "resnet18" else {}
    whole = published.get_model(name, weights=None, **options).eval()
    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in whole.state_dict().items()}, path)
    settings = {**CLASSIFIER, "encoder": name, "encoder_sha256": sha256(path)}
    network = start_classifier(settings, classes=2, weights=path).eval()
    for key, value in network.encoder.state_dict().items():
        if not key.startswith("AuxLogits.fc"):
            assert torch.equal(value, whole.state_dict()[key]), key
    setattr(whole, last, torch.nn.Identity())
    if name != "vgg16":
        whole.transform_input = False
        pixels = torch.randn(1, 3, 75, 75)
        with torch.inference_mode():
            assert torch.allclose(network.encoder(pixels), whole(pixels), atol=1e-5)


def tiny_weights(tmp_path):
    encoder, _ = build_encoder(TINY)
    path = tmp_path / "encoder.safetensors"
    save_file(encoder.state_dict(), path)
    return path


def test_weights_of_another_network_or_digest_give_one_line(tmp_path):
    path = tiny_weights(tmp_path)
    start_classifier(TINY, classes=2, weights=path)
    with pytest.raises(InputError, match="not the weights that encoder_sha256 names"):
        start_classifier({**TINY, "encoder_sha256": 64 * "0"}, classes=2, weights=path)
    with pytest.raises(InputError, match="not the weights of this encoder") as caught:
        start_classifier({**TINY, "encoder": "test_efficientnet"}, classes=2, weights=path)
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_refused(tmp_path):
    encoder, _ = build_encoder(TINY)
    torch.save(encoder.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(InputError, match="name safetensors"):
        start_classifier(TINY, classes=2, weights=tmp_path / "weights.pth")


def test_an_unknown_network_gives_one_line():
    with pytest.raises(InputError, match=r"training.encoder.*vgg16") as caught:
        build_classifier({**TINY, "encoder": "vgg17"}, classes=2)
    assert "\n" not in str(caught.value)


def test_the_environments_weights_are_there_without_internet():
    settings = {**TINY, "encoder": "tf_efficientnet_lite0", "encoder_weights": "imagenet"}
    torch.manual_seed(0)
    first = start_classifier(settings, classes=2, weights=None).encoder.state_dict()
    torch.manual_seed(1)
    second = start_classifier(settings, classes=2, weights=None).encoder.state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("encoder", ["resnet18", "inception_v3", "vgg16_bn"])
def test_a_folded_classifier_says_the_same(encoder):
    torch.manual_seed(0)
    network = build_classifier({**CLASSIFIER, "encoder": encoder}, classes=3).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    changed = folded(network)
    kinds = [type(module) for module in changed.modules()]
    assert torch.nn.BatchNorm2d not in kinds
    pixels = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        before, after = network(pixels), changed(pixels)
    assert torch.allclose(before, after, atol=1e-3 * float(before.abs().max()))


def test_colours_are_those_of_the_publication():
    assert encoder_colours("vgg16")["mean"] == [0.485, 0.456, 0.406]
    assert encoder_colours("tf_efficientnet_lite0")["mean"] == [0.5, 0.5, 0.5]
