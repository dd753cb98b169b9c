"""Polygons to pixels: which pixel centres lie inside, by the even-odd rule."""

from collections.abc import Sequence

import numpy as np


def inside(rings: Sequence[np.ndarray], xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Which points of a grid lie inside a polygon with holes.

    Every edge that crosses a grid row toggles the points to the right of the
    crossing; an odd number of toggles is inside. Points exactly on an edge
    belong to one of its two sides, so that polygons that share an edge share no
    pixel and leave none out.

    Parameters
    ----------
    rings
        Outer and inner rings, each (points, 2), x and y; closed or not.
    xs, ys
        Ascending coordinates of the grid's columns and rows.

    Returns
    -------
    Boolean, (rows, columns).

    References
    ----------
    Foley et al. 1990, Computer Graphics: Principles and Practice, section 3.6.
    """
    toggles = np.zeros((len(ys), len(xs) + 1), np.int32)
    for ring in rings:
        start, end = ring, np.roll(ring, -1, axis=0)
        _toggle(toggles, start, end, xs, ys)
    return np.asarray(np.cumsum(toggles, axis=1)[:, :-1] % 2 == 1)


def _toggle(
    toggles: np.ndarray, start: np.ndarray, end: np.ndarray, xs: np.ndarray, ys: np.ndarray
) -> None:
    """Count the crossings of edges with the grid's rows at the column right of each."""
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    # A row is crossed if upper <= y < lower: a shared corner is crossed once.
    first, last = np.searchsorted(ys, upper, "left"), np.searchsorted(ys, lower, "left")
    crossed = np.flatnonzero(last > first)
    counts = (last - first)[crossed]
    edges = np.repeat(crossed, counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edges]
    (x0, y0), (x1, y1) = start[edges].T, end[edges].T
    x = x0 + (ys[rows] - y0) * (x1 - x0) / (y1 - y0)
    np.add.at(toggles, (rows, np.searchsorted(xs, x, "left")), 1)
