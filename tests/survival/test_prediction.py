"""The Cox model that predicts, against R."""

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from histoniche.errors import InputError
from histoniche.survival.efron import NoMaximumError, baseline_hazard, maximise
from histoniche.survival.prediction import fit_model
from survival.clinical_data import STUDIES, Study


@pytest.fixture(params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]


def test_coefficients_errors_and_likelihood_equal_r(study: Study) -> None:
    model = study.fit(study.new)
    np.testing.assert_allclose(model.coefficients, study.r("coefficient"), rtol=1e-8)
    errors = np.sqrt(np.diag(model.covariance))
    np.testing.assert_allclose(errors, study.r("se"), rtol=1e-8)
    found = [model.log_likelihood, model.null_log_likelihood, model.aic]
    np.testing.assert_allclose(found, study.r("model"), rtol=1e-11)
    assert model.linear_predictor(study.patients).mean() == pytest.approx(0, abs=1e-10)


def test_ties_are_handled_as_lifelines_does() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=120), "y": rng.random(120) < 0.4})
    table["t"], table["e"] = rng.integers(1, 8, 120), rng.random(120) < 0.7
    options = {"precision": 1e-18, "r_precision": 0.0}
    fitter = CoxPHFitter().fit(table.astype(float), "t", "e", fit_options=options)
    design = table[["x", "y"]].to_numpy(float)
    found = maximise(table["t"].to_numpy(float), table["e"].to_numpy(), design)
    np.testing.assert_allclose(found.coefficients, fitter.params_, rtol=1e-7)
    assert found.log_likelihood == pytest.approx(fitter.log_likelihood_)


def test_baseline_hazard_of_tied_deaths_is_that_of_efron() -> None:
    # R: survfit(Surv(c(1, 1, 2), c(1, 1, 1)) ~ 1, type = "fh2")$cumhaz: 1/3 + 1/2, then 1 more
    time, event = np.array([1.0, 1, 2]), np.array([True, True, True])
    moments, hazard = baseline_hazard(time, event, np.zeros(3))
    assert moments.tolist() == [1, 2]
    np.testing.assert_allclose(hazard, [1 / 3 + 1 / 2, 1 / 3 + 1 / 2 + 1])


def cohort(n: int = 60, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    event = (np.arange(n) % 3 > 0).astype(int)
    table = {"time_days": rng.exponential(300, n) + 1, "event": event, "x": rng.normal(size=n)}
    return pd.DataFrame({**table, **columns})


NUMERIC = {"type": "numeric"}
DECLARED = {"x": NUMERIC, "y": NUMERIC, "site": {"type": "categorical"}}


@pytest.mark.parametrize(
    ("patients", "names", "message"),
    [
        (cohort(y=3.0), ["x", "y"], "column y, value 3.0: the covariate is the same in all"),
        (cohort(site="one"), ["site"], "value 'one': the covariate is the same in all"),
        (cohort(y=2 * cohort()["x"] + 1), ["x", "y"], "terms are collinear"),
        (cohort(y=-cohort()["time_days"]), ["y"], "no estimate: .* separates those who died"),
        (cohort(y=cohort()["event"]), ["y"], "separates those who died"),
        (cohort(), ["age"], "no such covariate is declared; .* choose among x, y, site"),
        (cohort(), ["y"], "column y: no such column"),
        (cohort(), [], "a model needs a covariate"),
        (cohort(x="high"), ["x"], "column x, value 'high': the covariate is not a finite number"),
        (cohort(x=np.inf), ["x"], "not a finite number"),
        (cohort(x=np.nan), ["x"], "survival needs two patients"),
    ],
)
def test_model_that_has_no_estimate_is_refused(
    patients: pd.DataFrame, names: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fit_model(patients, DECLARED, names)


def test_few_events_a_parameter_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    patients = cohort(y=np.random.default_rng(2).random(60), site=list("abcde") * 12)
    with caplog.at_level(logging.WARNING):
        fit_model(patients, DECLARED, ["x"])
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        fit_model(patients, DECLARED, ["x", "y", "site"])
    assert "6 parameters for 40 events, fewer than 10 events each" in caplog.text


def test_new_patients_are_read_by_the_levels_fitted_on() -> None:
    patients = cohort(site=list("abcd") * 15)
    model = fit_model(patients, DECLARED, ["x", "site"])
    alone = model.risk(patients.iloc[[4]], 200)
    np.testing.assert_allclose(alone, model.risk(patients, 200)[4])
    with pytest.raises(InputError, match="value 'z': the model was not fitted on this level"):
        model.risk(patients.assign(site="z"), 200)
    with pytest.raises(InputError, match="column x: the covariate is unknown"):
        model.risk(patients.assign(x=np.nan), 200)
    with pytest.raises(InputError, match="column site: the covariate is missing"):
        model.risk(patients.drop(columns="site"), 200)


def test_risk_beyond_follow_up_is_not_made_up(study: Study) -> None:
    with pytest.raises(InputError, match="longest follow-up; choose an earlier day"):
        study.fit(study.new).risk(study.patients, 1e5)


def test_planted_hazard_is_found() -> None:
    rng = np.random.default_rng(3)
    patients = pd.DataFrame({"x": rng.normal(size=2000)})
    patients["time_days"] = rng.exponential(400 / np.exp(0.7 * patients["x"]))
    patients["event"] = 1
    model = fit_model(patients, DECLARED, ["x"])
    assert model.coefficients[0] == pytest.approx(0.7, abs=0.08)
    truth = 1 - np.exp(-300 / 400 * np.exp(0.7 * patients["x"]))
    assert np.abs(model.risk(patients, 300) - truth).max() < 0.05


def test_constant_column_is_no_maximum() -> None:
    time, event = np.arange(1.0, 9), np.ones(8, dtype=bool)
    with pytest.raises(NoMaximumError, match="same in all"):
        maximise(time, event, np.ones((8, 1)))
