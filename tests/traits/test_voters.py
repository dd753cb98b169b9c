"""Whose networks judge whom."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.tables import write_table
from histoniche.traits.brought_models import brought_choice
from histoniche.traits.rounds import draw_folds, draw_rounds
from histoniche.traits.scoring import with_ensemble
from histoniche.traits.voters import chosen_networks, voters_of

CHOICE = pd.DataFrame(
    {
        "model": ["3", "0", "1", "ensemble"],
        "rank": [2, 1, 3, np.nan],
        "chosen": [True, True, False, True],
        "tile_threshold": [0.4, 0.6, 0.5, 0.5],
        "slide_threshold": [0.1, 0.3, 0.9, 0.2],
    }
)
NAMES = [f"P{k}" for k in range(12)]


def test_the_networks_chosen_come_best_first_with_their_thresholds():
    assert chosen_networks(CHOICE) == ([0, 3], [0.6, 0.4])
    assert chosen_networks(CHOICE.assign(tile_threshold=np.nan)) == ([0, 3], None)


def test_in_a_cross_validation_each_patient_is_judged_by_the_round_that_tests_it():
    rounds = draw_folds(NAMES, seed=0, folds=4)
    choice = CHOICE.assign(model=["3", "0", "1", "2"], rank=[2, 1, 3, 4])
    tested = rounds[rounds["role"] == "test"].set_index("patient")["round"]
    for name in NAMES:
        found = voters_of(name, choice=choice, rounds=rounds, there=range(4))
        assert found.rounds == [tested[name]]
        row = choice[choice["model"] == str(tested[name])]
        assert found.thresholds == row["tile_threshold"].tolist()
    # Who is in no round has been seen by none.
    new = voters_of("new", choice=CHOICE, rounds=rounds, there=range(4))
    assert new == ([0, 3], [0.6, 0.4])


def test_where_patients_are_set_aside_the_chosen_rounds_judge_everybody():
    rounds = draw_rounds(NAMES, seed=0, rounds=4, test=0.3)
    for name in NAMES:
        assert voters_of(name, choice=CHOICE, rounds=rounds, there=range(4)).rounds == [0, 3]


def test_models_brought_along_vote_as_their_choice_says_or_all():
    assert voters_of("A", choice=None, rounds=None, there=[2, 0]) == ([0, 2], None)
    assert voters_of("A", choice=CHOICE, rounds=None, there=[0, 1, 3]).rounds == [0, 3]


def test_a_choice_is_made_of_models_brought_along(tmp_path):
    settings = {"tile_threshold": "half", "slide_threshold": "argmax"}
    table = brought_choice([0, 2], None, ["low", "high"], settings)
    assert chosen_networks(table) == ([0, 2], [0.5, 0.5])
    assert table["slide_threshold"].isna().all()
    three = brought_choice([0, 2], None, ["II", "III", "IV"], settings)
    assert chosen_networks(three) == ([0, 2], None)
    write_table(CHOICE, tmp_path / "choice.parquet")
    own = brought_choice([0, 3], tmp_path / "choice.parquet", ["low", "high"], settings)
    assert chosen_networks(own) == ([0, 3], [0.6, 0.4])
    assert with_ensemble(own).iloc[-1]["slide_threshold"] == pytest.approx(0.2)
    with pytest.raises(InputError, match="value 3: the model of a chosen round is missing"):
        brought_choice([0, 1], tmp_path / "choice.parquet", ["low", "high"], settings)
