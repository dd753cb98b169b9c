"""Gated attention on features in which few tiles of a bag tell its class, or none does."""

import json

import numpy as np
import pytest
import torch

from classifier_settings import MIL
from histoniche.errors import InputError
from histoniche.learning.attention import GatedAttention
from histoniche.learning.bags import Bag
from histoniche.learning.checkpoints import PreemptedError
from histoniche.learning.discrimination import auroc
from histoniche.learning.mil import BagLearner, load_bag_model, train_mil
from histoniche.slides.store import TileStore
from tile_features import FEW, WIDTH, write_tile_features

CLASSES = ["low", "high"]
SMALL = {
    **MIL, "hidden": 16, "attention_units": 8, "epochs": 15, "learning_rate": 0.01,
    "dropout": 0.1, "batch_size": 4,
}  # fmt: skip


def write_features(folder, number, *, planted, encoder="e"):
    """A slide of noise, in a tenth of whose tiles a few features are higher where it is high."""
    high = 3 * (planted and number % 2)
    path = write_tile_features(folder / f"S{number}.zarr", number, high=high, encoder=encoder)
    return Bag((path,), CLASSES[number % 2])


def bags(folder, *, planted):
    made = [write_features(folder, number, planted=planted) for number in range(100)]
    return {"train": made[:40], "validation": made[40:60], "test": made[60:]}


def train(sides, out, **changes):
    train_mil(
        {side: sides[side] for side in ("train", "validation")},
        out / "model",
        out / "state",
        classes=CLASSES,
        settings={**SMALL, **changes},
        origin={},
        seed=3,
        threads=1,
    )
    return load_bag_model(out / "model")


def judged(model, some):
    answers = [model.judge(TileStore(bag.stores[0]).column("features")) for bag in some]
    scores = np.array([probabilities[1] for probabilities, _ in answers])
    return scores, np.array([attention for _, attention in answers])


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return bags(tmp_path_factory.mktemp("planted"), planted=True)


def test_the_few_tiles_that_tell_are_found_and_attended_to(planted, tmp_path):
    model = train(planted, tmp_path)
    scores, attention = judged(model, planted["test"])
    high = np.array([bag.label == "high" for bag in planted["test"]])
    assert auroc(scores, high) > 0.95
    assert attention.sum(1) == pytest.approx(np.ones(len(attention)), abs=1e-4)
    # A tenth of the tiles has most of the attention, and each more than the mean of the others.
    share = attention[high, :FEW].sum(1)
    assert np.median(share) > 0.5
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (description["task"], description["width"]) == ("mil", WIDTH)
    assert description["bags"] == {"train": 40, "validation": 20}


def test_from_noise_nothing_is_learned(tmp_path):
    sides = bags(tmp_path, planted=False)
    scores, _ = judged(train(sides, tmp_path), sides["test"])
    high = np.array([bag.label == "high" for bag in sides["test"]])
    # Of 20 against 20 the area has a standard error of 0.09 (Hanley and McNeil 1982).
    assert abs(auroc(scores, high) - 0.5) < 0.25


def test_the_temperature_is_the_one_most_likely_on_validation_bags(tmp_path):
    sides = bags(tmp_path, planted=False)
    model = train(sides, tmp_path, epochs=6, patience=6)
    logits, classes = [], []
    for bag in sides["validation"]:
        raw, _ = model.judge(TileStore(bag.stores[0]).column("features"))
        # Softmax turned back: these are the logits divided by the temperature.
        logits.append(np.log(raw) * model.description["temperature"])
        classes.append(CLASSES.index(bag.label))
    scores, truth = torch.tensor(np.array(logits)), torch.tensor(classes)
    assert (scores.argmax(1) != truth).any()

    def cross_entropy(temperature):
        return float(torch.nn.functional.cross_entropy(scores / temperature, truth))

    found = cross_entropy(model.description["temperature"])
    assert found <= min(cross_entropy(one) for one in np.geomspace(0.05, 20, 200)) + 1e-4
    assert found < cross_entropy(1.0)


def test_where_all_bags_are_told_right_probabilities_stay_as_they_are(planted, tmp_path):
    few = {**planted, "validation": planted["validation"][:2]}
    assert train(few, tmp_path).description["temperature"] == 1


def test_an_interrupted_training_ends_as_if_it_had_not_been(planted, tmp_path):
    changes = {"epochs": 3, "checkpoint_minutes": 1e-6, "tiles_per_bag": 30}
    straight = train(planted, tmp_path / "a", **changes).network.state_dict()
    step = BagLearner.training_step

    def stopped(self, batch, number):
        if self.global_step == 7:
            raise PreemptedError("stopped")
        return step(self, batch, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BagLearner, "training_step", stopped)
        with pytest.raises(PreemptedError):
            train(planted, tmp_path / "b", **changes)
    resumed = train(planted, tmp_path / "b", **changes).network.state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in straight.items())


def test_the_attention_is_ilses_equation():
    torch.manual_seed(0)
    network = GatedAttention(5, 2, hidden=4, units=3, dropout=0.0).eval()
    features = torch.randn(7, 5)
    logits, attention = network(features)
    h = torch.relu(features @ network.reduce[0].weight.T + network.reduce[0].bias)
    v = torch.tanh(h @ network.tanh[0].weight.T + network.tanh[0].bias)
    u = torch.sigmoid(h @ network.gate[0].weight.T + network.gate[0].bias)
    odds = torch.exp((v * u) @ network.weigh.weight[0] + network.weigh.bias)
    assert torch.allclose(attention, odds / odds.sum(), atol=1e-6)
    pooled = (attention[:, None] * h).sum(0)
    assert torch.allclose(logits, network.head(pooled), atol=1e-6)


def test_features_of_two_encoders_are_not_mixed(planted, tmp_path):
    other = write_features(tmp_path, 101, planted=True, encoder="another")
    with pytest.raises(InputError, match=r"S0 have e, those of S101 another"):
        train({**planted, "train": [*planted["train"], other]}, tmp_path)


def test_a_class_without_bags_is_named(planted, tmp_path):
    with pytest.raises(InputError, match="no bag of class high for train"):
        train({**planted, "train": planted["train"][::2]}, tmp_path)
