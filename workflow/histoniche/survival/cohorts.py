"""Training, tuning and validation cohorts: who is in which, and a guard between them."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.follow_up import size_of
from histoniche.survival.groups import survival_curve
from histoniche.tables import read_table

TRAINING = "training"
COHORTS = (TRAINING, "tuning", "internal validation", "external validation")
"""An external one may say more: "external validation: TCIA"."""

_ROLES = {"train": COHORTS[0], "validation": COHORTS[1], "test": COHORTS[2]}


def cohorts_of_column(patients: pd.DataFrame, column: str) -> "pd.Series[str]":
    """Cohort of each patient, from a column of the sheet; who has none is in no cohort.

    Raises
    ------
    InputError
        If there is no such column, a name is not one of `COHORTS`, or nobody trains.
    """
    if column not in patients:
        remedy = f"choose among {', '.join(map(str, patients.columns))}"
        raise InputError("no such column in the sheet of patients", column=column, remedy=remedy)
    return _ordered(patients[column].dropna().astype(str), column)


def cohorts_of_split(split: pd.DataFrame) -> "pd.Series[str]":
    """Cohort of each patient, from a table patient and role of the workflow's split.

    train is training, validation is tuning, test is internal validation; the names of
    `COHORTS` mean themselves, and patients with the role apply are in no cohort.

    Raises
    ------
    InputError
        If a patient stands there twice, a role is unknown, or nobody trains.
    """
    twice = split["patient"][split["patient"].duplicated()]
    if len(twice):
        raise InputError(
            "a patient is in one cohort only",
            column="patient",
            value=str(twice.iloc[0]),
            remedy="give each patient one row",
        )
    roles = split.set_index("patient")["role"].dropna().astype(str)
    return _ordered(roles[roles != "apply"].replace(_ROLES), "role")


def _ordered(names: "pd.Series[str]", column: str) -> "pd.Series[str]":
    """Check the names, and sort the patients by cohort."""
    known = [name in COHORTS or name.startswith(f"{COHORTS[3]}: ") for name in names]
    unknown = names[~np.array(known, dtype=bool)]
    if len(unknown):
        raise InputError(
            "unknown cohort",
            column=column,
            value=str(unknown.iloc[0]),
            remedy=f"choose among {', '.join(COHORTS)}",
        )
    if not (names == TRAINING).any():
        raise InputError("no patient is in the cohort training", column=column, remedy="name some")
    order = {name: place for place, name in enumerate([*COHORTS, *sorted(names.unique())])}
    rank = names.map(lambda name: COHORTS.index(name) if name in COHORTS else order[name])
    return names.loc[rank.sort_values(kind="stable").index].rename("cohort")


def read_cohorts(path: Path) -> "pd.Series[str]":
    """Cohort of each patient who is in one, the training first, from a table patient, cohort."""
    return read_table(path).set_index("patient")["cohort"]


def patients_in(cohorts: "pd.Series[str]", name: str) -> list[str]:
    """The patients of one cohort."""
    return [str(patient) for patient in cohorts.index[cohorts == name]]


def names_of(cohorts: "pd.Series[str]") -> list[str]:
    """The cohorts that there are, training first."""
    return list(dict.fromkeys(cohorts))


def check_fitted_on_training(
    fitted_on: Collection[str], cohorts: "pd.Series[str]", *, what: str
) -> None:
    """Refuse anything that was fitted on patients outside the training cohort.

    Parameters
    ----------
    fitted_on
        Patients whose outcome went into it: a model, a cut-point, a scale.
    cohorts
        As from `cohorts_of_column`.
    what
        What it is, for the message.

    Raises
    ------
    InputError
        If one of the patients is in another cohort or in none, or there is none.
    """
    if len(fitted_on) == 0:
        remedy = "keep the patients beside the fit"
        raise InputError(f"{what} does not say whom it was fitted on", remedy=remedy)
    known = cohorts.set_axis(cohorts.index.astype(str))
    others = {patient: known.get(patient, "no cohort") for patient in sorted(map(str, fitted_on))}
    others = {patient: name for patient, name in others.items() if name != TRAINING}
    if others:
        first, name = next(iter(others.items()))
        raise InputError(
            f"{what} was fitted on {len(others)} of {len(fitted_on)} patients outside the cohort "
            f"training, such as one in {name}",
            column="patient",
            value=first,
            remedy="fit it on the training cohort alone, or it is no validation",
        )


def follow_up_table(
    patients: pd.DataFrame, cohorts: "pd.Series[str]", *, confidence: float = 0.95
) -> pd.DataFrame:
    """Size and follow-up of each cohort.

    Returns
    -------
    cohort, n, events, follow_up_days, follow_up_low, follow_up_high (median by the reverse
    Kaplan-Meier method), survival_days, survival_low, survival_high (median); NaN where
    not reached.
    """
    rows = []
    for name in names_of(cohorts):
        mine = _followed(patients, cohorts, name)
        time = mine["time_days"].to_numpy(np.float64)
        size = size_of(time, mine["event"].to_numpy(bool), confidence=confidence)
        median = list(survival_curve(mine, confidence=confidence)[1].values())
        ends = dict(zip(("survival_days", "survival_low", "survival_high"), median, strict=True))
        follow_up = {"follow_up_days": size.median_days, "follow_up_low": size.low}
        head = {"cohort": name, "n": size.n, "events": size.events}
        rows.append({**head, **follow_up, "follow_up_high": size.high, **ends})
    return pd.DataFrame(rows)


def _followed(patients: pd.DataFrame, cohorts: "pd.Series[str]", name: str) -> pd.DataFrame:
    """Patients of a cohort whose follow-up is known."""
    mine = patients.loc[patients.index.isin(cohorts.index[cohorts == name])]
    mine = mine.dropna(subset=["time_days", "event"])
    if mine.empty:
        remedy = "fill in time and event, or leave the cohort out"
        raise InputError("nobody in this cohort has follow-up", value=name, remedy=remedy)
    return mine
