"""Harrell's C against lifelines', within strata, with its interval."""

import math
import tracemalloc

import numpy as np
import pytest
from lifelines.utils import concordance_index

from histoniche.errors import InputError
from histoniche.learning.concordance import (
    agreement,
    check_events,
    permutation_p,
    resampled_agreement,
)


def cohort(seed, count=80, effect=0.7):
    """Risks and times with ties, those of higher risk dying sooner, a third censored."""
    rng = np.random.default_rng(seed)
    risk = rng.integers(0, 12, count) / 4
    times = np.ceil(10 * rng.exponential(size=count) * np.exp(-effect * risk))
    return risk, times, rng.random(count) < 2 / 3


@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_lifelines(seed):
    risk, times, events = cohort(seed)
    assert agreement(risk, times, events) == pytest.approx(
        concordance_index(times, -risk, events), abs=1e-12
    )


def test_only_pairs_within_a_stratum_count():
    parts = [cohort(seed, count=30 + seed) for seed in range(3)]
    # Risks of one stratum are far above those of another, as networks of several folds may be.
    risk = np.concatenate([part[0] + 100 * number for number, part in enumerate(parts)])
    times, events = (np.concatenate([part[one] for part in parts]) for one in (1, 2))
    strata = np.repeat(["a", "b", "c"], [len(part[0]) for part in parts])
    pairs = [
        sum((other > time) | ((other == time) & ~died)).sum()
        for _, when, whether in parts
        for time, other, died in [(when[whether][:, None], when, whether)]
    ]
    each = [agreement(*part) for part in parts]
    found = agreement(risk, times, events, strata)
    assert found == pytest.approx(np.average(each, weights=pairs), abs=1e-12)
    assert found != pytest.approx(agreement(risk, times, events), abs=0.01)


def test_without_a_pair_it_is_not_known():
    nobody = [1.0, 2.0], [1.0, 1.0], [True, True]
    assert math.isnan(agreement(*nobody))
    both = resampled_agreement(*nobody, samples=10, confidence=0.95, seed=0)
    assert all(math.isnan(one) for one in both)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth = agreement(*cohort(1000, count=3000))
    covered = 0
    for seed in range(100):
        low, high = resampled_agreement(*cohort(seed), samples=200, confidence=0.9, seed=seed)
        assert low < high
        covered += low <= truth <= high
    # Of 100 intervals of 90 percent, all but 1 in 1000 times at least 80 do.
    assert 80 <= covered <= 99


def test_the_interval_is_the_quantile_of_resampled_patients():
    risk, times, events = cohort(3)
    rng = np.random.default_rng(4)
    drawn = rng.integers(0, len(risk), (2000, len(risk)))
    values = [agreement(risk[one], times[one], events[one]) for one in drawn]
    expected = np.quantile(values, [0.025, 0.975])
    found = resampled_agreement(risk, times, events, samples=4000, confidence=0.95, seed=5)
    assert found == pytest.approx(expected, abs=0.01)
    again = resampled_agreement(risk, times, events, samples=4000, confidence=0.95, seed=5)
    assert found == again


def test_the_permutation_p_is_that_of_exchanges_measured_one_by_one():
    parts = [cohort(seed, count=30 + seed, effect=0.15) for seed in range(2)]
    risk, times, events = (np.concatenate([part[one] for part in parts]) for one in range(3))
    strata = np.repeat([0, 1], [len(part[0]) for part in parts])
    rng = np.random.default_rng(7)
    value, reached = agreement(risk, times, events, strata), 1
    for _ in range(200):
        drawn = risk.copy()
        for stratum in (0, 1):
            drawn[strata == stratum] = rng.permutation(risk[strata == stratum])
        found = agreement(drawn, times, events, strata)
        reached += abs(found - 0.5) >= abs(value - 0.5) - 1e-12
    rng = np.random.default_rng(7)
    p = permutation_p(risk, times, events, strata, permutations=200, rng=rng)
    assert p == reached / 201
    assert 0.01 < p < 0.99
    assert math.isnan(permutation_p([1, 2], [1, 1], [True, True], permutations=5, rng=rng))


def test_ten_thousand_patients_need_no_table_of_all_their_pairs():
    risk, times, events = cohort(0, count=10_000)
    tracemalloc.start()
    try:
        value = agreement(risk, times, events)
        low, high = resampled_agreement(risk, times, events, samples=20, confidence=0.95, seed=0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value == pytest.approx(concordance_index(times, -risk, events), abs=1e-12)
    assert low < value < high
    # All pairs are 100 million: 800 MB for a number each.
    assert most < 200 * 2**20


@pytest.mark.parametrize(
    ("times", "events", "message"),
    [
        ([], [], "no patient among those for validation"),
        ([1, 2, 3], [True, False, False], "value 1: .* at least 2 events among those for valid"),
        ([1, float("nan"), 3], [True, True, True], "is no time"),
        ([1, -2, 3], [True, True, True], "value -2.0"),
        ([2, 2, 1], [True, True, False], "no two of those for validation can be compared"),
    ],
)
def test_patients_of_whom_nothing_can_be_learned_are_refused(times, events, message):
    with pytest.raises(InputError, match=message):
        check_events(times, events, whom="those for validation")


def test_patients_of_whom_one_is_known_to_have_lived_longer_are_enough():
    check_events([2, 2, 2], [True, True, False])
    check_events([2, 3], [True, True])
