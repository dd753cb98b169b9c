"""Evaluation of region maps against annotations, by role and patient."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from histoniche.cohort.splits import ROLES
from histoniche.learning.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    region_metrics,
)
from histoniche.randomness import generator
from histoniche.slides.store import TileStore
from histoniche.tables import read_table, write_table


def evaluate_segmentation(
    tiles: Mapping[str, Path],
    predictions: Mapping[str, Path],
    split: Path,
    *,
    out_metrics: Path,
    out_confusion: Path,
    out_agreement: Path,
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
        A row a role and class: IoU with a 95 % bootstrap interval over patients
        (NaN for a single one), Dice, precision, recall; region `mean` holds the
        mean over regions without the background, region `accuracy` the share
        of right pixels.
    out_confusion
        Pixels by role, true and predicted class.
    out_agreement
        Pearson correlation of true and predicted area over slides, by role and region.
    """
    roles = read_table(split).set_index("patient")["role"]
    rows = []
    for slide in tiles:
        matrix, mm2 = _compare(tiles[slide], predictions[slide], len(palette))
        if matrix is not None:
            rows.append((roles[patients[slide]], slide, patients[slide], matrix, mm2))
    names = [entry["region"] for entry in palette]
    metrics, confusion, agreement = [], [], []
    for role in ROLES:
        chosen = [row for row in rows if row[0] == role]
        if chosen:
            rng = generator(seed, "evaluation", role)
            metrics += _metric_rows(role, chosen, names, rng)
            confusion += _confusion_rows(role, chosen, names)
            agreement += _agreement_rows(role, chosen, names)
    write_table(pd.DataFrame(metrics), out_metrics)
    write_table(pd.DataFrame(confusion), out_confusion)
    write_table(pd.DataFrame(agreement), out_agreement)


def _compare(tiles: Path, predictions: Path, classes: int) -> tuple[np.ndarray | None, float]:
    """Confusion matrix of one slide and the area of a pixel in mm²; None without labels."""
    truth, found = TileStore(tiles), TileStore(predictions)
    if "label" not in truth or len(found) == 0:
        return None, np.nan
    matrix = np.zeros((classes, classes), np.int64)
    for (_, labels), (_, regions) in zip(truth.shards("label"), found.shards("label"), strict=True):
        matrix += confusion_matrix(labels, regions, classes=classes)
    return matrix, float(truth.attributes["mpp"]) ** 2 / 1e6


def _by_patient(rows: Sequence[tuple[Any, ...]]) -> np.ndarray:
    """Confusion matrices summed by patient, (patients, classes, classes)."""
    sums: dict[str, np.ndarray] = {}
    for _, _, patient, matrix, _ in rows:
        sums[patient] = sums.get(patient, 0) + matrix
    return np.stack(list(sums.values()))


def _metric_rows(
    role: str, rows: Sequence[tuple[Any, ...]], names: Sequence[str], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Rows of the metrics table for one role."""
    matrices = _by_patient(rows)
    pooled = matrices.sum(0)
    shared = {"role": role, "slides": len(rows), "patients": len(matrices)}
    low, high = bootstrap_interval(matrices, lambda m: region_metrics(m)["iou"], rng=rng)
    values = region_metrics(pooled)
    table = [
        {
            **shared,
            "region": name,
            "pixels": int(pooled[k].sum()),
            **{metric: float(values[metric][k]) for metric in values},
            "iou_low": float(low[k]),
            "iou_high": float(high[k]),
        }
        for k, name in enumerate(names)
    ]
    mean_low, mean_high = bootstrap_interval(matrices, _mean_iou, rng=rng)
    share_low, share_high = bootstrap_interval(matrices, accuracy, rng=rng)
    known = int(pooled.sum())
    mean = {
        "region": "mean",
        "pixels": known,
        **{metric: float(np.nanmean(values[metric][1:])) for metric in values},
        "iou_low": float(mean_low),
        "iou_high": float(mean_high),
    }
    share = {
        "region": "accuracy",
        "pixels": known,
        "accuracy": float(accuracy(pooled)),
        "accuracy_low": float(share_low),
        "accuracy_high": float(share_high),
    }
    return [*table, {**shared, **mean}, {**shared, **share}]


def _mean_iou(matrices: np.ndarray) -> np.ndarray:
    """Mean IoU over the classes without the background, NaN for classes that are not there."""
    return np.asarray(np.nanmean(region_metrics(matrices)["iou"][..., 1:], axis=-1))


def _confusion_rows(
    role: str, rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of the confusion table for one role."""
    pooled = _by_patient(rows).sum(0)
    return [
        {"role": role, "truth": truth, "predicted": predicted, "pixels": int(pooled[i, j])}
        for i, truth in enumerate(names)
        for j, predicted in enumerate(names)
    ]


def _agreement_rows(
    role: str, rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of the agreement table for one role: correlation of areas over slides."""
    table = []
    for k, name in enumerate(names[1:], start=1):
        truth = np.array([matrix[k].sum() * mm2 for *_, matrix, mm2 in rows])
        found = np.array([matrix[:, k].sum() * mm2 for *_, matrix, mm2 in rows])
        row = {
            "role": role,
            "region": name,
            "slides": len(rows),
            "pearson_r": np.nan,
            "pearson_low": np.nan,
            "pearson_high": np.nan,
            "mean_truth_mm2": float(truth.mean()),
            "mean_predicted_mm2": float(found.mean()),
        }
        if len(rows) > 3 and truth.std() > 0 and found.std() > 0:
            result = stats.pearsonr(truth, found)
            interval = result.confidence_interval(0.95)
            row |= {
                "pearson_r": float(result.statistic),
                "pearson_low": float(interval.low),
                "pearson_high": float(interval.high),
            }
        table.append(row)
    return table
