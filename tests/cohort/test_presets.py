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


def traits_of(name: str) -> tuple[dict, dict]:
    """The one tiling of a preset, and its traits with all defaults."""
    preset = yaml.safe_load((CHECKOUT / "config" / "presets" / f"{name}.yaml").read_text())
    config = check_config({**OWN, **preset}, file=name)
    return config["tilings"][config["traits"]["tiling"]], config["traits"]


def part(found: dict, wanted: dict) -> dict:
    """What a block says of the wanted keys."""
    return {key: found[key] for key in wanted}


def changes(training: dict) -> set[str]:
    """Augmentations that ever happen."""
    return {name for name, one in training["augment"].items() if one["probability"] > 0}


def test_pathomch_is_trained_as_its_paper_says():
    tiling, traits = traits_of("pathomch")
    assert part(tiling, {"mpp", "size", "min_tissue"}) == {
        "mpp": 0.5, "size": 512, "min_tissue": 0.5,
    }  # fmt: skip
    training = settings_of(traits, "mki67")
    wanted = {
        "encoder": "inception_v3", "encoder_weights": None, "optimiser": "adam",
        "learning_rate": 0.001, "checks_per_epoch": 16, "patience": 30,
        "monitor": "validation_slide_auc", "loss": ["cross_entropy"],
    }  # fmt: skip
    assert part(training, wanted) == wanted
    assert part(training["schedule"], {"name", "patience"}) == {"name": "plateau", "patience": 10}
    assert changes(training) == {"flip", "vertical_flip"}
    wanted = {"method": "rounds", "rounds": 5, "test": 0.1, "validation": 0.1, "stratify": []}
    assert part(traits["rounds"], wanted) == wanted
    assert part(traits["scoring"], {"best", "vote"}) == {"best": 3, "vote": "majority"}
    cuts = {"low": 0.2, "high": 0.8, "near": 0.1}
    assert all(part(trait["expression"], cuts) == cuts for trait in traits["named"].values())


def test_pathomch_brings_its_groups_of_heterogeneity():
    preset = yaml.safe_load((CHECKOUT / "config" / "presets" / "pathomch.yaml").read_text())
    assert preset["traits"]["heterogeneity"] == {"hti": {"traits": ["mki67", "egfr"]}}
    assert preset["survival_curves"]["stated"] == {"hti": [[0.5, 0.5], [0.3, 0.7]]}


def test_grading_is_trained_as_its_paper_says():
    tiling, traits = traits_of("grading")
    assert part(tiling, {"mpp", "size", "min_tissue"}) == {
        "mpp": 0.5, "size": 1024, "min_tissue": 0.9,
    }  # fmt: skip
    first = {"encoder": "resnet18", "encoder_weights": "imagenet", "optimiser": "sgd"}
    geometric = {"flip", "affine"}
    for name, batch, kinds in (
        ("grade", 4, geometric),
        ("grade_batch32", 32, geometric),
        ("grade_batch32_photometric", 32, {*geometric, "contrast", "saturation"}),
    ):
        training = settings_of(traits, name)
        assert part(training, first) == first, name
        assert training["batch_size"] == batch, name
        assert changes(training) == kinds, name
    assert training["augment"]["contrast"]["factors"] == [1, 2]
    assert traits["rounds"]["rounds"] == 3
    assert traits["rounds"]["stratify"] == ["tumour_type", "grade"]
    steps = traits["chains"]["modular"]["steps"]
    assert steps == {
        "gbm": {"lower": ["II", "III"], "GBM": ["IV"]},
        "lower_grade": {"II": ["II"], "III": ["III"]},
    }
    assert traits["chains"]["modular"]["single"] == "grade"
    sides = {key: (one["first"], one["second"]) for key, one in traits["comparisons"].items()}
    assert sides == {
        "batch_size": ("grade_batch32", "grade"),
        "photometric": ("grade_batch32", "grade_batch32_photometric"),
    }
    assert {one["test"] for one in traits["comparisons"].values()} == {"student"}


def test_glioblast_transfers_and_then_tunes_vgg16_on_one_tiling_for_three_traits():
    tiling, traits = traits_of("glioblast_traits")
    assert tiling["size"] == 160
    assert {name: len(one["labels"]["classes"]) for name, one in traits["named"].items()} == {
        "subtype": 4, "mgmt": 2, "egfr": 2,
    }  # fmt: skip
    for name in traits["named"]:
        training = settings_of(traits, name)
        assert part(training, {"encoder", "encoder_weights"}) == {
            "encoder": "vgg16", "encoder_weights": "imagenet",
        }  # fmt: skip
        assert 0 < training["frozen_epochs"] < training["epochs"]


def test_mil_learns_from_features_of_a_named_encoder_patient_by_patient():
    _, traits = traits_of("mil")
    assert traits["features"]["encoder"] == "vit_large_patch16_224"
    assert {one["method"] for one in traits["named"].values()} == {"mil"}
    assert traits["rounds"]["method"] == "kfold"


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
    assert changes(training) == {"vertical_flip"}
