"""With all labels shuffled, the same pipeline finds nothing."""

import shutil

import numpy as np
import pytest

from histoniche.demo.shuffle import shuffle_labels
from histoniche.multiplicity import false_discovery
from histoniche.omics.enrichment import over_representation
from histoniche.omics.gene_sets import admissible_sets
from histoniche.omics.interactions import find_interactions
from histoniche.omics.ranks import family_wise_p, rank_correlation
from histoniche.tables import read_table
from study import Study


@pytest.fixture(scope="module")
def shuffled(demo, tmp_path_factory):
    """The measured areas against expression, mutations and survival of other patients."""
    folder = tmp_path_factory.mktemp("shuffled")
    shuffle_labels(demo.folder / "cohort", folder / "cohort", seed=0)
    areas = read_table(demo.results / "areas" / "patients.parquet")
    wide = areas.pivot(index="patient", columns="region", values="area").reset_index()
    wide.to_csv(folder / "areas.tsv", sep="\t", index=False)
    without = ("tilings", "segmentation", "traits")
    config = {key: demo.config[key] for key in demo.config if key not in without}
    config["survival_curves"] = {
        key: value for key, value in demo.config["survival_curves"].items() if key != "stated"
    }
    config["cohort"] = {key: value for key, value in config["cohort"].items() if key != "slides"}
    config["areas"] = {
        "path": "areas.tsv",
        "columns": {region: region for region in areas["region"].unique()},
    }
    study = Study(folder, config)
    study.run()
    shutil.rmtree(folder / "cohort" / "slides")
    return study


def test_hardly_a_gene_passes_the_correction(shuffled):
    correlation = read_table(shuffled.results / "omics" / "correlation.parquet")
    assert len(correlation) > 10_000
    # With nothing to find, each of seven regions still has a gene in about one run of twenty;
    # with the labels in place one gene in a hundred passes.
    assert (correlation["q"] < 0.05).mean() < 0.001
    assert 0.03 < (correlation["p"] < 0.05).mean() < 0.07


def test_no_gene_set_stands_behind_a_score_and_none_is_carried(shuffled):
    correlation = read_table(shuffled.results / "omics" / "pathway_correlation.parquet")
    assert not (correlation["q"] < 0.01).any()
    groups = read_table(shuffled.results / "survival" / "pathway_groups.parquet")
    assert set(groups["cohort"]) == {"training", "planted", "unplanted"}
    assert groups["p"].isna().all() and groups["note"].str.contains("no cut-point").all()


def test_over_many_shuffles_a_region_has_a_false_gene_as_rarely_as_it_should(demo):
    genes = read_table(demo.results / "omics" / "expression_genes.parquet")
    values = read_table(demo.results / "omics" / "expression.parquet").set_index("gene")
    values = values.loc[genes.loc[genes["tested"], "gene"]]
    areas = read_table(demo.results / "areas" / "patients.parquet")
    areas = areas.pivot(index="region", columns="patient", values="area")[values.columns]
    rng = np.random.default_rng(0)
    hits, family, passed = [], [], []
    for _ in range(200):
        shuffled = areas.to_numpy()[:, rng.permutation(values.shape[1])]
        _, p = rank_correlation(values.to_numpy(), shuffled)
        hits += [(false_discovery(column) < 0.05).any() for column in p.T]
        passed.append((p < 0.05).mean())
        permuted = family_wise_p(values.to_numpy(), shuffled, rng, permutations=99)
        family += [(column < 0.05).any() for column in permuted.T]
    # 5 % would be exact; the t distribution is a little too light for Spearman's far tail at
    # 38 patients. The permutations know nothing of a distribution.
    assert np.mean(hits) < 0.10
    assert np.mean(family) < 0.065
    assert np.mean(passed) == pytest.approx(0.05, abs=0.005)


def test_signatures_are_no_larger_than_chance(shuffled):
    sizes = read_table(shuffled.results / "omics" / "signature_sizes.parquet")
    whole = sizes[sizes["signature"] == sizes["region"]]
    assert whole["genes"].sum() < 1.3 * whole["expected_by_chance"].sum()


