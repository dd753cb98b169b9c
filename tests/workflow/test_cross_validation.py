"""Each fold has its own network, and no patient is judged by one that has seen it."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from histoniche.cohort.splits import patient_digest, roles_in_fold
from histoniche.files import read_json
from histoniche.slides.store import TileStore
from histoniche.tables import read_table

METRICS = "results/demo/segmentation/metrics.parquet"


@pytest.fixture
def validated(tiled_study):
    """A short cross-validation in three folds."""
    study = tiled_study
    study.config["split"] = {"method": "kfold", "folds": 3}
    study.config["segmentation"]["slides_per_job"] = 100
    study.run(METRICS)
    return study


def labels(study):
    """What was found on each slide that has tiles."""
    stores = map(TileStore, (study.results / "segmentation").glob("*.zarr"))
    return {
        store.attributes["slide"]: np.concatenate([found for _, found in store.shards("label")])
        for store in stores
        if len(store)
    }


def test_what_is_found_in_a_patient_is_out_of_fold(validated):
    split = read_table(validated.results / "cohort" / "split.parquet")
    for fold in range(3):
        seen = read_json(validated.results / f"models/all/{fold}/model.json")["patients_sha256"]
        roles = roles_in_fold(split, fold)
        for role in ("train", "validation"):
            expected = split["patient"][roles == role]
            assert set(seen[role]) == set(map(patient_digest, expected))
        assert not {*seen["train"], *seen["validation"]} & set(
            map(patient_digest, split["patient"][roles == "test"])
        )
    assert set(read_table(validated.folder / METRICS)["role"]) == {"test"}
    together = labels(validated)
    # The network of one fold alone finds the same in the patients of its fold, and in no others.
    shutil.move(validated.results / "models", validated.folder / "networks")
    shutil.rmtree(validated.folder / "networks" / "all" / "1")
    shutil.rmtree(validated.folder / "networks" / "all" / "2")
    shutil.rmtree(validated.results / "segmentation")
    alone = replace(validated, config={**validated.config})
    alone.config["segmentation"] = {**alone.config["segmentation"], "pretrained": "networks"}
    alone.run(METRICS)
    folds = split.set_index("patient")["fold"]
    slides = pd.read_csv(validated.folder / "cohort" / "slides.tsv", sep="\t", index_col="slide")
    for slide, found in labels(alone).items():
        same = np.array_equal(found, together[slide])
        assert same == (folds.get(slides.loc[slide, "patient"]) == 0), slide
