"""Groups of patients side by side."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2

from histoniche.cox_scan import SEPARATION
from histoniche.survival.comparison import compare_survival, hazard_ratio

# All R numbers of this file: R 4.2.2, survival 3.5.3, data lung and data(GBSG2, package =
# "TH.data").


def test_two_groups_equal_r(lung: pd.DataFrame) -> None:
    groups, curves = compare_survival(
        lung["time_days"], lung["event"], lung["sex"], order=("male", "female")
    )
    # summary(coxph(Surv(time, status) ~ factor(sex), lung)): exp(coef), lower .95, upper .95
    numbers = [0.5880028171605, 0.4237178292843, 0.8159848113368]
    found = groups.iloc[0]
    assert found[["hazard_ratio", "hazard_low", "hazard_high"]].tolist() == pytest.approx(numbers)
    # survdiff(Surv(time, status) ~ sex, lung)
    assert found[["statistic", "p"]].tolist() == pytest.approx([10.3267419549, 0.00131116452036])
    assert groups["expected"].tolist() == pytest.approx([91.5817390295728, 73.4182609704272])
    # summary(survfit(Surv(time, status) ~ sex, lung, conf.type = "log-log"))$table
    medians = groups[["median_days", "median_low", "median_high"]].to_numpy().tolist()
    assert medians == [[270, 210, 306], [426, 345, 524]]
    # quantile(survfit(Surv(time, status == 1) ~ 1, lung, conf.type = "log-log"), .5)
    assert found[["follow_up_days", "follow_up_low", "follow_up_high"]].tolist() == [588, 511, 821]
    assert found[["n_all", "events_all", "n", "events"]].tolist() == [228, 165, 138, 112]
    assert groups["group"].tolist() == curves["group"].unique().tolist() == ["male", "female"]
    assert groups["note"].tolist() == ["", ""]


def test_several_groups_weights_and_strata_are_said_and_have_no_hazard_ratio() -> None:
    table = load_gbsg2()
    data = table["time"], table["cens"], table["tgrade"]
    groups, _ = compare_survival(*data, rho=1)
    # survdiff(Surv(time, cens) ~ tgrade, GBSG2, rho = 1)$chisq
    assert groups["statistic"].tolist() == pytest.approx([25.5843406283069] * 3)
    assert groups[["rho", "df"]].iloc[0].tolist() == [1, 2]
    assert groups["hazard_ratio"].isna().all()
    two = table["time"], table["cens"], table["horTh"]
    groups, _ = compare_survival(*two, strata=table["menostat"])
    assert groups["stratified"].all()
    assert groups["hazard_ratio"].isna().all()


def test_hazard_ratio_of_gbsg2_equals_r_at_another_level() -> None:
    # m <- coxph(Surv(time, cens) ~ I(pnodes > 3), GBSG2); exp(c(coef(m), confint(m, level = .8)))
    table = load_gbsg2()
    found = hazard_ratio(
        table["time"].to_numpy(float),
        table["cens"].to_numpy() == 1,
        table["pnodes"].to_numpy() > 3,
        confidence=0.8,
    )
    assert found[:3] == pytest.approx((2.5733830963722, 2.209751705688, 2.9968527883237), rel=1e-6)


def test_a_group_without_deaths_has_a_note_in_place_of_a_ratio() -> None:
    times, events = np.arange(1.0, 11), np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    groups, _ = compare_survival(times, events, ["a"] * 5 + ["b"] * 5)
    assert groups["note"].tolist() == [f"nobody died in b; hazard ratio: {SEPARATION}"] * 2
    assert groups["hazard_ratio"].isna().all()
    assert groups["p"].notna().all()
