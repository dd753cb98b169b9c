"""Training of one head on the annotated slides of the training patients."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    patients: Mapping[str, str],
    palette: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
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
    patients
        Patient of each slide.
    """
    roles = read_table(split).set_index("patient")["role"]
    sides = {
        side: [folder for slide, folder in stores.items() if roles[patients[slide]] == side]
        for side in ("train", "validation")
    }
    train_segmenter(
        sides,
        sorted({patients[slide] for slide in stores if roles[patients[slide]] == "train"}),
        out,
        state,
        classes=head_classes(head, palette),
        settings=settings,
        seed=derived_seed(seed, "head", head),
        threads=threads,
    )
