"""One Cox model: its coefficients and tests, against R."""

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.estimation import Penalty
from histoniche.survival.model_fitting import estimate_model, fit_model
from survival.clinical_data import STUDIES

DECLARED = {
    "age": {"type": "numeric", "per": 10, "unit": "years"},
    "karno": {"type": "numeric", "per": 10},
    "ecog": {"type": "categorical", "reference": "1"},
    "sex": {"type": "categorical", "reference": "male"},
}
COVARIATES = ["age", "karno", "ecog", "sex"]
RECIDIVISM = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def fit(patients: pd.DataFrame, covariates: list[str] = COVARIATES, **more: Any) -> Any:
    settings = {"declared": DECLARED, **more}
    return fit_model(patients, covariates=covariates, **settings)


def check_tests(fitted: Any, numbers: dict[str, np.ndarray], key: str) -> None:
    row = fitted.tests.iloc[0]
    rows = fitted.coefficients[~fitted.coefficients["reference"]]
    for column, name in (("log_hazard", "coef"), ("error", "se"), ("p", "p")):
        assert rows[column].tolist() == pytest.approx(numbers[f"{key} {name}"], rel=1e-6)
    for test, name in (("likelihood_ratio", "log"), ("score", "sc")):
        found = row[[f"{test}_chi2", f"{test}_df", f"{test}_p"]].tolist()
        assert found == pytest.approx(numbers[f"{key} {name}test"], rel=1e-6)
    wald = row[["wald_chi2", "wald_df", "wald_p"]].tolist()
    assert wald == pytest.approx(numbers[f"{key} waldtest"], rel=1e-6)
    assert row["log_likelihood"] == pytest.approx(numbers[f"{key} loglik"][1], rel=1e-10)
    assert row["aic"] == pytest.approx(numbers[f"{key} aic"][0], rel=1e-10)
    concordance, error = numbers[f"{key} concordance"]
    assert row["concordance"] == pytest.approx(concordance, rel=1e-10)
    assert (row["high"] - row["low"]) / 2 / 1.959963985 == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize(
    ("key", "covariates", "strata"),
    [("full", COVARIATES, []), ("strata", ["age", "karno"], ["sex"])],
)
def test_model_equals_r(
    complete: pd.DataFrame,
    r_cox: dict[str, np.ndarray],
    key: str,
    covariates: list[str],
    strata: list[str],
) -> None:
    for transform in ("km", "rank", "identity"):
        fitted = fit(complete, covariates, strata=strata, transform=transform)
        check_tests(fitted, r_cox, key)
        terms = fitted.coefficients.drop_duplicates("covariate")
        whole = terms[["term_chi2", "term_df", "term_p"]].to_numpy().ravel()
        # R drops the strata too, in a last row.
        assert whole == pytest.approx(r_cox[f"{key} drop1"][: len(whole)], rel=1e-6)
        zph = np.append(
            terms[["ph_chi2", "ph_df", "ph_p"]].to_numpy(),
            fitted.tests[["ph_chi2", "ph_df", "ph_p"]].to_numpy(),
        )
        assert zph == pytest.approx(r_cox[f"{key} zph {transform}"], rel=1e-6)


def test_model_with_many_ties_equals_r(rossi: pd.DataFrame, r_cox: dict[str, np.ndarray]) -> None:
    declared = {name: {"type": "numeric"} for name in RECIDIVISM}
    for transform in ("km", "rank", "identity"):
        fitted = fit(rossi, RECIDIVISM, declared=declared, transform=transform)
        check_tests(fitted, r_cox, "rossi")
        zph = fitted.coefficients[["ph_chi2", "ph_df", "ph_p"]].to_numpy().ravel()
        assert zph == pytest.approx(r_cox[f"rossi zph {transform}"][:-3], rel=1e-6)


@pytest.mark.parametrize("name", list(STUDIES))
def test_coefficients_errors_and_likelihood_equal_r(name: str) -> None:
    study = STUDIES[name]
    fitted = fit_model(study.patients, covariates=study.new, declared=study.declared)
    table = fitted.coefficients[~fitted.coefficients["reference"]]
    np.testing.assert_allclose(table["log_hazard"], study.r("coefficient"), rtol=1e-8)
    np.testing.assert_allclose(table["error"], study.r("se"), rtol=1e-8)
    model = study.fit(study.new)
    np.testing.assert_allclose(model.coefficients, study.r("coefficient"), rtol=1e-8)
    found = [model.log_likelihood, model.null_log_likelihood, model.aic]
    np.testing.assert_allclose(found, study.r("model"), rtol=1e-11)
    assert fitted.model == model


