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
from histoniche.survival.model_fitting import fit_model

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
    order = stratified.risk(complete, 365).argsort()
    alive = stratified.survival(complete, [365])[365]
    assert alive.iloc[order].is_monotonic_decreasing


def test_higher_is_worse(complete: pd.DataFrame) -> None:
    fitted = model(complete, ["age", "karno"])
    risk, alive = fitted.risk(complete, 365), fitted.survival(complete, [365])[365]
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
