"""Cohorts, their follow-up, and the guard against fitting on the wrong one."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.cohorts import (
    COHORTS,
    check_fitted_on_training,
    cohorts_of_column,
    cohorts_of_split,
    follow_up_table,
    names_of,
)
from histoniche.survival.model_fitting import estimate_model

TURNS = ("training", "tuning", "external validation")
DECLARED = {"age": {"type": "numeric", "unit": "years"}}


@pytest.fixture
def patients(lung: pd.DataFrame) -> pd.DataFrame:
    """The lung cohort, its patients in three cohorts by turns."""
    turns = [TURNS[place % 3] for place in range(len(lung))]
    return lung.assign(cohort=turns)


def test_follow_up_of_each_cohort_is_that_of_its_patients(patients: pd.DataFrame) -> None:
    table = follow_up_table(patients, cohorts_of_column(patients, "cohort")).set_index("cohort")
    assert table.index.tolist() == list(TURNS)
    assert table["n"].sum() == 228
    assert table["events"].sum() == 165
    assert (table["follow_up_days"] > table["survival_days"]).all()
    whole = patients.assign(cohort="training")
    alone = follow_up_table(whole, cohorts_of_column(whole, "cohort")).iloc[0]
    # R: survfit(Surv(time, status) ~ 1, lung, conf.type = "log-log"): 310 (284, 361)
    assert alone[["survival_days", "survival_low", "survival_high"]].tolist() == [310, 284, 361]


def test_cohort_without_follow_up_is_refused(patients: pd.DataFrame) -> None:
    patients.loc[patients["cohort"] == "tuning", "time_days"] = np.nan
    with pytest.raises(InputError, match="value 'tuning': nobody in this cohort has follow-up"):
        follow_up_table(patients, cohorts_of_column(patients, "cohort"))


def test_roles_of_a_split_are_cohorts() -> None:
    split = pd.DataFrame(
        {"patient": list("abcde"), "role": ["test", "train", "apply", "validation", "train"]}
    )
    cohorts = cohorts_of_split(split)
    assert cohorts.to_dict() == {
        "b": "training", "e": "training", "d": "tuning", "a": "internal validation",
    }  # fmt: skip
    assert names_of(cohorts) == list(COHORTS[:3])
    twice = pd.DataFrame({"patient": ["a", "a"], "role": ["train", "test"]})
    with pytest.raises(InputError, match="value 'a': a patient is in one cohort only"):
        cohorts_of_split(twice)


def test_cohorts_of_a_column_are_checked() -> None:
    names = ["external validation: TCIA", "training", None, "external validation: A"]
    found = cohorts_of_column(pd.DataFrame({"cohort": names}), "cohort")
    assert names_of(found) == ["training", "external validation: A", "external validation: TCIA"]
    with pytest.raises(InputError, match="column set: no such column"):
        cohorts_of_column(pd.DataFrame({"cohort": names}), "set")
    with pytest.raises(InputError, match="value 'trainng': unknown cohort; choose among training"):
        cohorts_of_column(pd.DataFrame({"cohort": ["trainng"]}), "cohort")
    with pytest.raises(InputError, match="no patient is in the cohort training"):
        cohorts_of_column(pd.DataFrame({"cohort": ["tuning"]}), "cohort")


def test_model_fitted_on_another_cohort_is_refused(patients: pd.DataFrame) -> None:
    cohorts = cohorts_of_column(patients, "cohort")
    training = patients.loc[cohorts.index[cohorts == "training"]]
    model = estimate_model(training, covariates=["age"], declared=DECLARED)
    check_fitted_on_training(model.fitted_on(patients).index, cohorts, what="x")
    everyone = estimate_model(patients, covariates=["age"], declared=DECLARED).fitted_on(patients)
    message = "the clinical model was fitted on 152 of 228 patients outside the cohort training"
    with pytest.raises(InputError, match=message):
        check_fitted_on_training(everyone.index, cohorts, what="the clinical model")
    with pytest.raises(InputError, match=r"value 'Z': the cut .* 1 of 2 .* such as one in no coh"):
        check_fitted_on_training({"Z", training.index[0]}, cohorts, what="the cut")
    with pytest.raises(InputError, match="does not say whom it was fitted on"):
        check_fitted_on_training([], cohorts, what="the cut")
