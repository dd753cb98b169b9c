"""The presets of traits, run on part of the demo cohort with the networks that they name."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from histoniche.demo.cohort import write_demo_cohort
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from study import CHECKOUT, Study

PATIENTS = 12
# The demo's slides have 4 µm per pixel, where the presets want 0.5; and two cores are few.
FEW: dict[str, Any] = {"epochs": 1, "tiles_per_slide": 3, "validation_tiles_per_slide": 3}
SMALLER: dict[str, dict[str, Any]] = {
    "glioblast_traits": {
        "tilings": {"glioblast160": {"mpp": 8, "size": 160, "min_tissue": 0.5}},
        "rounds": {"folds": 3, "stratify": ["molecular_subtype"]},
        "training": {**FEW, "encoder_weights": None, "normalisation": "tiles", "batch_size": 8},
    },
    "grading": {
        "tilings": {"grade": {"mpp": 8, "size": 128, "min_tissue": 0.9}},
        "rounds": {"rounds": 2, "test": 0.25, "validation": 0.25, "stratify": ["grade"]},
        "training": {**FEW, "encoder_weights": None, "normalisation": "tiles"},
    },
    "pathomch": {
        "tilings": {"pathomch": {"mpp": 4, "size": 320, "min_tissue": 0.5}},
        "rounds": {"rounds": 2, "test": 0.2, "validation": 0.3},
        # Inception wants at least 299 px, and batch normalisation steps enough to start at random.
        "training": {"epochs": 4, "tiles_per_slide": 6, "batch_size": 4, "checks_per_epoch": 2},
    },
    "mil": {
        "tilings": {"mil": {"mpp": 4, "size": 64, "min_tissue": 0.5}},
        "rounds": {"folds": 3},
        "mil": {"epochs": 3},
        "features": {
            "encoder": "tf_efficientnet_lite0",
            "encoder_weights": "imagenet",
            "encoder_options": {},
        },
    },
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some patients of the demo with the columns that the presets name."""
    folder = tmp_path_factory.mktemp("presets") / "cohort"
    write_demo_cohort(folder, patients=PATIENTS)
    sheet = folder / "patients.tsv"
    table = pd.read_csv(sheet, sep="\t", dtype=str)
    number = np.arange(len(table))
    subtypes = np.array(["Classical", "Mesenchymal", "Neural", "Proneural"])
    table = table.assign(
        molecular_subtype=subtypes[number % 4],
        mgmt_methylation=np.array(["No", "Yes"])[number // 2 % 2],
        egfr_amplification=np.array(["No", "Yes"])[number // 3 % 2],
        grade=np.array(["II", "III", "IV"])[number % 3],
        tumour_type="glioma",
    )
    table.to_csv(sheet, sep="\t", index=False)
    return folder


def smaller(name: str, demo: dict[str, Any]) -> dict[str, Any]:
    """A preset before the demo's own blocks, brought to its resolution and to few tiles."""
    preset = yaml.safe_load((CHECKOUT / "config" / "presets" / f"{name}.yaml").read_text())
    changes = {key: dict(value) for key, value in SMALLER[name].items()}
    config = {key: demo[key] for key in ("study", "results", "seed", "cohort")}
    traits = preset["traits"]
    for key in ("rounds", "training", "mil", "features"):
        if key in changes:
            traits[key] = {**traits[key], **changes[key]}
    traits["scoring"] = {**traits.get("scoring", {}), "best": 2}
    if name == "pathomch":
        # Genes of the demo's own table, and cuts that leave patients enough among twelve.
        config["expression"] = {**demo["expression"], "min_patients": 3}
        for trait, gene in (("mki67", "CTG01"), ("egfr", "LEG01")):
            traits["named"][trait]["expression"] = {"gene": gene, "low": 0.45, "high": 0.55}
            traits["named"][trait]["expression"]["near"] = 0.05
    return yaml.safe_load(
        yaml.safe_dump({**config, "tilings": changes["tilings"], "traits": traits})
    )


@pytest.mark.parametrize("name", SMALLER)
def test_a_preset_runs_from_tiles_to_heat_maps(name, cohort, demo_config, tmp_path):
    (tmp_path / "cohort").symlink_to(cohort)
    study = Study(tmp_path, smaller(name, demo_config))
    named = study.config["traits"]["named"]
    study.run("--quiet", "rules")
    metrics = read_table(study.results / "traits" / "metrics.parquet")
    assert set(metrics["trait"]) == set(named)
    maps = study.results / "traits" / "maps"
    slides = sorted(path.name for path in maps.iterdir())
    assert len(slides) >= PATIENTS
    (tiling,) = study.config["tilings"]
    for slide in slides:
        tiles = TileStore(study.results / "tiles" / tiling / f"{slide}.zarr")
        size = (maps / slide / "heat_maps.png").stat().st_size
        # A slide without tiles has a notice for a map.
        assert size > (10_000 if len(tiles) else 1000)
    for trait, entry in named.items():
        if entry.get("method") == "mil":
            continue
        votes = TileStore(maps / slides[0] / f"{trait}.zarr")
        assert np.allclose(votes.column("probabilities").sum(1), 1, atol=0.01)
    page = (study.results / "summary.html").read_text()
    assert all(trait in page for trait in named)
