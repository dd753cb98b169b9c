import numpy as np
import pandas as pd
import pytest
import scipy.stats

from histoniche.traits.heterogeneity import (
    GROUP_RULES,
    combination_codes,
    combination_counts,
    combination_name,
    heterogeneity_index,
    hti_groups,
    unseen_patients,
)


def tiles(*rows):
    return np.array(rows, dtype=bool)


def test_one_combination_is_homogeneous():
    assert heterogeneity_index(tiles([1, 1], [1, 1], [1, 1])) == 0
    # Tiles without a trait have no say.
    assert heterogeneity_index(tiles([0, 1], [0, 0], [0, 1], [0, 0])) == 0


def test_all_combinations_equally_often_are_1():
    assert heterogeneity_index(tiles([0, 1], [1, 1], [1, 0])) == pytest.approx(1)
    everything = np.array([[code >> k & 1 for k in range(3)] for code in range(8)], bool)
    assert heterogeneity_index(everything) == pytest.approx(1)
    assert heterogeneity_index(np.repeat(everything, 7, axis=0)) == pytest.approx(1)


def test_three_traits_by_hand():
    # Shares 1/2, 1/4 and 1/4 of three of the seven combinations.
    shown = tiles([1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0])
    by_hand = (0.5 * np.log(2) + 0.5 * np.log(4)) / np.log(7)
    assert heterogeneity_index(shown) == pytest.approx(by_hand)


def test_two_combinations_of_two_traits_by_hand():
    assert heterogeneity_index(tiles([1, 0], [0, 1])) == pytest.approx(np.log(2) / np.log(3))


def test_no_positive_tile_is_nan_and_so_is_no_tile():
    assert np.isnan(heterogeneity_index(np.zeros((5, 3), bool)))
    assert np.isnan(heterogeneity_index(np.zeros((0, 2), bool)))


def test_a_single_trait_is_0_wherever_it_shows():
    assert heterogeneity_index(tiles([1], [0], [1])) == 0
    assert np.isnan(heterogeneity_index(tiles([0], [0])))


def test_the_index_is_scipys_entropy_and_does_not_mind_the_order():
    rng = np.random.default_rng(0)
    for traits in (2, 3, 5):
        shown = rng.random((400, traits)) < 0.4
        expected = scipy.stats.entropy(combination_counts(shown)[1:], base=2**traits - 1)
        assert heterogeneity_index(shown) == pytest.approx(expected)
        assert heterogeneity_index(shown[:, ::-1]) == pytest.approx(expected)
        assert heterogeneity_index(rng.permutation(shown)) == pytest.approx(expected)


def test_codes_and_names_by_hand():
    shown = tiles([0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1])
    assert combination_codes(shown).tolist() == [0, 1, 2, 5]
    assert combination_counts(shown).tolist() == [1, 1, 1, 0, 0, 1, 0, 0]
    names = [combination_name(code, ["A", "B", "C"]) for code in (0, 1, 2, 5, 7)]
    assert names == ["none", "A", "B", "A+C", "A+B+C"]


@pytest.mark.parametrize("shape", [(4,), (4, 0), (4, 13)])
def test_what_are_not_tiles_by_traits_is_an_error(shape):
    with pytest.raises(ValueError, match="tiles by 1 to 12 traits"):
        heterogeneity_index(np.zeros(shape, bool))


def test_the_papers_groups_and_their_borders():
    hti = np.array([0.0, 0.3, 0.31, 0.5, 0.51, 0.7, 0.71, np.nan])
    half, extremes = GROUP_RULES
    low, high = ["low"], ["high"]
    assert hti_groups(hti, half).tolist() == [*low * 4, *high * 3, None]
    assert hti_groups(hti, extremes).tolist() == [*low * 2, *[None] * 4, "high", None]


def test_unseen_are_test_patients_and_those_out_of_distribution_for_every_trait():
    rows = {
        "A": ("in", "in"),  # test
        "B": ("near", "far"),  # out for both
        "C": ("in", "far"),  # trained on for one
        "D": ("far", "unlabelled"),  # not measured for one
        "E": ("unlabelled", "unlabelled"),
    }
    labels = pd.DataFrame(
        [
            (name, trait, own)
            for name, sets in rows.items()
            for trait, own in zip("xy", sets, strict=True)
        ],
        columns=["patient", "trait", "set"],
    )
    rounds = pd.DataFrame(
        {
            "patient": list("ABCDE"),
            "round": pd.array([None, 0, 0, 0, 0], dtype="Int64"),
            "role": ["test", "train", "train", "validation", "train"],
        }
    )
    assert unseen_patients(labels, rounds) == {"A", "B"}
