"""The Kaplan-Meier curve at one day, weights, length of follow-up, bootstrap samples."""

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from sksurv.nonparametric import CensoringDistributionEstimator
from sksurv.util import Surv

from histoniche.errors import InputError
from histoniche.survival.follow_up import (
    check_day,
    counted,
    percentiles,
    resamples,
    seen_alive,
    size_of,
    survival_at,
    uncensored_weights,
)
from histoniche.survival.observations import observations
from survival.clinical_data import STUDIES


def lung() -> tuple[np.ndarray, np.ndarray]:
    patients = STUDIES["lung"].patients
    return observations(patients["time_days"], patients["event"])


def test_survival_at_a_day_equals_lifelines_for_any_weights() -> None:
    time, event = lung()
    samples = resamples(len(time), 5, np.random.default_rng(0))
    for days in (5, 11, 180, 365, 883, 1022):
        found = survival_at(time, event, days, counted(samples))
        for sample, value in zip(samples, found, strict=True):
            curve = KaplanMeierFitter().fit(time[sample], event[sample])
            assert value == pytest.approx(float(curve.predict(days)), abs=1e-12)


def test_group_is_a_weight_of_zero_and_one_and_nobody_is_alive() -> None:
    time, event = lung()
    early = time < 200
    whole = survival_at(time[early], event[early], 150)
    assert survival_at(time, event, 150, early.astype(float)) == pytest.approx(whole)
    assert survival_at(time, event, 150, np.zeros(len(time))) == 1


@pytest.mark.parametrize("days", [365, 500])
def test_weights_against_censoring_equal_scikit_survival(days: float) -> None:
    time, event = lung()
    weights = uncensored_weights(time, event, days)
    censoring = CensoringDistributionEstimator().fit(Surv.from_arrays(event, time))
    # Just before death: scikit-survival lets those censored on the same day go first.
    expected = censoring.predict_ipcw(Surv.from_arrays(event, time - 0.5))
    dead = event & (time <= days)
    np.testing.assert_allclose(weights[dead], expected[dead], rtol=1e-12)
    assert (weights[~event & (time <= days)] == 0).all()
    assert weights.sum() == pytest.approx(len(time))
    # They stand for everybody: with the weights as many die as the Kaplan-Meier curve says.
    assert weights[dead].sum() / len(time) == pytest.approx(1 - survival_at(time, event, days))


def test_patient_last_seen_on_the_day_is_alive_and_one_who_died_then_is_not() -> None:
    time, event = np.array([5.0, 10, 10, 20]), np.array([True, True, False, False])
    assert seen_alive(time, event, 10).tolist() == [False, False, True, True]
    assert uncensored_weights(time, event, 10).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("name", list(STUDIES))
def test_median_follow_up_equals_r(name: str) -> None:
    study = STUDIES[name]
    size = size_of(*observations(study.patients["time_days"], study.patients["event"]))
    expected = study.r("follow_up")
    found = [size.median_days, size.low, size.high]
    assert found == expected[["median", "low", "high"]].tolist()
    assert [size.n, size.events] == study.r("size").tolist()


def test_follow_up_that_is_not_reached_is_missing() -> None:
    size = size_of(np.array([1.0, 2, 3]), np.array([True, True, True]))
    assert np.isnan([size.median_days, size.low, size.high]).all()


@pytest.mark.parametrize(
    ("days", "message"),
    [(0, "above 0"), (2000, "longest follow-up is 1022"), (2, "nobody died by then")],
)
def test_day_that_follow_up_does_not_know_is_refused(days: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_day(*lung(), days)


def test_percentiles_pass_over_what_is_missing() -> None:
    values = np.array([[0.0, np.nan], [1.0, np.nan], [np.nan, np.nan], [2.0, np.nan]])
    low, high = percentiles(values, 0.5)
    assert (low[0], high[0]) == (0.5, 1.5)
    assert np.isnan(low[1])
    assert np.isnan(high[1])
