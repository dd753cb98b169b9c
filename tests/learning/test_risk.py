"""A network over small images in which a bright rim decides the hazard, or nothing does."""

import json

import numpy as np
import pytest
import timm
import torch
from safetensors.numpy import save_file
from torch.nn.functional import interpolate

from histoniche.errors import InputError
from histoniche.learning.augmentation import Augmentation
from histoniche.learning.checkpoints import PreemptedError, newest_state
from histoniche.learning.concordance import agreement, resampled_agreement
from histoniche.learning.data import Draw, EpochSampler
from histoniche.learning.hazards import cox_loss
from histoniche.learning.risk import ImageRiskLearner, train_risk
from histoniche.learning.risk_images import RiskImages, RiskSample, image_statistics, normalise_maps
from histoniche.learning.risk_model import load_risk_model
from histoniche.learning.risk_network import build_slice_network
from histoniche.randomness import derived_seed
from histoniche.tables import read_table
from risk_settings import RISK

SLICES, MAPS, SIDE = 2, 3, 32
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
RADIUS = np.hypot(ROWS, COLUMNS) / SIDE
RIM = (RADIUS > 0.33) & (RADIUS < 0.43)
SMALL = {**RISK, "epochs": 25, "learning_rate": 0.003}


def draw(number, slices=SLICES, maps=MAPS, side=SIDE):
    """Images of a patient, whose rim is the brighter in the first map the sooner they die."""
    rng = np.random.default_rng(number)
    images = rng.normal([[0.4], [1.2], [0.9]][:maps], 0.05, (slices, maps, side * side))
    images = images.reshape(slices, maps, side, side).astype(np.float32)
    bright = rng.uniform(-1, 1)
    if side == SIDE:
        images[:, 1][:, RADIUS < 0.43] += 0.2
        images[:, 0][:, RIM] += 0.3 * bright
    death = 500 * rng.exponential() * np.exp(-2.5 * bright)
    end = rng.exponential(1500)
    return images, min(death, end), bool(death <= end)


def write(folder, number, **changes):
    images, time, event = draw(number, **changes)
    file = folder / f"P{number}.safetensors"
    save_file({"images": images}, file)
    return RiskSample(file, time, event)


def divide(samples):
    return {"train": samples[:48], "validation": samples[48:78], "test": samples[78:]}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    return divide([write(folder, number) for number in range(140)])


def train(sides, out, **changes):
    train_risk(
        {side: sides[side] for side in ("train", "validation") if side in sides},
        out / "model",
        out / "state",
        settings={**SMALL, **changes},
        origin={"patients_sha256": {"train": ["0a"]}},
        seed=3,
        threads=1,
    )
    return load_risk_model(out / "model")


def images_of(samples):
    return np.stack([draw(int(sample.file.stem[1:]))[0] for sample in samples])


def outcomes(samples):
    return [sample.time for sample in samples], [sample.event for sample in samples]


