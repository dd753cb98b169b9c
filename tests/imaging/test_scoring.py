"""Risks of patients by networks that have not seen them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.imaging.samples import read_sample
from histoniche.imaging.scoring import score_scans
from histoniche.learning.risk_model import load_risk_model
from histoniche.risk_scores import judges, score_table
from histoniche.tables import read_table, write_table
from scan_cohort import MAPS, SEEN, outcomes, write_judged, write_model, write_samples

SPLIT = pd.DataFrame(
    {"patient": ["a", "b", "c"], "role": "test", "fold": pd.array([0, 1, 2], dtype="Int64")}
)


def test_a_patient_is_judged_by_the_fold_that_tests_it_and_a_stranger_by_all():
    assert [judges(name, SEEN) for name in "abc"] == [[0], [1], [2]]
    assert judges("stranger", SEEN) == [0, 1, 2]
    # Whom all have seen, all judge: there is no other answer.
    assert judges("a", {0: SEEN[1], 1: SEEN[2]}) == [0, 1]


def test_the_mean_training_patient_has_a_risk_of_a_half():
    found = {"b": [-40.0], "a": [0.0], "d": [1.0, 3.0], "c": [500.0]}
    table = score_table(found, score="dls", cohorts={"d": "external validation"}, split=SPLIT,
                        seen=SEEN).set_index("patient")  # fmt: skip
    assert list(table.index) == ["a", "b", "c", "d"]
    assert table.loc["a", "dls"] == 0.5 and table.loc["d", "log_hazard"] == 2
    assert table.loc["d", "dls"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert table["dls"].between(0, 1, inclusive="neither").all()
    assert table["role"].tolist() == ["test", "test", "test", "apply"]
    assert table["fold"].tolist()[:3] == [0, 1, 2] and pd.isna(table.loc["d", "fold"])


def test_roles_beside_a_single_network_are_test_and_those_of_brought_models_are_recalled():
    single = SPLIT.assign(role=["train", "train", "validation"], fold=pd.NA)
    found = {name: [0.0] for name in "abcd"}
    seen = {0: {"train": SEEN[1]["train"], "validation": []}}
    table = score_table(found, score="s", cohorts={}, split=single.astype({"fold": "Int64"}),
                        seen=seen)  # fmt: skip
    assert table["role"].tolist() == ["train", "train", "validation", "test"]
    brought = score_table(found, score="s", cohorts={}, split=None, seen=seen)
    assert brought["role"].tolist() == ["train", "apply", "apply", "apply"]


def test_scores_are_those_of_the_networks_themselves(tmp_path):
    samples, models = write_judged(tmp_path)
    write_table(SPLIT, tmp_path / "split.parquet")
    score_scans(
        samples,
        models,
        tmp_path / "split.parquet",
        scores=tmp_path / "scores.parquet",
        score="dls",
        maps=MAPS,
        cohorts={"d": None},
        threads=1,
    )
    scores = read_table(tmp_path / "scores.parquet").set_index("patient")
    assert list(scores.index) == ["a", "b", "d"]
    hazard = {
        name: [
            load_risk_model(models[number]).judge(read_sample(samples[name]).images[np.newaxis])[0]
            - 0.3
            for number in SEEN
        ]
        for name in ("a", "b", "d")
    }
    expected = [hazard["a"][0], hazard["b"][1], np.mean(hazard["d"])]
    assert scores["log_hazard"].to_numpy() == pytest.approx(expected, rel=1e-4)
    assert scores["log_hazard"].nunique() == 3


def test_models_of_other_maps_are_refused(tmp_path):
    samples = write_samples(tmp_path / "scans", outcomes(1))
    models = {0: write_model(tmp_path / "0", SEEN[0], maps=["MD", "FA"])}
    with pytest.raises(InputError, match="learned from MD, FA instead of FA, MD"):
        score_scans(samples, models, None, scores=tmp_path / "s.parquet", score="dls", maps=MAPS,
                    cohorts={}, threads=1)  # fmt: skip


def test_applying_a_network_does_not_wait_for_what_trains_it():
    jobs = "histoniche.imaging.scoring, histoniche.imaging.activation"
    code = f"import sys, {jobs}; sys.exit('lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
