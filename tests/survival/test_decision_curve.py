"""Decision curves, against the published algorithm in R."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.decision_curve import ALL, NONE, decision_curves
from histoniche.survival.observations import observations
from survival.clinical_data import STUDIES, Study

# R's numbers and the calls that made them: r/clinical.R, r/clinical.tsv.


@pytest.fixture(params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> Study:
    return STUDIES[request.param]


def curves(study: Study, thresholds: list[float], bootstraps: int = 20) -> pd.DataFrame:
    patients, days = study.patients, study.days[0]
    risks = {
        name: study.fit(names).death_by(patients, days)
        for name, names in (("old", study.old), ("new", study.new))
    }
    follow_up = observations(patients["time_days"], patients["event"])
    setting = {"days": days, "seed": 1, "thresholds": thresholds, "bootstraps": bootstraps}
    return decision_curves(*follow_up, risks, **setting)


def test_net_benefit_equals_r(study: Study) -> None:
    thresholds = [float(key) for key in study.r("benefit:new").index]
    table = curves(study, thresholds).set_index("model")
    for model, what in {"old": "old", "new": "new", ALL: "all"}.items():
        expected = study.r(f"benefit:{what}")
        np.testing.assert_allclose(table.loc[model, "net_benefit"], expected, atol=1e-10)
    assert (table.loc[NONE, ["net_benefit", "low", "high"]] == 0).all(axis=None)


def test_bands_hold_the_curves_and_gains_are_differences(study: Study) -> None:
    table = curves(study, [0.2, 0.4, 0.6], bootstraps=100)
    inside = (table["low"] <= table["net_benefit"]) & (table["net_benefit"] <= table["high"])
    assert inside.all()
    by_model = table.set_index(["model", "threshold"])
    old, new = by_model.loc["old"], by_model.loc["new"]
    np.testing.assert_allclose(new["gain"], new["net_benefit"] - old["net_benefit"])
    assert old[["gain", "gain_low", "gain_high"]].isna().all(axis=None)
    # Paired samples: the gain is surer than either curve.
    assert ((new["gain_high"] - new["gain_low"]) < (new["high"] - new["low"])).all()
    assert (old["positive"].diff().dropna() <= 0).all()


def test_uncensored_net_benefit_is_counted() -> None:
    # Of ten patients six are treated at 0.5, of whom four die: 4/10 - 2/10 * 1.
    time = np.array([10.0] * 5 + [900.0] * 5)
    risk = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.9, 0.5, 0.2, 0.2, 0.2])
    table = decision_curves(
        time, np.ones(10), {"x": risk}, days=100, seed=1, thresholds=[0.5], bootstraps=5
    ).set_index("model")
    assert table.loc["x", "net_benefit"] == pytest.approx(0.2)
    assert table.loc[ALL, "net_benefit"] == pytest.approx(0.5 - 0.5)
    assert table.loc["x", "positive"] == 6
    assert table.loc["x", "events"] == 5


def test_perfect_risk_beats_all_and_noise_does_not() -> None:
    rng = np.random.default_rng(0)
    time = rng.exponential(300, 300)
    truth = np.where(time <= 200, 0.95, 0.05)
    risks = {"noise": rng.random(300), "perfect": truth}
    table = decision_curves(time, np.ones(300), risks, days=200, seed=1, bootstraps=50)
    wide = table.pivot(index="threshold", columns="model", values="net_benefit")
    best = np.maximum(wide[ALL], 0)
    inner = (wide.index > 0.1) & (wide.index < 0.9)
    assert (wide["perfect"] > best)[inner].all()
    assert (wide["noise"] <= best + 0.03).all()
    assert len(wide) == 99


@pytest.mark.parametrize("thresholds", [[], [0.0], [1.0], [0.5, 0.2], [0.2, 0.2]])
def test_thresholds_that_are_none_are_refused(thresholds: list[float]) -> None:
    with pytest.raises(InputError, match="thresholds are rising numbers between 0 and 1"):
        curves(STUDIES["lung"], thresholds)


@pytest.mark.parametrize("name", [ALL, NONE])
def test_model_needs_a_name_of_its_own(name: str) -> None:
    time, event = np.array([1.0, 2, 3]), np.array([1, 0, 1])
    risks = {name: np.array([0.1, 0.5, 0.9])}
    with pytest.raises(InputError, match="under a name of its own"):
        decision_curves(time, event, risks, days=2, seed=1)
    with pytest.raises(InputError, match="decision curves need models"):
        decision_curves(time, event, {}, days=2, seed=1)
