import numpy as np
import pytest
import scipy.stats

from histoniche.traits.run_comparison import compare_runs

FIRST = {0: 0.55, 1: 0.57, 2: 0.53, 3: 0.56}
SECOND = {0: 0.63, 1: 0.60, 2: 0.66, 3: 0.61}


def values(runs):
    return list(runs.values())


@pytest.mark.parametrize(("test", "equal"), [("student", True), ("welch", False)])
def test_groups_are_compared_as_by_scipy(test, equal):
    second = {**SECOND, 4: 0.7}
    found = compare_runs(FIRST, second, test=test)
    oracle = scipy.stats.ttest_ind(values(second), values(FIRST), equal_var=equal)
    assert found.t == pytest.approx(oracle.statistic)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.df == pytest.approx(oracle.df)
    limits = oracle.confidence_interval()
    assert [found.low, found.high] == pytest.approx([limits.low, limits.high])
    assert (found.first_runs, found.second_runs) == (4, 5)
    assert "runs share patients" in found.note


def test_pairs_are_by_number_of_the_run_not_by_order():
    found = compare_runs(dict(reversed(FIRST.items())), SECOND, test="paired")
    oracle = scipy.stats.ttest_rel(values(SECOND), values(FIRST))
    assert found.t == pytest.approx(oracle.statistic)
    assert found.p == pytest.approx(oracle.pvalue)


def test_the_corrected_test_by_hand_is_more_careful():
    found = compare_runs(FIRST, SECOND, test="corrected", test_share=1 / 8)
    gaps = np.array(values(SECOND)) - np.array(values(FIRST))
    error = np.sqrt((1 / 4 + 1 / 8) * gaps.var(ddof=1))
    assert found.t == pytest.approx(gaps.mean() / error)
    assert found.p > compare_runs(FIRST, SECOND, test="paired").p


def test_too_few_or_equal_runs_give_no_p():
    assert np.isnan(compare_runs({0: 0.5}, {0: 0.6}).p)
    same = compare_runs({0: 0.5, 1: 0.5}, {0: 0.6, 1: 0.6}, test="welch")
    assert same.difference == pytest.approx(0.1)
    assert np.isnan(same.p)
    assert "no test" in same.note


def test_wrong_wishes_are_errors():
    with pytest.raises(ValueError, match="equal numbers"):
        compare_runs(FIRST, {0: 0.6}, test="paired")
    with pytest.raises(ValueError, match="needs the share"):
        compare_runs(FIRST, SECOND, test="corrected")
    with pytest.raises(ValueError, match="no such test"):
        compare_runs(FIRST, SECOND, test="z")
