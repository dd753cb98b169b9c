"""Concordance, against R and scikit-survival."""

import numpy as np
import pandas as pd
import pytest
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw
from sksurv.util import Surv

from histoniche.survival.concordance import compare_concordance, concordance

R = dict[str, np.ndarray]


def arrays(patients: pd.DataFrame, *columns: str) -> list[np.ndarray]:
    times = patients["time_days"].to_numpy(dtype=float)
    events = patients["event"].to_numpy() == 1
    return [times, events, *(patients[column].to_numpy(dtype=float) for column in columns)]


@pytest.mark.parametrize("data", ["lung", "gbsg2"])
def test_concordance_and_its_error_equal_r(
    complete: pd.DataFrame, breast: pd.DataFrame, r_performance: R, data: str
) -> None:
    patients, columns = (
        (complete, ("age", "ecog")) if data == "lung" else (breast, ("pnodes", "grade"))
    )
    day = 365 if data == "lung" else 1000
    times, events, one, two = arrays(patients, *columns)
    for key, settings in (
        ("harrell", {}),
        ("uno", {"kind": "uno"}),
        ("cut", {"kind": "uno", "horizon": day}),
        ("strata", {"strata": two.astype(int)}),
    ):
        found = concordance(times, events, one, **settings)
        expected = r_performance[f"{data} {key}"]
        assert [found.value, found.error] == pytest.approx(expected, rel=1e-9), key


@pytest.mark.parametrize("data", ["lung", "gbsg2"])
def test_difference_equals_r(
    complete: pd.DataFrame, breast: pd.DataFrame, r_performance: R, data: str
) -> None:
    patients, columns = (
        (complete, ("age", "ecog")) if data == "lung" else (breast, ("pnodes", "grade"))
    )
    times, events, one, two = arrays(patients, *columns)
    first, second = r_performance[f"{data} coef"]
    found = compare_concordance(
        concordance(times, events, one),
        concordance(times, events, first * one + second * two),
        confidence=0.95,
    )
    value, error = r_performance[f"{data} difference"]
    assert found.value == pytest.approx(value, rel=1e-6)
    assert (found.high - found.low) / 2 / 1.959963985 == pytest.approx(error, rel=1e-6)


def test_concordance_equals_scikit_survival_with_ties() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(1, 40, 200).astype(float)
    events, risk = rng.random(200) < 0.6, rng.integers(0, 8, 200).astype(float)
    expected = concordance_index_censored(events, times, risk)[0]
    assert concordance(times, events, risk).value == pytest.approx(expected, rel=1e-12)
    untied = times + rng.random(200) / 10
    outcome = Surv.from_arrays(events, untied)
    expected = concordance_index_ipcw(outcome, outcome, risk, tau=30)[0]
    found = concordance(untied, events, risk, kind="uno", horizon=30)
    assert found.value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", ["harrell", "uno"])
def test_perfect_reversed_and_random_risk(kind: str) -> None:
    rng = np.random.default_rng(1)
    times = rng.permutation(300) + 1.0
    events = rng.random(300) < 0.7
    assert concordance(times, events, -times, kind=kind).value == 1
    assert concordance(times, events, times, kind=kind).value == 0
    assert concordance(times, events, np.ones(300), kind=kind).value == 0.5
    random = concordance(times, events, rng.random(300), kind=kind)
    low, high = random.interval(0.99)
    assert low < 0.5 < high


def test_interval_of_a_random_risk_holds_one_half_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    inside = {"harrell": 0, "uno": 0}
    for _ in range(300):
        times, events = rng.exponential(1, 80), rng.random(80) < 0.7
        for kind in inside:
            low, high = concordance(times, events, rng.random(80), kind=kind).interval(0.9)
            inside[kind] += low < 0.5 < high
    assert all(0.84 < count / 300 < 0.95 for count in inside.values())


def test_p_of_two_equally_good_risks_is_uniform() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        frailty = rng.normal(size=80)
        times, events = rng.exponential(np.exp(-frailty)), rng.random(80) < 0.8
        one, two = frailty + rng.normal(size=(2, 80))
        pair = concordance(times, events, one), concordance(times, events, two)
        found.append(compare_concordance(*pair, confidence=0.95).p)
    p = np.array(found)
    assert 0.02 < (p < 0.05).mean() < 0.09 and 0.42 < np.median(p) < 0.58


def test_better_risk_is_found() -> None:
    rng = np.random.default_rng(4)
    frailty = rng.normal(size=300)
    times, events = rng.exponential(np.exp(-frailty)), np.ones(300, dtype=bool)
    good = concordance(times, events, frailty)
    bad = concordance(times, events, rng.normal(size=300))
    found = compare_concordance(good, bad, confidence=0.95)
    assert found.value > 0.1 and found.low > 0 and found.p < 1e-4
    same = compare_concordance(good, good, confidence=0.95)
    assert same.value == 0 and same.p == 1


def test_nothing_to_compare_is_nan() -> None:
    times = np.array([1.0, 2.0, 3.0])
    alive = np.zeros(3, dtype=bool)
    assert np.isnan(concordance(times, alive, times).value)
    assert np.isnan(concordance(times[:1], ~alive[:1], times[:1]).value)
    with pytest.raises(ValueError, match="different patients: 3 and 1"):
        compare_concordance(
            concordance(times, alive, times),
            concordance(times[:1], alive[:1], times[:1]),
            confidence=0.95,
        )
