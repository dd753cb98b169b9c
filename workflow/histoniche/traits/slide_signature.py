"""Slide signature: a risk learned from survival over the features of all tiles of a patient."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from histoniche.cohort.outcome_splits import sides_of_fold
from histoniche.errors import InputError
from histoniche.learning.bags import SAME
from histoniche.learning.mil_risk import BagRiskModel, RiskBag, load_mil_risk, train_mil_risk
from histoniche.randomness import derived_seed
from histoniche.risk_scores import judges, score_table
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table


def train_slide_signature(
    features: Mapping[str, Path],
    split: Path,
    out: Path,
    state: Path,
    *,
    fold: int,
    owners: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Train the attention of one fold; see `histoniche.learning.mil_risk.train_mil_risk`.

    Parameters
    ----------
    features
        Folders of the slides' features, by slide.
    split
        As from `histoniche.cohort.outcome_splits.write_outcome_split`.
    out, state
        Folder of the model, and of the checkpoints while it is trained.
    fold
        Number of the fold that is tested on; 0 where there are no folds.
    owners
        Patient of each slide.
    settings
        The config's block `slide_signature.training`.
    seed, threads
        Seed of the run; CPU threads.

    Raises
    ------
    InputError
        If a patient stands on two sides, or a side has too few patients or events.
    """
    bags = _bags(features, owners)
    sides, digests = sides_of_fold(read_table(split), fold, among=bags)
    train_mil_risk(
        {
            side: [RiskBag(bags[one.patient], one.time_days, one.event) for one in some]
            for side, some in sides.items()
        },
        out,
        state,
        settings=settings,
        origin={"fold": fold, "patients_sha256": digests},
        seed=derived_seed(seed, "slide_signature", fold),
        threads=threads,
    )


def score_slide_signature(
    features: Mapping[str, Path],
    models: Mapping[int, Path],
    split: Path | None,
    *,
    scores: Path,
    score: str,
    owners: Mapping[str, str],
    cohorts: Mapping[str, str | None],
    threads: int,
) -> None:
    """Judge every patient by the networks that have not seen it, or else by all.

    Parameters
    ----------
    features, owners
        As for `train_slide_signature`.
    models
        Folders of the networks, by the fold that each is tested on.
    split
        As for `train_slide_signature`; None for models that were brought along.
    scores
        Written: see `histoniche.risk_scores.score_table`. Patients without a tile are not
        there.
    score
        Name of the score.
    cohorts
        Cohort of each patient, or None.
    threads
        CPU threads.

    Raises
    ------
    InputError
        If a model learned from features of another encoder or tiling, or nobody of those whom
        networks were trained on has a tile.
    """
    torch.set_num_threads(threads)
    loaded = {number: load_mil_risk(folder) for number, folder in sorted(models.items())}
    seen = {number: model.description["patients_sha256"] for number, model in loaded.items()}
    found: dict[str, list[float]] = {}
    for patient, folders in _bags(features, owners).items():
        own = [loaded[number] for number in judges(patient, seen)]
        bag = _features(folders, own)
        if bag is not None:
            found[patient] = [_relative_hazard(model, bag) for model in own]
    if not found and split is None:
        # Of models that were brought along, other results are still of use.
        logging.warning("no slide has a tile, so nobody has a score; see slides/quality.tsv")
    elif not found:
        remedy = "see the reasons in slides/quality.tsv"
        raise InputError("no slide has a tile", column="slide_signature.tiling", remedy=remedy)
    table = score_table(
        found,
        score=score,
        cohorts=cohorts,
        split=None if split is None else read_table(split),
        seen=seen,
    )
    write_table(table, scores)
    logging.info("%d of %d patients have a score", len(table), len(set(owners.values())))


def _bags(features: Mapping[str, Path], owners: Mapping[str, str]) -> dict[str, tuple[Path, ...]]:
    """Stores of each patient's slides, both in order."""
    bags: dict[str, tuple[Path, ...]] = {}
    for slide in sorted(features):
        bags[owners[slide]] = (*bags.get(owners[slide], ()), features[slide])
    return dict(sorted(bags.items()))


def _features(folders: Sequence[Path], models: Sequence[BagRiskModel]) -> np.ndarray | None:
    """Features of all tiles of a bag, once they are those that the networks learned from."""
    stores = [TileStore(folder) for folder in folders]
    for store in stores:
        store.check()
        for model in models if len(store) else ():
            for key in SAME:
                if store.attributes[key] != model.description[key]:
                    raise InputError(
                        f"the model was trained on features with {model.description[key]}, "
                        f"those of {store.slide} have {store.attributes[key]}",
                        column=key,
                        remedy="take features and models of one run",
                    )
    parts = [store.column("features") for store in stores if len(store)]
    return np.concatenate(parts) if parts else None


def _relative_hazard(model: BagRiskModel, features: np.ndarray) -> float:
    """Log hazard less the mean of the patients that the network learned from."""
    return model.judge(features)[0] - float(model.description["mean_log_hazard"])
