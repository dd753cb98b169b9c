"""Which patients train, validate and test; drawn by patient and audited for leakage."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.randomness import generator

ROLES = ("train", "validation", "test", "apply")
"""`apply`: not annotated or not used in training; the networks are only applied."""

SEEN = ("train", "validation")
"""Roles of the patients that a network has learned from or was chosen on."""

_FAMILIARITY = ("apply", "validation", "train")
"""Roles from the patients that a network knows least to those that it knows best."""


def split_patients(
    slides: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    method: str,
    ratio: Sequence[float],
    folds: int,
    fold: int | None,
) -> pd.DataFrame:
    """Divide patients for training.

    Parameters
    ----------
    slides
        One mapping a slide: slide, patient, annotated (bool), role (or None).
    seed
        Seed of the run.
    method, ratio, folds, fold
        The config's block `split`.

    Returns
    -------
    One row a patient, sorted: patient, role, fold (number of the fold for
    `kfold`, else NA). Patients without an annotated slide have the role apply.
    In a cross-validation (`kfold` without `fold`) all others have the role
    test, since each is tested by the network of its fold; whom that network
    learned from, `roles_in_fold` tells.

    Raises
    ------
    InputError
        If fewer annotated patients exist than roles need, or a patient was
        given two roles.
    """
    patients = sorted({slide["patient"] for slide in slides})
    annotated = sorted({slide["patient"] for slide in slides if slide["annotated"]})
    table = pd.DataFrame({"patient": patients, "role": "apply", "fold": pd.NA})
    table["fold"] = table["fold"].astype("Int64")
    if method == "given":
        roles = _given_roles(slides)
        table["role"] = [roles.get(patient, "apply") for patient in patients]
    elif annotated:
        order = generator(seed, "split").permutation(np.array(annotated, dtype=object))
        if method == "kfold":
            numbers = {patient: index % folds for index, patient in enumerate(order)}
            table["fold"] = table["patient"].map(numbers).astype("Int64")
            if fold is None:
                return _cross_validated(slides, table, folds)
            table["role"] = roles_in_fold(table, fold)
        else:
            roles = dict(zip(order, _roles_by_ratio(len(order), ratio), strict=True))
            table["role"] = [roles.get(patient, "apply") for patient in patients]
    audit_leakage(slides, table)
    return table


def roles_in_fold(split: pd.DataFrame, fold: int) -> "pd.Series[str]":
    """Roles in the training that tests on one fold.

    Parameters
    ----------
    split
        Columns patient and fold, as from `split_patients`.
    fold
        Number of the fold that is tested on; the next one validates, after the
        last the first, and the others train.

    Returns
    -------
    Role of each row; apply for patients without a fold.
    """
    folds = int(split["fold"].max()) + 1
    sides = {fold: "test", (fold + 1) % folds: "validation"}
    return (
        split["fold"]
        .map(lambda number: sides.get(number, "train"), na_action="ignore")
        .fillna("apply")
    )


def roles_of(split: pd.DataFrame, fold: int | None) -> "pd.Series[str]":
    """Role of each patient in the training of one network, by patient.

    Parameters
    ----------
    split
        As from `split_patients`.
    fold
        In a cross-validation the fold that the network is tested on; None where the
        table says the roles.
    """
    if fold is not None:
        split = split.assign(role=roles_in_fold(split, fold))
    return split.set_index("patient")["role"]


def _cross_validated(
    slides: Sequence[Mapping[str, Any]], table: pd.DataFrame, folds: int
) -> pd.DataFrame:
    """Give all patients with a fold the role test, once every fold's training is audited."""
    for fold in range(folds):
        audit_leakage(slides, table.assign(role=roles_in_fold(table, fold)))
    if table["fold"].nunique() < folds:
        raise InputError(
            f"{folds} folds need as many annotated patients ({table['fold'].nunique()} are there)",
            column="split.folds",
            remedy="annotate more patients, or make fewer folds",
        )
    return table.assign(role=np.where(table["fold"].notna(), "test", "apply"))


