"""Kaplan-Meier curves and log-rank tests."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from histoniche.survival.groups import compare_groups, survival_curve

# All R numbers of this file: R 4.2.2, survival 3.5.3, data lung.


def test_log_rank_and_medians_equal_r(lung: pd.DataFrame) -> None:
    groups, _ = compare_groups(lung, lung[["female", "karno", "age"]], cut=0.5, confidence=0.95)
    # survdiff(Surv(time, status) ~ g, data = lung), g: sex, ph.karno > 80, age > 63
    expected = {
        "female": (10.3267419549, 0.00131116452036, [138, 90]),
        "karno": (7.84413376181, 0.00509858834159, [124, 103]),
        "age": (1.88099912472, 0.170220634144, [117, 111]),
    }
    for region, (chi2, p, n) in expected.items():
        rows = groups[groups["region"] == region]
        assert rows["chi2"].tolist() == pytest.approx([chi2] * 2, rel=1e-9)
        assert rows["p"].tolist() == pytest.approx([p] * 2, rel=1e-9)
        assert rows["n"].tolist() == n
    # summary(survfit(Surv(time, status) ~ sex, data = lung, conf.type = "log-log"))$table
    medians = groups.loc[groups["region"] == "female", ["median_days", "median_low", "median_high"]]
    assert medians.to_numpy().tolist() == [[270, 210, 306], [426, 345, 524]]
    assert groups.loc[groups["region"] == "female", "events"].tolist() == [112, 53]
    # summary(coxph(Surv(time, status) ~ sex, data = lung))$conf.int, hazard ratio and bounds
    ratio = groups.loc[groups["region"] == "female", ["hazard_ratio", "hazard_low", "hazard_high"]]
    assert ratio.iloc[0].tolist() == pytest.approx([0.588002818564, 0.423717830354, 0.815984813171])
    q = multipletests(groups["p"][::2], method="fdr_bh")[1]
    np.testing.assert_allclose(groups["q"], np.repeat(q, 2))


def test_curve_equals_r(lung: pd.DataFrame) -> None:
    _, curves = compare_groups(lung, lung[["female"]], cut=0.5, confidence=0.95)
    # summary(survfit(Surv(time, status) ~ sex, data = lung, conf.type = "log-log"),
    #         times = c(100, 365, 700)) for sex = 1
    expected = {
        100: (0.8260869565217, 0.7518517229859, 0.879870543129),
        365: (0.3360878346394, 0.2527291433280, 0.421302168223),
        700: (0.0892846757337, 0.0427810611069, 0.156931884658),
    }
    curve = curves[curves["group"] == "low"].set_index("time_days")
    for time, numbers in expected.items():
        step = curve.loc[:time].iloc[-1]
        assert step[["survival", "low", "high"]].tolist() == pytest.approx(numbers, abs=1e-10)
    start = curve.iloc[0]
    assert curve.index[0] == 0
    assert start[["survival", "low", "high", "at_risk", "events"]].tolist() == [1, 1, 1, 138, 0]
    assert curve["events"].sum() == 112
    assert curve["censored"].sum() == 26


def test_patients_at_the_cut_are_low_and_those_without_area_are_out() -> None:
    patients = pd.DataFrame({"time_days": np.arange(7.0) + 1, "event": 1})
    areas = pd.DataFrame({"CT": [0, 0, 0, 0, 1, 2, np.nan]})
    groups, _ = compare_groups(patients, areas, cut=0.5, confidence=0.95)
    assert groups["cut"].tolist() == [0, 0]
    assert groups["cut_quantile"].tolist() == [0.5, 0.5]
    assert groups["n"].tolist() == [4, 2]


def test_median_that_is_not_reached_is_missing() -> None:
    patients = pd.DataFrame({"time_days": [1.0, 2, 3, 4], "event": [1, 0, 0, 0]})
    curve, median = survival_curve(patients, confidence=0.95)
    assert np.isnan(median["median_days"])
    assert curve["survival"].tolist() == pytest.approx([1, *[0.75] * 4])


def test_curve_that_reaches_zero_has_bounds() -> None:
    patients = pd.DataFrame({"time_days": [1.0, 2, 3], "event": 1})
    curve, _ = survival_curve(patients, confidence=0.95)
    assert curve["survival"].iloc[-1] == 0
    assert curve[["low", "high"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("area", "event", "note"),
    [
        ([3.0] * 6, 1, "all patients are on one side of the cut"),
        ([1, 2, 3, 4, 5, 6.0], 0, "nobody died"),
        ([1, 2, 3, 4, np.nan, np.nan], 1, "fewer than 5 patients"),
        ([np.nan] * 6, 1, "fewer than 5 patients"),
    ],
)
def test_no_test_says_why(area: list[float], event: int, note: str) -> None:
    patients = pd.DataFrame({"time_days": np.arange(6.0) + 1, "event": event})
    areas = pd.DataFrame({"CT": area, "IT": np.arange(6.0)})
    groups, _ = compare_groups(patients, areas, cut=0.5, confidence=0.95)
    rows = groups[groups["region"] == "CT"]
    assert rows["note"].tolist() == [note] * 2
    assert rows[["hazard_ratio", "chi2", "p", "q"]].isna().all(axis=None)
    assert rows["group"].tolist() == ["low", "high"]


def test_groups_that_survival_sets_apart_have_no_ratio_but_a_test() -> None:
    patients = pd.DataFrame({"time_days": np.arange(8.0) + 1, "event": 1})
    groups, _ = compare_groups(
        patients, pd.DataFrame({"CT": np.arange(8.0)}), cut=0.5, confidence=0.95
    )
    assert groups["hazard_ratio"].isna().all() and groups["p"].notna().all()
    assert groups["note"].str.startswith("hazard ratio: no finite estimate").all()


def test_shuffled_survival_gives_5_percent() -> None:
    rng = np.random.default_rng(5)
    patients = pd.DataFrame({"time_days": rng.exponential(400, 80), "event": rng.random(80) < 0.8})
    areas = pd.DataFrame(rng.random((80, 300)))
    groups, _ = compare_groups(patients.astype(float), areas, cut=0.5, confidence=0.95)
    p = groups["p"][::2]
    assert 0.025 < (p < 0.05).mean() < 0.08
    assert p.mean() == pytest.approx(0.5, abs=0.05)
