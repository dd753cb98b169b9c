"""The shipped presets are parts of a config that the schema knows."""

import pytest
import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.trait_settings import settings_of
from study import CHECKOUT

PRESETS = sorted((CHECKOUT / "config" / "presets").glob("*.yaml"))
OWN = {
    "study": {"name": "mine"},
    "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
    "expression": {"path": "expression.tsv", "unit": "tpm"},
}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_a_part_of_a_config(path):
    preset = yaml.safe_load(path.read_text())
    config = check_config({**OWN, **preset}, file=path.name)
    stages = [config[stage] for stage in ("segmentation", "traits") if stage in config]
    assert all(stage["tiling"] in config["tilings"] for stage in stages)


def test_each_trait_of_a_preset_is_trained_as_its_paper_says():
    wanted = {
        "glioblast_traits": ("egfr", {"encoder": "vgg16", "encoder_weights": "imagenet"}),
        "pathomch": ("mki67", {"encoder": "inception_v3", "encoder_weights": None,
                               "checks_per_epoch": 16, "patience": 30,
                               "monitor": "validation_slide_auc", "learning_rate": 0.001}),
        "grading": ("grade_batch32_photometric", {"encoder": "resnet18", "optimiser": "sgd",
                                                  "batch_size": 32}),
    }  # fmt: skip
    for path in PRESETS:
        if path.stem in wanted:
            trait, settings = wanted[path.stem]
            config = check_config({**OWN, **yaml.safe_load(path.read_text())}, file=path.name)
            found = settings_of(config["traits"], trait)
            assert {key: found[key] for key in settings} == settings, path.stem
        if path.stem == "grading":
            assert found["augment"]["contrast"]["factors"] == [1, 2]


def test_gbm_wssm_is_its_experiment_47():
    (path,) = (path for path in PRESETS if path.stem == "gbm_wssm")
    config = check_config({**OWN, **yaml.safe_load(path.read_text())}, file=path.name)
    training, tiling = config["segmentation"]["training"], config["tilings"]["wssm"]
    assert (tiling["fit_px"], tiling["size"], training["crop"]) == (1024, 512, 224)
    wanted = {
        "architecture": "FCDenseNet103", "batch_size": 16, "optimiser": "rmsprop",
        "learning_rate": 1e-3, "weight_decay": 1e-4, "dropout": 0.2, "epochs": 55, "patience": 50,
        "loss": ["cross_entropy"],
    }  # fmt: skip
    assert {key: training[key] for key in wanted} == wanted
    assert training["schedule"]["decay"] == 5e-5
    used = {name for name, one in training["augment"].items() if one["probability"] > 0}
    assert used == {"vertical_flip"}
