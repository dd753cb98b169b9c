"""Cox's partial likelihood: its derivatives, and the hazards it is made of."""

import numpy as np
import pytest

from histoniche.survival.partial_likelihood import (
    RiskSets,
    baselines,
    derivatives,
    expected_deaths,
    information,
    log_likelihood,
)

N = 60


@pytest.fixture
def follow_up() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times with many ties, events, three terms and three strata, nobody of one dead."""
    rng = np.random.default_rng(0)
    strata = rng.integers(0, 3, N)
    events = (rng.random(N) < 0.7) & (strata != 1)
    return rng.integers(1, 12, N).astype(float), events, rng.normal(size=(N, 3)), strata


def test_likelihood_is_that_of_efron_counted_by_hand(
    follow_up: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    times, events, design, strata = follow_up
    predictor = design @ np.array([0.5, -1.0, 2.0])
    expected = 0.0
    for stratum in range(3):
        for moment in np.unique(times):
            dying = (strata == stratum) & (times == moment) & events
            at_risk = np.exp(predictor[(strata == stratum) & (times >= moment)]).sum()
            for gone, place in enumerate(np.flatnonzero(dying)):
                lost = gone / dying.sum() * np.exp(predictor[dying]).sum()
                expected += predictor[place] - np.log(at_risk - lost)
    sets = RiskSets(times, events, strata)
    assert log_likelihood(sets, predictor[sets.order]) == pytest.approx(expected, rel=1e-12)


def test_derivatives_are_those_of_the_likelihood(
    follow_up: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    times, events, design, strata = follow_up
    sets, beta, step = RiskSets(times, events, strata), np.array([0.5, -0.2, 0.1]), 1e-5
    terms = np.ascontiguousarray(design[sets.order].T)
    found = derivatives(sets, terms, beta)
    assert found.value == pytest.approx(log_likelihood(sets, beta @ terms))
    for place, away in enumerate(np.eye(3) * step):
        up, down = (derivatives(sets, terms, beta + sign * away) for sign in (1, -1))
        assert found.score[place] == pytest.approx((up.value - down.value) / 2 / step, abs=1e-6)
        curve = (down.score - up.score) / 2 / step
        np.testing.assert_allclose(found.information[place], curve, atol=1e-6)
    np.testing.assert_allclose(information(sets, design + 100, beta), found.information)
    weights = np.full(N, 3.0)
    np.testing.assert_allclose(information(sets, design, beta, weights), 3 * found.information)


def test_as_many_deaths_are_expected_as_seen_in_each_stratum(
    follow_up: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    times, events, design, strata = follow_up
    expected = expected_deaths(RiskSets(times, events, strata), design[:, 0])
    for stratum in range(3):
        mine = strata == stratum
        assert expected[mine].sum() == pytest.approx(events[mine].sum())
    assert (expected >= 0).all()


def test_baseline_hazard_of_tied_deaths_is_that_of_efron() -> None:
    # R: survfit(Surv(c(1, 1, 2), c(1, 1, 1)) ~ 1, type = "fh2")$cumhaz: 1/3 + 1/2, then 1 more
    sets = RiskSets(np.array([1.0, 1, 2]), np.array([True, True, True]))
    [efron] = baselines(sets, np.zeros(3))
    assert efron.times.tolist() == [1, 2]
    np.testing.assert_allclose(efron.hazard, [1 / 3 + 1 / 2, 1 / 3 + 1 / 2 + 1])
    assert efron.at(0.5) == 0
    assert efron.at(1) == efron.at(1.9) == efron.hazard[0]
    # The same with ctype = 1: 2/3, then 1 more.
    [breslow] = baselines(sets, np.zeros(3), efron=False)
    np.testing.assert_allclose(breslow.hazard, [2 / 3, 2 / 3 + 1])


def test_each_stratum_has_its_own_baseline_and_one_without_deaths_an_empty_one(
    follow_up: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    times, events, design, strata = follow_up
    predictor = design[:, 0]
    found = baselines(RiskSets(times, events, strata), predictor)
    assert len(found) == 3 and len(found[1].times) == 0
    for stratum in (0, 2):
        mine = strata == stratum
        [alone] = baselines(RiskSets(times[mine], events[mine]), predictor[mine])
        assert found[stratum].times.tolist() == alone.times.tolist()
        np.testing.assert_allclose(found[stratum].hazard, alone.hazard)
