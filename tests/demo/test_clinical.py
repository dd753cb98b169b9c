import numpy as np
import pytest
from lifelines import CoxPHFitter

from histoniche.demo.clinical import HAZARD_RATIO_PER_SD, describe_hazard, draw_patients
from histoniche.demo.design import HAZARD_REGION, REGIONS, draw_design
from histoniche.randomness import generator


def draw(count, seed):
    """Design and sheet of `count` patients whose areas are as designed."""
    design = draw_design([f"P{number:04d}" for number in range(count)], seed=seed)
    return design, draw_patients(design, design.areas, generator(seed, "patients"))


def cox(sheet, area):
    """Univariable Cox: hazard ratio per SD of the area, and p."""
    table = sheet[["time", "event"]].assign(area=((area - area.mean()) / area.std()).to_numpy())
    row = CoxPHFitter().fit(table, "time", "event").summary.loc["area"]
    return row["exp(coef)"], row["p"]


@pytest.mark.parametrize("seed", [0, 7, 21])
def test_only_the_planted_region_shortens_survival(seed):
    design, sheet = draw(40, seed)
    ratio, p = cox(sheet, design.areas[HAZARD_REGION])
    assert ratio > 1.6
    assert p < 0.01
    for region in describe_hazard()["unplanted"]:
        assert cox(sheet, design.areas[region])[1] > 0.05


def test_hazards_are_the_planted_ones_in_a_large_cohort():
    design, sheet = draw(3000, 1)
    table = sheet[["time", "event"]].assign(decades=(sheet["age"] - 61) / 10)
    area = design.areas[HAZARD_REGION]
    table["area"] = ((area - area.mean()) / area.std()).to_numpy()
    ratios = CoxPHFitter().fit(table, "time", "event").summary["exp(coef)"]
    assert ratios["area"] == pytest.approx(HAZARD_RATIO_PER_SD, rel=0.1)
    assert ratios["decades"] == pytest.approx(1.3, rel=0.1)


def test_sheet_is_realistic():
    design, sheet = draw(40, 7)
    assert list(sheet.columns) == ["patient", "time", "event", "age", "sex", "mgmt"]
    assert (sheet["time"] >= 1).all()
    assert 0.7 < sheet["event"].mean() < 0.95
    assert 300 < sheet["time"].median() < 560
    assert sheet["age"].between(24, 88).all()
    assert set(sheet["sex"]) == {"F", "M"}
    assert set(sheet["mgmt"]) == {"methylated", "unmethylated"}
    assert np.array_equal(sheet["age"], design.age)


def test_truth_names_the_hazard_region_and_all_others():
    truth = describe_hazard()
    assert truth["region"] == "CTmvp"
    assert sorted([truth["region"], *truth["unplanted"]]) == sorted(REGIONS)
