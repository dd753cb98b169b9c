"""Heterogeneity: combinations of traits on a slide's tiles, and the index HTI made of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.traits.labels import FAR, NEAR
from histoniche.traits.rounds import TEST, cross_validated

Floats = NDArray[np.float64]

MOST_TRAITS = 12
"""Traits that a combination is made of at most: 4095 combinations."""

HIGH, LOW = "high", "low"


class GroupRule(NamedTuple):
    """Groups of patients by HTI: high above the one, low at or below the other."""

    name: str
    above: float
    up_to: float


GROUP_RULES = (GroupRule("half", 0.5, 0.5), GroupRule("extremes", 0.7, 0.3))
"""The paper's: all patients at 0.5; and, more distinct, above 0.7 against 0.3 or less."""


def combination_codes(positive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which traits each tile shows, as a number whose bit j is set for the j-th trait.

    Parameters
    ----------
    positive
        (tiles, traits).

    Returns
    -------
    (tiles,): 0 for no trait, to 2^traits - 1 for all.

    Raises
    ------
    ValueError
        If `positive` is not two-dimensional, or has no trait or more than `MOST_TRAITS`.
    """
    if positive.ndim != 2 or not 1 <= positive.shape[1] <= MOST_TRAITS:
        raise ValueError(f"tiles by 1 to {MOST_TRAITS} traits are wanted: {positive.shape}")
    weights = 2 ** np.arange(positive.shape[1])
    return np.asarray((positive.astype(bool) * weights).sum(axis=1), dtype=np.intp)


def combination_counts(positive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Tiles of each combination, (2^traits,), in the order of `combination_codes`."""
    return np.bincount(combination_codes(positive), minlength=2 ** positive.shape[1])


def combination_name(code: int, traits: Sequence[str]) -> str:
    """Name of a combination: its traits joined by +, or none."""
    return "+".join(name for place, name in enumerate(traits) if code >> place & 1) or "none"


def heterogeneity_index(positive: NDArray[np.bool_]) -> float:
    """Heterogeneity index HTI of a slide from which traits each tile shows.

    -sum p_i log_C p_i over the C = 2^traits - 1 combinations with a trait, where p_i is
    the share of a combination among the tiles with a trait.

    Parameters
    ----------
    positive
        Boolean, (tiles, traits): whether the tile is positive for the trait.

    Returns
    -------
    HTI in [0, 1]. 0: one combination of traits fills the slide; 1: all non-empty
    combinations are equally common. Of a single trait it is 0, since there is only one
    combination. NaN if no tile is positive, of which nothing can be said.

    Raises
    ------
    ValueError
        If `positive` is not two-dimensional or has no trait.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802.
    """
    return heterogeneity_of(combination_counts(positive))


def heterogeneity_of(counts: NDArray[np.integer]) -> float:
    """HTI from `combination_counts`; see `heterogeneity_index`."""
    shown = counts[1:].astype(np.float64)
    total = shown.sum()
    if total == 0:
        return float("nan")
    if len(shown) == 1:
        return 0.0
    p = shown[shown > 0] / total
    # A sum of -1 x log 1 is -0.
    return abs(float(-(p * np.log(p)).sum() / np.log(len(shown))))


def hti_groups(hti: Floats, rule: GroupRule) -> NDArray[np.object_]:
    """Group of each HTI: high, low, or None between the two and where HTI is NaN."""
    groups = np.full(len(hti), None, dtype=object)
    groups[hti > rule.above] = HIGH
    groups[hti <= rule.up_to] = LOW
    return groups


def unseen_patients(labels: pd.DataFrame, rounds: pd.DataFrame) -> set[str]:
    """Patients who are judged by networks that have not learned from them or been chosen on them.

    In a cross-validation everybody, since each is judged by the round that tests them. Else
    those set aside for test, and those who are out of distribution for every one of
    the traits, whatever their role; so HTI meets survival where it is no answer from memory.
    As in the paper, patients who were not measured for a trait are not among them unless
    they are test patients.

    Parameters
    ----------
    labels
        Labels of all traits that make up the HTI, see `histoniche.traits.labels.DTYPES`.
    rounds
        As from `histoniche.traits.rounds.draw_rounds` or `draw_folds`.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, on heterogeneity and survival.
    """
    if cross_validated(rounds):
        return {str(name) for table in (labels, rounds) for name in table["patient"]}
    aside = rounds[rounds["round"].isna() & (rounds["role"] == TEST)]
    outside = labels["set"].isin([NEAR, FAR])
    everywhere = outside.groupby(labels["patient"]).all()
    traits = labels.groupby("patient")["trait"].nunique()
    whole = everywhere & (traits == labels["trait"].nunique())
    return set(aside["patient"].astype(str)) | {str(name) for name in whole.index[whole]}
