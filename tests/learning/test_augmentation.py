import numpy as np
import pytest
import torch

from histoniche.learning.augmentation import Augmentation, StainJitter
from training_settings import DEFAULTS, NO_CHANGES

PLACES = ("flip", "vertical_flip", "quarter_turn", "affine")
COLOURS = ("stain", "brightness", "contrast", "saturation", "hue")


@pytest.fixture
def tile():
    """A tile whose red channel tells the label of every pixel."""
    labels = torch.randint(0, 5, (4, 4), generator=torch.Generator().manual_seed(0))
    labels = labels.repeat_interleave(12, 0).repeat_interleave(12, 1)
    pixels = torch.stack([40 * labels + 20, 200 - 30 * labels, torch.full_like(labels, 130)])
    return pixels.to(torch.uint8), labels


def only(name, crop=None, **changes):
    one = {**DEFAULTS["augment"][name], "probability": 1.0, **changes}
    return Augmentation({**NO_CHANGES, name: one}, crop=crop)


def test_every_change_of_the_config_is_tested_here():
    assert set(DEFAULTS["augment"]) == {*PLACES, *COLOURS}


@pytest.mark.parametrize("name", PLACES)
def test_places_change_pixels_and_labels_together(tile, name):
    pixels, labels = tile
    changed, moved = only(name)(pixels, labels, seed=3)
    assert changed.dtype == torch.uint8
    assert not torch.equal(moved, labels)
    known = moved != 255
    # Between two labels the pixels of a turned tile are mixed.
    off = (changed[0].int() - (40 * moved + 20)).abs()[known]
    assert (off > 3).float().mean() < (0.25 if name == "affine" else 1e-6)
    if name == "affine":
        assert (changed[:, ~known].float().mean()) > 230


@pytest.mark.parametrize("name", COLOURS)
def test_colours_change_and_labels_stay(tile, name):
    pixels, labels = tile
    changed, same = only(name)(pixels, labels, seed=3)
    assert torch.equal(same, labels)
    difference = (changed.int() - pixels.int()).abs()
    assert 0 < difference.max() < 60


@pytest.mark.parametrize("name", [*PLACES, *COLOURS])
def test_a_change_depends_on_its_seed_alone_and_on_no_other_draw(tile, name):
    augmentation = only(name)
    before = torch.get_rng_state()
    first = augmentation(*tile, seed=11)
    torch.rand(5)
    again = augmentation(*tile, seed=11)
    assert all(map(torch.equal, first, again))
    others = [augmentation(*tile, seed=seed)[0] for seed in range(12)]
    if name not in {"flip", "vertical_flip"}:
        assert any(not torch.equal(first[0], other) for other in others)
    torch.set_rng_state(before)
    augmentation(*tile, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["flip", "stain"])
def test_a_probability_is_a_share_of_the_tiles(tile, name):
    augmentation = only(name, probability=0.3)
    changed = [not torch.equal(augmentation(*tile, seed=seed)[0], tile[0]) for seed in range(400)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.08)


def test_no_change_gives_the_tile_itself(tile):
    pixels, labels = Augmentation(NO_CHANGES, crop=None)(*tile, seed=0)
    assert pixels is tile[0]
    assert labels is tile[1]


def test_a_crop_is_a_part_of_the_tile_in_every_place(tile):
    augmentation = Augmentation(NO_CHANGES, crop=32)
    corners = set()
    for seed in range(60):
        pixels, labels = augmentation(*tile, seed=seed)
        assert pixels.shape == (3, 32, 32)
        assert torch.equal(pixels[0].long(), 40 * labels + 20)
        corners.add(labels.numpy().tobytes())
    assert len(corners) > 20


def test_the_stain_jitter_scales_one_stain_and_leaves_white_white():
    jitter = StainJitter(0.2)
    haematoxylin = torch.tensor([0.65, 0.70, 0.29]) / torch.tensor([0.65, 0.70, 0.29]).norm()
    pixel = (255 * torch.exp(-0.8 * haematoxylin)).round().to(torch.uint8)
    image = torch.stack([pixel, torch.full((3,), 255, dtype=torch.uint8)], 1)[:, None]
    from torchvision.tv_tensors import Image

    parameters = {"scale": torch.tensor([1.5, 1.0, 1.0]), "shift": torch.zeros(3)}
    changed = jitter.transform(Image(image), parameters)
    expected = 255 * torch.exp(-1.2 * haematoxylin)
    assert torch.allclose(changed[:, 0, 0].float(), expected, atol=2)
    assert (changed[:, 0, 1] == 255).all()


@pytest.mark.parametrize("name", [*PLACES, *COLOURS])
def test_pixels_alone_change_as_they_do_with_labels(tile, name):
    pixels, labels = tile
    changed, _ = only(name)(pixels, labels, seed=3)
    assert torch.equal(only(name).pixels_alone(pixels, seed=3), changed)


def test_factors_may_lie_on_one_side():
    pixels = torch.full((3, 8, 8), 120, dtype=torch.uint8)
    pixels[0] = 160
    stronger = only("saturation", factors=[1.0, 2.0])
    spread = [
        int(found[0, 0, 0]) - int(found[1, 0, 0])
        for found in (stronger.pixels_alone(pixels, seed=seed) for seed in range(20))
    ]
    assert min(spread) >= 40
    assert max(spread) > 60
