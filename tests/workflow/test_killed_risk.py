"""Runs that learn a risk, killed with -9 in the middle of an epoch, and started again."""

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from histoniche.files import sha256
from histoniche.tables import read_table
from scan_cohort import MAPS, QUICK, TINY, outcomes, write_scans
from study import Study

# A state after every step, and more epochs than are done before the kill.
LONG = {"epochs": 10, "patience": 1000, "checkpoint_minutes": 1e-6, "batch_size": 4}

# Two threads wait for each other where other work takes a core.
ONE_CORE = ("--cores", "1")


@pytest.fixture
def imaging(tmp_path: Path) -> Study:
    """Twelve scans to learn from, three batches an epoch, and eight to choose by."""
    table = outcomes(20).assign(cohort=["training"] * 12 + ["tuning"] * 8)
    write_scans(tmp_path / "scans", table)
    block = {
        "scans": "scans/scans.tsv", "root": "scans", "maps": MAPS, "sample": TINY,
        "training": {**QUICK, **LONG},
    }  # fmt: skip
    config = {"results": "results", "cohort": {"patients": "scans/patients.tsv"}, "imaging": block}
    return Study(tmp_path, config, place=ONE_CORE)


@pytest.fixture
def slide_signature(tiled_study: Study) -> Study:
    """Six patients with slides, all of whom died: four to learn from, two to choose by."""
    sheet = tiled_study.folder / "cohort" / "patients.tsv"
    table = pd.read_csv(sheet, sep="\t").assign(event=1)
    table["cohort"] = ["training"] * 4 + ["tuning"] * 2
    table.to_csv(sheet, sep="\t", index=False)
    mgmt = {"labels": {"column": "mgmt", "classes": ["unmethylated", "methylated"]}}
    training = {"hidden": 8, "attention_units": 4, **LONG, "batch_size": 2}
    tiled_study.config |= {
        "traits": {"tiling": "region", "named": {"mgmt": mgmt}, "features": {}},
        "slide_signature": {"training": training},
    }
    return replace(tiled_study, place=ONE_CORE)


def kill_within_an_epoch(study: Study, target: str, state: Path, *, batches: int) -> int:
    """Run, kill the run and all its jobs once a state within an epoch is kept; return its step."""
    study.write_config()
    process = subprocess.Popen(
        study.command(target),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    patience = time.monotonic() + 240
    while not any(step > 2 * batches and step % batches for step in steps(state)):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < patience
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return max(steps(state))


def steps(state: Path) -> list[int]:
    """Steps at which a training kept its state."""
    return [int(path.stem.removeprefix("step-")) for path in state.glob("*/step-*.ckpt")]


@pytest.mark.parametrize(("block", "batches"), [("imaging", 3), ("slide_signature", 2)])
def test_a_run_that_is_killed_goes_on_with_its_training_and_ends_the_same(request, block, batches):
    study = request.getfixturevalue(block)
    folder = study.results / block / "models" / "0"
    target = str((folder / "model.json").relative_to(study.folder))
    state = folder.parent / ".state" / "0"
    last = kill_within_an_epoch(study, target, state, batches=batches)
    assert not (folder / "model.json").exists()
    study.run("--unlock")
    study.run("--rerun-incomplete", target)
    rule = {"imaging": "train_risk"}.get(block, f"train_{block}")
    log = (study.results / "logs" / rule / "0.log").read_text()
    assert re.search(rf"going on at step {last}$", log, re.MULTILINE)
    assert not list(state.glob("*"))
    kept = sha256(folder / "model.safetensors"), read_table(folder / "history.parquet")
    assert len(kept[1]) == LONG["epochs"]
    shutil.rmtree(folder)
    study.run(target)
    assert "going on" not in (study.results / "logs" / rule / "0.log").read_text()
    assert sha256(folder / "model.safetensors") == kept[0]
    pd.testing.assert_frame_equal(read_table(folder / "history.parquet"), kept[1])
