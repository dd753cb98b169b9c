"""Evaluation of region maps against annotations, by role and patient."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.cohort.palette import IGNORE
from histoniche.cohort.splits import ROLES
from histoniche.learning.metrics import (
    CONFIDENCES,
    accuracy,
    bootstrap_interval,
    calibration_error,
    class_metrics,
    clustered_correlation,
    confidence_counts,
    confusion_matrix,
    macro_f1,
    reliability,
)
from histoniche.randomness import generator
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table

METRICS = ("iou", "dice", "precision", "recall")
"""Metrics of a region, each a column with `_low` and `_high` beside it."""


def evaluate_segmentation(
    tiles: Mapping[str, Path],
    predictions: Mapping[str, Path],
    split: Path,
    *,
    out_metrics: Path,
    out_confusion: Path,
    out_agreement: Path,
    out_calibration: Path,
    patients: Mapping[str, str],
    palette: Sequence[Mapping[str, Any]],
    seed: int,
) -> None:
    """Compare predicted with annotated regions, by role of the patient.

    Parameters
    ----------
    tiles, predictions
        Stores of the annotated slides and of what the networks found, by slide.
    split
        Table of the patients' roles.
    out_metrics
        A row a role and class: IoU, Dice, precision and recall, each with a 95 %
        bootstrap interval over patients (NaN for a single one); `tiled`, the
        share of the annotated area that lies in tiles (0 to 1), outside of
        which nothing is predicted or measured. Region `mean` holds the mean
        over regions without the background. Region `overall` holds, each with
        its interval, `accuracy`, the share of right pixels; `macro_f1`, the mean
        F1 of the classes that are annotated, background included; and
        `calibration_error`, the expected calibration error.
    out_confusion
        Pixels by role, true and predicted class.
    out_agreement
        Pearson correlation of true and predicted area over slides, by role and
        region, with a 95 % bootstrap interval over patients, whose slides are alike.
    out_calibration
        The reliability diagram: by role and bin of confidence the pixels, their mean
        confidence and the share that is right, with a 95 % bootstrap interval.
    """
    roles = read_table(split).set_index("patient")["role"]
    compared = [
        one
        for slide in tiles
        if (one := _compare(patients[slide], tiles[slide], predictions[slide], len(palette)))
    ]
    names = [entry["region"] for entry in palette]
    metrics, confusion, agreement, calibration = [], [], [], []
    for role in ROLES:
        chosen = [one for one in compared if roles[one.patient] == role]
        if chosen:
            rng = generator(seed, "evaluation", role)
            shared = {
                "role": role,
                "slides": len(chosen),
                "patients": len({one.patient for one in chosen}),
            }
            metrics += [{**shared, **row} for row in _metric_rows(chosen, names, rng)]
            confusion += [{"role": role, **row} for row in _confusion_rows(chosen, names)]
            agreement += [{**shared, **row} for row in _agreement_rows(chosen, names, rng)]
            calibration += [{**shared, **row} for row in _calibration_rows(chosen, rng)]
    write_table(pd.DataFrame(metrics), out_metrics)
    write_table(pd.DataFrame(confusion), out_confusion)
    write_table(pd.DataFrame(agreement), out_agreement)
    write_table(pd.DataFrame(calibration), out_calibration)


class _Compared(NamedTuple):
    """One slide: pixels by true and predicted class, and what a pixel is worth.

    `confidences` counts pixels as `confidence_counts` does. `annotated_mm2` holds
    the area of each class on the whole mask, in and out of tiles.
    """

    patient: str
    matrix: np.ndarray
    confidences: np.ndarray
    pixel_mm2: float
    annotated_mm2: np.ndarray


def _compare(patient: str, tiles: Path, predictions: Path, classes: int) -> _Compared | None:
    """Compare one slide's label tiles with what the networks found; None without labels."""
    truth, found = TileStore(tiles), TileStore(predictions)
    if "label" not in truth or len(found) == 0:
        return None
    matrix = np.zeros((classes, classes), np.int64)
    confidences = np.zeros((2, CONFIDENCES), np.int64)
    together = zip(
        truth.shards("label"), found.shards("label"), found.shards("confidence"), strict=True
    )
    for (_, labels), (_, regions), (_, confidence) in together:
        matrix += confusion_matrix(labels, regions, classes=classes)
        known = labels != IGNORE
        confidences += confidence_counts((labels == regions)[known], confidence[known])
    return _Compared(
        patient,
        matrix,
        confidences,
        float(truth.attributes["mpp"]) ** 2 / 1e6,
        np.array(truth.attributes["annotated_mm2"], dtype=float),
    )