def test_table_shows_every_level_with_its_patients_and_deaths(complete: pd.DataFrame) -> None:
    table = fit(complete).coefficients.set_index("term")
    assert table.index.tolist() == [
        *("age", "karno", "ecog: 1", "ecog: 0", "ecog: 2", "ecog: 3", "sex: male", "sex: female"),
    ]
    levels = complete.groupby("ecog")["event"].agg(["size", "sum"])
    for level, (size, died) in levels.iterrows():
        assert table.loc[f"ecog: {level}", ["n", "events"]].tolist() == [size, died]
    assert table.loc["ecog: 1", "hazard_ratio"] == 1 and table.loc["ecog: 1", "reference"]
    assert table.loc["ecog: 1", ["low", "high", "p"]].isna().all()
    assert table.loc["ecog: 2", "unit"] == "2 vs 1"
    assert table.loc["age", "unit"] == "per 10 years"
    assert table.loc["age", ["n", "events"]].tolist() == [226, 163]


def test_ridge_equals_r_and_claims_no_p(
    complete: pd.DataFrame, r_cox: dict[str, np.ndarray]
) -> None:
    # R: ridge(age, karno, theta = 0.1 * n, scale = TRUE)
    fitted = fit(complete, ["age", "karno"], penalty=Penalty(0.1))
    table, row = fitted.coefficients, fitted.tests.iloc[0]
    assert table["log_hazard"].tolist() == pytest.approx(r_cox["ridge coef"], rel=1e-6)
    assert row["parameters"] == pytest.approx(r_cox["ridge df"].sum(), rel=1e-5)
    assert row["log_likelihood"] == pytest.approx(r_cox["ridge loglik"][0], rel=1e-9)
    assert table[["low", "high", "p", "term_p", "ph_p"]].isna().all(axis=None)
    assert row[["likelihood_ratio_p", "wald_p", "score_p", "ph_p"]].isna().all()
    assert row["penalty"] == 0.1
    split = fit(complete, ["age", "karno"], penalty=Penalty(0.1), strata=["sex"])
    found = split.coefficients["log_hazard"].tolist()
    assert found == pytest.approx(r_cox["ridge strata coef"], rel=1e-6)


def test_elastic_net_equals_glmnet(complete: pd.DataFrame, r_cox: dict[str, np.ndarray]) -> None:
    complete["time_days"] += (np.arange(len(complete)) + 1) / 1000
    fitted = fit(complete, ["age", "karno"], penalty=Penalty(0.05, 0.5))
    found = fitted.coefficients["log_hazard"].tolist()
    assert found == pytest.approx(r_cox["net coef"], rel=1e-5)
    assert fitted.tests["ties"].tolist() == ["breslow"]
    strong = fit(complete, ["age", "karno"], penalty=Penalty(10.0, 1.0))
    assert strong.coefficients["log_hazard"].eq(0).all()
    assert strong.tests["parameters"].tolist() == [0.0]
    with pytest.raises(InputError, match="strata do not go together"):
        fit(complete, ["age"], penalty=Penalty(0.05, 0.5), strata=["sex"])


def test_model_without_estimate_says_why(complete: pd.DataFrame) -> None:
    complete["site"] = "one"
    complete["twin"] = 2 * complete["age"] + 1
    complete["fate"] = np.where(complete["event"] == 1, "died", "lives")
    declared = {
        **DECLARED,
        "site": {"type": "categorical"},
        "twin": {"type": "numeric"},
        "fate": {"type": "categorical"},
    }
    for covariates, note in (
        (["age", "site"], "site does not vary"),
        (["age", "twin"], "no estimate: collinear terms"),
        (["age", "fate"], "no finite estimate: separation or collinear terms"),
    ):
        fitted = fit(complete, covariates, declared=declared)
        assert fitted.model is None
        assert fitted.tests["note"].tolist() == [note]
        estimated = fitted.coefficients[~fitted.coefficients["reference"]]
        assert (estimated["note"] == note).all() and estimated["log_hazard"].isna().all()
    # A ridge has a maximum there too.
    assert fit(complete, ["age", "twin"], declared=declared, penalty=Penalty(0.1)).model
    few = complete.head(40).assign(event=(np.arange(40) < 4).astype(int))
    assert fit(few, ["age"]).tests["note"].tolist() == ["fewer than 5 events"]


