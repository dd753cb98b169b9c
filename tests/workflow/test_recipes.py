"""What a run of each shipped recipe plans, from its name alone."""

import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from histoniche.cohort.masks import png_size
from histoniche.cohort.sources.command import make_cohort, read_addresses
from histoniche.cohort.sources.connection import Connection
from histoniche.report.verify import inspect_bundle
from histoniche.tables import read_table
from source_cohort import serve_atlas, serve_cohort
from source_server import serving
from study import CHECKOUT, SNAKEMAKE, planned_jobs

TRAITS = {"fetch_slide", "inspect_slides", "tile_slides", "train_trait", "score_trait"}
SURVIVAL = {"gather_scores", "compare_scores", "draw_score_groups"}
BY_LABEL = {"compare_covariates", "evaluate_models", "draw_survival_models"}
SEALED = {"describe_cohort", "write_summary", "seal_bundle"}

PLANS = {
    "tcga-gbm": {"fetch_expression", "fetch_mutations", "prepare_mutations", *BY_LABEL},
    "tcga-lgg": {"fetch_expression", "evaluate_chain", "compare_trainings", *BY_LABEL},
    "tcga-brca": {"fetch_expression", "collect_heterogeneity", "compare_stated"},
    "tcga-luad": {"fetch_expression", "collect_heterogeneity", "compare_stated"},
}


def run(said: list[str], folder: Path, *arguments: str) -> str:
    """Run the command that a person is told to type, with further arguments."""
    command = said[-1].removeprefix("then: snakemake ").split()
    files = [str(CHECKOUT / one) if one.startswith("config/") else one for one in command]
    place = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(folder)]
    done = subprocess.run(
        [str(SNAKEMAKE), *place, *files, "--quiet", "rules", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", list(PLANS))
def test_a_recipe_plans_all_that_a_user_expects(name, tmp_path):
    with serving() as server:
        services = serve_cohort(server, name.upper())
        said = make_cohort(
            name,
            tmp_path / "cohort",
            addresses=read_addresses(services),
            connection=Connection(),
        )
    jobs = planned_jobs(run(said, tmp_path, "--dry-run"))
    assert set(jobs) >= TRAITS | SURVIVAL | SEALED | PLANS[name]
    assert jobs["fetch_slide"] == jobs["tile_slides"] == 24


def test_the_atlas_is_fetched_by_the_run_its_masks_included(tmp_path):
    with serving() as server:
        addresses = read_addresses(serve_atlas(server))
        folder = tmp_path / "ivy"
        connection = Connection()
        said = make_cohort("ivygap", folder, addresses=addresses, connection=connection)
        jobs = planned_jobs(run(said, tmp_path, "--dry-run"))
        assert set(jobs) >= {"train_head", "segment_slides", "derive_signatures", *SEALED}
        assert set(jobs) >= {"draw_survival", "compare_covariates", "fetch_region_expression"}
        assert jobs["fetch_slide"] == jobs["fetch_annotation"] == jobs["tile_slides"] == 12
        masks = [str(folder / f"masks/W{k}-1-1-A.1.01_0013.png") for k in (1, 2)]
        table = folder / "expression/CT.tsv.gz"
        server.seen.clear()
        run(said, tmp_path, "--", *masks, str(table))
        asked = [seen.path for seen in server.seen]
    # Each picture once, and none that nobody wanted.
    assert sorted(asked) == [
        "/ivy/image_download/1013",
        "/ivy/image_download/2013",
        "/ivy/well_known_file_download/305873915",
    ]
    assert png_size(Path(masks[1])) == (40, 30)
    assert pd.read_csv(table, sep="\t").columns.tolist()[1:3] == ["W1-1-1", "W10-1-1"]


OWN = """
name: own
title: Own cohort
source: gdc
projects: [TCGA-GBM]
slides: {}
survival: {check_with: gbm_tcga_pan_can_atlas_2018}
labels:
  subtype: {from: clinical, study: lgggbm_tcga_pub, level: sample, attribute: TRANSCRIPTOME_SUBTYPE}
config:
  tilings: {region: {mpp: 8, size: 128}}
"""


def test_a_cohort_runs_from_its_name_to_page_and_bundle(small_cohort, tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    pictures = sorted((small_cohort / "slides").glob("*.tif"))[:2]
    with serving() as server:
        contents = [path.read_bytes() for path in pictures]
        addresses = read_addresses(serve_cohort(server, "TCGA-GBM", patients=3, slides=contents))
        folder, recipe = tmp_path / "own", str(tmp_path / "own.yaml")
        said = make_cohort(recipe, folder, addresses=addresses, connection=Connection())
        assert "Slides used: 2 slides of 2 patients" in said
        run(said, tmp_path)
    results = folder / "results"
    counts = read_table(results / "cohort/flow.parquet")
    kept = counts[counts["role"] == "kept"]
    assert kept["patients"].tolist() == [3, 2, 2] and kept["slides"].tolist()[1:] == [2, 2]
    fetched = read_table(results / "cohort/fetched.parquet")
    assert fetched["size"].tolist() == [len(content) for content in contents]
    assert set(fetched["verified"]) == {"md5"}
    assert (results / "summary.html").is_file()
    bundle = results / "histoniche-own.crate.zip"
    assert inspect_bundle(bundle).problems == []
    wanted = {f"figures/cohort_flow.{ending}" for ending in ("svg", "png", "tsv")}
    wanted |= {f"cohort/{name}.tsv" for name in ("flow", "decisions", "fetched")}
    wanted |= {"cohort/rules.txt", "slides/quality.tsv"}
    assert wanted <= set(zipfile.ZipFile(bundle).namelist())