def patient_digest(patient: str) -> str:
    """Digest of a patient's id, by which a model names whom it has seen without their ids."""
    return hashlib.sha256(f"histoniche patient {patient}".encode()).hexdigest()


def recall_roles(
    patients: Iterable[str], seen: Sequence[Sequence[Mapping[str, Collection[str]]]]
) -> pd.DataFrame:
    """Roles that patients had in the training of models that were brought along.

    Parameters
    ----------
    patients
        The cohort's patients.
    seen
        For each head, for each of its models, the digests (`patient_digest`) of
        the patients that the model has seen, under the roles `SEEN`.

    Returns
    -------
    As `split_patients`. A patient is applied to by the models of each head that
    have not seen it, if there are any (`unseen`); so the role is that in the
    head that knows the patient best, of its model that knows it least. Apply
    says that, as far as ids tell, the patient is new.
    """
    names = sorted(set(patients))
    roles = [
        max(
            (
                min((_role_in(model, name) for model in head), key=_FAMILIARITY.index)
                for head in seen
            ),
            key=_FAMILIARITY.index,
        )
        for name in names
    ]
    table = pd.DataFrame({"patient": names, "role": roles, "fold": pd.NA})
    return table.astype({"fold": "Int64"})


def _role_in(seen: Mapping[str, Collection[str]], patient: str) -> str:
    """Role of a patient in the training of one model, by the digests that it names."""
    digest = patient_digest(patient)
    return next((role for role in SEEN if digest in seen.get(role, ())), "apply")


def unseen(seen: Sequence[Mapping[str, Collection[str]]], patient: str) -> list[int]:
    """Which models of a head a patient's slides go to, so that no answer is from memory.

    Parameters
    ----------
    seen
        For each model the digests of the patients that it has seen.

    Returns
    -------
    Numbers of the models that have not seen the patient; all, if each has.
    """
    fresh = [number for number, model in enumerate(seen) if _role_in(model, patient) == "apply"]
    return fresh or list(range(len(seen)))


def audit_leakage(slides: Sequence[Mapping[str, Any]], split: pd.DataFrame) -> None:
    """Fail if a patient stands on two sides, or a side that training needs is empty.

    Parameters
    ----------
    slides
        As for `split_patients`.
    split
        Columns patient and role; a patient in two rows with different roles leaks.
    """
    sides = split.groupby("patient")["role"].unique()
    for patient, roles in sides.items():
        if len(roles) > 1:
            raise InputError(
                f"the patient stands on both sides, {' and '.join(sorted(roles))}",
                column="role",
                value=patient,
                remedy="give all slides of a patient one role",
            )
    annotated = {slide["patient"] for slide in slides if slide["annotated"]}
    if annotated:
        present = {role for patient in annotated for role in sides.get(patient, ())}
        for role in ("train", "validation"):
            if role not in present:
                raise InputError(
                    f"no annotated patient has the role {role} ({len(annotated)} are annotated)",
                    column="split",
                    remedy="annotate more patients, or change split.method or split.ratio",
                )


def _given_roles(slides: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Role of every patient from the sheet's column `role`; two roles are an error."""
    roles: dict[str, str] = {}
    for slide in slides:
        patient, role = slide["patient"], slide["role"]
        if role is None:
            continue
        if roles.setdefault(patient, role) != role:
            raise InputError(
                f"the patient stands on both sides, {roles[patient]} and {role}",
                column="role",
                value=patient,
                remedy="give all slides of a patient one role",
            )
    return roles


def _roles_by_ratio(count: int, ratio: Sequence[float]) -> list[str]:
    """Roles for `count` patients; a side with a share gets at least one while patients last."""
    shares = np.array(ratio) / sum(ratio)
    sizes = np.floor(shares * count + 0.5).astype(int)
    sizes[1:] = np.where(shares[1:] > 0, np.maximum(sizes[1:], 1), 0)
    # Rounding and the floor of one are paid by training, the largest side.
    sizes[0] = max(count - sizes[1:].sum(), 0)
    return [role for role, size in zip(ROLES, sizes, strict=False) for _ in range(size)][:count]
