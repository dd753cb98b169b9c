"""Training on stores of a few tiles whose regions are plain colours."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from histoniche.errors import InputError
from histoniche.files import whole_folder
from histoniche.learning import training
from histoniche.learning.checkpoints import newest_state
from histoniche.learning.models import load_model
from histoniche.learning.segmenter import Segmenter
from histoniche.learning.training import train_segmenter
from histoniche.slides.store import TileStore, TileWriter
from histoniche.tables import read_table
from study import CHECKOUT
from training_settings import SMALL

COLOURS = np.array([[250, 250, 250], [200, 60, 120], [90, 60, 160]])
CLASSES = {"background": [0], "A": [1], "B": [2]}


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


def train(stores, out, encoder_weights=None, threads=1, **changes):
    train_segmenter(
        stores,
        out / "model",
        out / "state",
        classes=CLASSES,
        settings={**SMALL, **changes},
        encoder_weights=encoder_weights,
        origin={"patients_sha256": {"train": ["0a"]}},
        seed=5,
        threads=threads,
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


def same_weights(one, other):
    state = other.network.state_dict()
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, state[name]), name


def same_history(tmp_path):
    tables = [read_table(tmp_path / side / "model" / "history.parquet") for side in "ab"]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("done", [8, 6], ids=["after an epoch", "within an epoch"])
def test_an_interrupted_training_ends_as_if_it_had_not_been(
    stores, tmp_path, monkeypatch, done, average
):
    straight = train(stores, tmp_path / "a", weight_average=average)
    step = Segmenter.training_step

    def fail(self, pixels, number):
        if self.global_step == done:
            raise MemoryError("power cut")
        return step(self, pixels, number)

    monkeypatch.setattr(Segmenter, "training_step", fail)
    changes = {"weight_average": average, "checkpoint_minutes": 1e-6}
    with pytest.raises(MemoryError):
        train(stores, tmp_path / "b", **changes)
    (state,) = (tmp_path / "b" / "state").iterdir()
    kept = sorted(path.name for path in state.glob("step-*.ckpt"))
    assert kept[-1] == f"step-{done:010d}.ckpt"
    assert len(kept) == 2
    monkeypatch.setattr(Segmenter, "training_step", step)
    resumed = train(stores, tmp_path / "b", **changes)
    same_weights(straight, resumed)
    same_history(tmp_path)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(stores, tmp_path, monkeypatch):
    straight = train(stores, tmp_path / "a")
    step = Segmenter.training_step

    def fail(self, pixels, number):
        if self.current_epoch == 2:
            raise MemoryError("power cut")
        return step(self, pixels, number)

    monkeypatch.setattr(Segmenter, "training_step", fail)
    with pytest.raises(MemoryError):
        train(stores, tmp_path / "b")
    (state,) = (tmp_path / "b" / "state").iterdir()
    older, newest = sorted(state.glob("step-*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert newest_state(state) == older
    assert not newest.exists()
    monkeypatch.setattr(Segmenter, "training_step", step)
    same_weights(straight, train(stores, tmp_path / "b"))
    same_history(tmp_path)


KILLED = """
import sys, time
from pathlib import Path
import torch
from histoniche.learning.segmenter import Segmenter
from histoniche.learning.segmenter import Segmenter
from histoniche.learning.training import train_segmenter
import json

stores, out, settings = json.loads(sys.argv[1])
step = Segmenter.training_step

def slow(self, batch, number):
    print(self.global_step, flush=True)
    time.sleep(0.2)
    return step(self, batch, number)

Segmenter.training_step = slow
train_segmenter(
    {side: [Path(folder) for folder in some] for side, some in stores.items()},
    Path(out) / "model", Path(out) / "state", classes={"background": [0], "A": [1], "B": [2]},
    settings=settings, encoder_weights=None, origin={"patients_sha256": {"train": ["0a"]}},
    seed=5, threads=1,
)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_a_killed_training_goes_on_where_it_was(stores, tmp_path, number):
    straight = train(stores, tmp_path / "a", threads=1)
    settings = {**SMALL, "checkpoint_minutes": 1e-6}
    folders = {side: [str(folder) for folder in some] for side, some in stores.items()}
    argument = json.dumps([folders, str(tmp_path / "b"), settings])
    command = [sys.executable, "-c", KILLED, argument]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    for line in process.stdout:
        if line.strip() == "6":
            process.send_signal(number)
            break
    _, errors = process.communicate()
    assert process.returncode != 0
    (state,) = (tmp_path / "b" / "state").iterdir()
    kept = sorted(path.name for path in state.glob("step-*.ckpt"))
    if number == signal.SIGKILL:
        assert kept[-1] == "step-0000000006.ckpt"
    else:
        # The batch at hand is done first.
        assert kept[-1] == "step-0000000007.ckpt"
        assert "stopped by the scheduler" in errors
    same_weights(straight, train(stores, tmp_path / "b", threads=1, checkpoint_minutes=1e-6))
    same_history(tmp_path)


def test_several_devices_work_on_one_training(stores, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "count_devices", lambda: 2)
    model = train(stores, tmp_path, threads=1, epochs=8)
    history = read_table(tmp_path / "model" / "history.parquet")
    assert len(history) == 8
    assert history["train_loss"].iloc[-1] < 0.7 * history["train_loss"].iloc[0]
    assert model.description["validation_iou"]["A"] > 0.5


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
