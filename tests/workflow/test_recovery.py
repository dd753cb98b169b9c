"""A run that is killed goes on as the README says, and ends with the same results."""

import os
import signal
import subprocess
import time

import pandas as pd

from histoniche.files import sha256
from histoniche.tables import read_table

TARGETS = ["results/demo/areas/patients.parquet", "results/demo/segmentation/metrics.parquet"]


def test_kill_9_in_the_middle_and_recovery_give_the_same_results(small_study, tiled_study):
    whole, killed = tiled_study, small_study
    whole.run(*TARGETS)
    killed.write_config()
    process = subprocess.Popen(
        killed.command(*TARGETS),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    tiles = killed.results / "tiles" / "region"
    patience = time.monotonic() + 120
    while len(list(tiles.glob("*.zarr/zarr.json"))) < 3:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < patience
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed.results / "areas").exists()
    noted = [path.stem for path in (tiles / ".batches" / "slides").glob("*.json")]
    done = {slide: tiles / f"{slide}.zarr" / "zarr.json" for slide in noted}
    before = {slide: path.stat().st_mtime_ns for slide, path in done.items()}
    assert len(before) >= 2
    killed.run("--unlock")
    killed.run("--rerun-incomplete", *TARGETS)
    # What was done is not done again.
    assert before == {slide: path.stat().st_mtime_ns for slide, path in done.items()}
    weights = "models/all/0/model.safetensors"
    assert sha256(killed.results / weights) == sha256(whole.results / weights)
    for target in ("areas/patients", "segmentation/metrics", "segmentation/confusion"):
        tables = [read_table(study.results / f"{target}.parquet") for study in (whole, killed)]
        pd.testing.assert_frame_equal(*tables)
