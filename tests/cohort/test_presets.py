"""The shipped presets are parts of a config that the schema knows."""

import pytest
import yaml

from histoniche.cohort.config import check_config
from study import CHECKOUT

PRESETS = sorted((CHECKOUT / "config" / "presets").glob("*.yaml"))
OWN = {
    "study": {"name": "mine"},
    "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_a_part_of_a_config(path):
    preset = yaml.safe_load(path.read_text())
    config = check_config({**OWN, **preset}, file=path.name)
    assert config["segmentation"]["tiling"] in config["tilings"]


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
