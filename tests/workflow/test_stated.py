"""Limits of a study's own score that are stated in advance, through the workflow."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.tables import read_table
from study import Study, planned_jobs

FIGURE = "results/own/figures/stated_groups.svg"
TARGETS = (FIGURE, "results/own/survival/score_groups.parquet")


@pytest.fixture
def scored(tmp_path: Path) -> Study:
    """Sixty patients with nothing but follow-up and an HTI that shortens survival."""
    rng = np.random.default_rng(1)
    names, hti = [f"P{k}" for k in range(60)], rng.random(60).round(3)
    days = np.ceil(rng.exponential(900 * np.exp(-3 * hti)))
    sheet = pd.DataFrame({"patient": names, "time": days, "event": 1})
    sheet.to_csv(tmp_path / "patients.tsv", sep="\t", index=False)
    scores = pd.DataFrame({"patient": names, "HTI": hti})
    scores.to_csv(tmp_path / "scores.tsv", sep="\t", index=False)
    config = {
        "study": {"name": "own"},
        "results": "results/own",
        "cohort": {"patients": "patients.tsv"},
        "scores": {"path": "scores.tsv"},
        "survival": {},
        "survival_curves": {"stated": {"HTI": [[0.5, 0.5], [0.3, 0.7]]}},
    }
    return Study(tmp_path, config)


def test_stated_limits_are_compared_and_another_limit_re_runs_nothing_else(scored: Study) -> None:
    scored.run(*TARGETS)
    groups = read_table(scored.results / "survival" / "stated_groups.parquet")
    hti = pd.read_csv(scored.folder / "scores.tsv", sep="\t")["HTI"]
    sizes = [(hti <= 0.5).sum(), (hti > 0.5).sum(), (hti <= 0.3).sum(), (hti > 0.7).sum()]
    assert groups["n"].tolist() == sizes
    assert groups["n_between"].tolist() == [0, 0, *[60 - sizes[2] - sizes[3]] * 2]
    assert (groups["hazard_low"] > 1).all()
    done = scored.run(
        *TARGETS,
        *("--dry-run", "--quiet", "rules"),
        survival_curves={"stated": {"HTI": [[0.5, 0.5], [0.4, 0.7]]}},
    )
    planned = planned_jobs(done.stdout + done.stderr)
    assert planned == {"compare_stated": 1, "draw_stated_groups": 1}


def test_a_score_that_the_study_does_not_have_is_named(scored: Study) -> None:
    wrong = {"stated": {"HT": [[0.5, 0.5]]}}
    done = scored.run(FIGURE, succeed=False, survival_curves=wrong)
    said = "error: column survival_curves.stated, value 'HT': no such score; did you mean HTI?"
    assert said in done.stdout + done.stderr
