"""Real slides from their tiles to heat maps, by networks that nobody trained."""

import numpy as np
import pytest
import torch
from PIL import Image

from classifier_settings import TINY
from histoniche.files import read_json
from histoniche.learning.classifiers import build_classifier
from histoniche.learning.models import save_model
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from study import Study

SLIDES = {"CMU": "CMU-1-Small-Region.svs", "TCGA": "TCGA-CR-7395-01A-01-TS1.svs"}
CLASSES = {
    "mgmt": ["unmethylated", "methylated"],
    "egfr": ["normal", "amplified"],
    "subtype": ["Classical", "Mesenchymal", "Neural", "Proneural"],
}
MPP, SIZE = 0.5, 160


@pytest.fixture
def study(real_data, tmp_path) -> Study:
    """Two real slides, and models of three traits at random."""
    torch.manual_seed(1)
    for trait, classes in CLASSES.items():
        for number in range(2):
            description = {
                "task": "classification", "classes": classes, "mpp": MPP, "size": SIZE,
                "normalisation": {"mean": [0.8, 0.6, 0.7], "deviation": [0.1, 0.15, 0.1]},
                "settings": TINY, "temperature": 0.2, "trait": trait, "round": number,
            }  # fmt: skip
            network = build_classifier(TINY, classes=len(classes))
            save_model(network.eval(), description, tmp_path / "models" / trait / str(number))
    rows = [f"{slide}\tP{slide}\t{path}\t0.5" for slide, path in SLIDES.items()]
    (tmp_path / "slides.tsv").write_text("\n".join(["slide\tpatient\tpath\tmpp", *rows]))
    patients = "\n".join(["patient", *(f"P{slide}" for slide in SLIDES)])
    (tmp_path / "patients.tsv").write_text(patients + "\n")
    config = {
        "results": "results",
        "cohort": {
            "slides": "slides.tsv", "patients": "patients.tsv", "root": str(real_data / "slides"),
        },
        "slides": {"limits": {"min_tissue_mm2": 0.01}},
        "tilings": {"cell": {"mpp": MPP, "size": SIZE, "min_tissue": 0.3}},
        "traits": {
            "tiling": "cell",
            "pretrained": "models",
            # What they tell, the models say.
            "named": {trait: {} for trait in CLASSES},
            "heterogeneity": {"hti": {"traits": ["mgmt", "egfr"]}},
        },
    }  # fmt: skip
    return Study(tmp_path, config)


def test_real_slides_pass_from_tiles_to_maps(study):
    study.run("--quiet", "rules")
    heterogeneity = read_table(study.results / "traits" / "heterogeneity" / "slides.parquet")
    assert set(heterogeneity["slide"]) == set(SLIDES)
    for slide in SLIDES:
        tiles = TileStore(study.results / "tiles" / "cell" / f"{slide}.zarr")
        assert len(tiles) > 20
        maps = study.results / "traits" / "maps" / slide
        for trait, classes in CLASSES.items():
            votes = TileStore(maps / f"{trait}.zarr")
            assert votes.column("probabilities").shape == (len(tiles), len(classes))
            squares = read_json(maps / f"{trait}.geojson")["features"]
            corners = [square["geometry"]["coordinates"][0][0] for square in squares]
            assert np.array_equal(corners, tiles.column("origin"))
        # A panel for the slide and one for each trait.
        with Image.open(maps / "heat_maps.png") as picture:
            assert picture.width > 4 * 300
        assert (maps / "heterogeneity_hti.png").is_file()
    assert "research" in (study.results / "summary.html").read_text()


def test_models_of_another_tiling_are_refused(study):
    study.config["tilings"]["cell"]["mpp"] = 1
    done = study.run(succeed=False)
    assert "0.5 µm per pixel" in done.stderr
    assert "choose the tiling that the model was trained on" in done.stderr
