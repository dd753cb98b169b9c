"""Slides from tiles to a risk, by folds that a patient's scan would share."""

import pandas as pd
import pytest

from histoniche.files import read_json
from histoniche.tables import read_table
from study import Study

SIGNATURE = {
    "folds": 3,
    "training": {"hidden": 8, "attention_units": 4, "epochs": 2, "batch_size": 4},
    "evaluation": {"bootstraps": 20},
}


@pytest.fixture
def study(tiled_study: Study) -> Study:
    """Six patients with tiles, all of whom died."""
    sheet = tiled_study.folder / "cohort" / "patients.tsv"
    table = pd.read_csv(sheet, sep="\t")
    table.assign(event=1).to_csv(sheet, sep="\t", index=False)
    mgmt = {"labels": {"column": "mgmt", "classes": ["unmethylated", "methylated"]}}
    tiled_study.config |= {
        "traits": {"tiling": "region", "named": {"mgmt": mgmt}, "features": {}},
        "slide_signature": SIGNATURE,
        "survival": {},
        "survival_models": {
            "models": {
                name: {"covariates": covariates}
                for name, covariates in {
                    "clinical": ["age"], "slide": ["slide_signature"],
                    "both": ["age", "slide_signature"],
                }.items()
            },
        },
    }  # fmt: skip
    return tiled_study


def test_slides_give_patients_a_risk_that_survival_takes(study):
    study.run(
        "results/demo/survival/scores.parquet", "results/demo/slide_signature/performance.tsv"
    )
    folder = study.results / "slide_signature"
    scores = read_table(folder / "scores.parquet").set_index("patient")
    split = read_table(folder / "split.parquet").set_index("patient")
    assert scores["slide_signature"].between(0, 1, inclusive="neither").all()
    assert (scores["fold"] == split.loc[scores.index, "fold"]).all()
    assert split["fold"].value_counts().to_dict() == {0: 2, 1: 2, 2: 2}
    for fold in range(3):
        assert read_json(folder / "models" / str(fold) / "model.json")["task"] == "mil_risk"
    known = read_table(study.results / "survival" / "scores.parquet")
    own = known[known["score"] == "slide_signature"].set_index("patient")["value"]
    assert own.to_dict() == scores["slide_signature"].to_dict()
    performance = read_table(folder / "performance.parquet")
    assert performance.loc[0, ["cohort", "patients", "events"]].tolist() == ["all folds", 6, 6]
    assert (
        study.planned(survival={"cut": 0.4})
        .keys()
        .isdisjoint({"encode_slides", "divide_slide_signature", "train_slide_signature"})
    )
