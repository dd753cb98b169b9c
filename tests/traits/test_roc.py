import numpy as np
import pytest
import scipy.stats
from sklearn import metrics

from histoniche.traits.roc import (
    LEVELS,
    Curve,
    auroc,
    auroc_p,
    auroc_within,
    macro_auroc,
    mean_curve,
    roc_curve,
    score_counts,
)


def drawn(seed, n=300, levels=30, classes=3):
    """Truth, and scores with many ties that know something of it."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    scores = rng.random((n, classes)) + 0.5 * np.eye(classes)[truth]
    return truth, np.round(scores * levels) / levels, rng.integers(0, 20, n)


def counted(scores, positive, patient=None, patients=1):
    patient = np.zeros(len(scores), np.intp) if patient is None else patient
    return score_counts(np.asarray(scores), np.asarray(positive, bool), patient, patients=patients)


def test_the_area_by_hand_with_a_tie():
    # Positives 3 and 2, negatives 2 and 1: of four pairs three are right and one is a tie.
    found = counted([3, 2, 2, 1], [1, 1, 0, 0])
    assert auroc(found.counts.sum(0)) == 3.5 / 4


def test_the_area_is_sklearns_whoever_the_patients_are():
    truth, scores, patient = drawn(0)
    for number in range(3):
        found = counted(scores[:, number], truth == number, patient, 20)
        assert found.counts.sum() == 300
        oracle = metrics.roc_auc_score(truth == number, scores[:, number])
        assert auroc(found.counts.sum(0)) == pytest.approx(oracle, abs=1e-12)


def test_the_macro_area_is_sklearns_one_versus_rest():
    truth, scores, _ = drawn(1)
    scores /= scores.sum(1, keepdims=True)
    counts = [counted(scores[:, k], truth == k).counts.sum(0) for k in range(3)]
    widest = max(own.shape[1] for own in counts)
    stacked = np.stack([np.pad(own, ((0, 0), (0, widest - own.shape[1]))) for own in counts])
    oracle = metrics.roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert macro_auroc(auroc(stacked)) == pytest.approx(oracle, abs=1e-12)


def test_networks_are_not_compared_with_one_another():
    # The first tells its two apart, the second takes three for one another's.
    one = counted([0.9, 0.8], [1, 0]).counts.sum(0)
    two = counted([0.1, 0.2, 0.2], [1, 0, 1]).counts.sum(0)
    both = np.stack([two, np.pad(one, ((0, 0), (0, two.shape[1] - one.shape[1])))])
    assert auroc_within(both) == (1 + 0.5) / 3
    curves = [
        roc_curve(counted([0.9, 0.8], [1, 0])),
        roc_curve(counted([0.1, 0.2, 0.2], [1, 0, 1])),
    ]
    assert mean_curve(curves, weights=[1, 2]).area == pytest.approx(0.5)


def test_p_is_scipys_and_that_of_two_networks_adds_up():
    truth, scores, _ = drawn(5, n=60, levels=4, classes=2)
    positive, values = truth == 1, scores[:, 1]
    network = np.arange(60) % 2
    tests = [
        scipy.stats.mannwhitneyu(
            values[own & positive],
            values[own & ~positive],
            method="asymptotic",
            use_continuity=False,
        )
        for own in (network >= 0, network == 0, network == 1)
    ]
    whole = counted(values, positive).counts
    assert auroc_p(whole) == pytest.approx(tests[0].pvalue, rel=1e-9)
    levels = np.unique(values)
    each = np.zeros((2, 2, len(levels)))
    np.add.at(each, (network, truth, np.searchsorted(levels, values)), 1)
    pairs = each.sum(2).prod(1)
    # Both statistics are normal, with the spread that their own p tells.
    shifts = [test.statistic - some / 2 for test, some in zip(tests[1:], pairs, strict=True)]
    spreads = [
        abs(shift) / scipy.stats.norm.isf(test.pvalue / 2)
        for test, shift in zip(tests[1:], shifts, strict=True)
    ]
    z = sum(shifts) / np.hypot(*spreads)
    assert auroc_p(each) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-9)


def test_a_class_that_is_not_there_has_no_area():
    found = counted([0.1, 0.2], [0, 0])
    assert np.isnan(auroc(found.counts.sum(0)))
    curve = roc_curve(found)
    assert np.isnan(curve.tpr).all()


def test_very_many_scores_are_rounded_and_the_area_hardly_changes():
    rng = np.random.default_rng(2)
    positive = rng.random(40_000) < 0.1
    scores = rng.normal(0.3 * positive, 1)
    found = counted(scores, positive)
    assert found.counts.shape[-1] <= 2 * LEVELS
    oracle = metrics.roc_auc_score(positive, scores)
    assert auroc(found.counts.sum(0)) == pytest.approx(oracle, abs=1 / LEVELS)


def test_rare_positives_just_above_a_score_that_most_share_are_not_lost():
    rest = np.linspace(0.1, 1, 20_000)
    scores = np.concatenate([np.zeros(20_000), rest])
    positive = np.zeros(40_000, bool)
    positive[20_000:20_005] = True
    oracle = metrics.roc_auc_score(positive, scores)
    found = auroc(counted(scores, positive).counts.sum(0))
    assert found == pytest.approx(oracle, abs=1 / LEVELS)


def test_the_curve_has_sklearns_points_and_area():
    truth, scores, _ = drawn(3)
    curve = roc_curve(counted(scores[:, 1], truth == 1))
    fpr, tpr, thresholds = metrics.roc_curve(truth == 1, scores[:, 1], drop_intermediate=False)
    assert curve.fpr == pytest.approx(fpr)
    assert curve.tpr == pytest.approx(tpr)
    assert curve.threshold == pytest.approx(thresholds)
    assert curve.area == pytest.approx(metrics.roc_auc_score(truth == 1, scores[:, 1]))


def test_the_vertical_average_has_the_mean_of_the_areas():
    truth, scores, _ = drawn(4, n=40, levels=5)
    curves = [roc_curve(counted(scores[:, k], truth == k)) for k in range(3)]
    # A perfect curve rises at once: a rate that has two ends.
    curves.append(Curve(np.array([np.inf, 1, 0]), np.array([0.0, 0, 1]), np.array([0.0, 1, 1])))
    macro = mean_curve(curves)
    assert macro.area == pytest.approx(np.mean([curve.area for curve in curves]), abs=1e-12)
    assert (macro.fpr[0], macro.tpr[0], macro.fpr[-1], macro.tpr[-1]) == (0, 0, 1, 1)
