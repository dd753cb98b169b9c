"""Trainings for survival that are killed, of images and of bags, and go on where they were."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from histoniche.learning.mil_risk import RiskBag, train_mil_risk
from histoniche.learning.risk import train_risk
from histoniche.learning.risk_images import RiskSample
from histoniche.tables import read_table
from risk_settings import MIL_RISK, RISK
from study import CHECKOUT
from tile_features import write_tile_features

SETTINGS = {
    "images": {**RISK, "epochs": 4, "batch_size": 12, "dropout": 0.2, "checkpoint_minutes": 1e-6},
    "bags": {
        **MIL_RISK, "epochs": 4, "batch_size": 12, "tiles_per_bag": 30, "checkpoint_minutes": 1e-6,
    },
}  # fmt: skip
# Thirty-six patients are three batches an epoch: the seventh step is within the third.
PATIENTS, HELD_OUT, LAST = 36, 12, 7

KILLED = """
import json, sys, time
from pathlib import Path
from histoniche.learning.risk_learner import RiskLearner
import test_killed_risk

step = RiskLearner.training_step

def slow(self, batch, number):
    print(self.global_step, flush=True)
    time.sleep(0.2)
    return step(self, batch, number)

RiskLearner.training_step = slow
kind, patients, out = json.loads(sys.argv[1])
test_killed_risk.train(kind, patients, Path(out))
"""


def write_patient(folder, kind, number):
    """A patient's file, time and event."""
    rng = np.random.default_rng(number)
    time, event = float(rng.integers(1, 900)), bool(rng.random() < 0.7)
    if kind == "bags":
        path = write_tile_features(folder / f"S{number}.zarr", number, high=1)
    else:
        path = folder / f"P{number}.safetensors"
        save_file({"images": rng.normal(size=(2, 3, 32, 32)).astype(np.float32)}, path)
    return [str(path), time, event]


def train(kind, patients, out):
    """Train on patients, the first of whom are learned from."""
    made, run = (RiskSample, train_risk) if kind == "images" else (RiskBag, train_mil_risk)
    files = [Path(file) if kind == "images" else (Path(file),) for file, _, _ in patients]
    known = [made(file, *outcome) for file, (_, *outcome) in zip(files, patients, strict=True)]
    run(
        {"train": known[:PATIENTS], "validation": known[PATIENTS:]},
        out / "model",
        out / "state",
        settings=SETTINGS[kind],
        origin={"patients_sha256": {}},
        seed=4,
        threads=1,
    )
    return load_file(out / "model" / "model.safetensors")


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_killed_training_goes_on_within_its_epoch_and_ends_the_same(tmp_path, kind):
    patients = [write_patient(tmp_path, kind, one) for one in range(PATIENTS + HELD_OUT)]
    straight = train(kind, patients, tmp_path / "a")
    argument = json.dumps([kind, patients, str(tmp_path / "b")])
    path = os.pathsep.join(str(CHECKOUT / one) for one in ("workflow", "tests", "tests/learning"))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, argument],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    for line in process.stdout:
        if line.strip() == f"{LAST}":
            process.kill()
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "b" / "model").exists()
    (state,) = (tmp_path / "b" / "state").iterdir()
    newest = max(state.glob("step-*.ckpt"))
    assert newest.name == f"step-{LAST:010d}.ckpt"
    torch.manual_seed(1)
    resumed = train(kind, patients, tmp_path / "b")
    assert straight.keys() == resumed.keys()
    assert all(np.array_equal(value, resumed[name]) for name, value in straight.items())
    histories = [read_table(tmp_path / side / "model" / "history.parquet") for side in "ab"]
    assert len(histories[0]) == SETTINGS[kind]["epochs"]
    assert histories[0].equals(histories[1])
    assert not list((tmp_path / "b" / "state").glob("*"))
