import pytest
import torch
from safetensors.torch import save_file

from histoniche.cohort.config import read_schema
from histoniche.errors import InputError
from histoniche.learning.augmentation import augment
from histoniche.learning.calibration import fit_temperature, sample_pixels
from histoniche.learning.losses import summed_loss
from histoniche.learning.networks import build_network, start_network

SETTINGS = {
    "architecture": "Unet",
    "encoder": "resnet18",
    "encoder_weights": None,
    "encoder_depth": 5,
    "decoder_channels": 4,
}
ARCHITECTURES = read_schema("config")["$defs"]["training"]["properties"]["architecture"]["enum"]


@pytest.mark.parametrize("depth", [3, 4, 5])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_gives_a_logit_a_class_and_pixel(architecture, depth):
    settings = {**SETTINGS, "architecture": architecture, "encoder_depth": depth}
    network = build_network(settings, classes=3)
    with torch.inference_mode():
        logits = network.eval()(torch.rand(1, 3, 128, 128))
    assert logits.shape == (1, 3, 128, 128)


@pytest.mark.parametrize("change", [{"encoder": "resnet19"}, {"encoder_weights": "no such"}])
def test_an_unknown_encoder_or_name_of_weights_gives_one_line(change):
    with pytest.raises(InputError, match=r"segmentation.training.encoder") as caught:
        start_network({**SETTINGS, **change}, classes=3, weights=None)
    assert "\n" not in str(caught.value)


def test_the_encoder_starts_from_a_file_of_weights(tmp_path):
    torch.manual_seed(1)
    encoder = build_network(SETTINGS, classes=3).encoder
    weights = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    save_file(weights, tmp_path / "encoder.safetensors")
    torch.manual_seed(2)
    network = start_network(SETTINGS, classes=2, weights=tmp_path / "encoder.safetensors")
    for name, value in encoder.state_dict().items():
        assert torch.equal(network.encoder.state_dict()[name], value), name


@pytest.mark.parametrize("content", [b"no tensors", None])
def test_weights_that_do_not_fit_give_one_line(tmp_path, content):
    path = tmp_path / "encoder.safetensors"
    save_file({"conv1.weight": torch.zeros(2)}, path)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not the weights of this encoder") as caught:
        start_network(SETTINGS, classes=2, weights=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [["cross_entropy"], ["dice"], ["cross_entropy", "dice"]])
def test_losses_fall_to_nothing_for_the_truth_and_ignore_255(names):
    loss = summed_loss(names)
    labels = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    right = 50.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    assert loss(right, labels) < 1e-3
    assert loss(-right, labels) > 0.5
    masked = labels.clone()
    masked[:, :4] = 255
    wrong = right.clone()
    wrong[:, :, :4] *= -1
    assert loss(wrong, masked) < 1e-3


def test_augmentation_moves_pixels_and_labels_together():
    torch.manual_seed(0)
    labels = torch.randint(0, 5, (16, 32, 32))
    pixels = (labels / 8 + 0.2)[:, None].repeat(1, 3, 1, 1)
    changed, moved = augment(pixels, labels, strength=1e-6)
    assert not torch.equal(moved, labels)
    assert torch.allclose(changed[:, 0], moved / 8 + 0.2, atol=1e-4)


def test_no_augmentation_leaves_the_batch_as_it_is():
    pixels, labels = torch.rand(2, 3, 8, 8), torch.ones(2, 8, 8, dtype=torch.long)
    changed, moved = augment(pixels, labels, strength=0)
    assert changed is pixels
    assert moved is labels


def test_calibration_finds_the_planted_temperature():
    generator = torch.Generator().manual_seed(0)
    honest = 2 * torch.randn(20_000, 4, generator=generator)
    labels = torch.multinomial(honest.softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(3 * honest, labels) == pytest.approx(3, rel=0.05)
    assert fit_temperature(honest / 2, labels) == pytest.approx(0.5, rel=0.05)


def test_sampled_pixels_are_labelled_ones():
    import numpy as np

    labels = torch.full((2, 40, 40), 255)
    labels[:, 3, 5] = 1
    logits = torch.zeros(2, 3, 40, 40)
    logits[:, 2, 3, 5] = 7
    scores, truths = sample_pixels(logits, labels, rng=np.random.default_rng(0))
    assert scores.tolist() == [[0, 0, 7], [0, 0, 7]]
    assert truths.tolist() == [1, 1]
