import numpy as np
import pandas as pd
import pytest

from histoniche.slides.store import TileStore
from histoniche.traits.predictions import (
    chosen_networks,
    read_networks,
    read_probabilities,
    write_votes,
)
from trait_stores import write_network

CLASSES = ("low", "high")


def test_a_networks_probabilities_go_through_the_file(tmp_path):
    path = write_network(tmp_path, "S1", [0.25, 0.5, 1.0])
    found = read_probabilities(path, CLASSES)
    assert found.dtype == np.float16
    assert found.tolist() == [[0.75, 0.25], [0.5, 0.5], [0, 1]]
    assert len(TileStore(path)) == 3


def test_a_votes_store_has_its_calls_and_the_mean_probabilities(tmp_path):
    own = [write_network(tmp_path, "S1", [p, 0.9], f"{p}") for p in (0.4, 0.45, 0.99)]
    empty = write_network(tmp_path, "S2", np.empty((0, 2)))
    outs = {slide: tmp_path / f"{slide}.zarr" for slide in ("S1", "S2")}
    write_votes({"S1": own, "S2": [empty] * 3}, outs, classes=CLASSES)
    store = TileStore(outs["S1"])
    store.check()
    assert store.column("calls").tolist() == [0, 1]
    expected = [1.84 / 3, 0.9]
    assert store.column("probabilities")[:, 1] == pytest.approx(expected, abs=1e-3)
    assert store.attributes["slide"] == "S1"
    assert (store.attributes["networks"], store.attributes["vote"]) == (3, "majority")
    assert read_networks([outs["S2"]], CLASSES).shape == (1, 0, 2)


def test_the_networks_chosen_come_best_first_with_their_thresholds():
    choice = pd.DataFrame(
        {
            "model": ["3", "0", "1", "ensemble"],
            "rank": [2, 1, 3, np.nan],
            "chosen": [True, True, False, True],
            "tile_threshold": [0.4, 0.6, 0.5, 0.5],
        }
    )
    assert chosen_networks(choice) == ([0, 3], [0.6, 0.4])
    assert chosen_networks(choice.assign(tile_threshold=np.nan)) == ([0, 3], None)
