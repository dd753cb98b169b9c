"""Cox's partial likelihood against lifelines' and statsmodels', with ties and censoring."""

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter
from statsmodels.duration.hazard_regression import PHReg

from histoniche.learning.hazards import centred_risk, cox_loss

PATIENTS = 120


def cohort(seed, *, moments=15, size=1.0):
    """Scores, times with many ties, and events of two thirds."""
    rng = np.random.default_rng(seed)
    scores = size * rng.normal(size=PATIENTS)
    times = rng.integers(1, moments + 1, PATIENTS).astype(float)
    return scores, times, rng.random(PATIENTS) < 2 / 3


def loss(scores, times, events, **settings):
    scores, times = (torch.as_tensor(one, dtype=torch.float64) for one in (scores, times))
    return cox_loss(scores, times, torch.as_tensor(events), **settings)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_the_partial_likelihood_of_statsmodels(ties, seed):
    scores, times, events = cohort(seed)
    model = PHReg(times, scores[:, None], status=events.astype(int), ties=ties)
    # Of one covariate, the score itself, with a coefficient of 1.
    expected = -model.loglike(np.array([1.0])) / events.sum()
    assert float(loss(scores, times, events, ties=ties)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_the_partial_likelihood_that_lifelines_reports(seed):
    scores, times, events = cohort(seed)
    # The order of the scores tells something of the times, so that there is a coefficient.
    scores = scores - 0.1 * times
    table = pd.DataFrame({"score": scores, "time": times, "event": events})
    fitted = CoxPHFitter().fit(table, "time", "event")
    expected = -fitted.log_likelihood_ / events.sum()
    at_fit = loss(float(fitted.params_["score"]) * scores, times, events)
    assert float(at_fit) == pytest.approx(expected, abs=1e-6)
    # Where lifelines is at its best no other factor of the scores is better.
    for factor in (0.9, 1.1):
        other = loss(factor * float(fitted.params_["score"]) * scores, times, events)
        assert float(other) > float(at_fit)


def test_without_ties_both_ways_are_one():
    scores, _, events = cohort(0)
    times = np.random.default_rng(1).permutation(PATIENTS).astype(float)
    both = [float(loss(scores, times, events, ties=ties)) for ties in ("efron", "breslow")]
    assert both[0] == pytest.approx(both[1], abs=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_gradient_is_that_of_finite_differences(ties):
    scores, times, events = (one[:25] for one in cohort(3, moments=5))
    scores = torch.tensor(scores, requires_grad=True)
    arguments = torch.tensor(times), torch.tensor(events)
    assert torch.autograd.gradcheck(lambda one: cox_loss(one, *arguments, ties=ties), (scores,))
    (gradient,) = torch.autograd.grad(cox_loss(scores, *arguments, ties=ties), scores)
    step = 1e-6
    for place in range(len(scores)):
        away = torch.zeros_like(scores)
        away[place] = step
        up, down = (cox_loss(scores + sign * away, *arguments, ties=ties) for sign in (1, -1))
        assert (up - down).item() / (2 * step) == pytest.approx(gradient[place].item(), abs=1e-8)
    # The same for all adds nothing: only differences of log hazards count.
    assert float(gradient.sum()) == pytest.approx(0, abs=1e-12)


def test_the_order_of_patients_and_a_shift_of_all_change_nothing():
    scores, times, events = cohort(4)
    order = np.random.default_rng(5).permutation(PATIENTS)
    expected = float(loss(scores, times, events))
    assert float(loss(scores[order], times[order], events[order])) == pytest.approx(expected)
    assert float(loss(scores + 7, times, events)) == pytest.approx(expected)


def test_by_hand():
    # Risk sets of 4 and of 2: of equal hazards the mean of log 4 and log 2.
    found = loss([0, 0, 0, 0], [1, 2, 3, 4], [True, False, True, False])
    assert float(found) == pytest.approx((np.log(4) + np.log(2)) / 2)
    # Two of three die together: Efron leaves the second 3 - 1/2 * 2 of them.
    tied = [0, 0, 0], [1, 1, 2], [True, True, False]
    assert float(loss(*tied)) == pytest.approx((np.log(3) + np.log(2)) / 2)
    assert float(loss(*tied, ties="breslow")) == pytest.approx(np.log(3))


def test_without_events_nothing_is_learned_but_everything_goes_on():
    scores = torch.randn(5, requires_grad=True)
    found = cox_loss(scores, torch.arange(5.0), torch.zeros(5, dtype=torch.bool))
    found.backward()
    assert found.item() == 0
    assert torch.equal(scores.grad, torch.zeros(5))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_large_log_hazards_neither_overflow_nor_vanish(ties):
    scores, times, events = cohort(6, size=1e4)
    single = torch.tensor(scores, dtype=torch.float32, requires_grad=True)
    found = cox_loss(single, torch.tensor(times), torch.tensor(events), ties=ties)
    found.backward()
    expected = loss(scores, times, events, ties=ties)
    assert found.item() == pytest.approx(float(expected), rel=1e-5)
    assert bool(single.grad.isfinite().all())


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="of shapes"):
        cox_loss(torch.zeros(3, 1), torch.zeros(3), torch.zeros(3, dtype=torch.bool))


def test_the_mean_training_patient_has_a_risk_of_one_half():
    risk = centred_risk(np.array([-900.0, -33, 1, 2, 3, 900]), 2.0)
    assert risk[3] == 0.5
    assert risk[2] + risk[4] == pytest.approx(1)
    assert risk[4] / (1 - risk[4]) == pytest.approx(np.e)
    assert (np.diff(risk) > 0).all()
    assert risk.min() >= 0
    assert risk.max() <= 1
