"""A fitted model, applied and kept, against R."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.cox_model import read_models, write_models
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


def model(patients: pd.DataFrame, covariates: list[str] = COVARIATES, **more: Any) -> Any:
    fitted = fit_model(patients, covariates=covariates, declared=DECLARED, **more).model
    assert fitted is not None
    return fitted


def test_linear_predictor_equals_r(complete: pd.DataFrame, r_cox: dict[str, np.ndarray]) -> None:
    found = model(complete).linear_predictor(complete.head(5))
    assert found.tolist() == pytest.approx(r_cox["full lp"], rel=1e-6)


@pytest.mark.parametrize("baseline", ["efron", "breslow"])
def test_survival_equals_r(
    complete: pd.DataFrame, r_cox: dict[str, np.ndarray], baseline: str
) -> None:
    found = model(complete, baseline=baseline).survival(complete.head(3), [100, 365, 800])
    by_day = found.to_numpy().T.ravel()
    assert by_day == pytest.approx(r_cox[f"full survival {baseline}"], rel=1e-7)


def test_survival_with_strata_equals_r(
    complete: pd.DataFrame, r_cox: dict[str, np.ndarray]
) -> None:
    stratified = model(complete, ["age", "karno"], strata=["sex"])
    found = stratified.survival(complete.head(3), [365])[365]
    assert found.tolist() == pytest.approx(r_cox["strata survival"], rel=1e-7)
    # Who has the lower survival has the higher risk, across strata too.
    order = stratified.risk_score(complete, 365).argsort()
    alive = stratified.survival(complete, [365])[365]
    assert alive.iloc[order].is_monotonic_decreasing


def test_higher_is_worse(complete: pd.DataFrame) -> None:
    fitted = model(complete, ["age", "karno"])
    risk, alive = fitted.risk_score(complete, 365), fitted.survival(complete, [365])[365]
    assert np.corrcoef(risk, alive)[0, 1] < -0.9
    frail = complete.head(1).assign(karno=40.0)
    strong = complete.head(1).assign(karno=100.0)
    assert fitted.linear_predictor(frail).iloc[0] > fitted.linear_predictor(strong).iloc[0]


def test_survival_starts_at_one_falls_and_ends_with_follow_up(complete: pd.DataFrame) -> None:
    last = complete["time_days"].max()
    alive = model(complete).survival(complete, [0, 100, 500, last, last + 1])
    assert (alive[0] == 1).all()
    assert (np.diff(alive.to_numpy()[:, :4], axis=1) <= 0).all()
    assert alive[last].notna().all() and alive[last + 1].isna().all()


def test_unknown_value_gives_no_prediction(complete: pd.DataFrame) -> None:
    fitted = model(complete)
    patients = complete.head(3).copy()
    patients.loc[patients.index[0], "ecog"] = None
    patients.loc[patients.index[1], "age"] = np.nan
    assert fitted.linear_predictor(patients).isna().tolist() == [True, True, False]
    assert fitted.survival(patients, [100])[100].isna().tolist() == [True, True, False]
    assert fitted.death_by(patients, 100).isna().tolist() == [True, True, False]


def test_new_patients_must_have_what_the_model_knows(complete: pd.DataFrame) -> None:
    fitted = model(complete)
    with pytest.raises(InputError, match="column karno: there is no such covariate"):
        fitted.linear_predictor(complete.drop(columns="karno"))
    strange = complete.head(2).assign(ecog="4")
    with pytest.raises(InputError, match=r"column ecog, value '4': .*patient L0.*with 1, 0, 2, 3"):
        fitted.linear_predictor(strange)
    with pytest.raises(InputError, match=r"value 'many': .*patient L0 is no finite number"):
        fitted.linear_predictor(complete.head(1).assign(age="many"))
    stratified = model(complete, ["age"], strata=["sex"])
    with pytest.raises(InputError, match="value 'none': the model knows no such stratum"):
        stratified.survival(complete.head(1).assign(sex="none"), [10])
    with pytest.raises(InputError, match="stratified by it"):
        stratified.survival(complete.drop(columns="sex"), [10])


def test_probability_of_dying_is_what_survival_leaves(complete: pd.DataFrame) -> None:
    for more in ({}, {"strata": ["sex"]}):
        fitted = model(complete, ["age", "karno"], **more)
        dying = fitted.death_by(complete, 365)
        np.testing.assert_allclose(dying, 1 - fitted.survival(complete, [365])[365])
        assert dying.between(0, 1).all()
        # It ranks as the risk score does, which is no probability.
        score = fitted.risk_score(complete, 365)
        assert dying.iloc[score.argsort()].is_monotonic_increasing
        assert not score.between(0, 1).all()
    plain = model(complete, ["age", "karno"])
    expected = plain.baseline_survival(365) ** np.exp(plain.linear_predictor(complete))
    np.testing.assert_allclose(plain.survival(complete, [365])[365], expected)
    alone = plain.death_by(complete.iloc[[4]], 200)
    assert alone.item() == plain.death_by(complete, 200).iloc[4]


def test_planted_hazard_is_found() -> None:
    rng = np.random.default_rng(3)
    patients = pd.DataFrame({"x": rng.normal(size=2000)})
    patients["time_days"] = rng.exponential(400 / np.exp(0.7 * patients["x"]))
    patients["event"] = 1
    fitted = estimate_model(patients, covariates=["x"], declared={"x": {"type": "numeric"}})
    assert fitted.coefficients[0] == pytest.approx(0.7, abs=0.08)
    truth = 1 - np.exp(-300 / 400 * np.exp(0.7 * patients["x"]))
    assert np.abs(fitted.death_by(patients, 300) - truth).max() < 0.05


@pytest.mark.parametrize("name", list(STUDIES))
@pytest.mark.parametrize("day", [1e5, 0, -1])
def test_probability_beyond_follow_up_is_not_made_up(name: str, day: float) -> None:
    study = STUDIES[name]
    fitted = study.fit(study.new)
    assert fitted.longest == study.patients["time_days"].max()
    with pytest.raises(InputError, match="longest follow-up; choose an earlier day"):
        fitted.death_by(study.patients, day)
    with pytest.raises(InputError, match="longest follow-up; choose an earlier day"):
        fitted.baseline_survival(day)


def test_patients_fitted_on_are_found_among_others_and_missed(complete: pd.DataFrame) -> None:
    fitted = model(complete.iloc[:150])
    assert fitted.fitted_on(complete).equals(complete.iloc[:150])
    with pytest.raises(InputError, match=r"100 of the 150 patients .* fitted on are there"):
        fitted.fitted_on(complete.iloc[50:])


def test_models_come_back_from_their_file_as_they_were(
    complete: pd.DataFrame, tmp_path: Path
) -> None:
    declared = {**DECLARED, "age": {"type": "numeric", "per": "sd", "knots": 4}}
    models = {
        "plain": model(complete),
        "stratified": model(complete, ["age", "ecog"], strata=["sex"]),
        "ridge": model(complete, penalty=Penalty(0.1)),
        "bent": fit_model(complete, covariates=["age"], declared=declared).model,
    }
    write_models(models, tmp_path / "models.json")
    back = read_models(tmp_path / "models.json")
    assert back == models
    for name, fitted in models.items():
        before = fitted.survival(complete, [50, 200])
        pd.testing.assert_frame_equal(back[name].survival(complete, [50, 200]), before)
    with pytest.raises(dataclasses.FrozenInstanceError):
        back["plain"].n = 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content["models"]["plain"]["coefficients"].pop(),
        lambda content: content["models"]["plain"].pop("centre"),
        lambda content: content["models"]["plain"]["baselines"].clear(),
        lambda content: content.update(version=99),
        lambda content: content.pop("models"),
    ],
)
def test_file_that_is_no_model_is_an_error(
    complete: pd.DataFrame, tmp_path: Path, spoil: Any
) -> None:
    path = tmp_path / "models.json"
    write_models({"plain": model(complete)}, path)
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"models\.json.*no Cox models"):
        read_models(path)


def test_model_of_one_cohort_does_not_change_with_another(complete: pd.DataFrame) -> None:
    training, other = complete.iloc[:150], complete.iloc[150:]
    fitted = model(training)
    together = fitted.linear_predictor(pd.concat([training, other])).loc[other.index]
    alone = fitted.linear_predictor(other.iloc[:5])
    assert alone.tolist() == together.iloc[:5].tolist()
