import numpy as np
import pytest
import scipy.stats

from histoniche.demo.design import REGIONS, draw_design
from histoniche.demo.molecular import (
    draw_expression,
    draw_gene_sets,
    draw_markers,
    draw_mutations,
    draw_references,
    name_genes,
)
from histoniche.randomness import generator

PATIENTS = [f"P{number:03d}" for number in range(1, 41)]


@pytest.fixture(scope="module")
def genes():
    return name_genes(generator(11, "genes"))


def found(counts, areas, region, *, among):
    """Whether each gene `among` all passes rho > 0.1 and p < 0.05 against a region's area."""
    shared = [column for column in counts if column in areas.index]
    scaled = (counts[shared] / counts[shared].sum())[among]
    area = areas.loc[shared, region].to_numpy()
    tests = [scipy.stats.spearmanr(row, area) for row in scaled.to_numpy()]
    return np.array([test.statistic > 0.1 and test.pvalue < 0.05 for test in tests])


@pytest.mark.parametrize("seed", [7, 8])
def test_planted_genes_follow_their_region_and_no_other(genes, seed):
    areas = draw_design(PATIENTS, seed=seed).areas
    counts = draw_expression(genes, areas, generator(seed, "expression"))
    own, other = [], []
    for region in REGIONS:
        own.append(found(counts, areas, region, among=genes == region).mean())
        planted_elsewhere = (genes != region) & (genes != "")
        other.append(found(counts, areas, region, among=planted_elsewhere).mean())
    assert np.mean(own) >= 0.9
    assert min(own) >= 0.8
    assert np.mean(other) < 0.06


def test_null_genes_pass_no_more_often_than_chance(genes):
    areas = draw_design(PATIENTS, seed=7).areas
    counts = draw_expression(genes, areas, generator(7, "expression"))
    # Of 1,860 genes 2.5 % pass by chance: 46 with a standard deviation of 7.
    for region in ("LE", "CTmvp"):
        assert 20 < found(counts, areas, region, among=genes == "").sum() < 75


def test_expression_lacks_two_patients_and_has_a_stranger(genes):
    areas = draw_design(PATIENTS, seed=7).areas
    counts = draw_expression(genes, areas, generator(7, "expression"))
    assert counts.shape == (2000, 39)
    assert set(counts.columns) - set(PATIENTS) == {"P041"}
    assert counts.index.name == "gene"
    assert counts.index.is_unique
    assert (counts >= 0).all(axis=None)
    # A few genes are too rarely detected to be tested.
    assert 0 < ((counts > 0).sum(axis=1) < 25).sum() < 100


def test_patients_differ_in_library_size(genes):
    areas = draw_design(PATIENTS, seed=7).areas
    library = draw_expression(genes, areas, generator(7, "expression")).sum()
    assert library.max() / library.min() > 1.8


def test_twenty_genes_a_region_with_clearly_synthetic_names(genes):
    assert genes[genes != ""].value_counts().to_dict() == dict.fromkeys(REGIONS, 20)
    assert all(gene.startswith(f"{region.upper()}G") for gene, region in genes[genes != ""].items())
    assert genes.index[genes == ""].str.fullmatch(r"NULLG\d{4}").all()
    assert "" in set(genes.iloc[:20])  # not sorted by region


def test_mutations_have_realistic_frequencies_and_silent_ones():
    variants = draw_mutations(PATIENTS, generator(7, "mutations"))
    assert variants["Tumor_Sample_Barcode"].nunique() == 39
    assert set(variants["Tumor_Sample_Barcode"]) < set(PATIENTS)
    silent = variants["Variant_Classification"] == "Silent"
    assert silent.sum() >= 5
    share = variants[~silent].groupby("Hugo_Symbol")["Tumor_Sample_Barcode"].nunique() / 39
    assert share["TP53"] == pytest.approx(0.35, abs=0.02)
    assert share["EGFR"] == pytest.approx(0.28, abs=0.02)
    assert share["IDH1"] == pytest.approx(0.07, abs=0.02)
    assert set(share.index) == {
        *("TP53", "PTEN", "EGFR", "NF1", "IDH1", "TTN", "PIK3CA", "RB1", "ATRX")
    }
    assert (variants["Reference_Allele"] != variants["Tumor_Seq_Allele2"]).all()
    deleted = variants["Variant_Classification"] == "Frame_Shift_Del"
    assert (variants.loc[deleted, "Tumor_Seq_Allele2"] == "-").all()


def test_every_region_has_one_gene_set_full_of_its_genes(genes):
    terms, truth = draw_gene_sets(genes, generator(7, "sets"))
    assert list(terms) == list(truth)
    assert len(terms) == 60
    assert sorted(region for region in truth.values() if region) == sorted(REGIONS)
    for term, members in terms.items():
        assert 15 <= len(members) <= 40
        assert len(set(members)) == len(members)
        regions = genes[members]
        if truth[term]:
            assert term == f"Demo: {truth[term]} programme"
            assert (regions == truth[term]).sum() == 15
            assert set(regions) == {truth[term], ""}
        else:
            assert (regions != "").sum() <= 2


def test_each_region_has_a_cell_type_and_a_reference_made_of_its_genes_and_some_types_have_none():
    genes = name_genes(generator(7, "genes"))
    markers = draw_markers(genes, generator(7, "markers"))
    own = markers["gene"].map(genes) == markers["region"]
    for (region, _, _), rows in markers.groupby(["region", "cell_type", "marker_set"]):
        assert len(rows) == rows["gene"].nunique() >= 14
        assert own[rows.index].sum() >= 12 and (region == "" or own[rows.index].mean() < 1)
    assert set(markers["region"]) == {*REGIONS, ""}
    assert markers["ontology_id"].str.fullmatch(r"CL:\d{7}").all()
    references = draw_references(genes, generator(7, "references"))
    for region in REGIONS:
        found = genes[references[f"Reference {region}"]].value_counts()
        assert found.to_dict() == {region: 14, "": 10}
