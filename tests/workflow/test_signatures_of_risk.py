"""The risks of scans and of slides beside each other, and beside the clinic, on the demo."""

import json
import shutil
from dataclasses import replace

import pytest

from histoniche.tables import read_table

MODELS = {
    "clinical": ["age"], "scans": ["age", "dls"], "slides": ["age", "slide_signature"],
    "both": ["age", "dls", "slide_signature"],
}  # fmt: skip


@pytest.fixture(scope="module")
def both(demo, tmp_path_factory):
    """The demo with a risk learned from its slides too, and what both add."""
    folder = tmp_path_factory.mktemp("both")
    shutil.copytree(demo.folder, folder / "copy", symlinks=True)
    mgmt = {"labels": {"column": "mgmt", "classes": ["unmethylated", "methylated"]}}
    config = {
        **demo.config,
        "traits": {"tiling": "region", "named": {"mgmt": mgmt}, "features": {}},
        "slide_signature": {
            "folds": 5,
            "training": {"hidden": 16, "attention_units": 8, "epochs": 8, "batch_size": 16},
        },
        "survival_curves": {"scores": ["dls", "slide_signature"], "rho": 1},
        "survival_models": {
            "models": {name: {"covariates": covariates} for name, covariates in MODELS.items()},
            "years": [1], "bootstraps": 20,
        },
        "clinical_use": {"scores": ["dls"], "covariates": ["age"], "years": [1], "bootstraps": 20},
    }  # fmt: skip
    study = replace(demo, folder=folder / "copy", config=config)
    targets = ("model_differences", "score_groups", "clinical/dls/added_value")
    study.run("--quiet", "rules", "--", *(f"results/demo/survival/{t}.parquet" for t in targets))
    return study


def table(study, name):
    return read_table(study.results / f"{name}.parquet")


def test_patients_with_scan_and_slides_are_in_one_fold_of_both(both):
    folds = [
        table(both, f"{block}/split").set_index("patient")["fold"]
        for block in ("imaging", "slide_signature")
    ]
    common = folds[0].index.intersection(folds[1].index)
    assert len(common) >= 36
    assert folds[0].loc[common].tolist() == folds[1].loc[common].tolist()


def test_the_gain_of_each_risk_and_of_both_is_tested_on_the_same_patients(both):
    measured = table(both, "survival/model_performance").set_index("model")
    assert set(measured.index) == set(MODELS)
    assert measured["n"].nunique() == 1 and measured["n"].iloc[0] >= 35
    differences = table(both, "survival/model_differences").query("kind == 'harrell'")
    pairs = differences.set_index(["first", "second"])
    assert {("clinical", "scans"), ("clinical", "slides"), ("both", "scans")} <= set(pairs.index)
    assert (pairs["q"] >= pairs["p"]).all()
    # The scans hold the planted risk, beside age as well.
    gain = pairs.loc[("clinical", "scans")]
    assert gain["lr_p"] < 0.01 and gain["lr_df"] == 1
    assert measured.loc["scans", "harrell_low"] > 0.6


def test_the_risk_of_the_scans_divides_patients_and_goes_through_clinical_evaluation(both):
    groups = table(both, "survival/score_groups").query("score == 'dls'")
    assert (groups["p"] < 0.05).all() and (groups["n"] > 10).all()
    added = table(both, "survival/clinical/dls/added_value")
    assert {"NRI, categories", "IDI"} <= set(added["measure"])
    assert added["n"].min() >= 35 and added["events"].notna().all()
    assert len(table(both, "survival/clinical/dls/decision_curves"))
    assert len(table(both, "survival/clinical/dls/calibration_measures"))
    folder = both.results / "survival" / "clinical" / "dls"
    for name in ("clinical", "score"):
        nomogram = json.loads((folder / f"{name}_nomogram.json").read_text())
        assert ("dls" in json.dumps(nomogram)) == (name == "score")