def test_over_many_shuffles_a_term_is_enriched_as_rarely_as_it_should(shuffled):
    """Permute the gene labels of the gene sets.

    Permuted patients leave planted genes of one region alike among themselves, so that chance
    lifts or drops them together; the hypergeometric test takes genes for independent and would
    call that an enrichment. It is the gene labels that have to be permuted to test it.
    """
    tested = read_table(shuffled.results / "omics" / "correlation.parquet")
    background = sorted(set(tested.loc[tested["p"].notna(), "gene"]))
    gmt = shuffled.folder / "cohort" / "gene_sets.gmt"
    sets = admissible_sets(gmt, background, min_size=5, max_size=500)
    signatures = read_table(shuffled.results / "omics" / "signatures.parquet")
    lists = [set(rows["gene"]) for _, rows in signatures.groupby("signature")]
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(40):
        swapped = dict(zip(background, rng.permutation(background), strict=True))
        others = {term: {swapped[gene] for gene in genes} for term, genes in sets.items()}
        for genes in lists:
            found = over_representation(genes, others, background)
            hits.append(len(found) > 0 and found["q"].min() < 0.05)
    assert len(hits) > 600
    # At most 5 %; less, since the test is discrete.
    assert np.mean(hits) < 0.07


def test_no_cell_type_leads_a_gene_in_every_patient(shuffled):
    genes = read_table(shuffled.results / "omics" / "cell_genes.parquet")
    assert len(genes) > 50
    # By chance five patients agree on one of eight types in about one gene of thousands.
    assert (genes["patients_agreeing"] == 5).sum() <= 1


def test_no_pair_is_kept_even_of_all_receptors(shuffled, tmp_path):
    summary = read_table(shuffled.results / "omics" / "interaction_summary.parquet")
    assert (summary["patients_kept"] == 0).all()
    names = ("interactions", "summary", "decisions")
    find_interactions(
        shuffled.results / "omics" / "cells.h5ad",
        shuffled.folder / "cohort" / "ligand_receptor.tsv",
        None,
        **{name: tmp_path / f"{name}.parquet" for name in names},
        chosen=None,
        receivers=None,
        # Enough for one pair alone to reach q 0.05.
        permutations=20_000,
        min_cells=5,
        min_expressing=3,
        score=0.5,
        q=0.05,
        patients_share=1.0,
        appears_as="pair",
        seed=0,
    )
    found = read_table(tmp_path / "interactions.parquet")
    assert found["ligand"].nunique() > 8 and not found["kept"].any()
    decisions = read_table(tmp_path / "decisions.parquet")
    tests = decisions.loc[decisions["item"] == "tests", "count"].sum()
    # At most 5 %; less, since p is 1 wherever one of the two genes is not expressed.
    assert tests > 3000 and (found["p"] < 0.05).sum() / tests < 0.05


def test_no_region_goes_with_survival(shuffled):
    cox = read_table(shuffled.results / "survival" / "cox.parquet")
    area = cox[(cox["model"] == "univariable") & (cox["kind"] == "area")]
    assert len(area) == 7
    assert (area["q"] > 0.05).all()
    correlation = read_table(shuffled.results / "survival" / "area_correlation.parquet")
    correlation = correlation[correlation["outliers"] == "kept"]
    everyone = correlation[correlation["stratum"] == "all"]
    assert (everyone["pearson_q"] > 0.05).all()
    assert (everyone["spearman_q"] > 0.05).all()


def test_no_searched_cut_and_no_gene_goes_with_survival(shuffled):
    folder = shuffled.results / "survival"
    cuts = read_table(folder / "cut_points.parquet")
    assert len(cuts) == 3 and (cuts["q"] > 0.05).all()
    assert (read_table(folder / "covariate_groups.parquet")["p"] > 0.05).all()
    genes = read_table(folder / "genes_cox.parquet")
    assert (genes["q"] < 0.05).sum() <= 1
    # Genes of one region rise and fall together, and so do their p.
    assert (genes["p"] < 0.05).mean() < 0.09


def test_scans_tell_nothing_of_the_survival_of_other_patients(shuffled):
    performance = read_table(shuffled.results / "imaging" / "performance.parquet")
    whole = performance[performance["fold"].isna()].iloc[0]
    assert whole["patients"] == 37 and whole["low"] < 0.5 < whole["high"]
    assert whole["p"] > 0.05


def test_no_region_betters_a_model_of_the_covariates(shuffled):
    folder = shuffled.results / "survival"
    difference = read_table(folder / "model_differences.parquet").set_index("kind")
    assert (difference["p"] > 0.05).all() and (difference["lr_p"] > 0.05).all()
    measured = read_table(folder / "model_performance.parquet").set_index("model")
    assert measured.loc["combined", "harrell_low"] < 0.5
    assert measured.loc["combined", "aic"] > measured.loc["clinical", "aic"]
    page = (shuffled.results / "summary.html").read_text()
    assert "It is not shown to tell more than they do." in page
