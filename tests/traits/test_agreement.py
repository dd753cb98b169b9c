import numpy as np
import pytest
import scipy.stats

from histoniche.traits.agreement import rank_agreement


def people(count):
    return np.arange(count).astype(object)


def test_the_correlation_and_p_are_scipys_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (2, 40)).astype(float)
    found = rank_agreement(x, y, people(40), rng=rng)
    oracle = scipy.stats.spearmanr(x, y)
    assert found.rho == pytest.approx(oracle.statistic, abs=1e-12)
    assert found.p == pytest.approx(oracle.pvalue, rel=1e-9)
    assert (found.n, found.patients) == (40, 40)


def test_the_interval_is_that_of_drawing_patients_one_by_one():
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = np.round(x + rng.normal(size=50), 1)
    patients = np.repeat(np.arange(25), 2).astype(object)
    found = rank_agreement(x, y, patients, rng=np.random.default_rng(2), draws=4000)
    drawn = []
    for _ in range(800):
        chosen = rng.integers(0, 25, 25)
        rows = np.concatenate([2 * chosen, 2 * chosen + 1])
        drawn.append(scipy.stats.spearmanr(x[rows], y[rows]).statistic)
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.03)
    assert np.isnan(found.p)


def test_the_interval_holds_nothing_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        x, y = rng.normal(size=(2, 40))
        found = rank_agreement(x, y, people(40), rng=rng, draws=300)
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 200 <= 0.985


def test_ranks_are_taken_within_each_network():
    rng = np.random.default_rng(4)
    networks = np.repeat([0, 1], 20)
    measured = rng.normal(size=40)
    scores = measured + rng.normal(size=40)
    found, shifted = (
        rank_agreement(values, measured, people(40), networks.astype(object), rng=rng)
        for values in (scores, scores + 100 * networks)
    )
    each = [scipy.stats.spearmanr(scores[k], measured[k]) for k in (networks == 0, networks == 1)]
    assert found.rho == pytest.approx(np.mean([one.statistic for one in each]), abs=1e-12)
    assert shifted.rho == found.rho
    assert shifted.p == found.p


def test_of_few_patients_p_counts_permutations():
    rng = np.random.default_rng(6)
    perfect = rank_agreement(np.arange(4.0), np.arange(4.0), people(4), rng=rng)
    # Two of 24 orders are as far from none.
    assert perfect.p == pytest.approx(2 / 24, abs=0.01)
    # Within each network two of two orders.
    pairs = np.array([0, 1, 0, 1], object)
    assert rank_agreement(np.arange(4.0), np.arange(4.0), people(4), pairs, rng=rng).p > 0.45


def test_p_within_networks_is_uniform_where_there_is_nothing():
    rng = np.random.default_rng(5)
    networks = (np.arange(24) % 3).astype(object)
    p = [
        rank_agreement(*rng.normal(size=(2, 24)), people(24), networks, rng=rng, draws=2).p
        for _ in range(500)
    ]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_what_cannot_be_known_is_not_given():
    rng = np.random.default_rng(0)
    two = rank_agreement(np.array([1.0, 2]), np.array([1.0, 2]), people(2), rng=rng)
    assert np.isnan([two.rho, two.low, two.p]).all()
    flat = rank_agreement(np.ones(9), np.arange(9.0), people(9), rng=rng)
    assert np.isnan(flat.rho)
    alone = rank_agreement(np.arange(9.0), np.arange(9.0), np.array(["A"] * 9, object), rng=rng)
    assert alone.rho == pytest.approx(1)
    assert np.isnan([alone.low, alone.high, alone.p]).all()
