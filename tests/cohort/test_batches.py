import pytest

from histoniche.cohort.batches import batch_slides

SLIDES = [f"P{number:03}-1" for number in range(400)]


def batches_of(slides, size):
    return batch_slides({"learned": slides}, size=size)


@pytest.mark.parametrize("size", [2, 7, 16, 1000])
def test_every_slide_is_in_one_batch_of_about_the_size(size):
    batches = batches_of(SLIDES, size)
    assert sorted(slide for batch in batches.values() for slide in batch) == SLIDES
    assert set(batches) <= {f"learned-{n}" for n in range(1, -(-len(SLIDES) // size) + 1)}
    if size >= 7:
        assert max(map(len, batches.values())) <= 3 * size


def test_of_one_slide_a_batch_each_is_named_after_its_slide():
    assert batches_of(SLIDES, 1) == {slide: [slide] for slide in SLIDES}


def test_the_order_of_the_sheet_changes_nothing():
    assert batches_of(SLIDES[::-1], 16) == batches_of(SLIDES, 16)


def test_a_slide_more_changes_its_own_batch_alone():
    before, after = batches_of(SLIDES[1:], 16), batches_of(SLIDES, 16)
    changed = [name for name in after if after[name] != before.get(name)]
    assert len(after) == len(before)
    assert len(changed) == 1
    assert SLIDES[0] in after[changed[0]]


def test_slides_of_one_group_change_no_batch_of_another():
    groups = {"learned": SLIDES[:300], "applied": SLIDES[300:301]}
    before = batch_slides(groups, size=16)
    after = batch_slides(groups | {"applied": SLIDES[300:]}, size=16)
    assert {name: own for name, own in after.items() if name.startswith("learned")} == {
        name: own for name, own in before.items() if name.startswith("learned")
    }
    assert sorted(slide for batch in after.values() for slide in batch) == SLIDES


def test_one_batch_more_splits_one_batch():
    for size in range(40, 400):
        few, more = batches_of(SLIDES, size), batches_of(SLIDES, size - 1)
        before, after = ({frozenset(batch) for batch in some.values()} for some in (few, more))
        grown = -(-len(SLIDES) // (size - 1)) - -(-len(SLIDES) // size)
        assert len(before - after) == grown
        assert len(after - before) == 2 * grown


def test_no_slides_make_no_batches():
    assert batches_of([], 16) == {}
