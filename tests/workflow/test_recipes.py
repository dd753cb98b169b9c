"""What a run of each shipped recipe plans, from its name alone."""

import subprocess
from pathlib import Path

import pytest

from histoniche.cohort.sources.command import make_cohort, read_addresses
from histoniche.cohort.sources.connection import Connection
from source_cohort import serve_cohort
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


def plan(said: list[str], folder: Path) -> dict[str, int]:
    """Jobs of the command that a person is told to type, by rule."""
    command = said[-1].removeprefix("then: snakemake ").split()
    files = [str(CHECKOUT / one) if one.startswith("config/") else one for one in command]
    place = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(folder)]
    done = subprocess.run(
        [str(SNAKEMAKE), *place, *files, "--dry-run", "--quiet", "rules"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return planned_jobs(done.stdout + done.stderr)


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
    jobs = plan(said, tmp_path)
    assert set(jobs) >= TRAITS | SURVIVAL | SEALED | PLANS[name]
    assert jobs["fetch_slide"] == jobs["tile_slides"] == 24
