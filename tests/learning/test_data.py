import numpy as np
import pytest
from torch import distributed

from histoniche.learning.data import EpochSampler, balanced_chances


def test_an_epoch_has_an_order_of_its_own_and_the_same_each_time():
    sampler = EpochSampler(20, 3)
    first = list(sampler)
    assert sorted(draw.tile for draw in first) == list(range(20))
    assert list(sampler) == first
    sampler.set_epoch(1)
    second = list(sampler)
    assert [draw.tile for draw in second] != [draw.tile for draw in first]
    assert not {draw.seed for draw in first} & {draw.seed for draw in second}


def test_what_was_seen_is_skipped_in_that_epoch_alone():
    whole = EpochSampler(20, 3)
    whole.set_epoch(2)
    sampler = EpochSampler(20, 3)
    sampler.skip(2, 8)
    sampler.set_epoch(2)
    assert list(sampler) == list(whole)[8:]
    sampler.set_epoch(3)
    assert len(list(sampler)) == 20
    assert len(sampler) == 20


def test_processes_share_an_epoch(monkeypatch):
    whole = list(EpochSampler(21, 3))
    parts = []
    for rank in range(2):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        parts.append(list(EpochSampler(21, 3, processes=2)))
    assert [len(part) for part in parts] == [10, 10]
    assert [draw for pair in zip(*parts, strict=True) for draw in pair] == whole[:20]


def test_balanced_draws_show_all_classes_alike():
    rng = np.random.default_rng(0)
    pixels = np.zeros((300, 4), np.int64)
    pixels[:, 0] = 100
    rare = rng.choice(300, 9, replace=False)
    pixels[rare, 0], pixels[rare, 1] = 60, 40
    chances = balanced_chances(pixels)
    assert chances.sum() == pytest.approx(1)
    sampler = EpochSampler(300, 3, chances=chances)
    drawn = np.bincount([draw.tile for draw in sampler], minlength=300)
    assert drawn.sum() == 300
    # Half of the draws are for the rare class, of which there are nine tiles.
    assert drawn[rare].sum() / 300 == pytest.approx(0.5, abs=0.1)


def test_a_pass_in_parts_shows_the_same_tiles_in_the_same_order():
    whole = EpochSampler(21, 3)
    parts = EpochSampler(21, 3, parts=4)
    assert len(parts) == 5
    drawn = []
    for epoch in range(4):
        parts.set_epoch(epoch)
        drawn += list(parts)
    assert drawn == list(whole)[:20]
    whole.set_epoch(1)
    parts.set_epoch(4)
    assert list(parts) == list(whole)[:5]


def test_of_each_group_a_pass_shows_a_few_and_others_the_next_time():
    groups = np.repeat([0, 1, 2], [50, 3, 20])
    sampler = EpochSampler(73, 3, groups=groups, per_group=5)
    first = [draw.tile for draw in sampler]
    assert len(sampler) == len(first) == len(set(first)) == 13
    assert np.bincount(groups[first]).tolist() == [5, 3, 5]
    sampler.set_epoch(1)
    assert {draw.tile for draw in sampler} != set(first)
