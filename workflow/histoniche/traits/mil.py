"""Slide labels learned from slides: gated attention on features, divided by patient."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.splits import SEEN
from histoniche.errors import InputError
from histoniche.learning.bags import Bag
from histoniche.learning.mil import train_mil
from histoniche.randomness import derived_seed
from histoniche.tables import read_table
from histoniche.traits.scoring import Key
from histoniche.traits.training import sides_of_round


def train_trait_mil(
    features: Mapping[str, Path],
    labels: Path,
    rounds: Path,
    out: Path,
    state: Path,
    *,
    trait: str,
    round: int,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train one trait's gated attention in one round; see `histoniche.learning.mil.train_mil`.

    Parameters
    ----------
    features
        Folders of the slides' features, by slide.
    labels, rounds, out, state, trait, round, classes
        As for `histoniche.traits.training.train_trait`.
    settings
        The config's block of the training; `bag` is `slide` or `patient`.

    Raises
    ------
    InputError
        If a patient stands on two sides or has slides of different classes in one bag.
    """
    sides, digests = sides_of_round(
        read_table(labels), read_table(rounds), trait=trait, number=round, slides=features
    )
    train_mil(
        {side: _bags(sides[side], features, settings["bag"]) for side in SEEN},
        out,
        state,
        classes=classes,
        settings=settings,
        origin={"trait": trait, "round": round, "patients_sha256": digests},
        seed=derived_seed(seed, "mil", trait, round),
        threads=threads,
    )


def _bags(slides: pd.DataFrame, features: Mapping[str, Path], kind: Key) -> list[Bag]:
    """Bags of labelled slides, one each or one a patient."""
    bags = []
    for name, own in slides.groupby(kind, sort=True):
        if own["class"].nunique() > 1:
            raise InputError(
                f"slides of classes {' and '.join(sorted(own['class'].unique()))} in one bag",
                column="patient",
                value=str(name),
                remedy="make bags of slides",
            )
        bags.append(Bag(tuple(features[slide] for slide in own["slide"]), own["class"].iloc[0]))
    return bags
