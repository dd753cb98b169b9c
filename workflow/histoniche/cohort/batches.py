"""Batches: which slides share a job, so that a job's start-up is paid once for several."""

import hashlib
from collections.abc import Iterable, Mapping


def batch_slides(groups: Mapping[str, Iterable[str]], *, size: int) -> dict[str, list[str]]:
    """Divide slides into batches that hardly change when the sheet does.

    A slide's batch follows from its id and the number of batches, not from its
    place in the sheet: a slide more or less changes its own batch alone. When
    the number of batches grows by one, a single batch is split (linear hashing).

    Parameters
    ----------
    groups
        Ids of slides by a name of what they are for. Slides of different groups
        share no batch, so that one more of this kind touches nothing of that kind.
    size
        About how many slides make a batch; single batches may have up to twice
        as many and a few more. With 1 each slide is a batch by itself.

    Returns
    -------
    By name of the batch, its slides in alphabetical order. A batch of a single
    slide by intention has the slide's name, others their group's with a number
    from 1. Batches that no slide falls into are left out.

    References
    ----------
    Litwin 1980, Linear hashing, Proc VLDB:212.
    """
    if size == 1:
        return {slide: [slide] for slides in groups.values() for slide in sorted(slides)}
    return {
        f"{group}-{number}": batch
        for group, slides in groups.items()
        for number, batch in _numbered(sorted(slides), size).items()
    }


def _numbered(slides: list[str], size: int) -> dict[int, list[str]]:
    """Batches of one group by their numbers, from 1."""
    count = max(1, -(-len(slides) // size))
    batches: dict[int, list[str]] = {}
    for slide in slides:
        batches.setdefault(_place(slide, count) + 1, []).append(slide)
    return dict(sorted(batches.items()))


def _place(slide: str, count: int) -> int:
    """Number of a slide's batch among `count`, from 0."""
    number = int.from_bytes(hashlib.sha256(slide.encode()).digest()[:8])
    doubled = 1 << (count - 1).bit_length()
    place = number % doubled
    return place if place < count else place - doubled // 2
