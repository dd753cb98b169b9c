"""Rank correlation: plain, given covariates, and its family-wise p."""

import itertools

import numpy as np
import pytest
import scipy.stats

from histoniche.omics.ranks import (
    covariate_ranks,
    family_wise_p,
    partial_rank_correlation,
    rank_correlation,
)


@pytest.mark.parametrize(("levels", "patients"), [(2, 5), (5, 30), (10_000, 129)])
def test_rank_correlation_equals_scipy_with_ties(levels: int, patients: int) -> None:
    rng = np.random.default_rng(levels)
    genes = rng.integers(0, levels, (60, patients)).astype(float)
    genes = genes[np.ptp(genes, axis=1) > 0]
    areas = np.where(rng.random((3, patients)) < 0.3, 0, rng.random((3, patients)))
    rho, p = rank_correlation(genes, areas)
    for i, j in np.ndindex(len(genes), 3):
        expected = scipy.stats.spearmanr(genes[i], areas[j])
        assert rho[i, j] == pytest.approx(expected.statistic, abs=1e-12)
        assert p[i, j] == pytest.approx(expected.pvalue, rel=1e-9)


def test_how_many_genes_are_taken_at_a_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    genes, areas, age = rng.normal(size=(60, 40)), rng.random((2, 40)), rng.random((1, 40))
    covariates = covariate_ranks(age, np.empty((0, 40)))

    def found() -> list[np.ndarray]:
        family = family_wise_p(genes, areas, np.random.default_rng(1), permutations=99)
        given = partial_rank_correlation(genes, areas, covariates)
        return [*rank_correlation(genes, areas), *given, family]

    together = found()
    monkeypatch.setattr("histoniche.omics.ranks._BLOCK", 7)
    for one, other in zip(together, found(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_perfect_correlation_is_exactly_one() -> None:
    area = np.random.default_rng(0).random(37)
    rho, p = rank_correlation(np.stack([area**3, -area]), area[np.newaxis])
    assert rho.ravel().tolist() == [1, -1]
    assert p.ravel().tolist() == [0, 0]


def test_constant_rows_have_no_correlation() -> None:
    rho, p = rank_correlation(np.array([[1.0, 1, 1, 1], [1, 2, 3, 4]]), np.array([[4.0, 2, 3, 9]]))
    assert np.isnan([rho[0, 0], p[0, 0]]).all()
    assert np.isfinite([rho[1, 0], p[1, 0]]).all()


def test_rank_correlation_refuses_what_it_cannot_rank() -> None:
    whole = np.ones((1, 4))
    for genes, areas in (
        (np.ones((1, 5)), whole),
        (np.ones((1, 2)), np.ones((1, 2))),
        (np.array([[1, 2, np.nan, 3]]), whole),
    ):
        with pytest.raises(ValueError, match=r"match|three|finite"):
            rank_correlation(genes, areas)


def by_inverse(*rows: np.ndarray) -> float:
    """Partial correlation of the first two rows' ranks given the others, from the inverse."""
    inverse = np.linalg.inv(np.corrcoef([scipy.stats.rankdata(row) for row in rows]))
    return float(-inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1]))


def test_partial_correlation_is_that_of_the_inverse_correlation_matrix() -> None:
    rng = np.random.default_rng(3)
    age, size = rng.integers(40, 60, 50).astype(float), rng.normal(size=50)
    genes = rng.integers(0, 9, (20, 50)) + 0.3 * age
    areas = rng.random((2, 50)) + 0.05 * age
    covariates = covariate_ranks(np.stack([age, size]), np.empty((0, 50)))
    rho, p = partial_rank_correlation(genes, areas, covariates)
    for i, j in np.ndindex(20, 2):
        expected = by_inverse(genes[i], areas[j], age, size)
        assert rho[i, j] == pytest.approx(expected, abs=1e-12)
        t = expected * np.sqrt(46 / (1 - expected**2))
        assert p[i, j] == pytest.approx(2 * scipy.stats.t(46).sf(abs(t)), rel=1e-9)
    # A covariate that says the same twice costs one degree of freedom.
    twice = np.vstack([covariates, covariates[:1]])
    np.testing.assert_allclose(partial_rank_correlation(genes, areas, twice)[1], p, rtol=1e-9)
    none = partial_rank_correlation(genes, areas, np.empty((0, 50)))
    np.testing.assert_allclose(none, rank_correlation(genes, areas), atol=1e-12)


