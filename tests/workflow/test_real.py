"""Real slides, a real annotated tumour, and real tables."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from histoniche.files import read_json
from histoniche.slides.store import TileStore
from histoniche.tables import read_table
from study import Study


def example(checkout, tmp_path, name, data) -> Study:
    """A shipped example with its sheets, in a folder of its own."""
    config = yaml.safe_load((checkout / "config" / "examples" / name / "config.yaml").read_text())
    sheets = tmp_path / "config" / "examples" / name
    sheets.mkdir(parents=True)
    for sheet in (checkout / "config" / "examples" / name).glob("*.tsv"):
        (sheets / sheet.name).write_bytes(sheet.read_bytes())
    return Study(tmp_path, config, environment={"HISTONICHE_DATA": str(data)})


@pytest.fixture
def scanners(real_data, tmp_path):
    """Two SVS, an NDPI and a broken file."""
    rows = {
        "CMU": ("CMU-1-Small-Region.svs", ""),
        "TCGA": ("TCGA-CR-7395-01A-01-TS1.svs", ""),
        "NDPI": ("test3-DAPI-2-387.ndpi", ""),
        "BROKEN": ("broken.svs", "0.5"),
    }

    def make(**mpp) -> Study:
        lines = [
            f"{slide}\tP\t{path}\t{mpp.get(slide, given)}" for slide, (path, given) in rows.items()
        ]
        (tmp_path / "slides.tsv").write_text("\n".join(["slide\tpatient\tpath\tmpp", *lines]))
        (tmp_path / "patients.tsv").write_text("patient\nP\n")
        config = {
            "results": "results",
            "cohort": {
                "slides": "slides.tsv",
                "patients": "patients.tsv",
                "root": str(real_data / "slides"),
            },
            "slides": {"tissue": "hysteresis", "limits": {"min_tissue_mm2": 0.1}},
            "tilings": {"cell": {"mpp": 1, "size": 256}},
        }
        return Study(tmp_path, config)

    return make


def test_real_scanners_go_through_and_what_cannot_says_why(scanners):
    study = scanners()
    slides = ["CMU", "TCGA", "NDPI", "BROKEN"]
    targets = [f"results/tiles/cell/.batches/{slide}.json" for slide in slides]
    study.run("results/slides/quality.parquet", *targets)
    quality = read_table(study.results / "slides" / "quality.parquet").set_index("slide")
    assert quality["status"].to_dict() == {
        "CMU": "ok", "TCGA": "skipped", "NDPI": "ok", "BROKEN": "skipped",
    }  # fmt: skip
    assert "fill in the column mpp" in quality.loc["TCGA", "reason"]
    assert "no reader" in quality.loc["BROKEN", "reason"]
    assert quality.loc["CMU", "mpp"] == pytest.approx(0.499)
    assert quality.loc["NDPI", "mpp"] == pytest.approx(0.228, abs=1e-3)
    for slide, status in quality["status"].items():
        store = TileStore(study.results / "tiles" / "cell" / f"{slide}.zarr")
        store.check()
        assert (len(store) > 0) == (status == "ok")

    study = scanners(TCGA="0.5")
    study.run("results/slides/quality.parquet", *targets)
    report = read_json(study.results / "slides" / "TCGA" / "inspection.json")
    assert (report["readable"], report["mpp_source"]) == (True, "sheet")


def test_a_slide_without_resolution_can_stop_the_run(scanners):
    study = scanners()
    study.config["on_bad_slide"] = "fail"
    done = study.run("results/slides/counts.parquet", succeed=False)
    assert "error: " in done.stderr
    assert "2 of 4 slides cannot be used; the first, BROKEN: no reader" in done.stderr
    # What there is to mend, the table says in full.
    assert "fill in the column mpp" in (study.results / "slides" / "quality.tsv").read_text()


def test_ivy_gap_regions_are_found_in_blocks_that_no_network_saw(checkout, real_data, tmp_path):
    study = example(checkout, tmp_path, "ivygap", real_data)
    preset = yaml.safe_load((checkout / "config" / "presets" / "modern.yaml").read_text())
    study.config |= preset
    # Two blocks train, one chooses, three test, and not for long: far from chance, and not good.
    sheet = tmp_path / study.config["cohort"]["slides"]
    slides = pd.read_csv(sheet, sep="\t")
    roles = {"A": "train", "C": "train", "B": "validation"}
    slides["role"] = [roles.get(patient[-1], "test") for patient in slides["patient"]]
    # Sections of a block are much alike: of those that train, every second one is enough.
    second = slides.groupby("patient").cumcount() % 2 == 1
    slides.loc[second & (slides["role"] == "train"), "annotation"] = ""
    slides.to_csv(sheet, sep="\t", index=False)
    study.config["split"] = {"method": "given"}
    study.config.setdefault("slides", {})["slides_per_job"] = 8
    study.config["segmentation"]["training"] |= {"epochs": 3, "scales": [0.5, 1]}
    study.config["segmentation"]["application"]["flips"] = False
    study.run()
    metrics = read_table(study.results / "segmentation" / "metrics.parquet")
    metrics = metrics[metrics["role"] == "test"].set_index("region")
    assert metrics.loc["overall", ["slides", "patients"]].tolist() == [9, 3]
    assert metrics.loc["overall", "accuracy"] > 0.5
    assert metrics.loc["overall", "macro_f1"] > 0.25
    assert metrics.loc["background", "iou"] > 0.6
    assert set(metrics.index) >= {"LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne", "mean"}
    agreement = read_table(study.results / "segmentation" / "agreement.parquet")
    assert set(agreement["role"]) == {"train", "validation", "test"}
    areas = read_table(study.results / "areas" / "slides.parquet")
    assert areas["slide"].nunique() == 28
    assert "stand in for patients" in (study.results / "summary.html").read_text()


def sheets_as_the_config_says(study, config):
    """Run the lines of a config's first comment that make its sheets, as a user would."""
    said = [line.removeprefix("#   ") for line in config.splitlines() if line.startswith("#   ")]
    program = "\n".join(line for line in said if not line.startswith("snakemake"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **study.environment, "PATH": path}
    subprocess.run(["sh", "-ec", program], check=True, cwd=study.folder, env=environment)


def run_example(checkout, folder, name, data) -> Study:
    """A shipped example, run as the head of its config says, with fewer random draws."""
    study = example(checkout, folder, name, data)
    if "clinical_use" in study.config:
        study.config["clinical_use"]["bootstraps"] = 50
        study.config["survival_curves"]["cut"]["permutations"] = 999
    text = (checkout / "config" / "examples" / name / "config.yaml").read_text()
    sheets_as_the_config_says(study, text)
    study.run()
    return study


@pytest.fixture(scope="module")
def tcga(checkout, real_data, tmp_path_factory):
    return run_example(checkout, tmp_path_factory.mktemp("tcga"), "tcga_gbm", real_data)


@pytest.fixture(scope="module")
def ivygap_areas(checkout, real_data, tmp_path_factory):
    return run_example(checkout, tmp_path_factory.mktemp("ivygap"), "ivygap_areas", real_data)


def test_ivy_gap_sections_become_the_areas_of_41_tumours(ivygap_areas):
    areas = read_table(ivygap_areas.results / "areas" / "patients.parquet")
    assert areas["patient"].nunique() == 41
    assert areas.groupby("patient")["sections"].first().sum() == 926
    assert areas["area"].between(0, 1).all()


def test_ivy_gap_survival_goes_with_mgmt_methylation_and_no_region(ivygap_areas):
    cox = read_table(ivygap_areas.results / "survival" / "cox.parquet")
    alone = cox[cox["model"] == "univariable"].set_index("term")
    assert (alone.loc[alone["kind"] == "area", "q"] > 0.5).all()
    methylated = alone.loc["mgmt: Yes"]
    assert methylated["n"] == 30
    assert methylated["high"] < 1
    groups = read_table(ivygap_areas.results / "survival" / "covariate_groups.parquet")
    p = groups.groupby("covariate")["p"].first()
    assert p["mgmt"] < 0.01 and min(p["egfr"], p["subtype"]) > 0.5


def test_tcga_areas_go_with_survival_as_published(tcga):
    table = read_table(tcga.results / "survival" / "area_correlation.parquet")
    table = table[table["outliers"] == "kept"]
    everyone = table[table["stratum"] == "all"].set_index("region")
    assert (everyone["n"] == 329).all()
    expected = {"CTpnz": 0.153, "CT": 0.100, "CTne": 0.127, "CTmvp": -0.014}
    for region, r in expected.items():
        assert round(everyone.loc[region, "pearson_r"], 3) == r, region
    assert round(everyone.loc["CTpnz", "pearson_p"], 4) == 0.0055
    assert round(everyone.loc["CT", "spearman_rho"], 3) == 0.169
    assert round(everyone.loc["CTpnz", "spearman_rho"], 3) == 0.154
    assert round(everyone.loc["CTpnz", "spearman_p"], 4) == 0.0051


def test_tcga_strata_groups_models_signatures_and_terms_are_there(tcga):
    strata = read_table(tcga.results / "survival" / "area_correlation.parquet")
    assert {"all", "TP53 mutated", "PTEN mutated"} <= set(strata["stratum"])
    small = strata[strata["stratum"] == "IDH1 mutated"]
    assert (small.loc[small["outliers"] == "kept", "n"] == 9).all()
    assert small["spearman_p"].isna().all()
    groups = read_table(tcga.results / "survival" / "groups.parquet")
    assert groups["region"].nunique() == 7
    cox = read_table(tcga.results / "survival" / "cox.parquet")
    age = cox[(cox["model"] == "univariable") & (cox["term"] == "age")]
    assert (age["hazard_ratio"] > 1.1).all()
    assert (age["p"] < 1e-4).all()
    correlation = read_table(tcga.results / "omics" / "correlation.parquet")
    assert correlation["gene"].nunique() == 1500
    assert (correlation["n"] == 75).all()
    sizes = read_table(tcga.results / "omics" / "signature_sizes.parquet")
    assert isinstance(sizes, pd.DataFrame)
    assert (sizes["genes"] > 0).any()
    enrichment = read_table(tcga.results / "omics" / "enrichment.parquet")
    assert set(enrichment["library"]) == {"go_bp", "hallmark"}


def test_tcga_cut_points_are_corrected_for_the_search(tcga):
    cuts = read_table(tcga.results / "survival" / "cut_points.parquet").set_index("score")
    assert cuts.loc["CT", "statistic"] == pytest.approx(3.34589, abs=1e-4)
    # maxstat: pLausen92(3.34589, 0.1, 0.9) and pLausen92(3.15061, 0.1, 0.9)
    assert cuts.loc["CT", "p_lausen_schumacher"] == pytest.approx(0.021571, abs=1e-4)
    assert cuts.loc["CTpnz", "p_lausen_schumacher"] == pytest.approx(0.038264, abs=1e-4)
    assert (cuts.loc[["CT", "CTpnz"], "p_permutation"] < 0.06).all()
    groups = read_table(tcga.results / "survival" / "score_groups.parquet")
    assert groups["p"].isna().all() and groups["hazard_ratio"].isna().all()


def test_tcga_perinecrotic_area_stays_beside_age_and_karnofsky_but_adds_little(tcga):
    survival = tcga.results / "survival"
    terms = read_table(survival / "model_coefficients.parquet").set_index(["model", "term"])
    area = terms.loc[("with_CTpnz", "CTpnz")]
    assert area["n"] == 256 and area["high"] < 1
    assert terms.loc[("with_CT", "CT"), "term_p"] > 0.5
    changing = read_table(survival / "model_proportionality.parquet")
    changing = changing[(changing["model"] == "clinical") & (changing["transform"] == "km")]
    assert set(changing.loc[changing["p"] < 0.01, "term"]) == {"age", "karnofsky", "global"}
    models = read_table(survival / "clinical" / "CTpnz" / "models.parquet").set_index("model")
    assert models.loc["clinical", "aic"] == pytest.approx(2297.64, abs=0.01)
    assert models.loc["clinical + CTpnz", "lr_p"] == pytest.approx(0.0291, abs=1e-4)
    added = read_table(survival / "clinical" / "CTpnz" / "added_value.parquet")
    total = added[added["part"] == "total"]
    assert (total["low"] < 0).all() and (total["high"] > 0).all()


def test_tcga_says_what_its_regions_are_made_of(tcga):
    omics = tcga.results / "omics"
    cells = read_table(omics / "cells.parquet")
    assert len(cells) == 184 and cells["patient"].nunique() == 5
    genes = read_table(omics / "cell_genes.parquet")
    assert set(genes["cell_type"]) - {""} == set(cells["cell_type"])
    summary = read_table(omics / "interaction_summary.parquet")
    kept = summary[summary["patients_kept"] > 0]
    pairs = set(kept["ligand"] + ">" + kept["receptor"])
    # The brakes of microglia; prosaposin from microglia to malignant cells.
    assert {"LILRB4>LAIR1", "PSAP>GPR37L1"} <= pairs
    activity = read_table(omics / "activity_correlation.parquet")
    assert set(activity["library"]) == {"hallmark", "neftel"} and (activity["n"] == 75).all()
    for name, libraries in (("gsea", {"go_bp", "hallmark"}), ("cell_types", None)):
        table = read_table(omics / f"{name}.parquet")
        assert len(table) and (libraries is None or set(table["library"]) == libraries)
