"""Models that were brought along: which of their rounds vote, without labels to choose by."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table
from histoniche.traits.scores import ARGMAX
from histoniche.traits.voting import ENSEMBLE


def brought_choice(
    numbers: Sequence[int],
    brought: Path | None,
    classes: Sequence[str],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Choice of rounds for models that were brought along.

    Parameters
    ----------
    numbers
        Rounds that have a model.
    brought
        The `choice` of the run that trained them; without it all rounds vote, and two
        classes are parted at 0.5.
    classes, settings
        As for `histoniche.traits.scoring.score_trait`.

    Returns
    -------
    As `score_trait` writes it, without the row of the ensemble.

    Raises
    ------
    InputError
        If a round that was chosen has no model.
    """
    if brought is None:
        return _all_vote(numbers, classes, settings)
    table = read_table(brought)
    table = table[table["model"] != ENSEMBLE]
    missing = set(table.loc[table["chosen"], "model"].astype(int)) - set(numbers)
    if missing:
        raise InputError(
            "the model of a chosen round is missing",
            file=brought,
            column="model",
            value=min(missing),
            remedy="bring the models of all chosen rounds along, or leave the choice out",
        )
    return table[table["model"].astype(int).isin(numbers)].reset_index(drop=True)


def _all_vote(
    numbers: Sequence[int], classes: Sequence[str], settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Choice of all rounds, whose thresholds nothing is there to choose by."""
    cuts = {
        name: 0.5 if len(classes) == 2 and settings[name] != ARGMAX else np.nan
        for name in ("tile_threshold", "slide_threshold")
    }
    return pd.DataFrame(
        {
            "model": [str(number) for number in numbers],
            "validation_auc": np.nan,
            "validation_patients": 0,
            "validation_slides": 0,
            "rank": np.arange(1, len(numbers) + 1),
            "chosen": True,
            **cuts,
        }
    )
