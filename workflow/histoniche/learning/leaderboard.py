"""Leaderboard: the trials of a search in the order of one declared rule, and the one chosen."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.trials import Range, draw_trial
from histoniche.errors import InputError
from histoniche.files import read_json, whole_file
from histoniche.tables import read_table, write_table

_KEPT = ("epoch", "validation_loss", "validation_accuracy", "validation_iou", "validation_dice")

COLUMNS = ("head", "fold", "rank", "trial", "model", *_KEPT)
"""Columns of a leaderboard, before those of the values drawn."""

# Hexadecimal digits by which people name the weights of a model.
_SHORT_DIGEST = 12


def rank_trials(
    models: Mapping[int, Path],
    out: Path,
    *,
    head: str,
    fold: int,
    rule: str,
    space: Mapping[str, Range],
    seed: int,
) -> None:
    """Write the leaderboard of the trials of one head and fold.

    Parameters
    ----------
    models
        Folder of each trial's model.
    out
        A row a trial, the best first: head, fold, rank (from 1), trial, model (the
        first digits of its weights' SHA-256), the number of the epoch that was kept
        and its metrics on the validation patients, and the values drawn, each in a
        column of its key.
    head, fold
        Which network it is.
    rule
        The metric that ranks, a column that starts with `validation_`; among
        equals the lower validation loss goes first, then the lower number.
    space, seed
        What the trials were drawn from, as for `draw_trial`.

    The best validation numbers of many trials flatter the one that is chosen;
    how good it is, the test patients tell.
    """
    rows = []
    for trial, folder in models.items():
        description = read_json(folder / "model.json")
        rows.append(
            {
                "trial": trial,
                "model": description["weights_sha256"][:_SHORT_DIGEST],
                **{key: description["kept"][key] for key in _KEPT},
                **{key: str(value) for key, value in draw_trial(space, trial, seed=seed).items()},
            }
        )
    ordered = pd.DataFrame(rows).sort_values(
        [rule, "validation_loss", "trial"],
        ascending=[rule == "validation_loss", True, True],
        na_position="last",
    )
    ordered.insert(0, "rank", range(1, len(ordered) + 1))
    ordered.insert(0, "fold", fold)
    ordered.insert(0, "head", head)
    write_table(ordered.reset_index(drop=True), out)


def choose_trial(
    leaderboard: Path,
    models: Mapping[int, Path],
    out: Path,
    *,
    reviewed: bool,
    accepted: Sequence[Mapping[str, Any]],
) -> int:
    """Copy the model of the best trial, or of the best that a pathologist accepted.

    Parameters
    ----------
    leaderboard
        As from `rank_trials`.
    models
        Folder of each trial's model.
    out
        Folder that the model's files are copied to.
    reviewed
        Whether only accepted trials may be chosen.
    accepted
        Accepted trials with the model that was looked at, `trial` and `model`.

    Returns
    -------
    The trial chosen.

    Raises
    ------
    InputError
        If no trial is accepted, or another model than today's was looked at.
    """
    board = read_table(leaderboard)
    if reviewed:
        board = _accepted(board, accepted)
    best = int(board.iloc[0]["trial"])
    for file in sorted(models[best].iterdir()):
        if file.is_file() and not file.name.startswith("."):
            with whole_file(out / file.name) as temporary:
                shutil.copyfile(file, temporary)
    return best


def _accepted(board: pd.DataFrame, accepted: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of the trials that were accepted, as they are today."""
    if not accepted:
        raise InputError(
            "no trial has been accepted yet",
            column="segmentation.tuning.verdicts",
            remedy="open review/review.html, fill in a copy of review/verdicts.tsv and name it",
        )
    today = dict(zip(board["trial"], board["model"], strict=True))
    for row in accepted:
        if today.get(row["trial"]) != row["model"]:
            raise InputError(
                f"the verdict on trial {row['trial']} is about another model than today's, "
                f"{today.get(row['trial'], 'which is not there')}",
                column="segmentation.tuning.verdicts",
                value=row["model"],
                remedy="review the trials again: their training has changed since",
            )
    return board[board["trial"].isin([row["trial"] for row in accepted])]
