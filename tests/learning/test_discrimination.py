import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from histoniche.learning.discrimination import auroc, macro_auroc, slide_shares


def test_the_area_under_the_curve_is_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, 80) / 5
    positive = rng.random(80) < 0.3
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_the_macro_average_is_scikit_learns():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(3), 60)
    classes = rng.integers(0, 3, 60)
    expected = roc_auc_score(classes, scores, multi_class="ovr", average="macro")
    assert macro_auroc(scores, classes) == pytest.approx(expected, abs=1e-12)


def test_of_one_class_there_is_no_area():
    assert np.isnan(auroc(np.arange(3.0), np.ones(3, bool)))
    assert np.isnan(macro_auroc(np.eye(2), np.zeros(2, int)))


def test_a_slide_scores_by_the_share_of_its_tiles():
    probabilities = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]])
    shares = slide_shares(probabilities, np.array([0, 0, 0, 2]), count=3)
    assert shares[0] == pytest.approx([1 / 3, 2 / 3])
    assert np.isnan(shares[1]).all()
    assert shares[2].tolist() == [1, 0]
