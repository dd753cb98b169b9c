"""Rounds: test patients set aside first, then several trainings on divisions of the others."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.randomness import generator
from histoniche.tables import write_table
from histoniche.traits.labels import IN
from histoniche.traits.strata import by_stratum, draw_by_stratum, read_strata

Method = Literal["rounds", "kfold"]

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def write_rounds(
    slides: Sequence[Mapping[str, Any]],
    out: Path,
    *,
    seed: int,
    method: Method = "rounds",
    rounds: int = 5,
    test: float = 0.1,
    validation: float = 0.1,
    folds: int = 5,
    stratify: Sequence[str] = (),
    patients: Path | None = None,
) -> None:
    """Divide the cohort's patients once for all traits.

    Parameters
    ----------
    slides
        One mapping a slide, with its patient.
    out
        Written: patient, round, role; see `draw_rounds` and `draw_folds`.
    seed
        Seed of the run.
    method
        `rounds`, or `kfold` for a cross-validation.
    rounds, test, validation
        As for `draw_rounds`.
    folds
        As for `draw_folds`.
    stratify
        Columns of the sheet of patients whose combinations are spread evenly.
    patients
        The cohort's patients; needed to stratify.
    """
    names = sorted({str(slide["patient"]) for slide in slides})
    strata = read_strata(names, patients, stratify)
    if method == "kfold":
        table = draw_folds(names, seed=seed, folds=folds, strata=strata)
    else:
        table = draw_rounds(
            names, seed=seed, rounds=rounds, test=test, validation=validation, strata=strata
        )
    audit_rounds(table)
    write_table(table, out)


def draw_rounds(
    patients: Iterable[str],
    *,
    seed: int,
    rounds: int = 5,
    test: float = 0.1,
    validation: float = 0.1,
    strata: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Set test patients aside, then draw training and validation from the others, again and again.

    Parameters
    ----------
    patients
        All of the cohort, whatever traits they have, so that all traits see one division.
    seed
        Seed of the run.
    rounds
        Number of divisions, each drawn anew: the validations of two may overlap.
    test, validation
        Shares of all patients, rounded, but one patient at least.
    strata
        Stratum of each patient; each side then has of every stratum its share, to the nearest
        patient (largest remainders). One that is missing is a stratum of its own.

    Returns
    -------
    patient, round, role, sorted: test patients in one row without a round, the
    others in a row a round, train or validation.

    Raises
    ------
    InputError
        If there are too few patients for three sides.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, Results: 10 % test, then five times
    80 % training and 10 % validation, by subject, before any trait is looked at.
    """
    names = sorted(set(patients))
    sizes = [max(1, int(np.floor(share * len(names) + 0.5))) for share in (test, validation)]
    if len(names) <= sum(sizes):
        raise InputError(
            f"{len(names)} patients are too few for test, validation and training",
            column="traits.rounds",
            remedy="add patients, or make test and validation smaller",
        )
    tested = draw_by_stratum(names, sizes[0], strata, generator(seed, "traits", "test"))
    rows: list[tuple[str, int | None, str]] = [(name, None, TEST) for name in tested]
    others = [name for name in names if name not in tested]
    for number in range(rounds):
        chosen = draw_by_stratum(
            others, sizes[1], strata, generator(seed, "traits", "round", number)
        )
        rows += [(name, number, VALIDATION if name in chosen else TRAIN) for name in others]
    return _table(rows)


