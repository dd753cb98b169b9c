import numpy as np
import pytest

from histoniche.errors import InputError
from histoniche.slides.store import TileStore
from histoniche.traits.predictions import read_networks, read_probabilities
from trait_stores import write_network

CLASSES = ("low", "high")


def test_a_networks_probabilities_go_through_the_file(tmp_path):
    path = write_network(tmp_path, "S1", [0.25, 0.5, 1.0])
    found = read_probabilities(path, CLASSES)
    assert found.dtype == np.float16
    assert found.tolist() == [[0.75, 0.25], [0.5, 0.5], [0, 1]]
    assert len(TileStore(path)) == 3


def test_networks_of_other_classes_or_tiles_are_not_put_together(tmp_path):
    one = write_network(tmp_path, "S1", [0.25, 0.5, 1.0])
    fewer = write_network(tmp_path, "S1", [0.9, 0.1], "X")
    with pytest.raises(InputError, match="2 tiles where another network saw 3"):
        read_networks([one, fewer], CLASSES)
    three = write_network(tmp_path, "S1", np.full((3, 3), 1 / 3), "Y", classes="abc")
    with pytest.raises(InputError, match="finds a, b, c instead of low, high"):
        read_networks([one, three], CLASSES)
    empty = write_network(tmp_path, "S2", np.empty((0, 2)))
    assert read_networks([empty], CLASSES).shape == (1, 0, 2)
