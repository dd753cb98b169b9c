"""Who trains, validates and tests networks that learn survival; drawn by patient and outcome."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.cohort.splits import SEEN, audit_leakage, patient_digest, roles_in_fold
from histoniche.errors import InputError
from histoniche.randomness import generator
from histoniche.tables import write_table

TRAINING, TUNING = "training", "tuning"
"""Cohorts that networks learn from and are chosen on."""

LEARNED = (TRAINING, TUNING)


class Followed(NamedTuple):
    """A patient with follow-up."""

    patient: str
    time_days: float
    event: bool
    """Whether the patient died then."""


_ROLES = {TRAINING: "train", TUNING: "validation"}
_COLUMNS = ("patient", "cohort", "role", "fold", "time_days", "event")


def write_outcome_split(
    patients: Sequence[Mapping[str, Any]],
    out: Path,
    *,
    own: Collection[str],
    folds: int | None,
    seed: int,
) -> None:
    """Divide patients, audit the division for leakage and write it as a table.

    Parameters
    ----------
    patients
        As for `split_by_outcome`: all that are divided together, so that signatures of
        different kinds have the same folds.
    out
        Written: the rows of `own`.
    own
        Patients of the signature that this division is for.
    folds, seed
        As for `split_by_outcome`.
    """
    table = split_by_outcome(patients, folds=folds, seed=seed)
    write_table(table[table["patient"].isin(set(own))].reset_index(drop=True), out)


def split_by_outcome(
    patients: Sequence[Mapping[str, Any]], *, folds: int | None, seed: int
) -> pd.DataFrame:
    """Divide patients with follow-up for the training of a risk.

    Parameters
    ----------
    patients
        One mapping a patient: patient, cohort (`training`, `tuning` or None), time_days and
        event (1: died then).
    folds
        Number of folds of a cross-validation; None for one network that learns from the
        cohort training and is chosen on the cohort tuning.
    seed
        Seed of the run.

    Returns
    -------
    patient, cohort, role, fold (NA without folds), time_days, event, by patient. In a
    cross-validation all have the role test, and `histoniche.cohort.splits.roles_in_fold`
    says who is what in the training of one fold; folds differ by one patient at most, also
    among those who died, and among those who did not.

    Raises
    ------
    InputError
        If a patient stands there twice, a cohort that is needed has nobody, or there are
        fewer patients than folds.
    """
    table = pd.DataFrame(list(patients), columns=["patient", "cohort", "time_days", "event"])
    table = table.sort_values("patient", ignore_index=True)
    table["event"] = table["event"].astype("Int64")
    twice = table["patient"][table["patient"].duplicated()]
    if len(twice):
        raise InputError(
            "the patient stands there twice",
            column="patient",
            value=str(twice.iloc[0]),
            remedy="give each patient one row",
        )
    if folds is None:
        table["role"] = table["cohort"].map(_ROLES)
        table["fold"] = pd.array([pd.NA] * len(table), dtype="Int64")
        _check_cohorts(table)
        audit_leakage(_annotated(table), table)
        return table[list(_COLUMNS)]
    if len(table) < folds:
        raise InputError(
            f"{folds} folds need as many patients with follow-up ({len(table)} are there)",
            column="folds",
            remedy="add patients, or make fewer folds",
        )
    table["fold"] = pd.array(_deal(table["event"], folds, seed), dtype="Int64")
    for fold in range(folds):
        audit_leakage(_annotated(table), table.assign(role=roles_in_fold(table, fold)))
    return table.assign(role="test")[list(_COLUMNS)]


def _deal(events: "pd.Series[int]", folds: int, seed: int) -> list[int]:
    """Fold of each patient: those who died are dealt out first, then the others."""
    rng = generator(seed, "outcome", "folds")
    dealt = [
        place
        for died in (1, 0)
        for place in rng.permutation(np.flatnonzero(events == died)).tolist()
    ]
    found = {place: number % folds for number, place in enumerate(dealt)}
    return [found[place] for place in range(len(events))]


def _annotated(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The patients as `audit_leakage` wants them."""
    return [{"patient": patient, "annotated": True} for patient in table["patient"]]


def _check_cohorts(table: pd.DataFrame) -> None:
    """One network needs patients to learn from and others to be chosen on."""
    for cohort, role in _ROLES.items():
        if not (table["role"] == role).any():
            raise InputError(
                f"no patient with follow-up is in the cohort {cohort}",
                column="cohort",
                remedy="name the cohorts training and tuning, or write folds: 5",
            )


def sides_of_fold(
    split: pd.DataFrame, fold: int, *, among: Collection[str]
) -> tuple[dict[str, list[Followed]], dict[str, list[str]]]:
    """Patients of each side of one network's training, and their digests.

    Parameters
    ----------
    split
        As from `split_by_outcome`.
    fold
        Fold that is tested on; without meaning where the table has no folds.
    among
        Patients who can be learned from.

    Returns
    -------
    Under `train` and `validation`: the patients; and their digests.

    Raises
    ------
    InputError
        If a patient stands on two sides.
    """
    roles = split["role"] if split["fold"].isna().all() else roles_in_fold(split, fold)
    divided = split.assign(role=roles)
    audit_leakage([], divided)
    known = divided[divided["patient"].isin(set(among))]
    sides: dict[str, list[Followed]] = {side: [] for side in SEEN}
    for row in known[known["role"].isin(SEEN)].to_dict("records"):
        one = Followed(str(row["patient"]), float(row["time_days"]), bool(row["event"]))
        sides[row["role"]].append(one)
    digests = {
        side: sorted(patient_digest(one.patient) for one in some) for side, some in sides.items()
    }
    return sides, digests
