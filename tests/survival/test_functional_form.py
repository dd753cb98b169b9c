"""Functional form of a score, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.estimation import estimate
from histoniche.survival.functional_form import functional_form
from histoniche.survival.martingale import martingale_residuals

R = dict[str, np.ndarray]
DECLARED = {"sex": {"type": "categorical", "reference": "male"}}


def form(patients: pd.DataFrame, **more: Any) -> Any:
    settings = {"score": "age", "declared": DECLARED, "covariates": ["sex"], **more}
    return functional_form(patients, **settings)


def test_martingale_residuals_equal_r(
    rossi: pd.DataFrame, complete: pd.DataFrame, r_cox: R
) -> None:
    columns = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    times, events = rossi["time_days"].to_numpy(), rossi["event"].to_numpy() == 1
    design = rossi[columns].to_numpy()
    found = martingale_residuals(
        times, events, design, estimate(times, events, design).coefficients
    )
    assert found[:20] == pytest.approx(r_cox["rossi martingale"], rel=1e-6)
    assert found.sum() == pytest.approx(0, abs=1e-9)
    empty = martingale_residuals(times, events, design[:, :0], np.zeros(0))
    assert empty[:20] == pytest.approx(r_cox["rossi empty martingale"], rel=1e-9)
    times, events = complete["time_days"].to_numpy(), complete["event"].to_numpy() == 1
    design = complete[["age", "karno"]].to_numpy() / 10
    strata = (complete["sex"] == "female").to_numpy().astype(int)
    beta = estimate(times, events, design, strata=strata).coefficients
    found = martingale_residuals(times, events, design, beta, strata=strata)
    assert found[:20] == pytest.approx(r_cox["strata martingale"], rel=1e-6)


def test_spline_against_line_equals_r(complete: pd.DataFrame, r_cox: R) -> None:
    found = form(complete)
    row = found.test.iloc[0]
    assert row[["chi2", "p"]].tolist() == pytest.approx(r_cox["bent test"], rel=1e-6)
    assert row[["score_chi2", "score_p"]].tolist() == pytest.approx(r_cox["bent score"], rel=1e-6)
    aic = row[["linear_aic", "spline_aic"]].tolist()
    assert aic == pytest.approx(r_cox["bent aic"], rel=1e-9)
    assert row[["n", "events", "knots", "df", "score_df"]].tolist() == [226, 163, 4, 2, 3]
    ends = found.curve["spline"].iloc[[0, -1]].tolist()
    assert ends == pytest.approx(r_cox["bent curve"], rel=1e-6)
    error = (found.curve["high"].iloc[0] - found.curve["low"].iloc[0]) / 2 / 1.959963985
    assert error == pytest.approx(r_cox["bent error"][0], rel=1e-6)
    # lowess(age, residuals, f = 2/3, iter = 0) of R
    smooth = found.points.sort_values("value")["smooth"].to_numpy()
    assert smooth[[0, -1]] == pytest.approx(r_cox["lowess"], rel=1e-6)


def test_planted_bend_is_found_and_a_line_is_not_bent() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(size=600)
    found = {}
    for name, hazard in (("bent", score**2), ("straight", score)):
        died, lost = rng.exponential(np.exp(-hazard)), rng.exponential(2, 600)
        columns = {"time_days": np.minimum(died, lost), "event": (died <= lost).astype(int)}
        patients = pd.DataFrame({**columns, "age": score})
        found[name] = form(patients, covariates=[])
    assert found["bent"].test["p"].item() < 1e-6
    assert found["straight"].test["p"].item() > 0.05
    assert found["straight"].test["score_p"].item() < 1e-6
    curve = found["bent"].curve
    middle = curve.iloc[40:60]["spline"]
    assert curve["spline"].iloc[0] > middle.max() and curve["spline"].iloc[-1] > middle.max()
    smooth = found["straight"].points.sort_values("value")["smooth"]
    assert smooth.is_monotonic_increasing


def test_p_of_a_straight_effect_is_uniform() -> None:
    rng = np.random.default_rng(2)
    p = []
    for _ in range(150):
        score = rng.normal(size=120)
        times = rng.exponential(np.exp(-0.5 * score))
        patients = pd.DataFrame({"time_days": times, "event": 1, "age": score})
        p.append(form(patients, covariates=[], knots=3).test["p"].item())
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1 and 0.4 < np.median(p) < 0.6


def test_score_that_cannot_bend_has_a_note(complete: pd.DataFrame) -> None:
    found = form(complete.assign(age=complete["age"].gt(60).astype(float)))
    assert found.test["note"].tolist() == ["too few different values for a spline"]
    assert found.test["p"].isna().all() and found.curve.empty and len(found.points) == 226
    nobody = form(complete.assign(event=0))
    assert nobody.test["note"].tolist() == ["fewer than 5 events"] and nobody.points.empty
    with pytest.raises(InputError, match=r"column weight: .*no such covariate"):
        form(complete, score="weight")
