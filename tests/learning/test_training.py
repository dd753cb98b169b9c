"""Training on stores of a few tiles whose regions are plain colours."""

import json
import shutil

import numpy as np
import pytest
import torch

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.learning import training
from histoniche.learning.models import load_model
from histoniche.learning.training import train_segmenter
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import read_table

COLOURS = np.array([[250, 250, 250], [200, 60, 120], [90, 60, 160]])
CLASSES = {"background": [0], "A": [1], "B": [2]}
SETTINGS = {
    "architecture": "Unet",
    "encoder": "resnet18",
    "encoder_weights": None,
    "encoder_depth": 3,
    "decoder_channels": 4,
    "epochs": 3,
    "patience": 10,
    "batch_size": 4,
    "learning_rate": 0.003,
    "weight_decay": 0.0001,
    "loss": ["cross_entropy"],
    "augment": 0.05,
}


@pytest.fixture
def stores(tmp_path):
    """Three slides of eight tiles, each tile halves of two regions."""
    rng = np.random.default_rng(0)
    folders = []
    for slide in range(3):
        folder = tmp_path / f"S{slide}.zarr"
        with whole_folder(folder) as temporary:
            writer = TileWriter(temporary, 8, {"pixels": (32, 32, 3), "label": (32, 32)})
            for tile in range(8):
                label = np.full((32, 32), tile % 3, np.uint8)
                label[:, 16:] = (tile + 1) % 3
                noise = rng.normal(0, 6, (32, 32, 3))
                pixels = (COLOURS[label] + noise).clip(0, 255).astype(np.uint8)
                writer.append(pixels=pixels, label=label)
            writer.close(
                {}, {"slide": f"S{slide}", "status": "ok", "tiles": 8, "mpp": 8, "size": 32}
            )
        folders.append(folder)
    return {"train": folders[:2], "validation": folders[2:]}


def train(stores, out, encoder_weights=None, **changes):
    train_segmenter(
        stores,
        out / "model",
        out / "state",
        classes=CLASSES,
        settings={**SETTINGS, **changes},
        encoder_weights=encoder_weights,
        origin={"patients_sha256": {"train": ["0a"]}},
        seed=5,
        threads=2,
    )
    return load_model(out / "model", device=torch.device("cpu"))


def test_a_network_learns_plain_colours_and_says_what_it_is(stores, tmp_path):
    model = train(stores, tmp_path, epochs=12)
    tile = TileStore(stores["validation"][0])
    pixels = torch.from_numpy(tile.tile("pixels", 1)).permute(2, 0, 1)[None]
    found = model.logits(pixels).argmax(1)[0].numpy()
    assert (found == tile.tile("label", 1)).mean() > 0.95
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    assert description["classes"] == ["background", "A", "B"]
    assert description["tiles"] == {"train": 16, "validation": 8}
    assert description["patients_sha256"] == {"train": ["0a"]}
    assert description["encoder_weights_sha256"] is None
    assert description["validation_iou"]["A"] > 0.9
    assert not (tmp_path / "state").exists() or not any((tmp_path / "state").iterdir())
    assert len(read_table(tmp_path / "model" / "history.parquet")) == 12


def test_an_interrupted_training_ends_as_if_it_had_not_been(stores, tmp_path, monkeypatch):
    straight = train(stores, tmp_path / "a")
    end = training.Segmenter.on_train_epoch_start

    def stop_in_the_third_epoch(self):
        if self.current_epoch == 2:
            raise KeyboardInterrupt("power cut")
        end(self)

    monkeypatch.setattr(training.Segmenter, "on_train_epoch_start", stop_in_the_third_epoch)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(stores, tmp_path / "b")
    assert list((tmp_path / "b" / "state").rglob("last.ckpt"))
    monkeypatch.setattr(training.Segmenter, "on_train_epoch_start", end)
    resumed = train(stores, tmp_path / "b")
    for name, value in straight.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    histories = [read_table(tmp_path / side / "model" / "history.parquet") for side in "ab"]
    assert histories[0].equals(histories[1])


def test_weights_that_were_exchanged_are_refused(stores, tmp_path):
    train(stores, tmp_path, epochs=1)
    weights = tmp_path / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match="not those that model"):
        load_model(tmp_path / "model", device=torch.device("cpu"))


def test_a_side_without_labels_is_an_error(stores, tmp_path):
    with pytest.raises(InputError, match="no labelled tile for validation"):
        train({"train": stores["train"], "validation": []}, tmp_path)


def test_an_altered_store_is_not_trained_on(stores, tmp_path):
    shutil.rmtree(stores["train"][0] / "label" / "c")
    with pytest.raises(RuntimeError, match="slide S0: label"):
        train(stores, tmp_path)


def test_tiles_that_nobody_annotated_are_left_out(stores):
    from histoniche.learning.data import LabelledTiles, class_lookup

    store = TileStore(stores["train"][0])
    everything = LabelledTiles([store], class_lookup([[0], [1], [2]]))
    # Tiles of the labels 0 and 1, and of 1 and 2, remain without 0 and 2; those of 2 and 0 do not.
    part = LabelledTiles([store], class_lookup([[1]]))
    assert (len(everything), len(part)) == (8, 6)
