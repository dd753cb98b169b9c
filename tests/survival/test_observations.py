"""What survival times and events are taken, and what is said of the others."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.observations import (
    check_observations,
    complete_patients,
    observations,
)


def test_numbers_booleans_and_missing_value_types_become_the_same_arrays() -> None:
    for events in ([1, 0, 1], [True, False, True], pd.Series([1, 0, 1], dtype="Int64")):
        times, died = observations(pd.Series([3, 0.5, 9], index=list("abc")), events)
        assert times.tolist() == [3, 0.5, 9]
        assert died.tolist() == [True, False, True]
        assert (times.dtype, died.dtype) == (np.float64, np.bool_)


@pytest.mark.parametrize(
    ("times", "events", "problem"),
    [
        (
            [1, 0],
            [1, 1],
            "time_days, value 0: the time of patient 2 of 2 is not greater than 0; ",
        ),
        ([-1.5, 2], [1, 1], r"value -1.5: .* patient 1 of 2 "),
        ([1, np.inf], [1, 1], "value inf"),
        ([1, None], [1, 1], "column time_days"),
        ([1, "soon"], [1, 1], "value 'soon'"),
        (
            [1, 2],
            [1, 2],
            "event, value 2: the event of patient 2 of 2 is neither 0 nor 1",
        ),
        ([1, 2], pd.Series([1, None], dtype="Int64"), "column event"),
        ([1, 2], [0, 0], "nobody died among 2 patients"),
        ([1], [1], "only 1 patient, 2 are needed"),
        ([1, 2], [1], "2 times and 1 events"),
    ],
)
def test_wrong_times_and_events_are_errors_that_name_the_patient(
    times: list[object], events: list[object], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        observations(times, events)


def test_one_patient_or_no_death_can_be_allowed() -> None:
    assert observations([2], [0], fewest=1, deaths=False)[0].tolist() == [2]


def table(**columns: list[object]) -> pd.DataFrame:
    plain = {"time_days": [3.0, 5.0, 9.0], "event": [1, 0, 1], "age": [60.0, 50.0, 40.0]}
    return pd.DataFrame({**plain, **columns}, index=["A", "B", "C"])


@pytest.mark.parametrize(
    ("patients", "problem"),
    [
        (table(time_days=[3, 0, 9]), "time_days, value 0: the time of patient B is not greater"),
        (table(time_days=[3, 5, -4.0]), r"value -4\.0: .* patient C "),
        (table(time_days=[3, "soon", 9]), "value 'soon': the time of patient B"),
        (table(event=[1, 2, 0]), "event, value 2: the event of patient B is neither 0 nor 1"),
        (table(event=["x", 0, 1]), "value 'x': the event of patient A"),
        (table().drop(columns="event"), "column event: there is no such column"),
        (pd.concat([table(), table()]), "value 'A': the patient stands there twice"),
    ],
)
def test_wrong_follow_up_in_a_table_is_an_error_that_names_the_patient(
    patients: pd.DataFrame, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        check_observations(patients)
    with pytest.raises(InputError, match=problem):
        complete_patients(patients, [])


def test_missing_column_is_named_and_incomplete_patients_are_left_out() -> None:
    patients = table(time_days=[1.0, 2, np.nan], age=[1, None, 3])
    assert complete_patients(patients, ["age"]).index.tolist() == ["A"]
    assert complete_patients(patients, []).index.tolist() == ["A", "B"]
    with pytest.raises(InputError, match=r"column grade: .*no such covariate; .* among age"):
        complete_patients(patients, ["grade"])
