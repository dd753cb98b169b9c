"""Voters: whose networks of a trait judge a patient."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from histoniche.traits.rounds import TEST, cross_validated
from histoniche.traits.voting import ENSEMBLE


class Voters(NamedTuple):
    """Rounds whose networks judge together, the best first, and their thresholds of tiles."""

    rounds: list[int]
    thresholds: list[float] | None
    """None: the most probable class."""


def chosen_networks(choice: pd.DataFrame) -> Voters:
    """Rounds whose networks vote.

    Parameters
    ----------
    choice
        As `histoniche.traits.scoring.score_trait` writes it.
    """
    rows = choice[choice["chosen"] & (choice["model"] != ENSEMBLE)].sort_values("rank")
    return _voters(rows)


def voters_of(
    patient: str,
    *,
    choice: pd.DataFrame | None,
    rounds: pd.DataFrame | None,
    there: Collection[int],
) -> Voters:
    """Networks that judge one patient.

    In a cross-validation that of the round which tests the patient, so that nobody is judged
    from memory; else, and of patients who are in no round, those that were chosen.

    Parameters
    ----------
    choice
        As for `chosen_networks`; None, as of models that were brought along without it: all.
    rounds
        As from `histoniche.traits.rounds.write_rounds`; None for models brought along.
    there
        Rounds that have a network.
    """
    if choice is None:
        return Voters(sorted(there), None)
    if rounds is not None and cross_validated(rounds):
        tests = rounds[(rounds["role"] == TEST) & (rounds["patient"] == patient)]
        names = tests["round"].astype(str).tolist()
        if names:
            return _voters(choice[choice["model"].isin(names)])
    return chosen_networks(choice)


def tile_thresholds(choice: pd.DataFrame) -> list[float | None]:
    """Threshold of tiles of each row of a choice; None for the most probable class."""
    cuts = choice["tile_threshold"].to_numpy(np.float64)
    return [None if np.isnan(cut) else float(cut) for cut in cuts]


def _voters(rows: pd.DataFrame) -> Voters:
    """Rounds and thresholds of some rows of a choice."""
    cuts = [cut for cut in tile_thresholds(rows) if cut is not None]
    return Voters([int(name) for name in rows["model"]], cuts if len(cuts) == len(rows) else None)
