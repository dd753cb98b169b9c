"""The class that each tile gets, and how its probabilities are read."""

import numpy as np
import pytest
import zarr

from histoniche.errors import InputError
from histoniche.traits.tile_calls import make_calls, read_calls

PROBABILITIES = [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8]]


def test_binary_tiles_are_positive_above_the_threshold():
    place = np.zeros((4, 2))
    calls = make_calls("T", "ab", place, np.array(PROBABILITIES), side=1)
    assert calls.called().tolist() == [0, 0, 0, 1]
    assert calls._replace(threshold=0.4 - 1e-6).called().tolist() == [0, 1, 1, 1]


def test_of_more_classes_the_most_probable_is_called_and_the_first_of_equals():
    found = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    assert make_calls("T", "abc", np.zeros((2, 2)), found, side=1).called().tolist() == [1, 0]


@pytest.mark.parametrize("group", [True, False])
def test_tiles_and_probabilities_are_read_together(make_store, make_probabilities, group):
    path = make_probabilities(PROBABILITIES, group=group)
    calls = read_calls(make_store(), path, trait="MGMT", classes=["un", "meth"], threshold=0.4)
    assert calls.binary and calls.side == 16 and calls.threshold == 0.4
    assert calls.origin.tolist() == [[0, 0], [16, 0], [16, 16], [32, 16]]
    assert calls.probabilities == pytest.approx(np.array(PROBABILITIES), abs=1e-3)


def test_a_slide_without_tiles_has_no_calls(make_store, tmp_path):
    calls = read_calls(make_store(cells=[]), tmp_path / "none", trait="T", classes=["a", "b"])
    assert len(calls.origin) == len(calls.called()) == 0


def test_what_does_not_fit_is_said(make_store, make_probabilities, tmp_path):
    store = make_store()
    with pytest.raises(InputError, match=r"3 x 2 probabilities where S1 has 4 tiles and T 2"):
        read_calls(store, make_probabilities(PROBABILITIES[:3]), trait="T", classes=["a", "b"])
    with pytest.raises(InputError, match="T 3 classes"):
        read_calls(store, make_probabilities(PROBABILITIES), trait="T", classes=["a", "b", "c"])
    with pytest.raises(InputError, match="no probabilities of tiles"):
        read_calls(store, tmp_path / "none", trait="T", classes=["a", "b"])
    for values, classes, words in (
        ([[0.5, np.nan]], "ab", "not from 0 to 1"),
        ([[0.5, 1.5]], "ab", "not from 0 to 1"),
        ([[1.0]], "a", "1 class where two"),
        ([[0.5, 0.5]], "abc", "do not fit 3 classes"),
    ):
        with pytest.raises(ValueError, match=words):
            make_calls("T", classes, np.zeros((1, 2)), np.array(values), side=1)
    with pytest.raises(ValueError, match="threshold 2"):
        make_calls("T", "ab", np.zeros((1, 2)), np.array([[0.5, 0.5]]), side=1, threshold=2)


def test_of_several_networks_the_mean_is_taken(make_store, make_probabilities):
    other = np.array(PROBABILITIES)[:, ::-1]
    paths = [make_probabilities(PROBABILITIES, "one"), make_probabilities(other, "two")]
    calls = read_calls(make_store(), paths, trait="T", classes=["a", "b"])
    assert calls.probabilities == pytest.approx(np.full((4, 2), 0.5), abs=1e-3)


def test_what_a_vote_decided_stands(make_store, make_probabilities):
    path = make_probabilities(PROBABILITIES)
    zarr.open_group(path, mode="a").create_array("calls", data=np.array([1, 0, 0, 1], np.int8))
    calls = read_calls(make_store(), path, trait="T", classes=["a", "b"])
    assert calls.called().tolist() == [1, 0, 0, 1]
    with pytest.raises(ValueError, match=r"calls \(3,\) do not fit"):
        make_calls("T", "ab", calls.origin, calls.probabilities, side=1, calls=calls.calls[:3])
