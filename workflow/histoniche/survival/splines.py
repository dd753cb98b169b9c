"""Restricted cubic splines: curves that are straight beyond their outer knots."""

import numpy as np
from numpy.typing import NDArray

from histoniche.errors import InputError

Floats = NDArray[np.float64]

_OUTER = {3: 0.10, 4: 0.05, 5: 0.05, 6: 0.05, 7: 0.025}
_FEW = 100
_FIFTH = 5


def harrell_knots(values: Floats, count: int) -> Floats:
    """Knots at the quantiles that Harrell recommends.

    Parameters
    ----------
    values
        Finite; at least six.
    count
        3 to 7 knots.

    Returns
    -------
    (count,): rising. With fewer than 100 values the outer knots are the fifth
    smallest and the fifth largest, as in R's `Hmisc::rcspline.eval`.

    Raises
    ------
    InputError
        If the values take so few numbers that knots coincide.

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, 2nd ed., section 2.4.6.
    """
    knots = np.quantile(values, knot_shares(count))
    if _FIFTH < len(values) < _FEW:
        ordered = np.sort(values)
        knots[0], knots[-1] = ordered[_FIFTH - 1], ordered[-_FIFTH]
    few = len(values) <= _FIFTH or len(np.unique(values)) < count
    if few or not (np.diff(knots) > 0).all():
        raise InputError(
            f"the values are too few or too much alike for {count} knots",
            value=len(np.unique(values)),
            remedy="use fewer knots, or take the score as linear",
        )
    return knots


def knot_shares(count: int) -> Floats:
    """Quantiles at which Harrell puts 3 to 7 knots."""
    if count not in _OUTER:
        raise InputError("no such number of knots", value=count, remedy="choose from 3 to 7")
    return np.linspace(_OUTER[count], 1 - _OUTER[count], count)


def most_knots(values: Floats, wanted: int) -> int:
    """Largest number of knots, `wanted` at most, that do not coincide; 0 if three do."""
    for count in range(wanted, 2, -1):
        try:
            harrell_knots(values, count)
        except InputError:
            continue
        return count
    return 0


def restricted_cubic_spline(values: Floats, knots: Floats) -> Floats:
    """Design of a restricted cubic spline.

    Parameters
    ----------
    values
        (patients,).
    knots
        Rising, three or more.

    Returns
    -------
    (patients, knots - 1): the values themselves, then the terms that bend the
    line, in the units of the values (R's `rms::rcs`, norm 2).

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, 2nd ed., equation 2.25.
    """
    last, before = knots[-1], knots[-2]
    size = (last - knots[0]) ** 2

    def cube(knot: float) -> Floats:
        """Third power of how far the values are beyond a knot."""
        return np.maximum(values - knot, 0) ** 3

    bends = [
        cube(knot)
        - cube(before) * (last - knot) / (last - before)
        + cube(last) * (before - knot) / (last - before)
        for knot in knots[:-2]
    ]
    return np.column_stack([values, *(bend / size for bend in bends)])
