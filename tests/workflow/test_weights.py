"""Published weights are fetched by a job of this machine, and by no other."""

import re

from safetensors.torch import save_file

from histoniche.files import read_json, sha256
from histoniche.learning.networks import build_network, encoder_of
from histoniche.learning.published_weights import name_of_weights
from study import Study
from training_settings import SMALL

REPOSITORY = "models--smp-hub--resnet18.imagenet"
REVISION = "3f2325ff978283d47aa6a1d6878ca20565622683"


def starting(study: Study, **settings) -> Study:
    """The study with other settings of its training."""
    study.config["segmentation"]["training"] |= settings
    return study


def test_weights_that_come_along_are_not_fetched(small_study):
    study = starting(small_study, encoder="tu-tf_efficientnet_lite0", encoder_weights="imagenet")
    assert "fetch_encoder_weights" not in study.planned()


def test_others_are_fetched_once_by_a_local_rule_and_kept(small_study, tmp_path):
    study = starting(small_study, encoder="resnet18", encoder_weights="imagenet")
    planned = study.run("--dry-run").stdout
    assert len(re.findall("Fetching the published weights", planned)) == 1
    # What the library's cache holds it does not look for on the internet.
    kept = tmp_path / "hub" / REPOSITORY / "snapshots" / REVISION
    kept.mkdir(parents=True)
    settings = {**SMALL, **study.config["segmentation"]["training"]}
    published = encoder_of(build_network(settings, classes=1), settings).state_dict()
    state = {name: value.contiguous() for name, value in published.items()}
    save_file(state, kept / "model.safetensors")
    (kept / "config.json").write_text("{}")
    study.environment |= {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    stem = study.folder / "weights" / name_of_weights(settings)
    study.run(f"weights/{stem.name}.safetensors")
    assert read_json(stem.with_suffix(".json"))["sha256"] == sha256(
        stem.with_suffix(".safetensors")
    )
    assert "fetch_encoder_weights" not in study.planned()


def test_the_rule_runs_where_snakemake_does(checkout):
    text = (checkout / "workflow" / "rules" / "weights.smk").read_text()
    assert "localrule: True" in text
