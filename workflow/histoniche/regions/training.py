"""Training of one head on the annotated slides of the training patients."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.splits import SEEN, patient_digest, roles_of
from histoniche.learning.training import train_segmenter
from histoniche.randomness import derived_seed
from histoniche.regions.heads import head_classes
from histoniche.tables import read_table


def train_head(
    stores: Mapping[str, Path],
    split: Path,
    out: Path,
    state: Path,
    *,
    head: str,
    fold: int | None,
    patients: Mapping[str, str],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    encoder_weights: Path | None,
    seed: int,
    threads: int,
) -> None:
    """Train one head; see `histoniche.learning.training.train_segmenter`.

    Parameters
    ----------
    stores
        Folders of the annotated slides' tiles, by slide.
    split
        Table of the patients' roles.
    out, state
        Folder of the model, and of the checkpoints while it is trained.
    head
        `all` or a region.
    fold
        In a cross-validation, the fold that this network is tested on; None where
        the table says the roles.
    patients
        Patient of each slide.

    The model's description names the patients it has seen, as digests, so that
    whoever applies it can tell which patients are new to it.
    """
    roles = roles_of(read_table(split), fold)
    sides = {
        side: [folder for slide, folder in stores.items() if roles[patients[slide]] == side]
        for side in SEEN
    }
    train_segmenter(
        sides,
        out,
        state,
        classes=head_classes(head, palette),
        settings=settings,
        encoder_weights=encoder_weights,
        origin={"patients_sha256": _digests(patients, roles)},
        seed=derived_seed(seed, "head", head, fold or 0),
        threads=threads,
    )


def _digests(patients: Mapping[str, str], roles: "pd.Series[str]") -> dict[str, list[str]]:
    """Digests of the patients of each role that the network sees."""
    return {
        role: sorted({patient_digest(name) for name in patients.values() if roles[name] == role})
        for role in SEEN
    }
