"""The job that gives every patient with a usable scan the risk that the networks see in it."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.imaging.samples import read_sample
from histoniche.learning.risk_model import RiskModel, load_risk_model
from histoniche.risk_scores import judges, score_table
from histoniche.tables import read_table, write_table

# Samples that a network judges at once.
_AT_ONCE = 16


def score_scans(
    samples: Mapping[str, Path],
    models: Mapping[int, Path],
    split: Path | None,
    *,
    scores: Path,
    score: str,
    maps: Sequence[str],
    cohorts: Mapping[str, str | None],
    threads: int,
) -> None:
    """Judge every patient by the networks that have not seen it, or else by all.

    Parameters
    ----------
    samples
        Files of the patients' samples.
    models
        Folders of the networks, by the fold that each is tested on.
    split
        As from `histoniche.cohort.outcome_splits.write_outcome_split`; None for models that
        were brought along.
    scores
        Written: see `histoniche.risk_scores.score_table`. Patients whose scan cannot be used
        are not there.
    score
        Name of the score.
    maps
        Names of the samples' maps in their order.
    cohorts
        Cohort of each patient, or None.
    threads
        CPU threads.

    Raises
    ------
    InputError
        If a model learned from other maps, or no scan can be used.
    """
    torch.set_num_threads(threads)
    loaded = load_networks(models, maps)
    seen = {number: model.description["patients_sha256"] for number, model in loaded.items()}
    usable = [name for name, file in sorted(samples.items()) if len(read_sample(file).images)]
    if not usable:
        remedy = "see the reasons in imaging/quality.tsv"
        raise InputError("no scan can be used", column="imaging.scans", remedy=remedy)
    found: dict[str, list[float]] = {name: [] for name in usable}
    for number, model in loaded.items():
        own = [name for name in usable if number in judges(name, seen)]
        for start in range(0, len(own), _AT_ONCE):
            some = own[start : start + _AT_ONCE]
            images = np.stack([read_sample(samples[name]).images for name in some])
            for name, value in zip(some, relative_hazard(model, images), strict=True):
                found[name].append(float(value))
    table = score_table(
        found,
        score=score,
        cohorts=cohorts,
        split=None if split is None else read_table(split),
        seen=seen,
    )
    write_table(table, scores)
    logging.info("%d of %d patients have a score", len(table), len(samples))


def load_networks(models: Mapping[int, Path], maps: Sequence[str]) -> dict[int, RiskModel]:
    """Load the networks of all folds.

    Raises
    ------
    InputError
        If one learned from other maps.
    """
    loaded = {}
    for number, folder in sorted(models.items()):
        loaded[number] = load_risk_model(folder)
        given = list(loaded[number].description["maps"])
        if given != list(maps):
            raise InputError(
                f"the model learned from {', '.join(given)} instead of {', '.join(maps)}",
                file=folder,
                column="imaging.maps",
                remedy="name the maps that the model learned from, in its order",
            )
    return loaded


def relative_hazard(model: RiskModel, images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log hazards (n,) less the mean of the patients that the network learned from.

    Networks of different folds have different origins, so that their mean needs one in common.
    """
    found = np.asarray(model.judge(images), np.float64)
    return found - float(model.description["mean_log_hazard"])