@pytest.fixture(scope="module")
def folder(samples, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    train(samples, out)
    return out / "model"


@pytest.fixture(scope="module")
def model(folder):
    return load_risk_model(folder)


def test_the_rim_that_decides_is_learned(model, samples):
    log_hazard = model.judge(images_of(samples["test"]))
    assert agreement(log_hazard, *outcomes(samples["test"])) > 0.75


def test_the_model_says_what_it_is(model, folder, samples):
    description = json.loads((folder / "model.json").read_text())
    assert (description["task"], description["shape"]) == ("risk", [SLICES, MAPS, SIDE, SIDE])
    assert description["patients"] == {"train": 48, "validation": 30}
    assert description["events"]["train"] == sum(one.event for one in samples["train"])
    assert description["patients_sha256"] == {"train": ["0a"]}
    pixels = images_of(samples["train"]).astype(float)
    statistics = description["normalisation"]
    assert statistics["mean"] == pytest.approx(pixels.mean((0, 1, 3, 4)), abs=1e-6)
    assert statistics["deviation"] == pytest.approx(pixels.std((0, 1, 3, 4)), abs=1e-6)
    history = read_table(folder / "history.parquet")
    assert len(history) == description["epochs"]
    assert description["kept"]["validation_loss"] == history["validation_loss"].min()
    assert not list(folder.parent.glob("state/*"))


def test_risk_is_centred_on_the_training_patients(model, samples):
    log_hazard = model.judge(images_of(samples["train"]))
    assert model.description["mean_log_hazard"] == pytest.approx(log_hazard.mean(), abs=1e-5)
    risk = model.risk(log_hazard)
    assert risk == pytest.approx(1 / (1 + np.exp(log_hazard.mean() - log_hazard)), abs=1e-5)
    assert (risk > 0).all()
    assert (risk < 1).all()


def test_validation_is_of_all_patients_at_once_and_not_of_batches(samples, tmp_path):
    model = train(samples, tmp_path, epochs=2, batch_size=10)
    log_hazard = model.judge(images_of(samples["validation"]))
    times, events = outcomes(samples["validation"])
    whole = cox_loss(torch.from_numpy(log_hazard), torch.tensor(times), torch.tensor(events))
    kept = model.description["kept"]
    assert kept["validation_loss"] == pytest.approx(float(whole), abs=1e-4)
    assert kept["validation_concordance"] == agreement(log_hazard, times, events)


def test_activation_is_highest_where_the_signal_lies(model, samples):
    images = images_of(samples["test"])
    log_hazard = model.judge(images)
    activation = model.activation(images)
    assert activation.shape == (len(images), SLICES, SIDE, SIDE)
    assert activation.dtype == np.float32
    assert activation.min((1, 2, 3)) == pytest.approx(np.zeros(len(images)), abs=1e-6)
    assert activation.max((1, 2, 3)) == pytest.approx(np.ones(len(images)), abs=1e-6)
    high = activation[log_hazard > np.quantile(log_hazard, 2 / 3)].mean((0, 1))
    middle, beyond = RADIUS < 0.2, RADIUS > 0.6
    assert high[RIM].mean() > 1.3 * high[middle].mean()
    assert high[RIM].mean() > 1.3 * high[beyond].mean()
    # Where risk is low the rim is what speaks for it.
    low = activation[log_hazard < np.quantile(log_hazard, 1 / 3)].mean((0, 1))
    assert low[RIM].mean() < low[middle].mean()


def test_activation_tells_slices_apart(model):
    bright, _, _ = draw(0)
    dark = bright.copy()
    bright[:, 0][:, RIM] = 0.8
    dark[:, 0][:, RIM] = 0.0
    mixed = np.stack([bright[0], dark[1]])
    activation = model.activation(mixed[None])[0]
    assert activation[0][RIM].mean() > activation[1][RIM].mean() + 0.3
    # What slices say is averaged.
    log_hazard = model.judge(np.stack([mixed, mixed[::-1], mixed[[0, 0]], mixed[[1, 1]]]))
    assert log_hazard[0] == pytest.approx(log_hazard[1], abs=1e-5)
    assert log_hazard[0] == pytest.approx(log_hazard[2:].mean(), abs=1e-5)


@pytest.mark.parametrize("depth", [3, None])
def test_activation_is_zhous_map_and_adds_up_to_the_log_hazard(model, samples, depth):
    images = images_of(samples["test"][:20])
    network = model.network
    if depth is None:
        torch.manual_seed(0)
        settings = {**SMALL, "depth": None, "network_options": {"output_stride": 8}}
        network = build_slice_network(settings, maps=MAPS).eval()
    whole = model._replace(network=network)
    values = normalise_maps(torch.from_numpy(images), model.description["normalisation"])
    layer = network.head[1]
    with torch.inference_mode():
        flat = values.flatten(0, 1)
        encoder = network.encoder
        maps = encoder.forward_features(flat) if depth is None else encoder.stages(flat)[-1]
        zhou = torch.einsum("c,ncyx->nyx", layer.weight[0], maps)
        means = zhou.view(20, -1).mean(1) + layer.bias
    assert means.numpy() == pytest.approx(whole.judge(images), abs=1e-4)
    big = interpolate(zhou[:, None], [SIDE, SIDE], mode="bilinear").view(20, -1)
    least, most = big.amin(1, keepdim=True), big.amax(1, keepdim=True)
    expected = ((big - least) / (most - least)).view(20, SLICES, SIDE, SIDE)
    assert whole.activation(images) == pytest.approx(expected.numpy(), abs=1e-3)


def test_patients_are_judged_alike_alone_and_among_many(model, samples):
    images = images_of(samples["test"][:20])
    together = model.judge(images)
    alone = np.concatenate([model.judge(images[[number]]) for number in range(20)])
    assert together == pytest.approx(alone, abs=1e-5)
    assert model.judge(images[:0]).shape == (0,)
    assert model.activation(images[:0]).shape == (0, SLICES, SIDE, SIDE)


def test_from_shuffled_times_nothing_is_learned(samples, tmp_path):
    every = [one for side in samples.values() for one in side]
    order = np.random.default_rng(8).permutation(len(every))
    shuffled = [
        RiskSample(one.file, every[other].time, every[other].event)
        for one, other in zip(every, order, strict=True)
    ]
    sides = divide(shuffled)
    log_hazard = train(sides, tmp_path, epochs=10).judge(images_of(sides["test"]))
    low, high = resampled_agreement(
        log_hazard, *outcomes(sides["test"]), samples=500, confidence=0.95, seed=1
    )
    assert low < 0.5 < high


@pytest.mark.parametrize("done", [4, 5], ids=["after an epoch", "within an epoch"])
def test_an_interrupted_training_ends_as_if_it_had_not_been(samples, tmp_path, done):
    changes = {"epochs": 4, "batch_size": 30, "dropout": 0.2}
    straight = train(samples, tmp_path / "a", **changes).network.state_dict()
    step = ImageRiskLearner.training_step

    def stopped(self, batch, number):
        if self.global_step == done:
            raise PreemptedError("stopped")
        return step(self, batch, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageRiskLearner, "training_step", stopped)
        with pytest.raises(PreemptedError):
            train(samples, tmp_path / "b", checkpoint_minutes=1e-6, **changes)
    (state,) = (tmp_path / "b" / "state").iterdir()
    assert newest_state(state).name == f"step-{done:010d}.ckpt"
    resumed = train(samples, tmp_path / "b", checkpoint_minutes=1e-6, **changes)
    state = resumed.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in straight.items())
    tables = [read_table(tmp_path / side / "model" / "history.parquet") for side in "ab"]
    assert tables[0].equals(tables[1])


