"""Survival times, events and scores, checked."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]


def observations(
    times: ArrayLike, events: ArrayLike, *, fewest: int = 2, deaths: bool = True
) -> tuple[Floats, Events]:
    """Times and events as arrays, if they are what a survival analysis can work with.

    Parameters
    ----------
    times
        (patients,), finite and above 0, any unit.
    events
        (patients,): 1 or True where the patient died, 0 or False where they were last seen.
    fewest
        Fewest patients.
    deaths
        Whether somebody must have died.

    Raises
    ------
    InputError
        If they are not; it names the first patient by the place in the arrays, from 1.
    """
    time = np.asarray(pd.to_numeric(pd.Series(np.asarray(times)), errors="coerce"), dtype=float)
    event = np.asarray(pd.to_numeric(pd.Series(np.asarray(events)), errors="coerce"), dtype=float)
    if len(time) != len(event):
        raise InputError(
            f"{len(time)} times and {len(event)} events", remedy="give one of each for each patient"
        )
    _refuse(~(np.isfinite(time) & (time > 0)), times, "time_days", "a time must be more than 0")
    _refuse(~np.isin(event, (0, 1)), events, "event", "an event is 1 (died) or 0 (last seen)")
    if len(time) < fewest:
        only = f"only {len(time)} patient{'' if len(time) == 1 else 's'}"
        raise InputError(f"{only}, {fewest} are needed", remedy="add patients with follow-up")
    if deaths and not event.any():
        raise InputError(
            f"nobody died among {len(event)} patients", remedy="wait for events, or choose others"
        )
    return time, event == 1


def checked_scores(scores: ArrayLike, *, like: int | None = None) -> Floats:
    """Scores as an array, if they are finite and as many as there are patients."""
    score = np.asarray(scores, dtype=np.float64)
    if like is not None and len(score) != like:
        raise InputError(f"{like} patients, {len(score)} scores", remedy="give each patient one")
    if not np.isfinite(score).all():
        place = int(np.flatnonzero(~np.isfinite(score))[0])
        raise InputError(
            f"patient {place + 1} of {len(score)} has no score",
            column="score",
            value=float(score[place]),
            remedy="leave out those whose score is not known",
        )
    return score


def _refuse(wrong: Events, values: ArrayLike, column: str, problem: str) -> None:
    """Raise an error that names the first wrong value."""
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        value = pd.Series(np.asarray(values)).tolist()[place]
        raise InputError(
            f"{problem} (patient {place + 1} of {len(wrong)})",
            column=column,
            value=value,
            remedy="correct it, or leave the patient out",
        )
