"""Kaplan-Meier curves, quantiles, survival at times, numbers at risk and follow-up, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_gbsg2

from histoniche.errors import InputError
from histoniche.survival.curves import (
    at_risk,
    at_risk_table,
    curves_by_group,
    kaplan_meier,
    median_follow_up,
    round_times,
    survival_at,
    survival_quantiles,
)
from histoniche.survival.groups import survival_curve

# All R numbers of this file: R 4.2.2, survival 3.5.3, data lung and data(GBSG2, package =
# "TH.data").

# s <- survfit(Surv(time, status) ~ 1, lung, conf.type = ...); z <- summary(s, times = c(50, 365,
# 700)); rbind(z$surv, z$lower, z$upper, z$n.risk)
LUNG: dict[Any, list[list[float]]] = {
    "log-log": [
        [0.9517543859649, 0.9145762834366, 0.9729886963339, 217],
        [0.4092416244601, 0.3387142690883, 0.4783807676469, 65],
        [0.1423915056548, 0.08937380168801, 0.2073703101137, 16],
    ],
    "log": [
        [0.9517543859649, 0.92434233917, 0.9799793570171, 217],
        [0.4092416244601, 0.3447215817958, 0.4858376035473, 65],
        [0.1423915056548, 0.09377928072078, 0.2162027766348, 16],
    ],
}
# q <- quantile(s, c(.25, .5, .75)); rbind(q$quantile, q$lower, q$upper)
LUNG_QUANTILES: dict[Any, list[list[float]]] = {
    "log-log": [[170, 144, 194], [310, 284, 361], [550, 457, 643]],
    "log": [[170, 145, 197], [310, 285, 363], [550, 460, 654]],
}


@pytest.mark.parametrize("bands", ["log-log", "log"])
def test_lung_equals_r(lung: pd.DataFrame, bands: Any) -> None:
    curve = kaplan_meier(lung["time_days"], lung["event"], bands=bands)
    found = survival_at(curve, [50, 365, 700])
    numbers = found[["survival", "low", "high", "at_risk"]].to_numpy()
    np.testing.assert_allclose(numbers, LUNG[bands], rtol=1e-11)
    quantiles = survival_quantiles(curve, (0.25, 0.5, 0.75))
    assert quantiles[["time_days", "low", "high"]].to_numpy().tolist() == LUNG_QUANTILES[bands]
    assert found["events"].tolist() == [11, 121, 156]


@pytest.mark.parametrize(
    ("bands", "group", "at", "quantiles"),
    [
        # The same of Surv(time, cens) ~ horTh, GBSG2, conf.int = 0.9; times c(365, 1000, 2000)
        (
            "log-log",
            "no",
            [
                [0.8966193372356, 0.8694817635073, 0.9183803001473, 379],
                [0.6208762154748, 0.5792955150939, 0.6596103013786, 210],
                [0.4256056237866, 0.3742123669587, 0.4759697157132, 38],
            ],
            [[629, 554, 745], [1528, 1306, 1806]],
        ),
        (
            "log",
            "yes",
            [
                [0.9495842121636, 0.9265377378012, 0.9732039389245, 223],
                [0.7230081926494, 0.6755862366919, 0.7737588752516, 142],
                [0.5260751464646, 0.4613249890534, 0.5999134369366, 37],
            ],
            [[859, 729, 1140], [2018, 1975, np.nan]],
        ),
    ],
)
def test_gbsg2_equals_r(
    bands: Any, group: str, at: list[list[float]], quantiles: list[list[float]]
) -> None:
    table = load_gbsg2()
    curves = curves_by_group(
        table["time"], table["cens"], table["horTh"], confidence=0.9, bands=bands
    )
    assert curves["group"].unique().tolist() == ["no", "yes"]
    curve = curves[curves["group"] == group]
    found = survival_at(curve, [365, 1000, 2000])[["survival", "low", "high", "at_risk"]]
    np.testing.assert_allclose(found, at, rtol=1e-11)
    times = survival_quantiles(curve, (0.25, 0.5))[["time_days", "low", "high"]]
    np.testing.assert_array_equal(times, quantiles)


def test_follow_up_equals_r(lung: pd.DataFrame) -> None:
    # quantile(survfit(Surv(time, 1 - cens) ~ 1, GBSG2, conf.type = ...), .5), and of lung with
    # Surv(time, status == 1)
    table = load_gbsg2()
    assert median_follow_up(table["time"], table["cens"]) == (1645, 1560, 1714)
    assert median_follow_up(table["time"], table["cens"], bands="log") == (1645, 1570, 1717)
    assert median_follow_up(lung["time_days"], lung["event"]) == (588, 511, 821)
    assert median_follow_up(lung["time_days"], lung["event"], bands="log") == (588, 511, 1010)


def test_a_level_part_at_the_quantile_gives_its_middle_as_in_r() -> None:
    # s <- survfit(Surv(c(1, 2, 3, 4), c(1, 1, 1, 1)) ~ 1, conf.type = "log-log")
    # quantile(s, c(.25, .5, .75)): 1.5 2.5 3.5, lower 1 1 1, upper 3 NA NA
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1])
    found = survival_quantiles(curve, (0.25, 0.5, 0.75))
    assert found["time_days"].tolist() == [1.5, 2.5, 3.5]
    assert found["low"].tolist() == [1, 1, 1]
    assert found["high"].tolist() == pytest.approx([3, np.nan, np.nan], nan_ok=True)
    # The same of Surv(c(1, 2, 3, 4, 5), c(0, 1, 1, 0, 0)): 2.5 4 NA, lower 2 2 2
    found = survival_quantiles(kaplan_meier([1, 2, 3, 4, 5], [0, 1, 1, 0, 0]), (0.25, 0.5, 0.75))
    assert found["time_days"].tolist() == pytest.approx([2.5, 4, np.nan], nan_ok=True)
    assert found["low"].tolist() == [2, 2, 2]


def test_with_ties_and_censoring_the_steps_are_those_of_lifelines() -> None:
    rng = np.random.default_rng(0)
    times, events = np.ceil(rng.exponential(8, 120)), rng.random(120) < 0.6
    curve = kaplan_meier(times, events, confidence=0.8)
    fitter = KaplanMeierFitter(alpha=0.2).fit(times, events)
    alive = curve["survival"] > 0
    np.testing.assert_allclose(curve["survival"], fitter.survival_function_.iloc[:, 0], atol=1e-12)
    bounds = fitter.confidence_interval_.to_numpy()[alive]
    np.testing.assert_allclose(curve.loc[alive, ["low", "high"]], bounds, atol=1e-12)
    for ours, theirs in (("at_risk", "at_risk"), ("events", "observed"), ("censored", "censored")):
        assert curve[ours].tolist() == fitter.event_table[theirs].tolist()


def test_the_groups_of_the_workflow_have_the_same_steps(lung: pd.DataFrame) -> None:
    steps, median = survival_curve(lung, confidence=0.95)
    curve = kaplan_meier(lung["time_days"], lung["event"])
    pd.testing.assert_frame_equal(steps, curve, check_dtype=False, rtol=1e-12)
    assert list(median.values()) == survival_quantiles(curve).iloc[0, 1:].tolist()


def test_bounds_are_one_before_the_first_death_and_unknown_once_all_are_dead() -> None:
    for bands in ("log", "log-log"):
        curve = kaplan_meier([1, 2, 3, 3], [0, 1, 1, 1], bands=bands)
        assert curve["survival"].tolist() == pytest.approx([1, 1, 2 / 3, 0])
        assert curve[["low", "high"]].to_numpy()[:2].tolist() == [[1, 1], [1, 1]]
        assert curve[["low", "high"]].iloc[2].between(0, 1).all()
        assert curve[["low", "high"]].iloc[3].isna().all()


def test_survival_is_not_known_after_the_last_patient_was_seen() -> None:
    found = survival_at(kaplan_meier([5, 10], [1, 0]), [0, 5, 7, 10, 11])
    assert found["survival"].tolist() == pytest.approx([1, 0.5, 0.5, 0.5, np.nan], nan_ok=True)
    assert found["at_risk"].tolist() == [2, 2, 1, 1, 0]


def test_numbers_at_risk_add_up_at_every_round_time(lung: pd.DataFrame) -> None:
    curves = curves_by_group(lung["time_days"], lung["event"], lung["sex"])
    table = at_risk_table(curves, most=5)
    assert table["time_days"].unique().tolist() == [0, 250, 500, 750, 1000, 1250]
    sizes = table["group"].map({"male": 138, "female": 90})
    assert (table["at_risk"] + table["died"] + table["censored"] == sizes).all()
    male = lung[lung["sex"] == "male"]
    for row in table[table["group"] == "male"].itertuples():
        assert row.at_risk == (male["time_days"] >= row.time_days).sum()
        assert row.died == male.loc[male["time_days"] < row.time_days, "event"].sum()
    assert at_risk(curves[curves["group"] == "male"], [0, 1e6]) == [138, 0]


def test_patients_at_risk_are_counted_just_before_a_time() -> None:
    curve = pd.DataFrame({"time_days": [0.0, 10, 20], "at_risk": [5, 5, 2]})
    assert at_risk(curve, [0, 10, 11, 20, 21]) == [5, 5, 2, 2, 0]


@pytest.mark.parametrize(("longest", "last"), [(1022, 1200), (0.3, 0.4), (5, 5), (1000, 1000)])
def test_round_times_reach_over_the_longest(longest: float, last: float) -> None:
    times = round_times(longest, most=6)
    assert len(times) <= 8
    assert times[0] == 0
    assert times[-1] >= longest
    assert times[-2] < longest


def test_median_follow_up_is_unknown_when_everybody_died() -> None:
    assert np.isnan(median_follow_up([1, 2, 3], [1, 1, 1])).all()


def test_bands_of_chance_data_cover_the_true_survival() -> None:
    rng = np.random.default_rng(6)
    covered: dict[Any, list[bool]] = {"log-log": [], "log": []}
    for _ in range(250):
        time, end = rng.exponential(10, 60), rng.uniform(5, 40, 60)
        for bands, hits in covered.items():
            curve = kaplan_meier(np.minimum(time, end), time <= end, bands=bands)
            row = survival_at(curve, [7]).iloc[0]
            hits.append(row["low"] < np.exp(-0.7) < row["high"])
    for hits in covered.values():
        assert 0.91 < np.mean(hits) < 0.985


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"bands": "plain"}, "value 'plain': no such bands; choose among log-log, log"),
        ({"confidence": 95}, "value 95: a confidence level; give one between 0 and 1"),
    ],
)
def test_wrong_settings_are_errors(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        kaplan_meier([1, 2], [1, 0], **settings)


def test_wrong_input_is_an_error() -> None:
    with pytest.raises(InputError, match="column time_days, value 0: the time of patient 1 of"):
        kaplan_meier([0, 2], [1, 0])
    curve = kaplan_meier([1, 2], [1, 0])
    with pytest.raises(InputError, match="a share of deaths; give one between 0 and 1"):
        survival_quantiles(curve, (1.0,))
    with pytest.raises(InputError, match="times of survival"):
        survival_at(curve, [-1])