def test_more_parameters_than_a_tenth_of_the_events_are_warned_of(complete: pd.DataFrame) -> None:
    few = complete[complete["ecog"] != "3"].head(45)
    fitted = fit(few)
    events = int(few["event"].sum())
    assert fitted.model is not None
    expected = f"5 parameters on {events} events: fewer than 10 each"
    assert fitted.tests["note"].tolist() == [expected]
    assert fit(few, ["age"]).tests["note"].tolist() == [""]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_days": 0.0}, r"column time_days, value 0\.0: .*patient L0 .*greater than 0"),
        ({"time_days": -3.0}, "greater than 0"),
        ({"event": 2}, r"column event, value 2: .*patient L0 is neither 0 nor 1"),
        ({"age": np.inf}, "column age.*patient L0 is no finite number"),
    ],
)
def test_wrong_follow_up_is_an_error(
    complete: pd.DataFrame, change: dict[str, Any], message: str
) -> None:
    for column, value in change.items():
        complete.loc["L0", column] = value
    with pytest.raises(InputError, match=message):
        fit(complete)


def test_unknown_covariate_and_twice_the_same_patient_are_errors(complete: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"column smoking: .*no such covariate"):
        fit(complete, ["age", "smoking"])
    with pytest.raises(InputError, match="stands there twice"):
        fit(pd.concat([complete, complete.head(1)]))


def test_p_of_a_term_without_effect_is_uniform() -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(100):
        patients = pd.DataFrame(
            {
                "time_days": rng.exponential(300, 80),
                "event": rng.random(80) < 0.7,
                "age": rng.normal(60, 10, 80),
                "ecog": rng.choice(["0", "1", "2"], 80),
            }
        ).astype({"event": int})
        fitted = fit(patients, ["age", "ecog"])
        terms = fitted.coefficients.drop_duplicates("covariate").set_index("covariate")
        found.append([terms.loc["ecog", "term_p"], terms.loc["ecog", "ph_p"]])
    for p in np.array(found).T:
        assert 0.01 < (p < 0.05).mean() < 0.12
        assert 0.4 < np.median(p) < 0.6


NUMERIC = {"type": "numeric"}
XY = {"x": NUMERIC, "y": NUMERIC, "site": {"type": "categorical"}}


def cohort(n: int = 60, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    event = (np.arange(n) % 3 > 0).astype(int)
    table = {"time_days": rng.exponential(300, n) + 1, "event": event, "x": rng.normal(size=n)}
    return pd.DataFrame({**table, **columns})


@pytest.mark.parametrize(
    ("patients", "names", "message"),
    [
        (cohort(y=3.0), ["x", "y"], "Cox model of x, y: y does not vary; leave out a covariate"),
        (cohort(site="one"), ["site"], "site does not vary"),
        (cohort(y=2 * cohort()["x"] + 1), ["x", "y"], "no estimate: collinear terms"),
        (cohort(y=-cohort()["time_days"]), ["y"], "no finite estimate: separation"),
        (cohort(y=cohort()["event"]), ["y"], "no finite estimate: separation"),
        (cohort(), ["age"], "column age: .*no such covariate; .*choose among x"),
        (cohort(age=1.0), ["age"], "column age: .*not declared; .* choose among x, y, site"),
        (cohort(), ["y"], "column y: .*no such covariate"),
        (cohort(), [], "a model needs a covariate"),
        (cohort(x="high"), ["x"], "column x, value 'high': .*patient 0 is no finite number"),
        (cohort(x=np.inf), ["x"], "no finite number"),
        (cohort(x=np.nan), ["x"], "fewer than 5 events"),
    ],
)
def test_model_that_has_no_estimate_is_refused(
    patients: pd.DataFrame, names: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        estimate_model(patients, covariates=names, declared=XY)


@pytest.mark.parametrize("how", [estimate_model, fit_model])
def test_few_events_a_parameter_are_warned_of(how: Any, caplog: pytest.LogCaptureFixture) -> None:
    patients = cohort(y=np.random.default_rng(2).random(60), site=list("abcde") * 12)
    with caplog.at_level(logging.WARNING):
        how(patients, covariates=["x"], declared=XY)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        how(patients, covariates=["x", "y", "site"], declared=XY)
    assert "x, y, site: 6 parameters on 40 events: fewer than 10 each" in caplog.text
