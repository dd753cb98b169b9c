"""Log-rank tests of many scores at once against R, lifelines and statsmodels."""

import numpy as np
import pytest
import scipy.stats
from lifelines.datasets import load_gbsg2, load_lung
from lifelines.statistics import logrank_test
from statsmodels.duration.survfunc import survdiff

from histoniche.logrank_scan import (
    CONSTANT,
    NO_HIGH_DEATHS,
    NO_INFORMATION,
    NO_LOW_DEATHS,
    ONE_SIDE,
    SMALL_SIDE,
    logrank_scan,
)

# R 4.2.2, survival 3.5.3; d <- survdiff(Surv(time, status) ~ I(x > median(x)), lung):
# c(d$chisq, pchisq(d$chisq, 1, lower = FALSE), d$n[2], d$obs[2], d$exp[2]), x without NA.
LUNG = {
    "age": (3.96410339737071, 0.0464802688852843, 82, 66, 54.7486215814914),
    "ph.karno": (2.62088801687243, 0.105465404150939, 83, 57, 66.3431273743814),
    "meal.cal": (3.26016793392345e-05, 0.995444273040057, 90, 69, 68.9671946751189),
}
# The same of data(GBSG2, package = "TH.data") and I(x > quantile(x, 0.75)).
GBSG2 = {
    "age": (0.00191686753295364, 0.965078138749224, 168, 75, 75.3284111725903),
    "pnodes": (66.1048135274336, 4.27570316220034e-16, 143, 95, 45.0415486819889),
    "progrec": (28.8106049381196, 7.98128943038164e-08, 172, 47, 89.3249843390869),
}


def test_two_data_sets_give_the_numbers_of_r():
    lung, gbsg2 = load_lung().dropna(subset=["ph.karno", "meal.cal"]), load_gbsg2()
    for expected, table, died, quantile in (
        (LUNG, lung, lung["status"], 0.5),
        (GBSG2, gbsg2, gbsg2["cens"], 0.75),
    ):
        scores = table[list(expected)].to_numpy(dtype=float).T
        time = table["time"].to_numpy(dtype=float)
        found = logrank_scan(scores, time, died.to_numpy() == 1, quantile=quantile)
        numbers = (found.chi2, found.p, found.n_high, found.events_high, found.expected_high)
        np.testing.assert_allclose(np.column_stack(numbers), list(expected.values()), rtol=1e-10)
        assert found.note.tolist() == [""] * 3
        assert (np.sign(found.log_hazard) == np.sign(found.events_high - found.expected_high)).all()


@pytest.fixture
def tied():
    """Scores with ties at their cuts, and times of which many are equal."""
    rng = np.random.default_rng(0)
    patients = 91
    scores = np.vstack([rng.normal(size=(40, patients)), rng.poisson(1.5, (40, patients))])
    return scores, np.ceil(rng.exponential(9, patients)), rng.random(patients) < 0.7


@pytest.mark.parametrize("quantile", [0.5, 0.3])
def test_with_many_ties_each_row_is_what_the_libraries_find(tied, quantile):
    scores, time, event = tied
    found = logrank_scan(scores, time, event, quantile=quantile)
    for row, score in enumerate(scores):
        cut = np.quantile(score, quantile)
        high = score > cut
        assert found.cut[row] == cut
        assert found.n_high[row] == high.sum()
        assert found.events_high[row] == event[high].sum()
        peer = logrank_test(time[high], time[~high], event[high], event[~high])
        assert found.chi2[row] == pytest.approx(peer.test_statistic, abs=1e-10)
        assert found.p[row] == pytest.approx(peer.p_value, abs=1e-10)
        assert found.chi2[row] == pytest.approx(survdiff(time, event * 1, high)[0], abs=1e-10)
    np.testing.assert_allclose(found.chi2, (found.log_hazard / found.error) ** 2, rtol=1e-12)


