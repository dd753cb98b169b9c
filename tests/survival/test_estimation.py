"""Cox's model fitted to arrays."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from histoniche.survival.estimation import COLLINEAR, CONSTANT, ENDLESS, estimate


def test_ties_are_handled_as_lifelines_does() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=120), "y": rng.random(120) < 0.4})
    table["t"], table["e"] = rng.integers(1, 8, 120), rng.random(120) < 0.7
    options = {"precision": 1e-18, "r_precision": 0.0}
    fitter = CoxPHFitter().fit(table.astype(float), "t", "e", fit_options=options)
    design = table[["x", "y"]].to_numpy(float)
    found = estimate(table["t"].to_numpy(float), table["e"].to_numpy(), design)
    np.testing.assert_allclose(found.coefficients, fitter.params_, rtol=1e-7)
    assert found.log_likelihood == pytest.approx(fitter.log_likelihood_)


TIME, EVENT = np.arange(1.0, 41), np.arange(40) % 4 > 0
SCORE = np.random.default_rng(1).normal(size=40)


@pytest.mark.parametrize(
    ("design", "note"),
    [
        (np.ones((40, 1)), CONSTANT),
        (np.column_stack([SCORE, np.full(40, 1e9)]), CONSTANT),
        (np.column_stack([SCORE, 2 * SCORE + 1]), COLLINEAR),
        (np.random.default_rng(2).normal(size=(40, 40)), COLLINEAR),
        (-TIME[:, np.newaxis], ENDLESS),
        (EVENT.astype(float)[:, np.newaxis], ENDLESS),
    ],
    ids=["constant", "constant beside", "twin", "as many as patients", "perfect", "who died"],
)
def test_design_without_estimate_has_a_note(design: np.ndarray, note: str) -> None:
    found = estimate(TIME, EVENT, design)
    assert found.note == note
    assert np.isnan(found.coefficients).all() and np.isnan(found.covariance).all()
    assert np.isnan([found.aic, *found.wald]).all() and not found.at_maximum


def test_origin_and_scale_of_a_term_change_nothing_but_its_coefficient() -> None:
    plain = estimate(TIME, EVENT, SCORE[:, np.newaxis])
    moved = estimate(TIME, EVENT, 1e4 + 1e-3 * SCORE[:, np.newaxis])
    assert moved.coefficients[0] / 1000 == pytest.approx(plain.coefficients[0], rel=1e-6)
    # 1e4 beside 1e-3 leaves nine digits of the score.
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)
