import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_curve

from histoniche.traits.scores import (
    call_tiles,
    choose_threshold,
    first_slide,
    patient_scores,
    slide_scores,
)


def test_calls_by_argmax_and_by_threshold():
    three = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.1, 0.1, 0.8]])
    assert call_tiles(three).tolist() == [1, 0, 2]
    two = np.array([[0.5, 0.5], [0.49, 0.51], [0.9, 0.1]])
    assert call_tiles(two).tolist() == call_tiles(two, threshold=0.5).tolist() == [0, 1, 0]
    assert call_tiles(two, threshold=0.05).tolist() == [1, 1, 1]
    # 0.3 and what half precision makes of it are two numbers.
    half = np.array([[0.7, 0.3]], np.float16)
    assert float(half[0, 1]) > 0.3
    assert call_tiles(half, threshold=0.3).tolist() == [1]
    with pytest.raises(ValueError, match="two classes, not 3"):
        call_tiles(three, threshold=0.5)


def test_a_slides_scores_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]], np.float16)
    share, mean = slide_scores(probabilities, call_tiles(probabilities))
    assert share.tolist() == [0.25, 0.75]
    assert mean == pytest.approx([0.4, 0.6], abs=1e-3)


def test_a_slide_without_tiles_has_no_score():
    share, mean = slide_scores(np.empty((0, 3)), np.empty(0, np.int8))
    assert np.isnan(share).all() and np.isnan(mean).all()
    assert len(share) == len(mean) == 3


def test_shares_of_many_tiles_are_summed_exactly_though_stored_in_half_precision():
    probabilities = np.full((50_000, 2), 0.5, np.float16)
    _, mean = slide_scores(probabilities, call_tiles(probabilities))
    assert mean.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("slides", "first"),
    [
        (["TCGA-02-0001-01Z-00-DX2", "TCGA-02-0001-01Z-00-DX1"], "TCGA-02-0001-01Z-00-DX1"),
        (["A-DX10", "A-DX9", "A-DXA"], "A-DX9"),
        (["A-01A-TS1", "A-DX3.B", "A-00"], "A-DX3.B"),
        (["S10", "S2", "S3"], "S2"),
        (["INDEX2", "INDEX1", "S-DX7"], "S-DX7"),
    ],
)
def test_the_first_diagnostic_slide_by_name(slides, first):
    assert first_slide(slides) == first
    assert first_slide(slides[::-1]) == first


def test_patients_by_dx1_and_by_mean_by_hand():
    slides = pd.DataFrame(
        {
            "slide": ["A-DX2", "A-DX1", "B-DX1", "B-DX2", "C-DX1"],
            "patient": ["A", "A", "B", "B", "C"],
            "class": "high",
            "share": [0.2, 0.6, np.nan, 0.5, np.nan],
        }
    )
    dx1 = patient_scores(slides, rule="dx1").set_index("patient")
    assert dx1["share"].to_dict() == {"A": 0.6, "B": 0.5}
    assert dx1["slide"].to_dict() == {"A": "A-DX1", "B": "B-DX2"}
    assert dx1["slides"].to_dict() == {"A": 2, "B": 1}
    mean = patient_scores(slides, rule="mean").set_index("patient")
    assert mean["share"].to_dict() == pytest.approx({"A": 0.4, "B": 0.5})
    assert mean["slide"].to_dict() == {"A": None, "B": "B-DX2"}


def test_the_threshold_by_hand_and_its_ties():
    scores = np.array([0.1, 0.2, 0.3, 0.9])
    assert choose_threshold(scores, np.array([False, False, True, True])) == 0.25
    # Cuts at 0.15 and 0.6 are as good by Youden; 0.6 is nearer to 0.5.
    tied = np.array([0.1, 0.2, 0.4, 0.8])
    assert choose_threshold(tied, np.array([False, True, False, True])) == 0.5
    # Whatever parts the classes across 0.5 is 0.5 itself.
    assert choose_threshold(np.array([0.3, 0.9]), np.array([False, True])) == 0.5


def test_the_threshold_is_as_good_as_sklearns_best():
    rng = np.random.default_rng(1)
    positive = rng.random(80) < 0.4
    scores = np.round(np.clip(0.3 + 0.2 * positive + rng.normal(0, 0.2, 80), 0, 1), 2)
    fpr, tpr, _ = roc_curve(positive, scores)
    cut = choose_threshold(scores, positive)
    called = scores > cut
    youden = called[positive].mean() - called[~positive].mean()
    assert youden == pytest.approx((tpr - fpr).max())
    for rule, score in (("accuracy", accuracy_score), ("f1", f1_score)):
        best = max(score(positive, scores > other) for other in [-1, *np.unique(scores)])
        found = score(positive, scores > choose_threshold(scores, positive, rule=rule))
        assert found == pytest.approx(best)


def test_a_threshold_of_one_class_is_an_error():
    with pytest.raises(ValueError, match="both classes"):
        choose_threshold(np.array([0.1, 0.2]), np.array([True, True]))
    with pytest.raises(ValueError, match="no such rule"):
        choose_threshold(np.array([0.1, 0.2]), np.array([True, False]), rule="guess")


def test_the_first_slide_is_taken_whole_even_where_a_number_is_missing():
    slides = pd.DataFrame(
        {"slide": ["A-DX1", "A-DX2"], "patient": "A", "share": [np.nan, 0.2], "mean": [0.7, 0.3]}
    )
    row = patient_scores(slides).iloc[0]
    assert np.isnan(row["share"])
    assert (row["mean"], row["slide"], row["slides"]) == (0.7, "A-DX1", 2)
