"""Batches: which slides share a job, so that a job's start-up is paid once for several."""

import hashlib
from collections.abc import Iterable


def batch_slides(slides: Iterable[str], *, size: int) -> dict[int, list[str]]:
    """Divide slides into batches that hardly change when the sheet does.

    A slide's batch follows from its id and the number of batches, not from its
    place in the sheet: a slide more or less changes its own batch alone. When
    the number of batches grows by one, a single batch is split (linear hashing).

    Parameters
    ----------
    slides
        Ids of slides.
    size
        About how many slides make a batch; single batches may have up to twice
        as many and a few more.

    Returns
    -------
    By number of the batch, from 1, its slides in alphabetical order. Batches
    that no slide falls into are left out.

    References
    ----------
    Litwin 1980, Linear hashing, Proc VLDB:212.
    """
    ordered = sorted(slides)
    count = max(1, -(-len(ordered) // size))
    batches: dict[int, list[str]] = {}
    for slide in ordered:
        batches.setdefault(_place(slide, count) + 1, []).append(slide)
    return dict(sorted(batches.items()))


def _place(slide: str, count: int) -> int:
    """Number of a slide's batch among `count`, from 0."""
    number = int.from_bytes(hashlib.sha256(slide.encode()).digest()[:8])
    doubled = 1 << (count - 1).bit_length()
    place = number % doubled
    return place if place < count else place - doubled // 2
