import numpy as np
import pytest
import torch
from torch import nn

from classifier_settings import TINY
from histoniche.errors import InputError
from histoniche.learning import models
from histoniche.learning.classifiers import TileClassifier, build_classifier
from histoniche.learning.gradcam import grad_cam
from histoniche.learning.models import Model, as_reckoned

PLAIN = {
    "normalisation": {"mean": [0.0] * 3, "deviation": [1.0] * 3},
    "settings": {"encoder": "test"},
}


class Linear(nn.Module):
    """Two maps, twice red and three times green, averaged over the tile."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 2, 1, bias=False)
        with torch.no_grad():
            self.maps.weight[:] = torch.tensor([[2.0, 0, 0], [0, 3, 0]])[:, :, None, None]

    def forward(self, pixels):
        return self.maps(pixels).mean((2, 3))


@pytest.fixture
def linear(monkeypatch):
    monkeypatch.setattr(models, "reckons_in_bfloat16", lambda _: False)
    network = TileClassifier(Linear(), 2, 2, dropout=0.0).eval()
    with torch.no_grad():
        network.head[1].weight[:] = torch.tensor([[1.0, -1.0], [-4.0, 5.0]])
    return Model(network, PLAIN)


@pytest.mark.parametrize(("target", "red", "green"), [(0, 1, -1), (1, -4, 5)])
def test_of_a_linear_network_the_map_is_its_weighted_maps(linear, target, red, green):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    colours = pixels / 255
    expected = np.maximum(red * 2 * colours[..., 0] + green * 3 * colours[..., 1], 0)
    found = grad_cam(linear, pixels, target=target)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected / expected.max(), abs=1e-5)


def test_where_nothing_speaks_for_a_class_the_map_is_empty(linear):
    assert not grad_cam(linear, np.zeros((4, 4, 3), np.uint8), target=0).any()


def tiles(classes, rng):
    """Tiles with a dark patch in the left half (class 0) or a bright one in the right (class 1)."""
    pixels = rng.normal(0.5, 0.05, (len(classes), 3, 128, 128))
    for tile, one in zip(pixels, classes, strict=True):
        y, x = rng.integers(8, 88), rng.integers(0, 24) + 72 * one
        tile[:, y : y + 32, x : x + 32] += 0.8 * one - 0.4
    return torch.from_numpy(pixels.clip(0, 1)).float()


def test_the_map_lies_on_what_tells_the_class():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = build_classifier({**TINY}, classes=2).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.003)
    for _ in range(25):
        classes = rng.integers(0, 2, 8)
        loss = nn.functional.cross_entropy(network(tiles(classes, rng)), torch.from_numpy(classes))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model = Model(network.eval(), PLAIN)
    for target, half in ((0, slice(0, 64)), (1, slice(64, 128))):
        tile = (tiles([target], rng)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        found = grad_cam(model, tile, target=target)
        assert found.shape == (128, 128)
        assert found.max() == pytest.approx(1)
        assert found[:, half].sum() / found.sum() > 0.8


def test_a_network_in_bfloat16_looks_where_it_looks_in_float32(monkeypatch):
    torch.manual_seed(0)
    network = build_classifier(TINY, classes=2).eval()
    tile = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    found = {}
    for rounded in (False, True):
        monkeypatch.setattr(models, "reckons_in_bfloat16", lambda _, own=rounded: own)
        model = Model(as_reckoned(network, torch.device("cpu")), PLAIN)
        found[rounded] = grad_cam(model, tile, target=1)
    assert found[True].dtype == np.float32
    assert found[False].max() == 1
    assert found[True] == pytest.approx(found[False], abs=0.1)


@pytest.mark.parametrize(
    ("encoder", "size"), [("vgg16", 96), ("resnet18", 96), ("inception_v3", 299)]
)
def test_the_networks_of_the_presets_show_where_they_looked(encoder, size):
    torch.manual_seed(0)
    network = build_classifier({**TINY, "encoder": encoder}, classes=2).eval()
    pixels = np.full((size, size, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (size, size - size // 2, 3), dtype=np.uint8)
    pixels[:, size // 2 :] = noise
    maps = [grad_cam(Model(network, PLAIN), pixels, target=target) for target in (0, 1)]
    assert maps[0].shape == maps[1].shape == (size, size)
    assert all(np.isfinite(one).all() and one.max() in (0, 1) for one in maps)
    # Of two classes what speaks for one speaks against the other: somewhere one of them does.
    assert max(one.max() for one in maps) == 1
    assert not np.array_equal(*maps)


def test_a_transformer_has_no_maps():
    network = build_classifier({**TINY, "encoder": "test_vit"}, classes=2).eval()
    with pytest.raises(InputError, match="convolutional"):
        grad_cam(Model(network, PLAIN), np.zeros((64, 64, 3), np.uint8), target=0)
