"""Gated attention on features in which a few tiles of a bag tell how long a patient lives."""

import json

import numpy as np
import pytest
import torch

from histoniche.errors import InputError
from histoniche.learning.checkpoints import PreemptedError
from histoniche.learning.concordance import agreement, resampled_agreement
from histoniche.learning.mil_risk import BagRiskLearner, RiskBag, load_mil_risk, train_mil_risk
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from risk_settings import MIL_RISK
from tile_features import FEW, WIDTH, write_tile_features

SMALL = {**MIL_RISK, "epochs": 40, "learning_rate": 0.01}


def write_bag(folder, number, *, planted):
    """A patient whose few tiles stand out the more the sooner they die, or say nothing."""
    rng = np.random.default_rng(number)
    hazard = rng.uniform(0, 1)
    path = folder / f"S{number}.zarr"
    write_tile_features(path, 1000 + number, high=4 * hazard * planted)
    death, end = 500 * rng.exponential() * np.exp(-4 * hazard), rng.exponential(400)
    return RiskBag((path,), min(death, end), bool(death <= end))


def bags(folder, *, planted):
    made = [write_bag(folder, number, planted=planted) for number in range(160)]
    return {"train": made[:64], "validation": made[64:96], "test": made[96:]}


def train(sides, out, **changes):
    train_mil_risk(
        {side: sides[side] for side in ("train", "validation")},
        out / "model",
        out / "state",
        settings={**SMALL, **changes},
        origin={"patients_sha256": {}},
        seed=3,
        threads=1,
    )
    return load_mil_risk(out / "model")


def features_of(bag):
    stores = [TileStore(folder) for folder in bag.stores]
    return np.concatenate([store.column("features") for store in stores if len(store)])


def judged(model, some):
    answers = [model.judge(features_of(bag)) for bag in some]
    return np.array([one for one, _ in answers]), np.array([attention for _, attention in answers])


def outcomes(some):
    return [bag.time for bag in some], [bag.event for bag in some]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return bags(tmp_path_factory.mktemp("planted"), planted=True)


@pytest.fixture(scope="module")
def folder(planted, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    train(planted, out)
    return out / "model"


def test_the_few_tiles_that_tell_are_found_and_attended_to(planted, folder):
    log_hazard, attention = judged(load_mil_risk(folder), planted["test"])
    assert agreement(log_hazard, *outcomes(planted["test"])) > 0.7
    assert attention.sum(1) == pytest.approx(np.ones(len(attention)), abs=1e-4)
    # Of those at risk the tenth of the tiles has several times its share.
    high = log_hazard > np.quantile(log_hazard, 0.75)
    assert np.median(attention[high, :FEW].sum(1)) > 0.3


def test_the_model_says_what_it_is(planted, folder):
    description = json.loads((folder / "model.json").read_text())
    assert (description["task"], description["width"]) == ("mil_risk", WIDTH)
    assert (description["encoder"], description["mpp"]) == ("e", 0.5)
    assert description["patients"] == {"train": 64, "validation": 32}
    model = load_mil_risk(folder)
    log_hazard, _ = judged(model, planted["train"])
    assert description["mean_log_hazard"] == pytest.approx(log_hazard.mean(), abs=1e-5)
    assert model.risk(log_hazard) == pytest.approx(
        1 / (1 + np.exp(log_hazard.mean() - log_hazard)), abs=1e-5
    )


def test_from_noise_nothing_is_learned(tmp_path):
    sides = bags(tmp_path, planted=False)
    log_hazard, _ = judged(train(sides, tmp_path, epochs=10), sides["test"])
    low, high = resampled_agreement(
        log_hazard, *outcomes(sides["test"]), samples=500, confidence=0.95, seed=1
    )
    assert low < 0.5 < high


def test_an_interrupted_training_ends_as_if_it_had_not_been(planted, tmp_path):
    changes = {"epochs": 3, "checkpoint_minutes": 1e-6, "tiles_per_bag": 30, "batch_size": 20}
    straight = train(planted, tmp_path / "a", **changes).network.state_dict()
    step = BagRiskLearner.training_step

    def stopped(self, batch, number):
        if self.global_step == 6:
            raise PreemptedError("stopped")
        return step(self, batch, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BagRiskLearner, "training_step", stopped)
        with pytest.raises(PreemptedError):
            train(planted, tmp_path / "b", **changes)
    resumed = train(planted, tmp_path / "b", **changes).network.state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in straight.items())
    tables = [read_table(tmp_path / side / "model" / "history.parquet") for side in "ab"]
    assert tables[0].equals(tables[1])


def test_a_patient_of_several_slides_is_one_bag_and_one_without_tiles_none(planted, tmp_path):
    empty = write_tile_features(tmp_path / "empty.zarr", 1, high=0, tiles=0)
    first, second, *rest = planted["train"]
    sides = {
        **planted,
        "train": [
            first._replace(stores=(*first.stores, empty, *second.stores)),
            second._replace(stores=(empty,)),
            *rest,
        ],
    }
    model = train(sides, tmp_path, epochs=1)
    assert model.description["patients"]["train"] == len(planted["train"]) - 1
    _, attention = model.judge(features_of(sides["train"][0]))
    assert len(attention) == 120


def test_one_event_alone_is_refused(planted, tmp_path):
    some = [bag._replace(event=number == 0) for number, bag in enumerate(planted["validation"])]
    with pytest.raises(InputError, match=r"value 1: .* 2 events among those for validation"):
        train({**planted, "validation": some}, tmp_path)


def test_a_model_of_bags_with_classes_is_refused(folder, tmp_path):
    description = json.loads((folder / "model.json").read_text()) | {"task": "mil"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match="is a model for mil; name a model for mil_risk"):
        load_mil_risk(tmp_path)