def draw_folds(
    patients: Iterable[str],
    *,
    seed: int,
    folds: int = 5,
    strata: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Divide the patients for a cross-validation.

    Parameters
    ----------
    patients, seed, strata
        As for `draw_rounds`; folds differ by one patient at most, also of each stratum.
    folds
        Number of folds. Round k tests on fold k, validates on the next one, after the
        last the first, and trains on the others.

    Returns
    -------
    patient, round, role, sorted: a row a patient and round.

    Raises
    ------
    InputError
        If there are fewer than three folds, or fewer patients than folds.
    """
    names = sorted(set(patients))
    if folds < 3:
        remedy = "make three or more"
        raise InputError(
            "training, validation and test need a fold each",
            column="traits.rounds.folds",
            remedy=remedy,
        )
    if len(names) < folds:
        raise InputError(
            f"{folds} folds need as many patients ({len(names)} are there)",
            column="traits.rounds.folds",
            remedy="add patients, or make fewer folds",
        )
    rng = generator(seed, "traits", "folds")
    dealt = [name for own in by_stratum(names, strata).values() for name in rng.permutation(own)]
    fold = {str(name): place % folds for place, name in enumerate(dealt)}
    sides = {0: TEST, 1: VALIDATION}
    return _table(
        [
            (name, number, sides.get((fold[name] - number) % folds, TRAIN))
            for number in range(folds)
            for name in names
        ]
    )


def numbers_of(rounds: pd.DataFrame) -> list[int]:
    """Numbers of the rounds."""
    return sorted(int(number) for number in rounds["round"].dropna().unique())


def roles_in_round(rounds: pd.DataFrame, number: int) -> "pd.Series[str]":
    """Role of each patient in one round, by patient."""
    mine = rounds[rounds["round"].isna() | (rounds["round"] == number)]
    return mine.set_index("patient")["role"]


def cross_validated(rounds: pd.DataFrame) -> bool:
    """Whether every patient is tested by a round, and nobody set aside."""
    return bool(rounds["round"].notna().all())


def audit_rounds(rounds: pd.DataFrame) -> None:
    """Fail if a patient leaks, or a side of a round is empty.

    A patient leaks who has two roles in one round, or who is set aside for test
    and stands in a round as well.

    Raises
    ------
    InputError
        Naming the first such patient, or the round.
    """
    aside = rounds[rounds["round"].isna()]
    wrong = aside[aside["role"] != TEST]
    for number in numbers_of(rounds):
        mine = pd.concat([aside, rounds[rounds["round"] == number]])
        twice = mine["patient"].duplicated()
        if twice.any() or len(wrong):
            culprit = str(mine.loc[twice, "patient"].iloc[0] if twice.any() else wrong.iloc[0, 0])
            roles = sorted(rounds.loc[rounds["patient"] == culprit, "role"].unique())
            raise InputError(
                f"the patient leaks: {' and '.join(roles)} in round {number}",
                column="role",
                value=culprit,
                remedy="give each patient one role a round, and test patients no other",
            )
        missing = {TRAIN, VALIDATION, TEST} - set(mine["role"])
        if missing:
            raise InputError(
                f"nobody has the role {sorted(missing)[0]} in round {number}",
                column="traits.rounds",
                remedy="add patients, or make fewer folds",
            )


def audit_labels(rounds: pd.DataFrame, labels: pd.DataFrame, *, classes: Sequence[str]) -> None:
    """Fail if a trait's network would have nothing to learn from, or nothing to be chosen by.

    Parameters
    ----------
    rounds
        As from `draw_rounds` or `draw_folds`.
    labels
        The trait's labels, see `histoniche.traits.labels.DTYPES`.
    classes
        The trait's classes.

    Raises
    ------
    InputError
        If a labelled patient is in no round, fewer patients are labelled than a
        cross-validation has folds, a class has no training patient in a round, or all its
        validation patients are of one class, by whom no network could be chosen. A class
        that lacks besides in validation or test is a warning: it has no AUC there.
    """
    trait = str(labels["trait"].iloc[0])
    kept = labels[labels["set"] == IN]
    strangers = sorted(set(kept["patient"]) - set(rounds["patient"]))
    if strangers:
        remedy = "divide the patients anew"
        raise InputError("the patient is in no round", value=strangers[0], remedy=remedy)
    numbers = numbers_of(rounds)
    folds = len(numbers) if cross_validated(rounds) else 0
    if kept["patient"].nunique() < folds:
        raise InputError(
            f"{kept['patient'].nunique()} labelled patients are fewer than the {folds} folds",
            column=f"traits.named.{trait}",
            remedy="label more patients, or make fewer folds",
        )
    for number in numbers:
        sides = kept["patient"].map(roles_in_round(rounds, number))
        for role in (TRAIN, VALIDATION, TEST):
            there = set(kept.loc[sides == role, "class"])
            missing = [name for name in classes if name not in there]
            if missing and role == TRAIN:
                raise InputError(
                    f"no training patient of the class {missing[0]} in round {number}",
                    column=f"traits.named.{trait}",
                    remedy="label more patients, or stratify by the trait's column",
                )
            if len(there) < 2 and role == VALIDATION:
                raise InputError(
                    f"the validation patients of round {number} are of one class or none",
                    column=f"traits.named.{trait}",
                    value=", ".join(sorted(there)) or None,
                    remedy="make the validation larger, label more patients, "
                    "or stratify by the trait's column",
                )
            if missing:
                logging.warning(
                    "%s: no %s patient of the class %s in round %d",
                    trait, role, missing[0], number,
                )  # fmt: skip


def _table(rows: Sequence[tuple[str, int | None, str]]) -> pd.DataFrame:
    """Rounds as a table, sorted."""
    table = pd.DataFrame(rows, columns=["patient", "round", "role"])
    table["round"] = table["round"].astype("Int64")
    return table.sort_values(["round", "patient"], na_position="first", ignore_index=True)
