"""Units and plausible ranges of the maps that diffusion MRI knows."""

from typing import Literal, get_args

import numpy as np

Unit = Literal["mm2/s", "um2/ms", "1e-6 mm2/s"]
"""Unit of a diffusivity; um2/ms is the same as 1e-3 mm2/s, and what this package reckons in."""

UNITS: tuple[Unit, ...] = get_args(Unit)

DIFFUSIVITIES = ("MD", "AD", "RD")

_TO_UM2_MS: dict[str, float] = {"mm2/s": 1e3, "um2/ms": 1.0, "1e-6 mm2/s": 1e-3}
# Free water has 3.0 at body temperature; noise reaches above it.
_LARGEST = {"FA": 1.0, "MD": 6.0, "AD": 6.0, "RD": 6.0}
# What is left of a voxel beyond the range after a map was interpolated.
_TOLERANCE = 0.02
# Medians over a brain in um2/ms: tissue has 0.7, fluid 3.
_TYPICAL = (0.2, 4.0)


def to_um2_ms(values: np.ndarray, name: str, unit: Unit) -> np.ndarray:
    """Bring a map to um2/ms (1e-3 mm2/s) if it is one of diffusivities."""
    return values * np.float32(_TO_UM2_MS[unit]) if name in DIFFUSIVITIES else values


def to_mm2_s(values: np.ndarray, name: str) -> np.ndarray:
    """Bring a map in um2/ms to mm2/s if it is one of diffusivities."""
    return values * np.float32(1 / _TO_UM2_MS["mm2/s"]) if name in DIFFUSIVITIES else values


def plausible(values: np.ndarray, name: str) -> np.ndarray:
    """Which values can be, boolean; FA lies in 0 to 1, diffusivities in 0 to 6 um2/ms.

    Of other maps all can be.
    """
    if name not in _LARGEST:
        return np.ones(values.shape, bool)
    slack = _TOLERANCE * _LARGEST[name]
    return (values >= -slack) & (values <= _LARGEST[name] + slack)


def within_range(values: np.ndarray, name: str) -> np.ndarray:
    """Values brought into the range of their map, those of others as they are."""
    return np.clip(values, 0, _LARGEST[name]) if name in _LARGEST else values


def unit_problem(median: float, name: str, unit: Unit) -> str:
    """What is wrong with the median of a map over a brain, um2/ms; empty if nothing is.

    Names the unit in which the map would be plausible, if there is one.
    """
    if name == "FA":
        return f"a median FA of {median:.3g} in the brain" if not 0.01 <= median <= 1 else ""
    if name not in DIFFUSIVITIES or _TYPICAL[0] <= median <= _TYPICAL[1]:
        return ""
    stored = median / _TO_UM2_MS[unit]
    fitting = [other for other in UNITS if _TYPICAL[0] <= stored * _TO_UM2_MS[other] <= _TYPICAL[1]]
    hint = f"; its values look like {fitting[0]}: see imaging.unit" if fitting else ""
    return f"a median {name} of {stored:.3g} {unit} in the brain{hint}"