def test_training_images_are_augmented_and_others_are_not(samples):
    statistics = image_statistics(samples["train"])
    changes = {
        "flip": {"probability": 1},
        "intensity": {"probability": 1, "strength": 0.1},
    }
    data = RiskImages(
        samples["train"], statistics, Augmentation(changes, crop=None, background=0.0)
    )
    plain, time, event = data[0]
    assert (time, event) == (samples["train"][0].time, samples["train"][0].event)
    assert torch.equal(data[0][0], plain)
    changed, *_ = data[Draw(0, 5)]
    assert torch.equal(data[Draw(0, 5)][0], changed)
    assert not torch.equal(data[Draw(0, 6)][0], changed)
    # Of each map one factor and one shift, the same in all slices, after left became right.
    mirrored = plain.flip(-1)
    for number in range(MAPS):
        slope, shift = np.polyfit(mirrored[:, number].ravel(), changed[:, number].ravel(), 1)
        expected = slope * mirrored[:, number] + shift
        assert torch.allclose(changed[:, number], expected.float(), atol=1e-4)
        assert 0.9 <= slope <= 1.1
        assert abs(shift) <= 0.1


def test_what_comes_into_view_is_the_mean_of_the_training_images(samples):
    affine = {"probability": 1, "degrees": 45, "scale": 0, "shift": 0, "shear": 0}
    change = Augmentation({"affine": affine}, crop=None, background=0.0)
    turned = change.pixels_alone(torch.full((2, 3, SIDE, SIDE), 5.0), seed=derived_seed(1, "a"))
    assert float(turned[..., 0, 0].abs().max()) == 0
    assert float(turned[..., SIDE // 2, SIDE // 2].min()) == pytest.approx(5)


def test_every_batch_has_its_share_of_those_who_died():
    died = np.arange(60) % 10 < 3
    sampler = EpochSampler(60, 4, spread=died)
    passes = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        order = [one.tile for one in sampler]
        assert sorted(order) == list(range(60))
        assert [int(died[order[at : at + 10]].sum()) for at in range(0, 60, 10)] == [3] * 6
        passes.append(order)
    assert passes[0] != passes[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda sides: {**sides, "validation": []}, "no patient among those for validation"),
        (lambda sides: {"train": sides["train"]}, "no patient among those for validation"),
        (
            lambda sides: {**sides, "train": [one._replace(event=not at) for at, one in
                                              enumerate(sides["train"])]},
            "value 1: a survival model needs at least 2 events among those for train",
        ),
    ],
    ids=["nobody", "no side", "one event"],
)  # fmt: skip
def test_patients_that_teach_nothing_are_refused(samples, tmp_path, spoil, message):
    with pytest.raises(InputError, match=message):
        train(spoil(samples), tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"images": draw(0, maps=2)[0]},
            r"\[2, 2, 32, 32\], those of .*P0.safetensors have",
        ),
        ({"images": draw(0)[0][:0]}, r"shape \[0, 3, 32, 32\], wanted is \(slices, maps"),
        ({"tumour": draw(0)[0]}, "is no sample of images"),
        ({"images": np.full((SLICES, MAPS, SIDE, SIDE), np.nan, np.float32)}, "no finite numbers"),
        (None, "is no sample of images"),
    ],
    ids=["other maps", "no slices", "no images", "not a number", "no file"],
)
def test_samples_that_do_not_fit_are_named(samples, tmp_path, content, message):
    other = samples["train"][5]._replace(file=tmp_path / "other.safetensors")
    if content is not None:
        save_file({name: np.ascontiguousarray(one) for name, one in content.items()}, other.file)
    with pytest.raises(InputError, match=message) as caught:
        train({**samples, "train": [*samples["train"], other]}, tmp_path)
    assert str(other.file) in str(caught.value)