def test_order_of_patients_unit_of_time_and_number_of_scores_do_not_matter(tied, monkeypatch):
    scores, time, event = tied
    order = np.random.default_rng(1).permutation(len(time))
    one = logrank_scan(scores, time, event)
    monkeypatch.setattr("histoniche.logrank_scan._BLOCK", 7 * len(time))
    two = logrank_scan(3 * scores[:, order] + 7, time[order] / 365.25, event[order])
    np.testing.assert_allclose(one.chi2, two.chi2, rtol=1e-12)
    np.testing.assert_array_equal(one.n_high, two.n_high)


def test_what_speaks_against_a_test_is_said():
    time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    event = np.array([1, 1, 0, 1, 0, 0, 0, 0], bool)
    late, early = time, -time
    one_low = np.array([5.0, 5, 1, 5, 5, 5, 5, 5])
    skewed = np.array([0.0, 0, 0, 0, 0, 2, 0, 1])
    fine = np.array([3.0, 1, 0, 2, 5, 4, 0, 1])
    scores = np.vstack([np.ones(8), one_low, late, early, skewed, fine])
    found = logrank_scan(scores, time, event)
    assert found.note.tolist() == [
        CONSTANT,
        ONE_SIDE,
        NO_HIGH_DEATHS,
        NO_LOW_DEATHS,
        NO_HIGH_DEATHS,
        "",
    ]
    for column in (found.chi2, found.p, found.log_hazard, found.error):
        assert np.isnan(column[:2]).all()
        assert np.isfinite(column[2:]).all()
    assert found.log_hazard[2] < 0 < found.log_hazard[3]


def test_a_cut_that_leaves_too_few_on_a_side_is_not_tested_if_so_wished():
    rng = np.random.default_rng(0)
    time, event = rng.exponential(size=50), np.ones(50, bool)
    scores = np.zeros((3, 50))
    scores[0, time.argmin()] = scores[1, :5] = scores[2, :4] = 1
    # One patient, the first who died: chi-squared makes much of it.
    assert logrank_scan(scores, time, event).p[0] < 1e-9
    found = logrank_scan(scores, time, event, min_share=0.1)
    assert found.note.tolist() == [SMALL_SIDE, "", SMALL_SIDE]
    for column in (found.p, found.chi2, found.log_hazard, found.error):
        assert np.isnan(column).tolist() == [True, False, True]
    assert found.n_high.tolist() == [1, 5, 4]


def test_deaths_of_the_last_patients_alone_tell_nothing():
    time = np.array([1.0, 2, 3, 9, 8, 7])
    event = np.array([0, 0, 0, 1, 1, 1], bool)
    found = logrank_scan(np.array([[0.0, 0, 0, 1, 1, 1]]), time, event)
    assert found.note.tolist() == [NO_INFORMATION]
    assert np.isnan([found.chi2[0], found.p[0], found.log_hazard[0], found.error[0]]).all()


def test_planted_hazard_is_found_and_chance_is_uniform():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(4000, 300))
    time = rng.exponential(np.exp(-0.9 * (scores[0] > np.median(scores[0]))))
    found = logrank_scan(scores, time, rng.random(300) < 0.8)
    assert found.log_hazard[0] == pytest.approx(0.9, abs=3 * found.error[0])
    assert found.p[0] < 1e-6
    assert scipy.stats.kstest(found.p[1:], "uniform").pvalue > 0.01
    assert (found.p[1:] < 0.05).mean() == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize(
    ("scores", "event", "quantile", "problem"),
    [
        (np.ones((1, 3)), [True] * 4, 0.5, "do not match"),
        (np.array([[1, 2, np.nan, 4]]), [True] * 4, 0.5, "finite"),
        (np.ones((1, 4)), [False] * 4, 0.5, "nobody died"),
        (np.ones((1, 4)), [True] * 4, 1, "between 0 and 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(scores, event, quantile, problem):
    with pytest.raises(ValueError, match=problem):
        logrank_scan(scores, np.arange(4.0), np.array(event), quantile=quantile)
