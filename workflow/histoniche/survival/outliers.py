"""Outlying values, by Grubbs' test again and again."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

_FEWEST = 3


class Outlier(NamedTuple):
    """One value that the test took out."""

    place: int
    """Its place in the values."""
    step: int
    """1 for the first that was taken out."""
    n: int
    """Values that were still there."""
    g: float
    """Its distance from their mean in standard deviations (n - 1)."""
    critical: float
    """What `g` had to be greater than."""


def grubbs(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", *, level: float
) -> list[Outlier]:
    """Find outliers, one after the other, until the most distant value is none.

    The test takes the other values for normally distributed. Areas and times
    are not: what it takes out of a skewed distribution is its tail.

    Parameters
    ----------
    values
        NaN are passed over.
    level
        Two-sided level of each test, such as 0.05.

    Returns
    -------
    Outliers in the order in which they were found.

    References
    ----------
    Grubbs 1969, Technometrics 11:1-21.
    """
    left = np.flatnonzero(np.isfinite(values))
    found: list[Outlier] = []
    while len(left) >= _FEWEST:
        distance = np.abs(values[left] - values[left].mean())
        spread = float(values[left].std(ddof=1))
        place = int(distance.argmax())
        g = float(distance[place]) / spread if spread > 0 else 0.0
        critical = grubbs_critical(len(left), level=level)
        if g <= critical:
            break
        found.append(Outlier(int(left[place]), len(found) + 1, len(left), g, critical))
        left = np.delete(left, place)
    return found


def grubbs_critical(n: int, *, level: float) -> float:
    """Critical value of Grubbs' two-sided test of n values."""
    t = float(scipy.stats.t(n - 2).isf(level / (2 * n)))
    return (n - 1) / math.sqrt(n) * math.sqrt(t * t / (n - 2 + t * t))


def find_outliers(times: "pd.Series[float]", areas: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Find outlying survival times and areas, each variable for itself.

    Parameters
    ----------
    times
        Survival time by patient.
    areas
        Patients by regions.
    level
        See `grubbs`.

    Returns
    -------
    variable (time_days or a region), patient, value, step, n, g, critical.
    """
    rows = [
        (
            name,
            values.index[one.place],
            values.iloc[one.place],
            one.step,
            one.n,
            one.g,
            one.critical,
        )
        for name, values in {"time_days": times, **dict(areas.items())}.items()
        for one in grubbs(values.to_numpy(dtype="float64"), level=level)
    ]
    kinds: dict[str, Any] = {
        "variable": object, "patient": object, "value": "float64",
        "step": "int64", "n": "int64", "g": "float64", "critical": "float64",
    }  # fmt: skip
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
