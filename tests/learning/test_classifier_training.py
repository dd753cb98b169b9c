"""Training of classifiers on slides of a few tiles, each slide of one colour or the other."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from classifier_settings import TINY
from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.learning import classifier_training
from histoniche.learning.checkpoints import PreemptedError
from histoniche.learning.classed_tiles import ClassedTiles, balanced_by_slide
from histoniche.learning.classifier import Classifier, tile_metrics
from histoniche.learning.classifier_training import ClassedSlide, train_classifier
from histoniche.learning.classifiers import build_encoder
from histoniche.learning.models import load_model
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import read_table

COLOURS = {"low": [200, 120, 160], "high": [120, 80, 170]}
SIZE, TILES = 32, 6


def write_slide(folder, label, seed):
    rng = np.random.default_rng(seed)
    with whole_folder(folder) as temporary:
        writer = TileWriter(temporary, TILES, {"pixels": (SIZE, SIZE, 3)})
        for _ in range(TILES):
            noise = rng.normal(0, 25, (SIZE, SIZE, 3))
            writer.append(pixels=(COLOURS[label] + noise).clip(0, 255).astype(np.uint8))
        writer.close(
            {"tissue": np.linspace(0.25, 1, TILES, dtype=np.float32)},
            {"slide": folder.stem, "status": "ok", "tiles": TILES, "mpp": 0.5, "size": SIZE},
        )
    return ClassedSlide(folder, label)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    made = [write_slide(folder / f"S{n}.zarr", ["low", "high"][n % 2], n) for n in range(6)]
    return {"train": made[:4], "validation": made[4:]}


def train(slides, out, encoder_weights=None, **changes):
    train_classifier(
        slides,
        out / "model",
        out / "state",
        classes=["low", "high"],
        settings={**TINY, **changes},
        encoder_weights=encoder_weights,
        origin={"patients_sha256": {"train": ["0a"]}},
        seed=5,
        threads=1,
    )
    return load_model(out / "model", device=torch.device("cpu"), task="classification")


def pixels_of(slide):
    return torch.from_numpy(TileStore(slide.store).tile("pixels", 0)).permute(2, 0, 1)[None]


def test_a_network_learns_colours_and_says_what_it_is(slides, tmp_path):
    model = train(slides, tmp_path, epochs=5)
    for slide in slides["validation"]:
        found = model.classes[int(model.logits(pixels_of(slide)).argmax())]
        assert found == slide.label
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    assert description["task"] == "classification"
    assert description["classes"] == ["low", "high"]
    assert description["tiles"] == {"train": 24, "validation": 12}
    assert description["slides"] == {"train": 4, "validation": 2}
    assert description["validation"] == {"accuracy": 1, "auc": 1, "slide_auc": 1}
    assert description["patients_sha256"] == {"train": ["0a"]}
    history = read_table(tmp_path / "model" / "history.parquet")
    assert history["check"].tolist() == [1, 2, 3, 4, 5]
    assert history["train_loss"].iloc[-1] < 0.3 * history["train_loss"].iloc[0]
    assert not any((tmp_path / "state").iterdir())


MUCH = {
    "checks_per_epoch": 3,
    "batch_size": 4,
    "frozen_epochs": 1,
    "epochs": 2,
    "schedule": {"name": "plateau", "factor": 0.5, "patience": 1},
    "weight_average": 0.5,
    "dropout": 0.3,
    "tiles_per_slide": 5,
    "checkpoint_minutes": 1e-6,
}


@pytest.fixture(scope="module")
def straight(slides, tmp_path_factory):
    """What a training with all that has a state ends with when nothing interrupts it."""
    out = tmp_path_factory.mktemp("straight")
    return train(slides, out, **MUCH), read_table(out / "model" / "history.parquet")


def power_cut(*_):
    raise MemoryError("power cut")


def warned(*_):
    os.kill(os.getpid(), signal.SIGUSR1)


# 4 slides of 5 tiles are 20 a pass; a third of it is 6, in batches of 4: two steps a check.
@pytest.mark.parametrize("stop", [power_cut, warned])
@pytest.mark.parametrize(
    "place",
    [("training_step", 4), ("training_step", 5), ("training_step", 7), ("validation_step", 6)],
    ids=["after a check", "within a check", "at the end of a check", "while it is validated"],
)
def test_an_interrupted_training_ends_as_if_it_had_not_been(
    slides, straight, tmp_path, place, stop
):
    method, step = place
    usual = getattr(Classifier, method)

    def stopped(self, batch, number):
        if self.global_step == step:
            stop()
        return usual(self, batch, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, method, stopped)
        with pytest.raises((MemoryError, PreemptedError)):
            train(slides, tmp_path, **MUCH)
    model = train(slides, tmp_path, **MUCH)
    state = model.network.state_dict()
    for name, value in straight[0].network.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert straight[1].equals(read_table(tmp_path / "model" / "history.parquet"))


def test_patience_and_plateau_count_checks(slides, tmp_path):
    train(
        slides, tmp_path,
        checks_per_epoch=3, epochs=50, patience=3, learning_rate=1e-6, monitor="validation_auc",
        frozen_epochs=None,
        schedule={"name": "plateau", "factor": 0.5, "patience": 1},
    )  # fmt: skip
    history = read_table(tmp_path / "model" / "history.parquet")
    # Nothing is learned: the first check is the best, three more are waited for.
    assert len(history) == 4
    assert history["epoch"].tolist() == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3])
    assert history["learning_rate"].tolist() == [1e-6, 1e-6, 5e-7, 2.5e-7]


@pytest.mark.parametrize("frozen", [None, 1, 0])
def test_a_frozen_encoder_stays_until_it_is_let_go(slides, tmp_path, frozen):
    encoder, _ = build_encoder(TINY)
    weights = tmp_path / "encoder.safetensors"
    save_file(encoder.state_dict(), weights)
    seen = []

    class Watching(Classifier):
        def on_validation_epoch_end(self):
            super().on_validation_epoch_end()
            state = self.network.encoder.state_dict()
            seen.append(all(torch.equal(v, state[k]) for k, v in encoder.state_dict().items()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier_training, "Classifier", Watching)
        train(slides, tmp_path, weights, frozen_epochs=frozen, epochs=2, checks_per_epoch=2)
    expected = {None: [True] * 4, 1: [True, True, False, False], 0: [False] * 4}
    assert seen == expected[frozen]


def test_tiles_need_enough_tissue(slides):
    stores = [TileStore(one.store) for one in slides["train"]]
    assert len(ClassedTiles(stores, [0, 1, 0, 1], min_tissue=0.0)) == 24
    tiles = ClassedTiles(stores, [0, 1, 0, 1], min_tissue=0.7)
    assert len(tiles) == 12
    assert tiles.classes.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]
    few = ClassedTiles(stores, [0, 1, 0, 1], min_tissue=0.0, per_slide=2, seed=3)
    assert np.bincount(few.slides).tolist() == [2, 2, 2, 2]


def test_a_class_without_tiles_is_named(slides, tmp_path):
    with pytest.raises(InputError, match="no tile of class high for train"):
        train({**slides, "train": slides["train"][::2]}, tmp_path)
    with pytest.raises(InputError, match="no tile of class high for validation"):
        train({**slides, "validation": slides["validation"][:1]}, tmp_path)
    with pytest.raises(InputError, match="Inception v3 needs tiles of 299 px, these have 32"):
        train(slides, tmp_path, encoder="inception_v3")


def test_balanced_draws_show_classes_alike_and_in_each_its_slides():
    classes = np.repeat([0, 0, 1], [90, 10, 20])
    slides = np.repeat([0, 1, 2], [90, 10, 20])
    chances = balanced_by_slide(classes, slides)
    assert [chances[slides == n].sum() for n in range(3)] == pytest.approx([0.25, 0.25, 0.5])


def test_metrics_of_tiles_and_slides_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    found = tile_metrics(probabilities, np.array([0, 0, 1, 1]), np.array([7, 7, 2, 2]))
    # Pairs of a positive and a negative tile: 0.7 > 0.1, 0.7 < 0.8, 0.4 > 0.1, 0.4 < 0.8.
    assert found == {"accuracy": 0.5, "auc": 0.5, "slide_auc": 0.5}