def _by_patient(patients: Iterable[str], counts: Iterable[np.ndarray]) -> np.ndarray:
    """Counts of slides summed by patient, (patients, ...)."""
    sums: dict[str, np.ndarray] = {}
    for patient, own in zip(patients, counts, strict=True):
        sums[patient] = sums.get(patient, 0) + own
    return np.stack(list(sums.values()))


def _matrices(compared: Sequence[_Compared]) -> np.ndarray:
    """Confusion matrices by patient, (patients, classes, classes)."""
    return _by_patient((one.patient for one in compared), (one.matrix for one in compared))


def _confidences(compared: Sequence[_Compared]) -> np.ndarray:
    """Pixels by confidence, all and right ones, by patient: (patients, 2, 256)."""
    return _by_patient((one.patient for one in compared), (one.confidences for one in compared))


def _metric_rows(
    compared: Sequence[_Compared], names: Sequence[str], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows of the metrics table for one role."""
    matrices = _matrices(compared)
    pooled = matrices.sum(0)
    values, (low, high) = _scores(pooled), bootstrap_interval(matrices, _scores, rng=rng)
    in_tiles = np.sum([one.matrix.sum(1) * one.pixel_mm2 for one in compared], axis=0)
    annotated = np.sum([one.annotated_mm2 for one in compared], axis=0)
    for k, name in enumerate([*names, "mean"]):
        pixels = pooled[k] if k < len(names) else pooled
        row: dict[str, Any] = {"region": name, "pixels": int(pixels.sum())}
        # Glass needs no tiles, so the background's share would say nothing.
        if 0 < k < len(names):
            row["tiled"] = float(min(in_tiles[k] / annotated[k], 1)) if annotated[k] else np.nan
        for number, metric in enumerate(METRICS):
            row[metric] = float(values[number, k])
            row[f"{metric}_low"] = float(low[number, k])
            row[f"{metric}_high"] = float(high[number, k])
        yield row
    row = {"region": "overall", "pixels": int(pooled.sum())}
    for name, counts, statistic in (
        ("accuracy", matrices, accuracy),
        ("macro_f1", matrices, macro_f1),
        ("calibration_error", _confidences(compared), calibration_error),
    ):
        one_low, one_high = bootstrap_interval(counts, statistic, rng=rng)
        row[name] = float(statistic(counts.sum(0)))
        row[f"{name}_low"], row[f"{name}_high"] = float(one_low), float(one_high)
    yield row


def _calibration_rows(
    compared: Sequence[_Compared], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows of the calibration table for one role: a bin of confidence each."""
    counts = _confidences(compared)
    found = reliability(counts.sum(0))
    low, high = bootstrap_interval(counts, lambda drawn: reliability(drawn)["accuracy"], rng=rng)
    for number, pixels in enumerate(found["pixels"]):
        if pixels:
            yield {
                "bin": number,
                "pixels": int(pixels),
                "confidence": float(found["confidence"][number]),
                "accuracy": float(found["accuracy"][number]),
                "accuracy_low": float(low[number]),
                "accuracy_high": float(high[number]),
            }


def _scores(matrices: np.ndarray) -> np.ndarray:
    """All metrics, (..., metrics, classes + 1); last their mean without the background.

    A class that is not there has no value and no part in the mean.
    """
    found = class_metrics(matrices)
    values = np.stack([found[metric] for metric in METRICS], axis=-2)
    with warnings.catch_warnings():
        # Draws in which no region is there have no mean.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nanmean(values[..., 1:], axis=-1, keepdims=True)
    return np.concatenate([values, mean], axis=-1)


def _confusion_rows(
    compared: Sequence[_Compared], names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Rows of the confusion table for one role."""
    pooled = _matrices(compared).sum(0)
    for i, truth in enumerate(names):
        for j, predicted in enumerate(names):
            yield {"truth": truth, "predicted": predicted, "pixels": int(pooled[i, j])}


def _agreement_rows(
    compared: Sequence[_Compared], names: Sequence[str], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows of the agreement table for one role: correlation of areas over slides."""
    patients = np.array([one.patient for one in compared])
    for k, name in enumerate(names[1:], start=1):
        truth = np.array([one.matrix[k].sum() * one.pixel_mm2 for one in compared])
        found = np.array([one.matrix[:, k].sum() * one.pixel_mm2 for one in compared])
        r, low, high = clustered_correlation(truth, found, patients, rng=rng)
        yield {
            "region": name,
            "pearson_r": r,
            "pearson_low": low,
            "pearson_high": high,
            "mean_truth_mm2": float(truth.mean()),
            "mean_predicted_mm2": float(found.mean()),
        }
