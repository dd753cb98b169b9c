"""What networks say together of one slide, from files to files."""

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.slides.store import StoreError, TileStore
from histoniche.traits.cartography import read_cartography
from histoniche.traits.rounds import draw_folds, draw_rounds
from histoniche.traits.votes import vote_tiles
from trait_stores import write_calls, write_network, write_tiles

CELLS = [(1, 0), (4, 0), (0, 2)]
NAMES = [f"P{k}" for k in range(9)]
# Of the trait A each round says something else; round 1 is not chosen.
SAID = {0: [0.6, 0.1, 0.1], 1: [0.1, 0.9, 0.9], 2: [0.7, 0.1, 0.9]}
CLASSES = {"A": ["low", "high"], "B": ["low", "high"], "C": ["II", "III", "IV"]}


@pytest.fixture
def voted(tmp_path):
    tiles = write_tiles(tmp_path, "S1", CELLS)
    grades = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    predictions = {
        "A": {k: write_network(tmp_path, "S1", own, f"A{k}") for k, own in SAID.items()},
        "B": {k: write_network(tmp_path, "S1", [0.9, 0.1, 0.1], f"B{k}") for k in SAID},
        "C": {k: write_network(tmp_path, "S1", grades, f"C{k}", CLASSES["C"]) for k in SAID},
    }
    choice = pd.DataFrame(
        {
            "model": ["2", "0", "1", "ensemble"],
            "rank": [1, 2, 3, np.nan],
            "chosen": [True, True, False, True],
            "tile_threshold": [0.5, 0.5, 0.95, 0.5],
        }
    )
    choices = {"A": choice, "B": choice, "C": choice.assign(tile_threshold=np.nan)}

    def run(patient="P0", rounds=None, **changes):
        outs = {trait: tmp_path / "maps" / f"{trait}.zarr" for trait in CLASSES}
        settings = {
            "patient": patient, "choices": choices, "classes": CLASSES, "rule": "majority",
            "rounds": rounds,
            "tilings": dict.fromkeys(CLASSES, "cell"),
            "cartography": tmp_path / "maps" / "cartography.zarr",
            "cartography_traits": ["B", "A"],
        }  # fmt: skip
        vote_tiles(dict.fromkeys(CLASSES, tiles), predictions, outs, **{**settings, **changes})
        return {trait: TileStore(out) for trait, out in outs.items()}

    return run


def test_where_patients_are_set_aside_the_chosen_rounds_vote(voted, tmp_path):
    found = voted(rounds=draw_rounds(NAMES, seed=0, rounds=3, test=0.3))
    store = found["A"]
    store.check()
    # The third tile has a vote for and one against: the mean is at one half.
    assert store.column("calls").tolist() == [1, 0, 0]
    assert store.column("probabilities")[:, 1] == pytest.approx([0.65, 0.1, 0.5], abs=1e-3)
    assert store.attributes["networks"] == [2, 0]
    assert store.attributes["classes"] == ["low", "high"]
    assert found["C"].column("calls").tolist() == [2, 0, 1]
    # Stores of votes lie in the order of the tiles, with their places.
    assert store.column("cell").tolist() == [list(cell) for cell in CELLS]
    own = read_cartography(tmp_path / "maps" / "cartography.zarr")
    assert own.traits == ("B", "A")
    assert own.positive(["A", "B"]).tolist() == [[True, True], [False, False], [False, False]]


def test_in_a_cross_validation_the_round_that_tests_the_patient_decides(voted):
    rounds = draw_folds(NAMES, seed=0, folds=3)
    tested = rounds[rounds["role"] == "test"].set_index("round")["patient"]
    for number, calls in ((0, [1, 0, 0]), (1, [0, 0, 0]), (2, [1, 0, 1])):
        store = voted(patient=tested[number].iloc[0], rounds=rounds)["A"]
        assert store.attributes["networks"] == [number]
        # Round 1 has a threshold of 0.95.
        assert store.column("calls").tolist() == calls
        assert store.column("probabilities")[:, 1] == pytest.approx(SAID[number], abs=1e-3)


def test_of_models_brought_along_without_a_choice_all_vote(voted):
    store = voted(choices={})["A"]
    assert store.attributes["networks"] == [0, 1, 2]
    assert store.column("calls").tolist() == [1, 0, 1]


def test_a_slide_without_heterogeneity_has_no_cartography(voted, tmp_path):
    voted(cartography=None, cartography_traits=[])
    assert not (tmp_path / "maps" / "cartography.zarr").exists()


def test_the_vote_of_a_skipped_slide_is_empty_and_says_why(tmp_path):
    store = TileStore(write_calls(tmp_path, write_tiles(tmp_path, "S2", []), "A", np.empty((0, 2))))
    store.check()
    assert (len(store), store.attributes["reason"]) == (0, "no tile has 10% tissue")


def test_other_tiles_and_altered_stores_are_errors(tmp_path):
    tiles = write_tiles(tmp_path, "S1", CELLS)
    with pytest.raises(InputError, match="A was found on 2 tiles, the slide has 3"):
        write_calls(tmp_path, tiles, "A", [0.9, 0.1])
    found = write_calls(tmp_path, tiles, "A", [0.9, 0.1, 0.1])
    (found / "calls" / "c" / "0").write_bytes(b"")
    with pytest.raises(StoreError, match="was altered"):
        TileStore(found).check()