def test_a_gene_that_the_covariates_explain_has_no_partial_correlation() -> None:
    rng = np.random.default_rng(4)
    age = rng.normal(size=30)
    covariates = covariate_ranks(age[np.newaxis], np.empty((0, 30)))
    rho, p = partial_rank_correlation(
        np.stack([age**3, rng.random(30)]), rng.random((1, 30)), covariates
    )
    assert np.isnan([rho[0, 0], p[0, 0]]).all()
    assert np.isfinite([rho[1, 0], p[1, 0]]).all()


def stepped_down(genes: np.ndarray, area: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Westfall and Young's algorithm 4.1, step by step."""
    observed = [abs(scipy.stats.spearmanr(gene, area).statistic) for gene in genes]
    order = np.argsort(observed)[::-1]
    counts = np.zeros(len(genes))
    for chance in chances:
        found = [abs(scipy.stats.spearmanr(gene, chance).statistic) for gene in genes]
        largest = 0.0
        for gene in order[::-1]:
            largest = max(largest, found[gene])
            counts[gene] += largest >= observed[gene] - 1e-9
    p = (1 + counts) / (1 + len(chances))
    for before, after in itertools.pairwise(order):
        p[after] = max(p[after], p[before])
    return p


@pytest.mark.parametrize("levels", [4, 1000])
def test_family_wise_p_is_that_of_westfall_and_young_step_by_step(levels: int) -> None:
    rng = np.random.default_rng(levels)
    genes = rng.integers(0, levels, (280, 14)).astype(float)
    area = rng.random(14)
    genes[:3] = np.stack([area, area + rng.random(14) / 2, -area])
    p = family_wise_p(genes, area[np.newaxis], np.random.default_rng(1), permutations=25)[:, 0]
    ranks = np.random.default_rng(1).permuted(np.tile(scipy.stats.rankdata(area), (25, 1)), axis=1)
    np.testing.assert_allclose(p, stepped_down(genes, area, ranks))


def test_planted_genes_pass_and_chance_passes_in_one_family_of_twenty() -> None:
    rng = np.random.default_rng(5)
    # Genes in groups that go along with each other, few patients, many ties.
    genes = np.round(np.repeat(rng.normal(size=(30, 24)), 6, axis=0) + rng.normal(size=(180, 24)))
    areas = np.where(rng.random((240, 24)) < 0.3, 0, rng.random((240, 24)))
    p = family_wise_p(genes, areas, rng, permutations=199)
    false = int((p.min(axis=0) < 0.05).sum())
    assert scipy.stats.binomtest(false, 240, 0.05).pvalue > 0.01
    genes[0] = areas[0]
    assert family_wise_p(genes, areas[:1], rng, permutations=199)[0, 0] == 1 / 200


def test_family_wise_p_given_covariates_does_not_find_what_they_explain() -> None:
    rng = np.random.default_rng(6)
    age = rng.normal(size=80)
    genes, area = rng.normal(size=(50, 80)), (age + 0.3 * rng.normal(size=80))[np.newaxis]
    genes[0] = age + 0.5 * rng.normal(size=80)
    genes[1] = area[0] - age + 0.05 * rng.normal(size=80)
    covariates = covariate_ranks(age[np.newaxis], np.empty((0, 80)))
    plain = family_wise_p(genes, area, rng, permutations=199)[:, 0]
    given = family_wise_p(genes, area, rng, permutations=199, covariates=covariates)[:, 0]
    assert plain[0] < 0.05 < given[0]
    assert given[1] < 0.05


def test_constant_rows_have_no_family_wise_p() -> None:
    rng = np.random.default_rng(7)
    genes = np.vstack([np.ones(9), rng.random((3, 9))])
    p = family_wise_p(genes, np.stack([rng.random(9), np.zeros(9)]), rng, permutations=19)
    assert np.isnan(p[0]).all() and np.isnan(p[:, 1]).all()
    assert np.isfinite(p[1:, 0]).all()
