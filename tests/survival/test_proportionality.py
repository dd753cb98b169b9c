"""Tests of proportional hazards and Schoenfeld residuals, against R."""

import numpy as np
import pandas as pd
import pytest

from histoniche.survival.estimation import estimate
from histoniche.survival.proportionality import (
    proportional_hazards_p,
    proportional_hazards_tests,
    scaled_schoenfeld,
    smooth_residuals,
)

R = dict[str, np.ndarray]


def arrays(patients: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The model `full` of r/cox.R."""
    columns = [patients["age"] / 10, patients["karno"] / 10]
    columns += [patients["ecog"] == level for level in ("0", "2", "3")]
    design = np.column_stack([*columns, patients["sex"] == "female"]).astype(float)
    return patients["time_days"].to_numpy(), patients["event"].to_numpy() == 1, design


@pytest.mark.parametrize("transform", ["km", "rank", "identity"])
def test_tests_of_terms_and_of_all_equal_r(
    complete: pd.DataFrame, r_cox: R, transform: str
) -> None:
    times, events, design = arrays(complete)
    beta = estimate(times, events, design).coefficients
    groups = {"a": [0], "k": [1], "ecog": [2, 3, 4], "sex": [5]}
    found = proportional_hazards_tests(times, events, design, beta, groups, transform=transform)
    assert found["term"].tolist() == ["a", "k", "ecog", "sex", "global"]
    numbers = found[["chi2", "df", "p"]].to_numpy().ravel()
    assert numbers == pytest.approx(r_cox[f"full zph {transform}"], rel=1e-6)


def test_scaled_residuals_and_their_smooth_equal_r(complete: pd.DataFrame, r_cox: R) -> None:
    times, events, design = arrays(complete)
    beta = estimate(times, events, design).coefficients
    found = scaled_schoenfeld(times, events, design, beta)
    # Of deaths on one day R has another order, so that only lonely ones are compared.
    moments, counts = np.unique(found.times, return_counts=True)
    lonely = np.isin(found.times, moments[counts == 1])
    place = [at for at in (1, 49, 99, 159) if lonely[at]]
    expected = r_cox["schoenfeld k"][[[0, 1, 49, 99, 159].index(at) for at in place]]
    assert len(place) >= 2
    assert found.residuals[place, 1] == pytest.approx(expected, rel=1e-6)
    curve = smooth_residuals(found, 1, confidence=0.95)
    assert curve["log_hazard"].tolist() == pytest.approx(r_cox["smooth k"], rel=1e-6)
    error = (curve["high"] - curve["low"]) / 2 / 1.959963985
    assert error.tolist() == pytest.approx(r_cox["smooth k error"], rel=1e-6)
    assert curve["time_days"].is_monotonic_increasing


def test_mean_residual_is_the_coefficient(rossi: pd.DataFrame) -> None:
    design = rossi[["age", "prio"]].to_numpy()
    times, events = rossi["time_days"].to_numpy(), rossi["event"].to_numpy() == 1
    beta = estimate(times, events, design).coefficients
    found = scaled_schoenfeld(times, events, design, beta)
    assert len(found.times) == events.sum()
    assert found.residuals.mean(axis=0) == pytest.approx(beta, rel=1e-8)


def test_hazard_ratio_that_fades_is_seen_in_the_smooth() -> None:
    rng = np.random.default_rng(1)
    exposed = (rng.random(2000) < 0.5).astype(float)
    early = rng.exponential(np.where(exposed == 1, 100, 400))
    late = 150 + rng.exponential(300, 2000)
    times, events = np.where(early < 150, early, late), np.ones(2000, dtype=bool)
    design = exposed[:, np.newaxis]
    beta = estimate(times, events, design).coefficients
    assert proportional_hazards_p(times, events, design, beta)[0] < 1e-6
    curve = smooth_residuals(scaled_schoenfeld(times, events, design, beta), 0, confidence=0.95)
    first = curve[curve["time_days"] < 100]
    last = curve[curve["time_days"] > 400]
    assert (first["low"] > 0.5).all() and first["log_hazard"].mean() == pytest.approx(1.4, abs=0.3)
    assert last["log_hazard"].abs().max() < 0.6


def test_nothing_is_said_of_few_moments() -> None:
    times, events = np.array([1.0, 1, 2, 3]), np.array([True, True, False, False])
    design = np.array([[0.0], [1.0], [0.0], [1.0]])
    assert np.isnan(proportional_hazards_p(times, events, design, np.zeros(1))).all()
    found = scaled_schoenfeld(times, events, design, np.zeros(1))
    assert smooth_residuals(found, 0, confidence=0.95).empty
