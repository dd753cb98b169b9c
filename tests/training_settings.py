"""The config's block `segmentation.training` with the shipped defaults, but small and quick."""

from typing import Any

from histoniche.cohort.config import check_config
from histoniche.cohort.schemas import read_schema

_CONFIG = {
    "study": {"name": "test"},
    "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
    "tilings": {"region": {"mpp": 8, "size": 32}},
    "segmentation": {"tiling": "region"},
}
DEFAULTS: dict[str, Any] = check_config(_CONFIG, file="test")["segmentation"]["training"]
SMALL: dict[str, Any] = {
    **DEFAULTS,
    "encoder": "resnet18",
    "encoder_depth": 3,
    "decoder_channels": 4,
    "epochs": 3,
    "batch_size": 4,
    "learning_rate": 0.003,
    "loss": ["cross_entropy"],
}
NO_CHANGES: dict[str, Any] = {
    name: {**one, "probability": 0.0} for name, one in DEFAULTS["augment"].items()
}
_PROPERTIES = read_schema("config")["$defs"]["training"]["properties"]
ARCHITECTURES: list[str] = _PROPERTIES["architecture"]["enum"]
LOSSES: list[str] = _PROPERTIES["loss"]["items"]["enum"]
