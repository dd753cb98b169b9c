"""Restricted cubic splines, against R's Hmisc."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.splines import harrell_knots, most_knots, restricted_cubic_spline

R = dict[str, np.ndarray]


def test_knots_equal_r(complete: pd.DataFrame, r_cox: R) -> None:
    age = complete["age"].to_numpy()
    for count in (3, 4, 5):
        assert harrell_knots(age, count).tolist() == r_cox[f"knots {count}"].tolist()
    assert harrell_knots(age[:60], 4).tolist() == r_cox["knots few"].tolist()


def test_design_equals_r(complete: pd.DataFrame, r_cox: R) -> None:
    age = complete["age"].to_numpy()
    found = restricted_cubic_spline(age[:4], harrell_knots(age, 4))
    assert found.ravel() == pytest.approx(r_cox["spline design"], rel=1e-12)


def test_spline_is_straight_beyond_its_outer_knots() -> None:
    design = restricted_cubic_spline(np.linspace(-10, 20, 301), np.array([0.0, 3.0, 7.0, 10.0]))
    bend = np.abs(np.diff(design[:, 1:], n=2, axis=0)).sum(axis=1)
    assert bend[:95].max() < 1e-12 and bend[210:].max() < 1e-9 and bend[110:190].min() > 1e-4


def test_values_too_much_alike_and_odd_counts_are_errors() -> None:
    with pytest.raises(InputError, match="too much alike for 4 knots"):
        harrell_knots(np.repeat([0.0, 1.0], 60), 4)
    with pytest.raises(InputError, match="too few"):
        harrell_knots(np.arange(4.0), 3)
    assert most_knots(np.arange(40.0), 5) == 5
    assert most_knots(np.r_[np.zeros(30), np.arange(70.0)], 5) == 4
    assert most_knots(np.zeros(40), 5) == 0
    with pytest.raises(InputError, match="choose from 3 to 7"):
        harrell_knots(np.arange(40.0), 2)
