import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.traits.voting import best_rounds, vote


def binary(*rows):
    """Networks by tiles, the probability of the positive class."""
    positive = np.array(rows)
    return np.stack([1 - positive, positive], axis=-1)


def test_the_papers_example_of_three_votes():
    # The last three networks say 0, 0, 1: the ensemble says 0, though the mean says 1.
    found = vote(binary([0.4], [0.45], [0.99]))
    assert found.calls.tolist() == [0]
    assert found.probabilities[0, 1] == pytest.approx(1.84 / 3)
    assert vote(binary([0.4], [0.45], [0.99]), rule="mean").calls.tolist() == [1]


def test_majorities_by_hand():
    found = vote(binary([0.9, 0.1, 0.6, 0.2], [0.8, 0.2, 0.1, 0.9], [0.7, 0.3, 0.6, 0.4]))
    assert found.calls.tolist() == [1, 0, 1, 0]


def test_two_against_two_go_by_the_mean_and_at_last_to_the_negative():
    networks = binary([0.9, 0.6, 0.75], [0.6, 0.6, 0.75], [0.4, 0.1, 0.25], [0.4, 0.1, 0.25])
    assert vote(networks).calls.tolist() == [1, 0, 0]


def test_three_classes_with_a_vote_each_go_by_the_mean_among_the_voted():
    a = [[0.6, 0.4, 0.0, 0.0], [0.1, 0.5, 0.4, 0.0], [0.0, 0.45, 0.55, 0.0]]
    networks = np.array(a)[:, np.newaxis]
    assert vote(networks).calls.tolist() == [1]
    # The class of the highest mean got no vote: it cannot win by majority.
    b = np.array([[0.5, 0.49, 0.01], [0.5, 0.49, 0.01], [0.01, 0.49, 0.5]])[:, np.newaxis]
    assert b.mean(0).argmax() == 1
    assert vote(b).calls.tolist() == [0]
    assert vote(b, rule="mean").calls.tolist() == [1]


def test_a_probability_of_one_half_is_negative_and_a_threshold_moves_the_votes():
    networks = binary([0.5, 0.6], [0.5, 0.6], [0.5, 0.6])
    assert vote(networks).calls.tolist() == [0, 1]
    assert vote(networks, thresholds=[0.6] * 3).calls.tolist() == [0, 0]
    assert vote(networks, thresholds=[0.4, 0.4, 0.7]).calls.tolist() == [1, 1]
    assert vote(networks, thresholds=[0.4, 0.4, 0.9], rule="mean").calls.tolist() == [0, 1]


def test_the_majority_equals_a_count_in_plain_python():
    networks = binary(*np.random.default_rng(0).random((5, 200)))
    found = vote(networks).calls
    for tile in range(200):
        assert found[tile] == (sum(networks[:, tile, 1] > 0.5) >= 3)


def test_no_tile_gives_no_answer_and_no_network_is_an_error():
    assert vote(np.empty((3, 0, 2))).calls.shape == (0,)
    with pytest.raises(ValueError, match="networks, tiles, classes"):
        vote(np.empty((0, 4, 2)))
    with pytest.raises(ValueError, match="no such rule: best; known: majority, mean"):
        vote(np.zeros((1, 1, 2)), rule="best")


def test_the_best_rounds_by_validation_auc_ties_by_number():
    auc = {0: 0.6, 1: 0.8, 2: float("nan"), 3: 0.8, 4: 0.7}
    assert best_rounds(auc, 3) == [1, 3, 4]
    assert best_rounds(auc, 5) == [1, 3, 4, 0]
    with pytest.raises(InputError, match="no round has validation patients of two classes"):
        best_rounds({0: float("nan")}, 3)
