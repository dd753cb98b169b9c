"""The presets of traits, run on part of the demo cohort with the networks that they name."""

import shutil
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
        # As large on the glass as 160 px of 12 µm.
        "tilings": {"glioblast160": {"mpp": 20, "size": 96, "min_tissue": 0.5}},
        "rounds": {"folds": 3, "stratify": ["molecular_subtype"]},
        "training": {
            **FEW,
            "encoder_weights": None,
            "normalisation": "tiles",
            "batch_size": 8,
            # The published convolutions rest in the first epoch and learn in the second.
            "epochs": 2,
            "frozen_epochs": 1,
            "tiles_per_slide": 2,
        },
    },
    "grading": {
        "tilings": {"grade": {"mpp": 8, "size": 128, "min_tissue": 0.9}},
        "rounds": {"rounds": 2, "test": 0.25, "validation": 0.25, "stratify": ["grade"]},
        "training": {**FEW, "encoder_weights": None, "normalisation": "tiles"},
    },
    "pathomch": {
        "tilings": {"pathomch": {"mpp": 4, "size": 320, "min_tissue": 0.5}},
        "rounds": {"rounds": 2, "test": 0.3, "validation": 0.3},
        # Inception wants at least 299 px.
        "training": {
            "epochs": 2,
            "checks_per_epoch": 2,
            "batch_size": 4,
            "tiles_per_slide": 4,
            "validation_tiles_per_slide": 4,
        },
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
    # MIL's labels stand with the slides.
    slides = pd.read_csv(folder / "slides.tsv", sep="\t", dtype=str)
    methylated = table.set_index("patient")["mgmt_methylation"] == "Yes"
    slides["mgmt"] = np.where(slides["patient"].map(methylated), "methylated", "unmethylated")
    slides.to_csv(folder / "slides.tsv", sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def inspected(
    cohort: Path, demo_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which the slides have been looked at, which is the same for all presets."""
    folder = tmp_path_factory.mktemp("inspected")
    (folder / "cohort").symlink_to(cohort)
    study = Study(folder, smaller("mil", demo_config))
    study.run("--until", "inspect_slides")
    return folder


def smaller(name: str, demo: dict[str, Any]) -> dict[str, Any]:
    """A preset before the demo's own blocks, brought to its resolution and to few tiles."""
    preset = yaml.safe_load((CHECKOUT / "config" / "presets" / f"{name}.yaml").read_text())
    changes = {key: dict(value) for key, value in SMALLER[name].items()}
    config = {key: demo[key] for key in ("study", "results", "seed", "cohort", "slides")}
    traits = preset["traits"]
    traits["scoring"] = {**traits.get("scoring", {}), "best": 2}
    for key in ("rounds", "training", "mil", "features"):
        if key in changes:
            traits[key] = {**traits[key], **changes[key]}
    if name == "mil":
        traits["named"]["mgmt"]["labels"]["of"] = "slides"
    if name == "pathomch":
        # What has hardly learned may call no tile positive, and then there is no index; the demo's
        # own traits are learned, and have theirs.
        del traits["heterogeneity"]
        # Genes of the demo's own table, and cuts that leave patients enough among twelve.
        config["expression"] = {**demo["expression"], "min_patients": 3}
        for trait, gene in (("mki67", "CTG01"), ("egfr", "LEG01")):
            traits["named"][trait]["expression"] = {"gene": gene, "low": 0.4, "high": 0.6}
            traits["named"][trait]["expression"]["near"] = 0.05
    return yaml.safe_load(
        yaml.safe_dump({**config, "tilings": changes["tilings"], "traits": traits})
    )


def finished(name: str, inspected: Path, config: dict[str, Any], folder: Path) -> Study:
    """A preset that has run, from inspected slides to the page."""
    shutil.copytree(inspected, folder, symlinks=True)
    study = Study(folder, smaller(name, config))
    study.run("--quiet", "rules")
    return study


def look_at_maps(study: Study) -> None:
    """Every slide has its heat maps, and every trait of tiles probabilities."""
    named = study.config["traits"]["named"]
    maps = study.results / "traits" / "maps"
    slides = sorted(path.parent.name for path in maps.glob("*/heat_maps.png"))
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


def table(study: Study, name: str) -> pd.DataFrame:
    return read_table(study.results / "traits" / f"{name}.parquet")


def test_glioblast_rests_its_convolutions_and_then_tunes_them(inspected, demo_config, tmp_path):
    study = finished("glioblast_traits", inspected, demo_config, tmp_path / "run")
    look_at_maps(study)
    metrics = table(study, "metrics").query("model == 'out_of_fold' and metric == 'auroc'")
    assert set(metrics["trait"]) == set(study.config["traits"]["named"])
    levels = {"tile", "slide", "patient"}
    assert metrics.groupby("trait")["level"].agg(set).map(levels.__eq__).all()
    assert metrics["low"].notna().any() and (metrics["patients"] <= PATIENTS).all()
    for trait in study.config["traits"]["named"]:
        # An epoch at rest, and one in which all learns.
        assert table(study, f"{trait}/0/history")["epoch"].tolist() == [1, 2]


def test_grading_compares_its_chain_and_its_ways_of_training(inspected, demo_config, tmp_path):
    study = finished("grading", inspected, demo_config, tmp_path / "run")
    look_at_maps(study)
    assert set(table(study, "metrics")["trait"]) == set(study.config["traits"]["named"])
    chain = table(study, "chains/modular/comparison")
    compared = table(study, "comparisons")
    assert set(compared["comparison"]) == {"batch_size", "photometric"}
    for found in (chain, compared):
        assert len(found) and found["q"].dropna().between(0, 1).all()
        assert (found["q"].dropna() >= found.loc[found["q"].notna(), "p"]).all()
    # The single network of three grades, and the chain, are measured by the same metrics.
    assert {"accuracy", "auroc"} <= set(chain["metric"])
    roc = table(study, "grade/roc")
    assert set(roc["class"]) == {"II", "III", "IV", "macro"}


def test_pathomch_votes_and_judges_those_between_the_cuts(inspected, demo_config, tmp_path):
    study = finished("pathomch", inspected, demo_config, tmp_path / "run")
    look_at_maps(study)
    rounds = table(study, "round_table").set_index("trait")
    assert set(rounds.index) == {"mki67", "egfr"}
    assert (rounds["rounds"] == 2).all()
    assert set(table(study, "metrics")["set"]) == {"test", "ood_near", "ood_all"}
    assert set(table(study, "metrics")["model"]) == {"0", "1", "ensemble"}


def test_mil_learns_a_slides_own_label(inspected, demo_config, tmp_path):
    study = finished("mil", inspected, demo_config, tmp_path / "run")
    look_at_maps(study)
    labels = table(study, "mgmt/labels").set_index("slide")["class"]
    sheet = pd.read_csv(study.folder / "cohort" / "slides.tsv", sep="\t", index_col="slide")
    assert labels.to_dict() == sheet.loc[labels.index, "mgmt"].to_dict()
    metrics = table(study, "metrics").query("model == 'out_of_fold'")
    assert set(metrics["level"]) == {"slide", "patient"}
