"""A small run with finished models: one trained for the regions, three of traits at random."""

import shutil
from pathlib import Path
from typing import Any

import torch
import yaml

from classifier_settings import TINY
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.models import save_model
from study import Study

TRAITS = {
    "subtype": ["Classical", "Mesenchymal", "Neural", "Proneural"],
    "mgmt": ["unmethylated", "methylated"],
    "egfr": ["normal", "amplified"],
}
MPP, SIZE = 0.5, 160


def finish_run(cohort: Path, config: dict[str, Any], folder: Path) -> Study:
    """Train a network for the regions of a small cohort, and put random ones of traits beside.

    Parameters
    ----------
    cohort
        A few patients of the demo.
    config
        Slides and segmentation alone, one short training.
    folder
        Where it runs.
    """
    shutil.copytree(cohort, folder / "cohort")
    torch.manual_seed(1)
    for trait, classes in TRAITS.items():
        description = {
            "task": "classification", "classes": classes, "mpp": MPP, "size": SIZE,
            "normalisation": {"mean": [0.8, 0.6, 0.7], "deviation": [0.1, 0.15, 0.1]},
            "settings": TINY, "temperature": 0.2, "trait": trait, "round": 0,
        }  # fmt: skip
        network = build_classifier(TINY, classes=len(classes))
        save_model(network.eval(), description, folder / "traits" / trait / "0")
    own = yaml.safe_load(yaml.safe_dump(config))
    own["results"] = "results"
    own["slides"]["limits"] = {"min_tissue_mm2": 0.01}
    own["tilings"]["cell"] = {"mpp": MPP, "size": SIZE, "min_tissue": 0.3}
    own["traits"] = {
        "tiling": "cell",
        "pretrained": "traits",
        "named": {trait: {} for trait in TRAITS},
        "heterogeneity": {"hti": {"traits": ["mgmt", "egfr"]}},
    }
    study = Study(folder, own)
    tables = ("cohort/patients.parquet", "slides/quality.parquet", "models/all/0/model.json")
    study.run("--quiet", "rules", "--", *(f"results/{table}" for table in tables))
    return study
