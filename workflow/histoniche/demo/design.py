"""What is planted in each patient: region areas, age and fate, balanced against each other."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.special

from histoniche.randomness import generator

REGIONS = ("LE", "IT", "CT", "CTpnz", "CTpan", "CTmvp", "CTne")
"""Regions of the demo, in the order of the shipped palette."""

HAZARD_REGION = "CTmvp"
"""The one region whose area shortens survival."""

_MEAN_MM2 = np.array([1.4, 1.7, 3.0, 0.9, 0.9, 0.9, 1.1])
_LOG_SD = 0.42
# Beyond this many SD a region would be hair-thin, or the tissue larger than the glass.
_LARGEST_Z = 2.0
# In the one patient who has least of these, the region is absent.
_MAY_BE_ABSENT = ("LE", "CTmvp")


class Design(NamedTuple):
    """Planted values, one row a patient."""

    areas: pd.DataFrame
    """Areas in mm², one column a region, aimed at by the drawing of the sections."""
    age: "pd.Series[float]"
    """Years."""
    fate: "pd.Series[float]"
    """Share of comparable patients who die earlier, in (0, 1)."""


def draw_design(patients: list[str], *, seed: int) -> Design:
    """Draw what is planted in each patient.

    Each quantity is a stratified sample of its own distribution, as in a Latin hypercube, and
    the quantities are ordered so that their ranks hardly correlate. Chance alone would give
    some of the 21 pairs of regions a correlation beyond 0.3 among 40 patients, and what is
    planted in one region would be found in another; here it stays specific.
    """
    strata = uncorrelated_strata(len(patients), len(REGIONS) + 2, generator(seed, "design"))
    z = np.clip(scipy.special.ndtri(strata), -_LARGEST_Z, _LARGEST_Z)
    areas = pd.DataFrame(
        _MEAN_MM2 * np.exp(_LOG_SD * z[:, : len(REGIONS)] - _LOG_SD**2 / 2),
        index=patients,
        columns=list(REGIONS),
    )
    for region in _MAY_BE_ABSENT:
        areas.loc[areas[region].idxmin(), region] = 0.0
    age = pd.Series(np.round(np.clip(61 + 11 * z[:, -2], 24, 88)), index=patients)
    return Design(areas, age, pd.Series(strata[:, -1], index=patients))


def uncorrelated_strata(
    rows: int, columns: int, random: np.random.Generator, *, beside: np.ndarray | None = None
) -> np.ndarray:
    """Middles of `rows` equal strata of (0, 1) in each column, nearly uncorrelated in rank.

    Parameters
    ----------
    rows, columns
        How many.
    beside
        (rows, others): columns that stand already, which the new ones shall not go with either.
    """
    draws = random.standard_normal((rows, columns))
    if beside is not None:
        # Weighed so much that the new columns give way and not these.
        draws = np.column_stack([draws, 100 * (beside - beside.mean(axis=0)) / beside.std(axis=0)])
    # The polar factor is the closest matrix with uncorrelated columns.
    left, _, right = np.linalg.svd(draws - draws.mean(axis=0), full_matrices=False)
    ranks = (left @ right)[:, :columns].argsort(axis=0).argsort(axis=0)
    return (ranks + 0.5) / rows
