"""Calibration, against R's rms and Austin's published code."""

import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.survival.calibration import (
    calibrate,
    calibration_groups,
    calibration_measures,
    log_hazard,
    risk_cuts,
    smooth_calibration,
)
from histoniche.survival.follow_up import Floats
from histoniche.survival.observations import observations
from survival.clinical_data import STUDIES, Study

# R's numbers and the calls that made them: r/clinical.R, r/clinical.tsv.


@pytest.fixture(params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]


def predictions(study: Study) -> tuple[Floats, Floats, Floats]:
    patients = study.patients
    time, event = observations(patients["time_days"], patients["event"])
    return time, event, study.fit(study.new).death_by(patients, study.days[0]).to_numpy()


def too_extreme(risk: Floats) -> Floats:
    """The predictions that r/clinical.R makes wrong on purpose."""
    log = log_hazard(risk)
    power = 1.3 * np.exp(0.2 * (log - log.mean()))
    return np.minimum(1 - (1 - risk) ** power, 1 - 1e-8)


def test_groups_equal_r(study: Study) -> None:
    time, event, risk = predictions(study)
    table = calibration_groups(time, event, risk, days=study.days[0], cuts=study.risk_cuts)
    for column in ("predicted", "observed", "low", "high", "n"):
        np.testing.assert_allclose(table[column], study.r(f"group_{column}"), rtol=1e-9)


def test_smooth_curve_equals_that_of_austin(study: Study) -> None:
    time, event, risk = predictions(study)
    curve = smooth_calibration(time, event, risk, study.days[0])
    at = study.r("curve_at").to_numpy()
    np.testing.assert_allclose(curve(at), study.r("curve"), atol=1e-8)


@pytest.mark.parametrize("what", ["measure", "measure_wrong"])
def test_measures_equal_r(study: Study, what: str) -> None:
    time, event, risk = predictions(study)
    risk = risk if what == "measure" else too_extreme(risk)
    smooth = smooth_calibration(time, event, risk, study.days[0])
    found = calibration_measures(time, event, risk, days=study.days[0], smooth=smooth)
    expected = study.r(what)
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=1e-7), name


def test_model_is_calibrated_where_it_was_fitted_and_a_wrong_one_is_not() -> None:
    study = STUDIES["gbsg2"]
    time, event, risk = predictions(study)
    own = calibrate(time, event, risk, days=1095, seed=1, bootstraps=60).measures
    own = own.set_index("measure")
    assert own.loc["slope", "value"] == pytest.approx(1, abs=1e-9)
    assert own.loc["intercept", "value"] == pytest.approx(0, abs=1e-9)
    wrong = calibrate(time, event, too_extreme(risk), days=1095, seed=1, bootstraps=60).measures
    wrong = wrong.set_index("measure")
    assert wrong.loc["ratio", "high"] < 1
    assert wrong.loc["intercept", "high"] < 0
    assert wrong.loc["ici", "low"] > own.loc["ici", "high"]
    assert (wrong["low"] <= wrong["value"]).all()
    assert (wrong["value"] <= wrong["high"]).all()


def test_intervals_cover_a_planted_calibration() -> None:
    rng = np.random.default_rng(4)
    hits = []
    for seed in range(12):
        hazard = np.exp(rng.normal(size=250))
        died, seen = rng.exponential(500 / hazard), rng.exponential(900, 250)
        truth = 1 - np.exp(-200 * hazard / 500)
        follow_up = np.minimum(died, seen), died <= seen
        found = calibrate(*follow_up, truth, days=200, seed=seed, bootstraps=50).measures
        found = found.set_index("measure")
        right = {"ratio": 1, "intercept": 0, "slope": 1}
        hits += [found.loc[k, "low"] <= v <= found.loc[k, "high"] for k, v in right.items()]
    assert np.mean(hits) > 0.85


def test_same_seed_gives_the_same_band_and_it_holds_the_curve() -> None:
    study = STUDIES["lung"]
    first, second = (
        calibrate(*predictions(study), days=365, seed=7, bootstraps=50) for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert one.equals(other)
    inside = (first.curve["low"] <= first.curve["observed"]) & (
        first.curve["observed"] <= first.curve["high"]
    )
    assert inside.mean() > 0.9
    assert first.groups["n"].sum() == 227
    assert first.groups["events"].sum() == 120


def test_tied_predictions_make_fewer_groups_and_a_straight_curve() -> None:
    study = STUDIES["lung"]
    time, event, _ = predictions(study)
    female = (study.patients["sex"] == "female").to_numpy()
    risk = np.where(female, 0.4, 0.6)
    assert len(risk_cuts(risk, 4)) < 5
    found = calibrate(time, event, risk, days=365, seed=1, bootstraps=20)
    assert found.groups["n"].sum() == 227
    assert np.isfinite(found.measures["value"]).all()


def test_predictions_that_separate_the_dead_have_no_slope_and_no_curve() -> None:
    time, event = np.arange(1.0, 41), np.ones(40, dtype=bool)
    risk = np.linspace(0.9, 0.1, 40)
    smooth = smooth_calibration(time, event, risk, 20)
    found = calibration_measures(time, event, risk, days=20, smooth=smooth)
    assert np.isnan([found[name] for name in ("slope", "ici", "e50", "e90")]).all()
    assert np.isfinite([found["ratio"], found["intercept"]]).all()
    assert np.isnan(smooth(risk)).all()


def test_group_whose_follow_up_ends_before_the_day_has_no_observed_risk() -> None:
    time = np.array([10.0, 20, 30, 40, 100, 200, 300, 400])
    event = np.array([1, 1, 0, 0, 1, 0, 1, 1], dtype=bool)
    risk = np.repeat([0.2, 0.6], 4)
    table = calibration_groups(time, event, risk, days=150, cuts=[0, 0.5, 0.99, 1])
    assert table["observed"].isna().tolist() == [True, False, True]
    assert table["n"].tolist() == [4, 4, 0]


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        (np.full(227, 0.3), "the predicted risk is the same in all patients"),
        (np.linspace(-1, 1, 227), "value -1.0: a predicted risk is a probability"),
        (np.full(227, np.nan), "is a probability from 0 to 1"),
        (np.zeros(3), r"\(3,\) predictions for 227 patients"),
    ],
)
def test_predictions_that_are_no_risks_are_refused(risk: Floats, message: str) -> None:
    time, event, _ = predictions(STUDIES["lung"])
    with pytest.raises(InputError, match=message):
        calibrate(time, event, risk, days=365, seed=1)


def test_unknown_number_of_knots_is_refused() -> None:
    with pytest.raises(InputError, match="value 2: no such number of knots; choose from 3 to 7"):
        calibrate(*predictions(STUDIES["lung"]), days=365, seed=1, knots=2)