def test_images_of_another_shape_are_not_judged(model):
    with pytest.raises(InputError, match=r"\[4, 3, 32, 32\], the network learned from \[2, 3, 32"):
        model.judge(np.zeros((1, 4, MAPS, SIDE, SIDE), np.float32))


def test_the_default_is_timms_resnet_34_from_a_random_start():
    """Its weights are those that timm draws by the seed, and none that were published."""
    settings = {**RISK, "network": "resnet34", "depth": None}
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = build_slice_network(settings, maps=4).eval()
        states.append(network.encoder.state_dict())
    torch.manual_seed(0)
    drawn = timm.create_model("resnet34", pretrained=False, in_chans=4, num_classes=0).state_dict()
    assert set(states[0]) == set(drawn)
    assert all(torch.equal(states[0][name], one) for name, one in drawn.items())
    assert not torch.equal(states[1]["conv1.weight"], drawn["conv1.weight"])
    # A sample of 16 images, 4 slices of 4 maps, has one log hazard.
    with torch.inference_mode():
        assert network(torch.rand(2, 4, 4, 64, 64)).shape == (2,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "resnet35"}, "training.network, value 'resnet35': cannot be built"),
        ({"network": "resnet35", "depth": None}, "training.network, value 'resnet35': cannot"),
        ({"depth": 6}, "training.depth, value 6: test_resnet reduces images 2, 4, 8, 16, 32"),
    ],
)
def test_networks_that_timm_lacks_are_named(samples, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(samples, tmp_path, **changes)


def test_a_transformer_has_no_activation_by_place(model):
    settings = {**SMALL, "network": "test_vit", "depth": None, "network_options": {"img_size": 32}}
    network = build_slice_network(settings, maps=MAPS).eval()
    description = {**model.description, "settings": settings}
    with pytest.raises(InputError, match="value 'test_vit': has no maps to look at"):
        model._replace(network=network, description=description).activation(draw(0)[0][None])


def test_other_models_are_refused(folder, tmp_path):
    description = json.loads((folder / "model.json").read_text()) | {"task": "mil"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match="is a model for mil; name a model for risk"):
        load_risk_model(tmp_path)
