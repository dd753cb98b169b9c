"""Scores that a study brings along beside its areas."""

import numpy as np
import pandas as pd
import pytest

from histoniche.tables import read_table


@pytest.fixture
def scored(own_copy):
    """The demo with two scores: one that goes along with CTmvp, and one of chance."""
    truth = pd.read_csv(own_copy.folder / "cohort" / "truth" / "slide_areas.tsv", sep="\t")
    truth["patient"] = truth["slide"].str.partition("-")[0]
    area = truth[truth["region"] == "CTmvp"].groupby("patient")["area_mm2"].mean()
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.2 * area.std(), len(area))
    scores = pd.DataFrame({"niche": area + noise, "chance": rng.normal(size=len(area))})
    scores.to_csv(own_copy.folder / "scores.csv")
    # The block pathways names a comparison that is not made here.
    own_copy.config = {
        **{key: block for key, block in own_copy.config.items() if key != "pathways"},
        "scores": {"path": "scores.csv"},
        "comparisons": {"niche": {"score": "niche"}},
        "signatures": {**own_copy.config["signatures"], "scores": ["niche", "chance"]},
    }
    return own_copy


def test_a_score_gets_the_signature_of_what_it_goes_along_with(scored):
    names = ("signatures", "signature_sizes", "comparison_groups")
    scored.run(*(f"results/demo/omics/{name}.parquet" for name in names))
    omics = scored.results / "omics"
    planted = pd.read_csv(scored.folder / "cohort" / "truth" / "genes.tsv", sep="\t")
    own = set(planted.loc[planted["region"] == "CTmvp", "gene"])
    members = read_table(omics / "signatures.parquet")
    found = set(members.loc[members["signature"] == "niche", "gene"])
    assert len(found & own) >= 0.9 * len(own)
    sizes = read_table(omics / "signature_sizes.parquet").set_index("signature")
    assert sizes.loc["niche", "genes_q05"] >= 10
    assert sizes.loc["chance", "genes_q05"] <= 2
    groups = read_table(omics / "comparison_groups.parquet")
    assert set(groups["label"]) == {"niche low", "niche high"}


def test_scores_that_get_no_signature_re_run_none(demo, tmp_path):
    (tmp_path / "scores.tsv").write_text("patient\tHTI\n")
    planned = demo.planned(scores={"path": str(tmp_path / "scores.tsv")})
    assert {"collect_scores", "correlate_activity"} <= set(planned)
    assert not set(planned) & {"correlate_expression", "derive_signatures", "score_activity"}


def test_a_score_that_is_not_there_is_named(scored):
    done = scored.run(
        "results/demo/omics/comparison_groups.parquet",
        succeed=False,
        comparisons={"a": {"score": "nich"}},
    )
    assert (
        "comparisons.a.score, value 'nich': no such score; choose among"
        in done.stdout + done.stderr
    )


def test_a_model_of_survival_takes_a_score_of_the_study_and_names_one_that_is_not_there(scored):
    target = "results/demo/survival/model_coefficients.parquet"
    model = {"covariates": ["age", "niche", "chance"]}
    scored.run(target, survival_models={"models": {"own": model}, "years": [1], "bootstraps": 20})
    found = read_table(scored.folder / target).set_index("term")
    assert found.loc["niche", "low"] > 1 and found.loc["niche", "unit"].startswith("per SD (")
    assert found.loc["chance", "low"] < 1 < found.loc["chance", "high"]
    wrong = {"models": {"own": {"covariates": ["age", "nich"]}}}
    done = scored.run(target, succeed=False, survival_models=wrong)
    assert (
        "error: column survival_models.models.own.covariates, value 'nich': neither a covariate "
        "nor a score of this study; did you mean niche?"
    ) in done.stdout + done.stderr
