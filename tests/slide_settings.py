"""The config's block `slides` with the shipped defaults, but for what small test slides need."""

from typing import Any

from histoniche.cohort.config import check_config

_CONFIG = {"study": {"name": "test"}, "cohort": {"patients": "patients.tsv"}}
SLIDES: dict[str, Any] = check_config(_CONFIG, file="test")["slides"]
LIMITS: dict[str, Any] = {**SLIDES["limits"], "min_tissue_mm2": 0.01}
INSPECTION: dict[str, Any] = {
    **{key: value for key, value in SLIDES.items() if key != "limits"},
    "thumbnail_px": 300,
    "tissue": "all",
    "min_island_mm2": 0.0,
}
