"""Scans from volumes to risks, by folds, with a scan that cannot be used."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from histoniche.files import read_json
from histoniche.imaging.activation_measures import read_activation
from histoniche.imaging.samples import read_sample
from histoniche.tables import read_table
from scan_cohort import MAPS, QUICK, TINY, outcomes, write_scans
from study import Study

BAD = "P007"
END = {"write_summary", "seal_bundle", "all"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Study:
    """Twenty-four patients in three folds, three more in another cohort; one scan is cut off."""
    folder = tmp_path_factory.mktemp("imaging")
    table = outcomes(27)
    table["cohort"] = ["training"] * 20 + ["tuning"] * 4 + ["external validation"] * 3
    write_scans(folder / "scans", table)
    broken = folder / "scans" / f"{BAD}_MD.nii"
    broken.write_bytes(broken.read_bytes()[:2000])
    config = {
        "results": "results",
        "cohort": {"patients": "scans/patients.tsv"},
        "imaging": {
            "scans": "scans/scans.tsv", "root": "scans", "maps": MAPS, "sample": TINY, "folds": 3,
            "training": QUICK, "evaluation": {"bootstraps": 50}, "scans_per_job": 9,
        },
        "survival": {"cohorts": "sheet"},
        "survival_curves": {"cut": {"rule": "median"}},
    }  # fmt: skip
    study = Study(folder, config)
    study.run("--quiet", "rules")
    return study


@pytest.fixture
def own_copy(finished, tmp_path) -> Study:
    """A copy that a test may change; times of files are kept."""
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Study(tmp_path / "copy", yaml.safe_load(yaml.safe_dump(finished.config)))


def changed(config, **keys):
    return {"imaging": {**config["imaging"], **keys}}


def test_every_patient_with_a_usable_scan_has_a_risk_from_a_network_that_has_not_seen_it(finished):
    imaging = finished.results / "imaging"
    scores = read_table(imaging / "scores.parquet").set_index("patient")
    assert len(scores) == 26 and BAD not in scores.index
    assert scores["dls"].between(0, 1, inclusive="neither").all()
    split = read_table(imaging / "split.parquet").set_index("patient")
    assert split["fold"].value_counts().to_dict() == {0: 8, 1: 8, 2: 8}
    assert scores.loc["P026", "role"] == "apply" and pd.isna(scores.loc["P026", "fold"])
    for fold in range(3):
        description = read_json(imaging / "models" / str(fold) / "model.json")
        assert description["task"] == "risk" and description["maps"] == MAPS
    quality = read_table(imaging / "quality.parquet").set_index("patient")
    assert quality["status"].value_counts().to_dict() == {"ok": 26, "bad": 1}
    assert "MD" in quality.loc[BAD, "reason"]


def test_performance_says_how_many_patients_and_events_stand_behind_it(finished):
    found = read_table(finished.results / "imaging" / "performance.parquet")
    whole = found[found["fold"].isna()].set_index("cohort")
    assert list(whole.index) == ["all folds", "external validation"]
    assert whole.loc["all folds", ["patients", "seen"]].tolist() == [23, 0]
    parts = found[found["fold"].notna()]
    assert parts["patients"].sum() == 23
    assert parts["events"].sum() == whole.loc["all folds", "events"] > 5
    measured = found.dropna(subset="concordance")
    assert (measured["low"] <= measured["high"]).all() and measured["p"].between(0, 1).all()


def test_activation_covers_the_slices_and_its_groups_are_compared(finished):
    imaging = finished.results / "imaging"
    for patient in ("P000", BAD):
        sample = read_sample(imaging / "scans" / patient / "sample.safetensors")
        found = read_activation(imaging / "activation" / patient / "activation.safetensors")
        assert found.shape == sample.tumour.shape and not (found < 0).any()
    assert found.shape[0] == 0
    values = read_table(imaging / "activation.parquet")
    assert set(values["map"]) == set(MAPS) and BAD not in set(values["patient"])
    groups = read_table(imaging / "activation_groups.parquet").set_index("map")
    cuts = read_table(finished.results / "survival" / "cut_points.parquet").set_index("score")
    assert (groups["rule"] == "frozen").all()
    assert np.allclose(groups["cut"], cuts.loc["dls", "cut"])
    assert (groups["n_high"] + groups["n_low"] == values["patient"].nunique()).all()


def test_survival_takes_the_risk_as_any_other_score(finished):
    scores = read_table(finished.results / "survival" / "scores.parquet")
    assert set(scores["score"]) == {"dls"} and len(scores) == 26


def test_what_is_edited_re_runs_what_follows_alone(finished):
    assert finished.planned() == {}
    planned = finished.planned(**changed(finished.config, activation={"share": 0.1}))
    end = {"draw_activation_groups", *END}
    assert set(planned) == {"measure_activation", "compare_activation", *end}
    survival = finished.planned(survival_curves={"cut": {"rule": "quantile", "quantile": 0.3}})
    assert "compare_scores" in survival and "compare_activation" in survival
    trained = {"prepare_scans", "divide_scans", "train_risk", "score_scans", "map_activation"}
    assert not set(survival) & trained
    planned = finished.planned(**changed(finished.config, training={**QUICK, "epochs": 2}))
    assert planned["train_risk"] == 3
    assert {"score_scans", "evaluate_risk", "map_activation"} <= set(planned)
    assert not set(planned) & {"prepare_scans", "divide_scans", "collect_scan_quality"}
    planned = finished.planned(**changed(finished.config, unit="um2/ms"))
    assert {"prepare_scans", "train_risk"} <= set(planned) and "divide_scans" not in planned


def test_a_patient_to_be_told_about_trains_nothing(own_copy):
    files = {part: f"Pnew_{part}.nii" for part in ("mask", "FA", "MD")}
    folder = own_copy.folder / "scans"
    for part, name in files.items():
        # One volume may not stand for two patients.
        shutil.copy(folder / f"P000_{part}.nii", folder / name)
    scan = {"patient": "Pnew", "cohort": "external validation", **files}
    new = {"scans": scan, "patients": {"patient": "Pnew", "time": "500", "event": "1"}}
    for name, cells in new.items():
        sheet = folder / f"{name}.tsv"
        text = sheet.read_text()
        row = [cells[column] for column in text.splitlines()[0].split("\t")]
        sheet.write_text(text + "\t".join(row) + "\n")
    planned = own_copy.planned()
    assert planned["prepare_scans"] == 1 and "score_scans" in planned
    assert not set(planned) & {"divide_scans", "train_risk"}


def test_a_sample_that_was_deleted_is_made_again_and_nothing_else(own_copy):
    scans = own_copy.results / "imaging" / "scans"
    lost = scans / "P003" / "sample.safetensors"
    lost.unlink()
    before = {path: path.stat().st_mtime_ns for path in scans.glob("*/sample.safetensors")}
    planned = own_copy.planned()
    assert planned["prepare_scans"] == 1
    own_copy.run("--until", "prepare_scans")
    assert lost.is_file()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    # The manifest says the same as before, so that nothing follows.
    assert own_copy.planned() == {}


def test_a_bad_scan_stops_the_run_where_it_shall(own_copy):
    strict = changed(own_copy.config, on_bad_scan="fail")
    assert set(own_copy.planned(**strict)) == {"check_scans", *END}
    done = own_copy.run(succeed=False, **strict)
    line = next(one for one in (done.stdout + done.stderr).splitlines() if "error: " in one)
    assert "1 of 27 scans cannot be used" in line and BAD in line and "on_bad_scan" in line


def test_models_that_are_brought_along_judge_whom_they_have_not_seen(finished, tmp_path):
    study = Study(tmp_path, yaml.safe_load(yaml.safe_dump(finished.config)))
    shutil.copytree(finished.folder / "scans", tmp_path / "scans")
    shutil.copytree(finished.results / "imaging" / "models", tmp_path / "models")
    study.config["imaging"] |= {"pretrained": "models", "folds": None}
    target = "results/imaging/scores.parquet"
    study.run(target)
    scores, known = (
        read_table(one.results / "imaging" / "scores.parquet").set_index("patient")
        for one in (study, finished)
    )
    pd.testing.assert_series_equal(scores["dls"], known["dls"])
