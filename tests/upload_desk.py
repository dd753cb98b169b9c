"""A desk that takes uploads in, with stand-ins for models that nothing here applies."""

from pathlib import Path
from typing import Any

import yaml

from histoniche.viewer.uploads.desk import Desk, Options, open_desk
from histoniche.viewer.uploads.limits import Limits
from histoniche.viewer.uploads.runner import Place

CONFIG: dict[str, Any] = {
    "study": {"name": "run"},
    "results": "results",
    "cohort": {"slides": "slides.tsv", "patients": "patients.tsv", "root": "slides"},
    "tilings": {
        "region": {"mpp": 8, "size": 128},
        "cell": {"mpp": 0.5, "size": 160},
        "spare": {"mpp": 2, "size": 64},
    },
    "segmentation": {"tiling": "region", "strategy": "joint"},
    "traits": {
        "tiling": "cell",
        "named": {"egfr": {"labels": {"column": "egfr", "classes": ["normal", "amplified"]}}},
    },
}


def write_run(folder: Path, config: dict[str, Any]) -> tuple[Path, Path]:
    """Write the configuration of a run and empty files where its models would be."""
    path, results = folder / "config" / "run.yaml", folder / "results"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(config))
    for model in ("models/all/0", "traits/egfr/0"):
        add_model(results / model)
    return path, results


def add_model(folder: Path) -> None:
    """Put empty files where a model would be."""
    folder.mkdir(parents=True)
    for name in ("model.json", "model.safetensors"):
        (folder / name).touch()


def make_desk(folder: Path, kept: Path, **limits: Any) -> Desk:
    """A desk of a run in `folder` that keeps uploads in `kept`."""
    if not (folder / "config").exists():
        write_run(folder, CONFIG)
    options = Options(kept, Place(cores=1), Limits(**{"spare_bytes": 0, **limits}))
    return open_desk(options, config=folder / "config" / "run.yaml", results=folder / "results")
