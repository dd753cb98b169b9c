"""A search: trials fan out, a pathologist is waited for, and the best accepted trial goes on."""

import json

import pandas as pd
import pytest

from histoniche.files import sha256
from histoniche.tables import read_table

TRIALS = 3


@pytest.fixture
def searched(tiled_study):
    """Three short trials that differ in their learning rate; the review is required."""
    study = tiled_study
    study.config["segmentation"]["slides_per_job"] = 100
    study.config["segmentation"]["tuning"] = {
        "trials": TRIALS,
        "space": {"learning_rate": {"log_uniform": [1e-6, 1e-2]}},
        "review": "required",
        "reviewed": 2,
        "verdicts": "verdicts.tsv",
    }
    return study


def judged(study, *verdicts):
    """Fill in a copy of the empty sheet, the best trial first."""
    sheet = pd.read_csv(study.results / "review" / "verdicts.tsv", sep="\t", dtype=str)
    sheet["verdict"] = verdicts
    sheet.to_csv(study.folder / "verdicts.tsv", sep="\t", index=False)
    return sheet["trial"].astype(int).tolist()


def test_the_run_waits_for_the_review_and_goes_on_with_the_best_accepted_trial(searched):
    done = searched.run()
    assert "waits for a pathologist's verdicts in verdicts.tsv" in done.stderr
    # At the start and at the end.
    assert done.stderr.count("and start the workflow again.") == 2
    assert "network all, fold 0: no verdict" in done.stderr
    assert not (searched.results / "models").exists()
    assert not (searched.results / "summary.html").exists()
    board = read_table(searched.results / "tuning" / "all" / "0" / "leaderboard.parquet")
    assert sorted(board["trial"]) == [1, 2, 3]
    assert board["validation_dice"].is_monotonic_decreasing
    assert board["learning_rate"].nunique() == TRIALS
    page = (searched.results / "review" / "review.html").read_text()
    pictures = json.loads((searched.results / "review" / "all" / "0" / "trials.json").read_text())
    assert {row["trial"] for row in pictures} == set(board["trial"][:2])
    assert page.count("data:image/jpeg") == len(pictures) > 0
    # Nobody may go round the review by asking for a result.
    target = "results/demo/areas/patients.parquet"
    asked = searched.run(target, succeed=False)
    assert "no trial has been accepted yet" in asked.stderr
    # Half a sheet is not enough.
    judged(searched, "rejected", "")
    assert "no verdict on trial" in searched.run("--dry-run").stdout
    judged(searched, "rejected", "rejected")
    assert "all 2 trials shown" in searched.run(succeed=False).stderr
    # The second is accepted: it is the model, and nothing is trained anew.
    _, second = judged(searched, "rejected", "accepted")
    planned = searched.planned()
    assert "train_head" not in planned and planned["choose_trial"] == 1
    searched.run(target)
    weights = [
        searched.results / "models" / "all" / "0" / "model.safetensors",
        searched.results / "tuning" / "all" / "0" / str(second) / "model.safetensors",
    ]
    assert sha256(weights[0]) == sha256(weights[1])
    # More trials are trained, the others are left as they are; the review is asked for again.
    tuning = {**searched.config["segmentation"]["tuning"], "trials": TRIALS + 1}
    more = {**searched.config["segmentation"], "tuning": tuning}
    assert searched.planned(segmentation=more)["train_head"] == 1
