"""What survival times and events are taken, and what is said of the others."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.observations import observations


def test_numbers_booleans_and_missing_value_types_become_the_same_arrays() -> None:
    for events in ([1, 0, 1], [True, False, True], pd.Series([1, 0, 1], dtype="Int64")):
        times, died = observations(pd.Series([3, 0.5, 9], index=list("abc")), events)
        assert times.tolist() == [3, 0.5, 9]
        assert died.tolist() == [True, False, True]
        assert (times.dtype, died.dtype) == (np.float64, np.bool_)


@pytest.mark.parametrize(
    ("times", "events", "problem"),
    [
        ([1, 0], [1, 1], r"time_days, value 0: a time must be more than 0 \(patient 2 of 2\); "),
        ([-1.5, 2], [1, 1], r"value -1.5: .* \(patient 1 of 2\)"),
        ([1, np.inf], [1, 1], "value inf"),
        ([1, None], [1, 1], "column time_days"),
        ([1, "soon"], [1, 1], "value 'soon'"),
        ([1, 2], [1, 2], r"event, value 2: an event is 1 \(died\) or 0 \(last seen\)"),
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
