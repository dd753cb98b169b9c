"""Cox regressions of many scores at once against R and lifelines."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines import CoxPHFitter
from lifelines.datasets import load_gbsg2, load_lung

from histoniche.cox_scan import CONSTANT, SEPARATION, UNSETTLED, cox_scan


def test_lung_gives_the_numbers_of_r():
    # R 4.2.2, survival 3.5.3, lung without the patient whose ph.karno is missing:
    # summary(coxph(Surv(time, status) ~ scale(age), lung))$coefficients[c(1, 3, 4, 5)], and so on.
    expected = {
        "age": (0.1710791887225, 0.0838998216473, 2.0390888247851, 0.0414411633291),
        "sex": (-0.25694810005286, 0.08207489187148, -3.13065414030914, 0.00174417440134),
        "ph.karno": (-0.20277281519542, 0.07216733433475, -2.80975897287366, 0.00495786138874),
    }
    lung = load_lung().dropna(subset="ph.karno")
    died = (lung["status"] == lung["status"].max()).to_numpy()
    scores = lung[list(expected)].to_numpy(dtype=float).T
    found = cox_scan(scores, lung["time"].to_numpy(dtype=float), died)
    np.testing.assert_allclose(np.column_stack(found[:4]), list(expected.values()), rtol=1e-6)
    assert found.note.tolist() == [""] * 3


def test_gbsg2_gives_the_numbers_of_r():
    # R 4.2.2, survival 3.5.3, data(GBSG2, package = "TH.data"):
    # summary(coxph(Surv(time, cens) ~ scale(age), GBSG2, control = coxph.control(eps = 1e-13,
    #         toler.chol = 1e-14, iter.max = 50)))$coefficients[c(1, 3, 4, 5)], and so on.
    expected = {
        "age": (-0.0453878192363125, 0.0595769008979139, -0.761835855041963, 0.446157977863587),
        "pnodes": (0.320879030468438, 0.0369066859785158, 8.69433334261516, 3.48872059205243e-18),
        "progrec": (-0.560859379369575, 0.116528735966781, -4.8130564080731, 1.4863931210508e-06),
    }
    table = load_gbsg2()
    scores = table[list(expected)].to_numpy(dtype=float).T
    found = cox_scan(scores, table["time"].to_numpy(dtype=float), table["cens"].to_numpy() == 1)
    np.testing.assert_allclose(np.column_stack(found[:4]), list(expected.values()), rtol=1e-6)


@pytest.fixture
def tied():
    """Scores of several kinds, and times of which many are equal."""
    rng = np.random.default_rng(0)
    patients = 90
    scores = np.vstack(
        [
            rng.normal(size=(4, patients)),
            np.exp(2 * rng.normal(size=(2, patients))),
            rng.integers(0, 2, (2, patients)),
        ]
    )
    return scores, np.ceil(rng.exponential(12, patients)), rng.random(patients) < 0.7


def test_with_many_ties_each_row_is_what_lifelines_finds(tied):
    scores, time, event = tied
    found = cox_scan(scores, time, event)
    for row, score in enumerate(scores):
        table = pd.DataFrame({"score": scipy.stats.zscore(score, ddof=1), "t": time, "e": event})
        fitter = CoxPHFitter().fit(table, "t", "e", fit_options={"precision": 1e-12})
        assert found.log_hazard[row] == pytest.approx(fitter.params_["score"], abs=1e-5)
        assert found.error[row] == pytest.approx(fitter.standard_errors_["score"], abs=1e-5)
        assert found.p[row] == pytest.approx(fitter.summary.loc["score", "p"], abs=1e-5)


def test_order_of_patients_and_unit_of_the_score_do_not_matter(tied):
    scores, time, event = tied
    order = np.random.default_rng(1).permutation(len(time))
    one, two = (
        cox_scan(scores, time, event),
        cox_scan(1000 * scores[:, order] + 7, time[order] / 365.25, event[order]),
    )
    np.testing.assert_allclose(one[:4], two[:4], atol=1e-8)


def test_a_score_without_a_finite_estimate_says_why(tied):
    scores, _, _ = tied
    patients = scores.shape[1]
    time, died = np.arange(1.0, patients + 1), np.ones(patients, bool)
    died[-1] = False
    last = np.arange(patients) == patients - 1
    rows = [np.ones(patients), -time, time, last, scores[0]]
    found = cox_scan(np.vstack(rows), time, died)
    assert found.note.tolist() == [CONSTANT, SEPARATION, SEPARATION, SEPARATION, ""]
    assert np.isnan(np.column_stack(found[:4])[:4]).all()
    assert np.isfinite(np.column_stack(found[:4])[4]).all()


def test_nothing_is_missing_without_a_note_nor_noted_without_being_missing():
    rng = np.random.default_rng(4)
    # Six patients: by chance alone many scores separate those who die first.
    scores = rng.integers(0, 3, (3000, 6)).astype(float)
    time, died = np.array([1.0, 2, 2, 3, 4, 5]), np.array([1, 1, 1, 0, 1, 0], bool)
    found = cox_scan(scores, time, died)
    for column in found[:4]:
        np.testing.assert_array_equal(np.isnan(column), found.note != "")
    highest = np.all([scores[:, k] == scores[:, time >= time[k]].max(1) for k in [0, 1, 2, 4]], 0)
    lowest = np.all([scores[:, k] == scores[:, time >= time[k]].min(1) for k in [0, 1, 2, 4]], 0)
    varies = np.ptp(scores, axis=1) > 0
    np.testing.assert_array_equal(found.note == SEPARATION, varies & (highest | lowest))
    assert 30 < (found.note == SEPARATION).sum() < 2000
    assert not (found.note == UNSETTLED).any()


def test_a_fit_that_runs_out_of_steps_says_so(tied, monkeypatch):
    monkeypatch.setattr("histoniche.cox_scan._STEPS", 1)
    found = cox_scan(*tied)
    assert found.note.tolist() == [UNSETTLED] * len(tied[0])
    assert np.isnan(found.z).all()


def test_a_hazard_of_the_planted_size_is_found_and_chance_is_uniform():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(1500, 200))
    time = rng.exponential(np.exp(-0.7 * scores[0]))
    found = cox_scan(scores, time, rng.random(200) < 0.8)
    assert found.log_hazard[0] == pytest.approx(0.7, abs=3 * found.error[0])
    assert found.z[0] > 5
    assert scipy.stats.kstest(found.p[1:], "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("scores", "event", "problem"),
    [
        (np.ones((1, 3)), [True] * 4, "do not match"),
        (np.array([[1, 2, np.nan, 4]]), [True] * 4, "finite"),
        (np.ones((1, 4)), [False] * 4, "nobody died"),
    ],
)
def test_what_cannot_be_regressed_is_refused(scores, event, problem):
    with pytest.raises(ValueError, match=problem):
        cox_scan(scores, np.arange(4.0), np.array(event))
