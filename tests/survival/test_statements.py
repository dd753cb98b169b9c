"""What is said of an analysis."""

import math

import pandas as pd

from histoniche.survival.added_value import added_value
from histoniche.survival.balance import balance_table
from histoniche.survival.calibration import calibrate
from histoniche.survival.cohorts import cohorts_of_column, follow_up_table
from histoniche.survival.decision_curve import decision_curves
from histoniche.survival.follow_up import Size, size_of
from histoniche.survival.nested import Nested, compare_nested
from histoniche.survival.nomogram import make_nomogram
from histoniche.survival.observations import observations
from histoniche.survival.optimism import validate_model
from histoniche.survival.statements import (
    state_added_value,
    state_calibration,
    state_cohorts,
    state_decision_curves,
    state_model,
    state_nomogram,
    state_size,
)
from survival.clinical_data import STUDIES

LUNG = STUDIES["lung"]
OLD, NEW = LUNG.fit(LUNG.old), LUNG.fit(LUNG.new)
FOLLOW_UP = observations(LUNG.patients["time_days"], LUNG.patients["event"])
RISKS = [model.death_by(LUNG.patients, 365) for model in (OLD, NEW)]


def test_size_says_what_there_is() -> None:
    assert state_size(size_of(*FOLLOW_UP)).startswith(
        "n = 227 patients, 164 deaths, median follow-up 588 days (95 % interval "
    )
    assert state_size(Size(1200, 3, math.nan, math.nan, math.nan)).endswith(
        "1,200 patients, 3 deaths, median follow-up not reached (reverse Kaplan-Meier)"
    )
    assert "nobody censored" in state_size(Size(5, 5, math.nan, math.nan, math.nan))


def test_model_and_nomogram_name_their_terms() -> None:
    text = state_model(NEW, size_of(*FOLLOW_UP), name="clinical")
    assert "age (per years), sex (female against male), karno (per points)" in text
    assert "54.7 events a parameter; AIC 1,476.2." in text
    assert "overfitting" not in text
    few = LUNG._replace(patients=LUNG.patients.iloc[:35]).fit(LUNG.new)
    few_events = LUNG.patients.iloc[:35]
    size = size_of(*observations(few_events["time_days"], few_events["event"]))
    assert ("expect overfitting" in state_model(few, size, name="x")) == (few.events < 30)
    nomogram = make_nomogram(NEW, LUNG.patients, name="clinical", days=[365, 730])
    assert state_nomogram(nomogram).endswith("probability of being alive after 365 and 730 days.")


def test_calibration_says_what_is_left_after_correction() -> None:
    found = calibrate(*FOLLOW_UP, RISKS[1], days=365, seed=1, bootstraps=20)
    words = {"days": 365, "confidence": 0.9}
    text = state_calibration(found.measures, found.groups, **words)
    assert text.startswith(
        "Calibration at 365 days in n = 227 patients, 120 of whom had died by then: observed over "
        "predicted risk 1.00 ("
    )
    assert "slope 1.00 (" in text
    assert "intercept 0.00 (−0." in text
    assert (
        "(90 % percentile intervals of 20 bootstrap samples), integrated calibration index" in text
    )
    validation = validate_model(NEW, LUNG.patients, days=365, seed=1, bootstraps=10)
    more = state_calibration(found.measures, found.groups, **words, corrected=validation.indices)
    assert more.startswith(text)
    slope = validation.indices.set_index("index").loc["slope", "corrected"]
    assert f"by 10 bootstrap samples with the model refitted in each, the slope is {slope:.2f}" in (
        more
    )


def test_added_value_and_its_test_are_said() -> None:
    table = added_value(*FOLLOW_UP, *RISKS, days=365, cuts=[0.5, 0.65], seed=1, bootstraps=20)
    words = {"days": 365, "confidence": 0.95, "cuts": [0.5, 0.65]}
    text = state_added_value(table, **words, nested=compare_nested(OLD, NEW))
    assert "in n = 227 patients, 120 of whom had died by then (categories divided at 0.5" in text
    assert "NRI, categories: in total 0.192 (" in text
    assert "chi-square 4.98, 1 df, p = 0.0256; AIC −3.0." in text
    assert "corrected for optimism" not in text
    assert "with both models refitted, corrected" in state_added_value(
        table.assign(optimism=0.0), **words
    )
    sure = Nested(80.0, 1, 1e-9, 3.0, 5, 4)
    assert "p = 1.0e-09; AIC +3.0." in state_added_value(table, **words, nested=sure)


def test_decision_curves_say_where_a_model_is_of_use() -> None:
    table = decision_curves(
        *FOLLOW_UP, {"old": RISKS[0], "new": RISKS[1]}, days=365, seed=1, bootstraps=5
    )
    text = state_decision_curves(table, days=365, confidence=0.95)
    assert "old has more net benefit than treating all or none at " in text
    worse = table.assign(net_benefit=table["net_benefit"].where(table["model"] != "new", -1.0))
    assert "new has at no threshold more net benefit than treating all or none" in (
        state_decision_curves(worse, days=365, confidence=0.95)
    )


def test_cohorts_are_named_with_what_differs() -> None:
    older = LUNG.patients.sort_values("age")
    older["cohort"] = ["training"] * 120 + ["tuning"] * 107
    cohorts = cohorts_of_column(older, "cohort")

    def state(patients: pd.DataFrame, names: "pd.Series[str]") -> str:
        setting = {"declared": LUNG.declared, "names": ["age", "karno"], "seed": 1}
        return state_cohorts(
            balance_table(patients, names, **setting), follow_up_table(patients, names)
        )

    text = state(older, cohorts)
    assert text.startswith("Cohorts: training n = 120, ")
    assert "Of 3 variables tested they differ in age (Wilcoxon, p = " in text
    assert "Standardised differences above 0.1: age, karno." in text
    alone = cohorts[cohorts == "training"]
    assert state(older, alone).startswith("Cohort: training n = 120, ")
