"""Grubbs' test against published numbers."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.survival.outliers import find_outliers, grubbs, grubbs_critical

# NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.17.1: masses of uranium isotopes
# (Tietjen and Moore 1972); G = 2.4687, critical 2.032 one-sided at 0.05, so two-sided at 0.10.
MASSES = np.array([199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18, 245.57])


def test_the_handbooks_example_gives_the_handbooks_numbers():
    assert grubbs_critical(8, level=0.10) == pytest.approx(2.032, abs=5e-4)
    (found,) = grubbs(MASSES, level=0.10)
    assert (found.place, found.step, found.n) == (7, 1, 8)
    assert found.g == pytest.approx(2.4687, abs=1e-4)


def test_outliers_on_both_sides_are_found_one_after_the_other_past_missing_values():
    values = np.concatenate([np.random.default_rng(0).normal(size=60), [np.nan, 90, -20, np.inf]])
    found = grubbs(values, level=0.05)
    assert [one.place for one in found] == [61, 62]
    assert [one.step for one in found] == [1, 2]
    assert [one.n for one in found] == [62, 61]


def test_in_normal_values_an_outlier_is_as_rare_as_its_level():
    rng = np.random.default_rng(1)
    hits = sum(bool(grubbs(rng.normal(size=25), level=0.05)) for _ in range(1000))
    assert scipy.stats.binomtest(hits, 1000, 0.05).pvalue > 0.01


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [3.0] * 9, [np.nan] * 5])
def test_few_or_equal_values_have_no_outlier(values):
    assert grubbs(np.array(values), level=0.05) == []


def test_times_and_areas_are_judged_each_for_itself():
    names = [f"P{number}" for number in range(8)]
    times = pd.Series(MASSES[::-1], names)
    areas = pd.DataFrame({"CT": MASSES, "IT": np.arange(8.0)}, names)
    table = find_outliers(times, areas, level=0.1)
    assert table[["variable", "patient"]].to_numpy().tolist() == [["time_days", "P0"], ["CT", "P7"]]
    assert find_outliers(times, areas, level=1e-9).empty
