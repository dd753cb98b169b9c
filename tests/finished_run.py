"""A small run with finished models: one trained for the regions, those of tiles at random."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from classifier_settings import TINY
from histoniche.cohort.config import check_config
from histoniche.learning.attention import build_attention
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.features import frozen_encoder
from histoniche.learning.models import save_model
from histoniche.tables import write_table
from risk_settings import MIL_RISK
from study import Study

TRAITS = {
    "subtype": ["Classical", "Mesenchymal", "Neural", "Proneural"],
    "mgmt": ["unmethylated", "methylated"],
    "egfr": ["normal", "amplified"],
}
MPP, SIZE = 0.5, 160
SCORE, CUT = "slide_risk", 0.0001
"""Of the slide signature; its cut-point lies below any risk of random networks."""


def finish_run(cohort: Path, config: dict[str, Any], folder: Path) -> Study:
    """Train a network for the regions of a small cohort, and put random ones of tiles beside.

    Those are of three traits, and of the slide signature, with its cut-point.

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
    own["traits"]["features"] = {}
    own["slide_signature"] = {"pretrained": "signature", "score": SCORE}
    _sign(check_config(own, file="-")["traits"]["features"], folder / "signature")
    study = Study(folder, own)
    tables = ("cohort/patients.parquet", "slides/quality.parquet", "models/all/0/model.json")
    study.run("--quiet", "rules", "--", *(f"results/{table}" for table in tables))
    cut = {"score": SCORE, "rule": "median", "cut": CUT, "n": 40, "events": 23, "note": ""}
    write_table(pd.DataFrame([cut]), study.results / "survival" / "cut_points.parquet")
    return study


def _sign(features: dict[str, Any], folder: Path) -> None:
    """Write random networks of the slide signature for the features that a run would have."""
    encoder = frozen_encoder(features, weights=None, size=SIZE, device=torch.device("cpu"))
    width = encoder.features(torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)).shape[1]
    for fold in range(2):
        description = {
            "task": "mil_risk", "width": width, "encoder": features["encoder"],
            "encoder_digest": encoder.digest, "mpp": MPP, "size": SIZE, "fold": fold,
            "normalisation": {"mean": [0.0] * width, "deviation": [1.0] * width},
            "settings": MIL_RISK, "patients_sha256": {"train": [], "validation": []},
            "mean_log_hazard": 0.0,
        }  # fmt: skip
        network = build_attention(MIL_RISK, width=width, classes=1)
        save_model(network.eval(), description, folder / str(fold))
