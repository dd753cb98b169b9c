"""How long patients stay under observation, and the weights that make up for those who do not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """A Kaplan-Meier curve."""

    times: Floats
    """Moments at which it steps down, rising."""
    height: Floats
    """(times + 1,): 1, then its height from each moment on."""

    def at(self, days: Floats) -> Floats:
        """Height at some days, their own steps done."""
        return np.asarray(self.height[np.searchsorted(self.times, days, side="right")])

    def before(self, days: Floats) -> Floats:
        """Height just before some days."""
        return np.asarray(self.height[np.searchsorted(self.times, days, side="left")])


def survival_of(times: Floats, events: NDArray[np.bool_]) -> Curve:
    """Kaplan-Meier curve of survival; the censored of a moment were at risk in it."""
    moments, died = np.unique(times[events], return_counts=True)
    at_risk = len(times) - np.searchsorted(np.sort(times), moments, side="left")
    return Curve(moments, np.concatenate([[1.0], np.cumprod(1 - died / at_risk)]))


def observation_of(times: Floats, events: NDArray[np.bool_]) -> Curve:
    """Kaplan-Meier curve of being still under observation; deaths of a moment come first."""
    moments, lost = np.unique(times[~events], return_counts=True)
    ordered = np.sort(times)
    at_risk = len(times) - np.searchsorted(ordered, moments, side="left")
    died = np.sort(times[events])
    gone = np.searchsorted(died, moments, "right") - np.searchsorted(died, moments, "left")
    return Curve(moments, np.concatenate([[1.0], np.cumprod(1 - lost / (at_risk - gone))]))
