import pytest

from histoniche.cohort.batches import batch_slides

SLIDES = [f"P{number:03}-1" for number in range(400)]


@pytest.mark.parametrize("size", [1, 7, 16, 1000])
def test_every_slide_is_in_one_batch_of_about_the_size(size):
    batches = batch_slides(SLIDES, size=size)
    assert sorted(slide for batch in batches.values() for slide in batch) == SLIDES
    assert set(batches) <= set(range(1, -(-len(SLIDES) // size) + 1))
    if size >= 7:
        assert max(map(len, batches.values())) <= 3 * size


def test_the_order_of_the_sheet_changes_nothing():
    assert batch_slides(SLIDES[::-1], size=16) == batch_slides(SLIDES, size=16)


def test_a_slide_more_changes_its_own_batch_alone():
    before, after = batch_slides(SLIDES[1:], size=16), batch_slides(SLIDES, size=16)
    changed = [number for number in after if after[number] != before.get(number)]
    assert len(after) == len(before)
    assert len(changed) == 1
    assert SLIDES[0] in after[changed[0]]


def test_one_batch_more_splits_one_batch():
    for size in range(40, 400):
        few, more = batch_slides(SLIDES, size=size), batch_slides(SLIDES, size=size - 1)
        before, after = ({frozenset(batch) for batch in some.values()} for some in (few, more))
        grown = -(-len(SLIDES) // (size - 1)) - -(-len(SLIDES) // size)
        assert len(before - after) == grown
        assert len(after - before) == 2 * grown


def test_no_slides_make_no_batches():
    assert batch_slides([], size=16) == {}
