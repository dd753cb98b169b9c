"""Training of one trait's network in one round, on slides whose patients stand on one side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.splits import SEEN, audit_leakage, patient_digest
from histoniche.errors import InputError
from histoniche.learning.classifier_training import ClassedSlide, train_classifier
from histoniche.randomness import derived_seed
from histoniche.tables import read_table

# Label sets of slides that have a class; others are out of distribution or unlabelled.
_LABELLED = "in"


def train_trait(
    stores: Mapping[str, Path],
    labels: Path,
    rounds: Path,
    out: Path,
    state: Path,
    *,
    trait: str,
    round: int,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    encoder_weights: Path | None,
    seed: int,
    threads: int,
) -> None:
    """Train one trait in one round; see `histoniche.learning.classifier_training`.

    Parameters
    ----------
    stores
        Folders of the slides' tiles, by slide.
    labels
        Table slide, patient, trait, class, set, of which the set `in` has a class.
    rounds
        Table patient, round (NA: set aside), role.
    out, state
        Folder of the model, and of the checkpoints while it is trained.
    trait, round
        Which trait, and which of the rounds.
    classes
        Names in order; of two the second is the positive one.

    The model's description names the patients it has seen, as digests, so that
    whoever applies it can tell which patients are new to it.

    Raises
    ------
    InputError
        If a patient stands on two sides, or a class is missing on one.
    """
    sides, digests = sides_of_round(
        read_table(labels), read_table(rounds), trait=trait, number=round, slides=stores
    )
    train_classifier(
        {
            side: [
                ClassedSlide(stores[slide], label)
                for slide, label in zip(some["slide"], some["class"], strict=True)
            ]
            for side, some in sides.items()
        },
        out,
        state,
        classes=classes,
        settings=settings,
        encoder_weights=encoder_weights,
        origin={"trait": trait, "round": round, "patients_sha256": digests},
        seed=derived_seed(seed, "trait", trait, round),
        threads=threads,
    )


def sides_of_round(
    labels: pd.DataFrame,
    rounds: pd.DataFrame,
    *,
    trait: str,
    number: int,
    slides: Mapping[str, Any],
) -> tuple[dict[str, pd.DataFrame], dict[str, list[str]]]:
    """Labelled slides of each side of a round, and digests of their patients.

    Parameters
    ----------
    labels, rounds
        As for `train_trait`.
    trait, number
        Which trait, which round.
    slides
        Slides that can be learned from.

    Returns
    -------
    Under `train` and `validation`: rows of the labels, by slide; and the patients' digests.

    Raises
    ------
    InputError
        If a patient stands on two sides, also where it was set aside to test, or a slide
        is said to be of two patients.
    """
    own = rounds[rounds["round"].isna() | (rounds["round"] == number)]
    if not (rounds["round"] == number).any():
        raise InputError(
            "no such round", column="round", value=number, remedy="choose one of the table"
        )
    audit_leakage([], own[["patient", "role"]].drop_duplicates())
    of_trait = labels[(labels["trait"] == trait) & labels["slide"].isin(list(slides))]
    twice = of_trait.groupby("slide")["patient"].nunique()
    if (twice > 1).any():
        raise InputError(
            "the slide is said to be of two patients",
            column="patient",
            value=str(twice.index[twice > 1][0]),
            remedy="give each slide one patient",
        )
    known = of_trait[of_trait["set"] == _LABELLED].sort_values("slide")
    role = own.drop_duplicates("patient").set_index("patient")["role"]
    sides = {side: known[known["patient"].map(role) == side] for side in SEEN}
    digests = {
        side: sorted({patient_digest(patient) for patient in some["patient"]})
        for side, some in sides.items()
    }
    return sides, digests
