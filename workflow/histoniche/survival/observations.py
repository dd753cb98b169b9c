"""Survival times, events, covariates and scores, checked: of arrays, and of tables of patients."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.wording import count

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]


class _Rule(NamedTuple):
    """What the values of a column must be, and what is said of the others."""

    column: str
    holds: Callable[[Floats], Events]
    problem: str
    remedy: str


_TIME = _Rule(
    "time_days",
    lambda times: np.isfinite(times) & (times > 0),
    "the time of patient {} is not greater than 0",
    "give days from diagnosis to death or last contact, or leave the patient out",
)
_EVENT = _Rule(
    "event",
    lambda events: np.isin(events, (0, 1)),
    "the event of patient {} is neither 0 nor 1",
    "write 1 for died and 0 for alive when last seen",
)


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
    given = [pd.Series(np.asarray(values)) for values in (times, events)]
    n = len(given[0])
    if len(given[1]) != n:
        raise InputError(
            f"{n} times and {len(given[1])} events", remedy="give one of each for each patient"
        )
    time, event = (
        _numbers(values, lambda place: f"{place + 1} of {n}", rule)
        for values, rule in zip(given, (_TIME, _EVENT), strict=True)
    )
    if n < fewest:
        problem = f"only {count(n, 'patient')}, {fewest} are needed"
        raise InputError(problem, remedy="add patients with follow-up")
    if deaths and not event.any():
        raise InputError(
            f"nobody died among {n} patients", remedy="wait for events, or choose others"
        )
    return time, event == 1


def check_observations(patients: pd.DataFrame, *, file: Path | None = None) -> None:
    """Raise an InputError if a known time is not positive or a known event is not 0 or 1.

    Parameters
    ----------
    patients
        time_days and event by patient; a patient in whom one is missing has no follow-up.
    file
        The table they came from, for the message, which names the patient.
    """
    for column in (_TIME.column, _EVENT.column):
        if column not in patients:
            remedy = f"give the table a column {column}"
            raise InputError("there is no such column", file=file, column=column, remedy=remedy)
    repeated = patients.index[patients.index.duplicated()]
    if len(repeated):
        raise InputError(
            "the patient stands there twice",
            file=file,
            value=str(repeated[0]),
            remedy="keep one row a patient",
        )
    for rule in (_TIME, _EVENT):
        known = patients[rule.column].dropna()
        _numbers(known, known.index.__getitem__, rule, file)


def check_columns(patients: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise an InputError if a covariate is no column of the patients' table."""
    for name in names:
        if name not in patients:
            known = ", ".join(
                str(column) for column in patients if column not in ("time_days", "event")
            )
            raise InputError(
                "the patients have no such covariate",
                column=name,
                remedy=f"add it or choose among {known or 'none'}",
            )


def complete_patients(patients: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The patients in whom follow-up and all these columns are known, once they are checked."""
    check_observations(patients)
    check_columns(patients, names)
    return patients.dropna(subset=["time_days", "event", *names])


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


def _numbers(
    values: "pd.Series[Any]",
    name: Callable[[int], object],
    rule: _Rule,
    file: Path | None = None,
) -> Floats:
    """Values as numbers; an InputError that names the first patient whose value breaks the rule."""
    numbers = np.asarray(pd.to_numeric(values, errors="coerce"), dtype=np.float64)
    wrong = np.flatnonzero(~rule.holds(numbers))
    if len(wrong):
        raise InputError(
            rule.problem.format(name(int(wrong[0]))),
            file=file,
            column=rule.column,
            value=values.tolist()[wrong[0]],
            remedy=rule.remedy,
        )
    return numbers
