"""Cut-points: found once by a rule, kept, and applied to others."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.cut_points import Cut, find_cut
from histoniche.survival.maximal_log_rank import maximal_log_rank

TIMES, EVENTS = np.arange(1.0, 11), np.array([1, 0] * 5)
SCORES = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5])


def test_each_rule_gives_its_cut_with_who_it_was_found_in() -> None:
    assert find_cut(SCORES, TIMES, EVENTS) == Cut(3.75, "median", 10, 5)
    quarter = find_cut(SCORES, TIMES, EVENTS, rule="quantile", quantile=0.25)
    assert quarter == Cut(float(np.quantile(SCORES, 0.25)), "quantile", 10, 5)
    assert find_cut(SCORES, TIMES, EVENTS, rule="value", value=4) == Cut(4, "value", 10, 5)
    searched = find_cut(SCORES, TIMES, EVENTS, rule="maximal", min_share=0.3)
    expected = maximal_log_rank(SCORES, TIMES, EVENTS, min_share=0.3).cut
    assert searched == Cut(expected, "maximal", 10, 5)


def test_a_searched_cut_of_lung_is_that_of_maxstat(lung: pd.DataFrame) -> None:
    # R, maxstat 0.7.25: maxstat.test(Surv(time, status) ~ age, lung, smethod = "LogRank",
    # pmethod = "Lau92")$estimate
    cut = find_cut(lung["age"], lung["time_days"], lung["event"], rule="maximal")
    assert cut == Cut(70, "maximal", 228, 165)


def test_a_cut_does_not_change_and_is_applied_to_others_as_it_is() -> None:
    cut = find_cut(SCORES, TIMES, EVENTS)
    assert cut.high([3.75, 3.76, -1, 100]).tolist() == [False, True, False, True]
    with pytest.raises(dataclasses.FrozenInstanceError):
        cut.value = 5  # type: ignore[misc]
    assert Cut(**dataclasses.asdict(cut)) == cut


def test_patients_at_the_cut_are_low() -> None:
    scores = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]
    cut = find_cut(scores, TIMES, EVENTS)
    assert (cut.value, int(cut.high(scores).sum())) == (0, 4)


@pytest.mark.parametrize(
    ("scores", "settings", "problem"),
    [
        ([0.0] * 10, {}, "0 of 10 patients are above the cut; choose a cut with 0.1"),
        ([0.0] * 10, {"rule": "maximal"}, "column score: the score does not vary"),
        (
            [*[0.0] * 9, 1],
            {"rule": "maximal", "min_share": 0.2},
            "no cut leaves 0.2 of the 10 patients on either side",
        ),
        (SCORES, {"rule": "value", "value": 9}, "0 of 10 patients are above"),
        (
            SCORES,
            {"rule": "value", "value": 1, "min_share": 0.3},
            "2 of 10 patients are at or below",
        ),
        (SCORES, {"rule": "value"}, "a cut by value without its value; give the value"),
        (SCORES, {"rule": "quantile"}, "give the quantile"),
        (SCORES, {"rule": "quantile", "quantile": 1.0}, "value 1.0: a quantile"),
        (SCORES, {"rule": "best"}, "choose among median, quantile, value, maximal"),
        (SCORES, {"rule": "maximal", "min_share": 0.5}, "value 0.5: a share of patients"),
        ([*SCORES[:9], np.nan], {}, r"score, value nan: patient 10 of 10 has no score"),
        (SCORES[:9], {}, "10 patients, 9 scores"),
    ],
)
def test_what_cannot_be_cut_is_an_error(
    scores: Any, settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        find_cut(scores, TIMES, EVENTS, **settings)


def test_times_are_checked_and_so_are_scores_of_others() -> None:
    with pytest.raises(InputError, match="column time_days, value 0"):
        find_cut(SCORES, [0, *TIMES[1:]], EVENTS)
    with pytest.raises(InputError, match="nobody died"):
        find_cut(SCORES, TIMES, EVENTS * 0)
    with pytest.raises(InputError, match="patient 2 of 2 has no score"):
        find_cut(SCORES, TIMES, EVENTS).high([1, np.nan])
