"""Time-dependent AUC and Brier score, against R and scikit-survival."""

import numpy as np
import pandas as pd
import pytest
from sksurv.metrics import cumulative_dynamic_auc, integrated_brier_score
from sksurv.util import Surv

from histoniche.survival.model_fitting import fit_model
from histoniche.survival.performance import (
    auc_at,
    bootstrap_intervals,
    brier_scores,
    integrated_brier,
)

R = dict[str, np.ndarray]
DAYS = {"lung": [180, 365, 700], "gbsg2": [365, 1000, 2000]}
COLUMNS = {"lung": ("age", "ecog"), "gbsg2": ("pnodes", "grade")}


@pytest.fixture(params=["lung", "gbsg2"])
def data(
    request: pytest.FixtureRequest, complete: pd.DataFrame, breast: pd.DataFrame
) -> tuple[str, pd.DataFrame]:
    return request.param, complete.astype({"ecog": float}) if request.param == "lung" else breast


def predictions(name: str, patients: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Follow-up, risk and survival of the model that R was asked about."""
    declared = {column: {"type": "numeric"} for column in COLUMNS[name]}
    fitted = fit_model(patients, covariates=list(declared), declared=declared, baseline="efron")
    assert fitted.model is not None
    return (
        patients["time_days"].to_numpy(dtype=float),
        patients["event"].to_numpy() == 1,
        fitted.model.linear_predictor(patients).to_numpy(),
        fitted.model.survival(patients, DAYS[name]).to_numpy(),
    )


def test_auc_and_its_error_equal_r(data: tuple[str, pd.DataFrame], r_performance: R) -> None:
    name, patients = data
    times, events, risk, _ = predictions(name, patients)
    found = [auc_at(times, events, risk, day=day) for day in DAYS[name]]
    assert [auc.value for auc in found] == pytest.approx(r_performance[f"{name} auc"], rel=1e-9)
    errors = r_performance[f"{name} auc error"]
    assert [auc.error for auc in found] == pytest.approx(errors, rel=1e-3)


def test_brier_scores_equal_r(data: tuple[str, pd.DataFrame], r_performance: R) -> None:
    name, patients = data
    times, events, _, alive = predictions(name, patients)
    found = brier_scores(times, events, alive, np.array(DAYS[name], dtype=float))
    assert found.model.tolist() == pytest.approx(r_performance[f"{name} brier"], rel=1e-9)
    assert found.null.tolist() == pytest.approx(r_performance[f"{name} brier null"], rel=1e-9)


def test_auc_and_integrated_brier_equal_scikit_survival(
    data: tuple[str, pd.DataFrame],
) -> None:
    name, patients = data
    # Without ties of deaths and censorings, which scikit-survival orders in another way.
    patients = patients.assign(time_days=patients["time_days"] + np.arange(len(patients)) / 1e4)
    times, events, risk, _ = predictions(name, patients)
    declared = {column: {"type": "numeric"} for column in COLUMNS[name]}
    model = fit_model(patients, covariates=list(declared), declared=declared).model
    assert model is not None
    days = np.linspace(*DAYS[name][::2], 20)
    alive = model.survival(patients, days.tolist()).to_numpy()
    outcome = Surv.from_arrays(events, times)
    expected = cumulative_dynamic_auc(outcome, outcome, risk, days)[0]
    found = [auc_at(times, events, risk, day=day).value for day in days]
    assert found == pytest.approx(expected, rel=1e-9)
    expected = integrated_brier_score(outcome, outcome, alive, days)
    scores = brier_scores(times, events, alive, days)
    assert integrated_brier(scores.model, days) == pytest.approx(expected, rel=1e-9)


def test_auc_of_a_perfect_a_reversed_and_a_random_risk() -> None:
    rng = np.random.default_rng(1)
    times, events = rng.permutation(300) + 1.0, rng.random(300) < 0.8
    assert auc_at(times, events, -times, day=100).value == pytest.approx(1, abs=1e-12)
    assert auc_at(times, events, times, day=100).value == pytest.approx(0, abs=1e-12)
    random = auc_at(times, events, rng.random(300), day=100)
    assert random.interval(0.99)[0] < 0.5 < random.interval(0.99)[1]
    assert random.cases == (events & (times <= 100)).sum() and random.controls == 200


def test_interval_of_auc_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    frailty = rng.normal(size=200_000)
    died = rng.exponential(np.exp(-frailty))
    truth = auc_at(died, np.ones(len(died), dtype=bool), frailty, day=0.7).value
    inside = 0
    for start in range(0, 150 * 400, 150):
        mine = slice(start, start + 150)
        lost = rng.exponential(1.5, 150)
        times, events = np.minimum(died[mine], lost), died[mine] <= lost
        low, high = auc_at(times, events, frailty[mine], day=0.7).interval(0.9)
        inside += low < truth < high
    assert 0.86 < inside / 400 < 0.94


def test_auc_without_cases_or_controls_is_nan() -> None:
    times, events = np.array([5.0, 6.0, 7.0]), np.array([True, False, True])
    assert np.isnan(auc_at(times, events, times, day=4).value)
    assert np.isnan(auc_at(times, events, times, day=7).value)


def test_brier_of_the_truth_of_one_half_and_beyond_follow_up() -> None:
    times, events = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False])
    days = np.array([2.5, 4.0, 5.0])
    truth = (times[:, np.newaxis] > days).astype(float)
    exact = brier_scores(times, events, truth, days)
    assert exact.model[0] == 0 and exact.null[0] == pytest.approx(0.25)
    half = brier_scores(times, events, np.full((4, 3), 0.5), days)
    assert half.model[0] == pytest.approx(0.25)
    # The last was seen alive at day 4: of day 5 nothing is known.
    assert np.isnan(half.model[2]) and np.isfinite(half.model[1])
    all_died = brier_scores(times, np.ones(4, dtype=bool), np.zeros((4, 3)), days)
    assert all_died.model[2] == 0


def test_model_that_knows_nothing_is_no_better_than_kaplan_meier(breast: pd.DataFrame) -> None:
    times, events = breast["time_days"].to_numpy(dtype=float), breast["event"].to_numpy() == 1
    days = np.array([365.0, 1000.0])
    alive = np.repeat([[0.9, 0.6]], len(times), axis=0)
    found = brier_scores(times, events, alive, days)
    assert (found.model >= found.null).all()


def test_bootstrap_interval_of_a_mean_and_of_what_is_often_unknown() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=400)
    settings = {"samples": 400, "confidence": 0.95, "seed": 1}
    low, high = bootstrap_intervals(lambda at: values[at].mean(), 400, **settings)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    again = bootstrap_intervals(lambda at: values[at].mean(), 400, **settings)
    assert (low, high) == again
    assert (
        bootstrap_intervals(lambda at: values[at].mean(), 400, **{**settings, "seed": 2}) != again
    )
    lost = bootstrap_intervals(lambda at: np.where(at[0] % 2, np.nan, 1.0), 400, **settings)
    assert np.isnan(lost).all()
