"""Comparisons at cut-points by survival, and the pathways that follow from them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.tables import read_table
from study import Study

PATHWAY_RULES = {"correlate_pathways", "score_pathways", "carry_pathways", "draw_pathways"}


@pytest.fixture
def study(tmp_path):
    """Forty patients with one score of their own, counts, and an external cohort; no slides."""
    rng = np.random.default_rng(4)
    names = [f"P{number:02d}" for number in range(40)]
    score = rng.normal(size=40)
    times = rng.exponential(500 * np.exp(-score)).round() + 1
    sheet = pd.DataFrame({"patient": names, "time": times, "event": 1})
    counts = rng.poisson(np.exp(4 + np.outer(np.arange(60) < 15, score)))
    genes = [f"G{number:02d}" for number in range(60)]
    tables = {
        "patients": sheet,
        "scores": pd.DataFrame({"patient": names, "risk": score, "flat": [0.0] * 39 + [1.0]}),
        "counts": pd.DataFrame(counts, genes, names).rename_axis("gene").reset_index(),
        "other": sheet.assign(patient=sheet["patient"].str.replace("P", "X")),
    }
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    tables["counts"].rename(columns=lambda name: name.replace("P", "X")).to_csv(
        tmp_path / "other_counts.tsv", sep="\t", index=False
    )
    sets = {"rising": genes[:15], "chance": genes[30:45]}
    (tmp_path / "sets.gmt").write_text(
        "".join("\t".join([term, "", *own]) + "\n" for term, own in sets.items())
    )
    config: dict[str, Any] = {
        "results": "results",
        "cohort": {"patients": "patients.tsv"},
        "scores": {"path": "scores.tsv"},
        "expression": {"path": "counts.tsv"},
        "comparisons": {"risk": {"score": "risk", "cut": "survival"}},
        "differential": {},
        "survival": {},
        "survival_curves": {"cut": {"rule": "maximal", "permutations": 99}},
        "pathways": {
            "comparison": "risk",
            "gene_sets": {"own": "sets.gmt"},
            "cohorts": {"far": {"expression": "other_counts.tsv", "patients": "other.tsv"}},
        },
    }
    return Study(tmp_path, config)


def test_the_block_plans_its_rules_and_what_they_need_and_its_absence_none(study):
    planned = study.planned()
    assert set(planned) >= {*PATHWAY_RULES, "compare_scores", "divide_patients"}
    assert all(planned[rule] == 1 for rule in PATHWAY_RULES)
    del study.config["pathways"]
    left = study.planned()
    assert not set(left) & PATHWAY_RULES
    assert set(planned) - PATHWAY_RULES == set(left)


def test_a_quantile_waits_for_no_survival(study):
    target = "results/omics/comparison_groups.parquet"
    assert "compare_scores" in study.planned(target)
    planned = study.planned(target, comparisons={"risk": {"score": "risk"}})
    assert not set(planned) & {"compare_scores", "gather_scores", "name_cohorts"}


def test_patients_are_divided_at_the_cut_point_of_survival(study):
    target = "results/omics/comparison_groups.parquet"
    study.run("--", target)
    cuts = read_table(study.results / "survival/cut_points.parquet").set_index("score")
    scores = read_table(study.results / "survival/scores.parquet")
    own = scores[scores["score"] == "risk"].set_index("patient")["value"]
    groups = read_table(study.results / "omics/comparison_groups.parquet").set_index("patient")
    assert ((groups["group"] == "case") == (own[groups.index] > cuts.loc["risk", "cut"])).all()
    assert np.isnan(cuts.loc["flat", "cut"])
    rule = {"risk": {"score": "flat", "cut": "survival"}}
    done = study.run("--", target, succeed=False, comparisons=rule)
    error = "column comparisons.risk.cut, value 'flat': survival gave this score no cut-point"
    assert error in done.stdout + done.stderr


def test_pathways_are_found_in_expression_that_has_no_counts(study):
    counts = pd.read_csv(study.folder / "counts.tsv", sep="\t", index_col=0)
    np.log2(counts + 1).to_csv(study.folder / "logs.tsv", sep="\t")
    study.config["expression"] |= {"path": "logs.tsv", "unit": "log2"}
    study.config["pathways"]["cohorts"] = {}
    drawn = "results/figures/differing_genes.svg"
    study.run("--", "results/omics/pathway_correlation.parquet", drawn)
    assert "limma" in (study.folder / drawn).read_text()
    found = read_table(study.results / "omics/pathway_correlation.parquet")
    assert found["term"].tolist() == ["rising"]
    assert found["q"].iloc[0] < 0.01
    genes = read_table(study.results / "omics/differential.parquet").set_index("gene")
    differing = genes.index[(genes["q"] < 0.05) & (genes["log2_fold_change"] > 0)]
    assert set(differing) == {f"G{number:02d}" for number in range(15)}
