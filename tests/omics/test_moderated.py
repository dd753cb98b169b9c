"""Moderated t against limma in R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

from histoniche.omics.moderated import moderated_t, natural_spline, variance_prior

DATA = Path(__file__).parent / "limma_r"


def design_of(patients, covariates):
    """Constant, covariates, and whether the patient is a case."""
    known = {"age": patients["age"].astype(float), "sex": patients["sex"] == "m"}
    columns = [np.ones(len(patients)), *(known[name] for name in covariates)]
    return np.column_stack([*columns, patients["group"] == "case"]).astype(float)


@pytest.mark.parametrize(("named", "covariates"), [("none", []), ("age and sex", ["age", "sex"])])
def test_numbers_are_those_of_limma(named, covariates):
    """See `limma_r/make_expected.R` for the calls: lmFit, eBayes(trend = TRUE), topTable."""
    values = pd.read_csv(DATA / "log2.tsv", sep="\t", index_col=0)
    patients = pd.read_csv(DATA / "patients.tsv", sep="\t")
    expected = pd.read_csv(DATA / "expected.tsv", sep="\t").query("covariates == @named")
    found = moderated_t(values.to_numpy(), design_of(patients, covariates))
    # The last gene is the same in all patients, and R was not given it.
    for part in (found.change, found.error, found.t, found.p):
        assert np.isnan(part[-1]) and not np.isnan(part[:-1]).any()
    close = {"rtol": 1e-8, "atol": 1e-12}
    np.testing.assert_allclose(found.prior.df, expected["prior_df"], **close)
    np.testing.assert_allclose(found.prior.variance, expected["prior_variance"], **close)
    np.testing.assert_allclose(found.change[:-1], expected["change"], **close)
    np.testing.assert_allclose(found.t[:-1], expected["t"], **close)
    np.testing.assert_allclose(found.p[:-1], expected["p"], **close)


def test_the_prior_that_variances_were_drawn_from_is_found():
    rng = np.random.default_rng(0)
    level = rng.uniform(0, 12, 20_000)
    truth = np.exp(1 - 0.3 * level)
    variance = truth * 6 / rng.chisquare(6, len(level)) * rng.chisquare(9, len(level)) / 9
    found = variance_prior(variance, level, df=9)
    assert found.df == pytest.approx(6, rel=0.1)
    assert found.variance == pytest.approx(truth, rel=0.1)


def test_variances_that_differ_by_chance_alone_become_one():
    rng = np.random.default_rng(1)
    variance = 2 * rng.chisquare(500, 300) / 500
    # Less spread than chance gives leaves nothing to the gene's own.
    found = variance_prior(np.full(300, 2.0) + 1e-6 * variance, rng.random(300), df=5)
    assert np.isinf(found.df)
    values = rng.normal(size=(50, 1)) + np.tile([0.0, 1.0, 2.0, 3.0], (50, 1))
    design = np.column_stack([np.ones(4), [0, 1, 0, 1]])
    tests = moderated_t(values, design)
    normal = 2 * scipy.stats.t.sf(np.abs(tests.t), 2 * 50)
    assert np.isinf(tests.prior.df) and tests.p == pytest.approx(normal)


def test_without_a_difference_p_is_uniform_and_a_plain_t_is_less_sure():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(4000, 8)) * np.sqrt(8 / rng.chisquare(8, (4000, 1)))
    design = np.column_stack([np.ones(8), np.repeat([0, 1], 4)])
    p = moderated_t(values, design).p
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001
    shifted = values + 2.5 * design[:, 1]
    moderated = moderated_t(shifted, design).p < 0.001
    plain = scipy.stats.ttest_ind(shifted[:, 4:], shifted[:, :4], axis=1).pvalue < 0.001
    assert moderated.mean() > 1.3 * plain.mean()


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 1), (3, 2), (6, 3), (29, 3), (30, 4)])
def test_a_spline_has_as_many_parts_as_genes_allow(count, columns):
    x = np.sort(np.random.default_rng(3).random(count))
    assert natural_spline(x).shape == (count, columns)
    assert natural_spline(np.ones(count)).shape == (count, 1)


def test_a_spline_holds_straight_lines_and_is_straight_at_its_ends():
    x = np.linspace(0, 10, 101)
    basis = natural_spline(x)
    line = 3 - 0.5 * x
    beta, *_ = np.linalg.lstsq(basis, line, rcond=None)
    assert basis @ beta == pytest.approx(line)
    curve = basis @ np.array([1.0, 2.0, 5.0, -3.0])
    bend = np.abs(np.diff(curve, 2))
    assert bend[[0, -1]].max() < 0.05 * bend.max()


def test_no_gene_and_few_genes_are_no_failure():
    design = np.column_stack([np.ones(6), np.repeat([0, 1], 3)])
    assert moderated_t(np.zeros((0, 6)), design).p.shape == (0,)
    rng = np.random.default_rng(4)
    single = rng.normal(size=(1, 6))
    expected = scipy.stats.ttest_ind(single[0, 3:], single[0, :3]).pvalue
    assert moderated_t(single, design).p == pytest.approx([expected])
