"""The block `traits` of a configuration, its defaults filled in, as the page is given it."""

from typing import Any

TRAINING: dict[str, Any] = {
    "encoder": "resnet18", "encoder_weights": "/secret/place/weights.safetensors", "epochs": 20,
    "loss": ["cross_entropy"], "batch_size": 32,
    "optimiser": "adamw", "learning_rate": 0.001,
    "monitor": "validation_auc", "patience": 4,
}  # fmt: skip
MIL: dict[str, Any] = {
    "bag": "slide",
    "epochs": 30,
    "optimiser": "adamw",
    "learning_rate": 2e-4,
    "patience": 1,
}
SCORING = {
    "score": "mean", "best": 3, "vote": "majority", "tile_threshold": "argmax",
    "slide_threshold": "youden", "patient": "dx1",
}  # fmt: skip
MGMT = {"labels": {"column": "mgmt", "of": "patients", "classes": ["un", "meth"]}}
EGFR = {"expression": {"gene": "EGFR", "low": 0.2, "high": 0.8, "near": 0.1}}
TRAITS: dict[str, Any] = {
    "tiling": "cell",
    "named": {"MGMT": {**MGMT, "training": {"epochs": 5}}, "EGFR": EGFR},
    "rounds": {"method": "rounds", "rounds": 5, "test": 0.1, "validation": 0.1, "stratify": []},
    "training": TRAINING,
    "scoring": SCORING,
    "gallery": {"grad_cam": True},
}
FOLDS = {"method": "kfold", "folds": 4, "stratify": []}
