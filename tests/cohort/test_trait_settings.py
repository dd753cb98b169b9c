"""What a study says of its traits, and what sheets and models must have for them."""

import json

import pandas as pd
import pytest
from PIL import Image

from histoniche.cohort.study import read_study
from histoniche.cohort.tables import write_patients
from histoniche.cohort.trait_settings import columns_read, label_columns
from histoniche.errors import InputError
from histoniche.traits.chains import chain_of
from histoniche.traits.rounds import draw_folds, draw_rounds, numbers_of

MGMT = {"labels": {"column": "mgmt", "classes": ["no", "yes"]}}
GRADE = {"labels": {"column": "grade", "of": "slides", "classes": [2, 3, 4]}}
HIGH = {"labels": {"column": "grade", "of": "slides", "classes": {"lower": [2, 3], "gbm": [4]}}}
LOW = {"labels": {"column": "grade", "of": "slides", "classes": [2, 3]}}
NAMED = {"mgmt": MGMT, "grade": GRADE, "high": HIGH, "low": LOW}


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Three patients with a slide each; the working directory is theirs."""
    monkeypatch.chdir(tmp_path)
    slides = [f"S{k}\tP{k}\tS{k}.png\t{k + 2}\t" for k in range(3)]
    header = "slide\tpatient\tpath\tgrade\tblock"
    (tmp_path / "slides.tsv").write_text("\n".join([header, *slides]) + "\n")
    patients = [
        "patient\ttime\tevent\tage\tmgmt\tsite",
        "P0\t9\t1\t50\tno\tx",
        "P1\t8\t0\t60\tyes\t",
    ]
    (tmp_path / "patients.tsv").write_text("\n".join([*patients, "P2\t7\t1\t55\tNA\ty"]) + "\n")
    for k in range(3):
        Image.new("RGB", (8, 8)).save(tmp_path / f"S{k}.png")
    (tmp_path / "weights.safetensors").write_bytes(b"")
    return tmp_path


def read(named=None, *, blocks=None, **traits):
    config = {
        "cohort": {"slides": "slides.tsv", "patients": "patients.tsv"},
        "tilings": {"cell": {"mpp": 0.5, "size": 64}, "region": {"mpp": 8, "size": 64}},
        "traits": {"named": named or NAMED, **traits},
        **(blocks or {}),
    }
    return read_study(config, file="c.yaml")


def test_a_study_says_what_each_trait_is(cohort):
    bags = {**MGMT, "method": "mil", "mil": {"bag": "patient"}}
    own = {**MGMT, "tiling": "region", "training": {"epochs": 3}}
    study = read({**NAMED, "bags": bags, "own": own}, features={}, training={"epochs": 7})
    assert study.traits == ["bags", "grade", "high", "low", "mgmt", "own"]
    assert study.bag_traits == ["bags"]
    assert study.tile_traits == ["grade", "high", "low", "mgmt", "own"]
    assert study.trait_classes("grade") == ["2", "3", "4"]
    assert study.trait_classes("high") == ["lower", "gbm"]
    assert (study.trait_tiling("mgmt"), study.trait_tiling("own")) == ("cell", "region")
    assert (study.trait_settings("mgmt")["epochs"], study.trait_settings("own")["epochs"]) == (7, 3)
    assert study.trait_settings("bags")["bag"] == "patient"
    assert "encoder" not in study.trait_settings("bags")
    assert study.trait_rounds("bags") == study.rounds == [0, 1, 2, 3, 4]


def test_only_two_classes_have_thresholds(cohort):
    study = read(scoring={"tile_threshold": "f1"})
    assert study.trait_scoring("mgmt")["tile_threshold"] == "f1"
    three = study.trait_scoring("grade")
    assert (three["tile_threshold"], three["slide_threshold"]) == ("argmax", "argmax")
    assert three["best"] == study.trait_scoring("mgmt")["best"] == 3


def test_a_study_without_traits_has_none(cohort):
    study = read_study({"cohort": {"patients": "patients.tsv"}}, file="c.yaml")
    assert (study.traits, study.bag_traits, study.rounds) == ([], [], [])
    assert study.heterogeneity == {} and not study.brings_trait_models
    assert "mgmt" not in study.patients


def test_rounds_are_those_that_are_drawn(cohort):
    names = [f"P{k:03d}" for k in range(100)]
    shares = {"rounds": 4, "test": 0.2, "validation": 0.1}
    drawn = {
        "rounds": (draw_rounds(names, seed=0, **shares), shares),
        "kfold": (draw_folds(names, seed=0, folds=4), {"folds": 4}),
    }
    for method, (table, settings) in drawn.items():
        study = read(rounds={"method": method, **settings})
        assert study.rounds == numbers_of(table)
        assert study.trait_folds == (method == "kfold")


def test_steps_of_a_chain_are_in_the_order_of_their_traits_classes(cohort):
    steps = {"high": {"gbm": [4], "lower": [2, 3]}, "low": {"2": [2], "3": [3]}}
    study = read(chains={"modular": {"single": "grade", "steps": steps}})
    found = study.chain_steps("modular")
    assert list(found) == ["high", "low"] and list(found["high"]) == study.trait_classes("high")
    chain = chain_of(study.trait_classes("grade"), found)
    assert chain.steps["high"] == {"lower": ("2", "3"), "gbm": ("4",)}


def test_columns_that_traits_read_survive_as_text_and_no_others(cohort):
    study = read(rounds={"stratify": ["site"]})
    assert label_columns(study.config, "patients") == ["mgmt", "site"]
    assert label_columns(study.config, "slides") == ["grade"]
    covariates = {"mgmt": {"type": "categorical"}}
    sheets = {"slides": "slides.tsv", "patients": "patients.tsv", "covariates": covariates}
    with_covariate = read(blocks={"cohort": sheets})
    assert label_columns(with_covariate.config, "patients") == []
    assert with_covariate.patients["mgmt"].tolist() == ["no", "yes", None]
    assert study.patients["mgmt"].tolist() == ["no", "yes", None]
    assert study.used["grade"].tolist() == ["2", "3", "4"]
    assert "age" not in study.patients and "block" not in study.slides
    assert {"patient", "time", "mgmt", "site"} <= columns_read(study.config, "patients")
    assert not {"age", "grade"} & columns_read(study.config, "patients")
    out = cohort / "patients.parquet"
    labels = label_columns(study.config, "patients")
    write_patients(cohort / "patients.tsv", out, covariates={}, time_unit="days", labels=labels)
    assert list(pd.read_parquet(out)) == ["patient", "time_days", "event", "mgmt", "site"]


def test_weights_of_traits_are_found_by_environment_variables(cohort, monkeypatch):
    monkeypatch.setenv("MODELS", str(cohort))
    weights = {"encoder_weights": "${MODELS}/weights.safetensors"}
    named = {"mgmt": {**MGMT, "training": weights}}
    study = read(named, training=weights, features={**weights, "encoder": "x"})
    filled = f"{cohort}/weights.safetensors"
    assert study.trait_settings("mgmt")["encoder_weights"] == filled
    assert study.config["traits"]["training"]["encoder_weights"] == filled
    assert study.config["traits"]["features"]["encoder_weights"] == filled


def test_an_index_of_heterogeneity_is_a_score(cohort):
    traits = {"heterogeneity": {"HTI": {"traits": ["mgmt", "high"]}}}
    blocks = {"survival": {}, "survival_curves": {"scores": ["HTI"]}}
    assert read(**traits, blocks=blocks).heterogeneity == {"HTI": ["mgmt", "high"]}
    with pytest.raises(InputError, match=r"survival_curves\.scores.*'HTY'.*did you mean HTI"):
        read(**traits, blocks={**blocks, "survival_curves": {"scores": ["HTY"]}})


def models(folder, **rounds):
    for trait, (numbers, classes) in rounds.items():
        for number in numbers:
            place = folder / "brought" / trait / str(number)
            place.mkdir(parents=True)
            (place / "model.json").write_text(json.dumps({"classes": classes}))
            (place / "model.safetensors").touch()


def test_brought_models_say_classes_and_rounds(cohort):
    models(cohort, mgmt=([0, 2, 10], ["no", "yes"]), idh=([1], ["wild", "mutant"]))
    study = read({"mgmt": MGMT, "idh": {}}, pretrained="brought")
    assert study.brings_trait_models
    assert study.trait_rounds("mgmt") == [0, 2, 10]
    assert study.rounds == [0, 1, 2, 10]
    assert study.trait_classes("idh") == ["wild", "mutant"]


WRONG = {
    "no such column of patients": (
        {"named": {"a": {"labels": {"column": "mgtm", "classes": ["no", "yes"]}}}},
        ["traits.named.a.labels.column", "'mgtm'", "sheet of patients", "did you mean mgmt?"],
    ),
    "no such column of slides": (
        {"named": {"a": {"labels": {"column": "grad", "of": "slides", "classes": [2, 3]}}}},
        ["traits.named.a.labels.column", "'grad'", "sheet of slides", "did you mean grade?"],
    ),
    "a column without a value": (
        {"named": {"a": {"labels": {"column": "block", "of": "slides", "classes": [2, 3]}}}},
        ["traits.named.a.labels.column", "'block'", "or nothing in it"],
    ),
    "no such column to stratify by": (
        {"rounds": {"stratify": ["mgmt", "centre"]}},
        ["traits.rounds.stratify", "'centre'", "no such column"],
    ),
    "weights that are not there": (
        {"training": {"encoder_weights": "no.safetensors"}},
        ["traits.training.encoder_weights", "'no.safetensors'", "no such file"],
    ),
    "weights of features that are not there": (
        {"features": {"encoder_weights": "no.safetensors"}},
        ["traits.features.encoder_weights", "no such file"],
    ),
    "a trait's own weights that are not there": (
        {"named": {"mgmt": {**MGMT, "training": {"encoder_weights": "no.safetensors"}}}},
        ["traits.named.mgmt.training.encoder_weights", "no such file"],
    ),
    "weights among the results": (
        {"training": {"encoder_weights": "results/w.safetensors"}},
        ["traits.training.encoder_weights", "folder of results"],
    ),
    "models among the results": (
        {"pretrained": "results/models"},
        ["traits.pretrained", "folder of results"],
    ),
    "no models": (
        {"named": {"other": {}}, "pretrained": "brought"},
        ["traits.pretrained", "no other/0/model.json in the folder of models"],
    ),
    "a model without weights": (
        {"named": {"bare": {}}, "pretrained": "brought"},
        ["traits.pretrained", "no bare/1/model.safetensors"],
    ),
    "models of other classes": (
        {"named": {"mgmt": MGMT}, "pretrained": "brought"},
        ["traits.pretrained", "mgmt/0 tells yes, no, and not no, yes"],
    ),
    "an index with a region's name": (
        {
            "heterogeneity": {"CT": {"traits": ["mgmt", "high"]}},
            "blocks": {"segmentation": {"tiling": "region", "pretrained": "seg"}},
        },
        ["traits.heterogeneity.CT", "a region has this name", "rename the index"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_one_line(cohort, case):
    traits, words = WRONG[case]
    (cohort / "results" / "models").mkdir(parents=True)
    (cohort / "results" / "w.safetensors").touch()
    models(cohort, mgmt=([0], ["yes", "no"]), bare=([0, 1], ["a", "b"]))
    (cohort / "brought" / "bare" / "1" / "model.safetensors").unlink()
    (cohort / "seg" / "all").mkdir(parents=True)
    for name in ("model.json", "model.safetensors"):
        (cohort / "seg" / "all" / name).touch()
    with pytest.raises(InputError) as caught:
        read(**traits)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line, line
