"""Evaluation of classes called on tiles, slides or patients, with intervals over patients."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.learning.metrics import bootstrap_interval, class_metrics
from histoniche.traits.roc import auroc, macro_auroc, macro_curve, roc_curve, score_counts

ALL, MACRO = "all", "macro"
"""In place of a class: of all things together, and the mean over classes."""

METRICS = ("sensitivity", "specificity", "precision", "f1", "accuracy", "auroc")
"""Metrics of a class, each one against the rest."""


class Judged(NamedTuple):
    """Things of known class, and what was said of them: tiles, slides or patients."""

    truth: NDArray[np.intp]
    """(n,): number of the true class. That of a tile is its slide's, which not every tile shows."""
    scores: NDArray[np.floating]
    """(n, classes): the higher, the more likely; compared within a class only."""
    calls: NDArray[np.integer]
    """(n,): number of the class that is called."""
    patients: NDArray[np.object_]
    """(n,): whose they are."""
    slides: NDArray[np.object_]
    """(n,): slide of each, or the slide that stands for a patient; None for several."""


class Evaluation(NamedTuple):
    """Tables of one evaluation."""

    metrics: pd.DataFrame
    """class, metric, value, low, high, n, positives (truly of the class), patients, slides,
    note. Class `all`: accuracy, the share called right. Class `macro`, of more than two
    classes: the mean over classes. Else METRICS of the class against the rest, of a
    binary trait of the positive class alone."""
    confusion: pd.DataFrame
    """truth, predicted, count, share (of the true class)."""
    roc: pd.DataFrame
    """class, threshold, fpr, tpr."""


def evaluate(
    judged: Judged,
    classes: Sequence[str],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    confidence: float = 0.95,
) -> Evaluation:
    """Measure calls and scores, with percentile bootstrap intervals over patients.

    Patients are drawn with all they have, since slides and tiles of one are alike.
    Draws that lack a class have no value of it and are passed over. Where few patients
    are of a class such intervals are too narrow; where all draws are equal, as at an AUROC
    of 1, the note says so.

    Parameters
    ----------
    judged
        What is measured.
    classes
        Names; of two the second is the positive.
    rng
        Draws the patients.
    draws
        Number of draws.
    confidence
        Level of the intervals.

    Notes
    -----
    The macro accuracy is the mean over classes of the accuracy of one against the
    rest, as Truong et al. give it. Of three balanced classes it is 5/9 by pure chance.

    References
    ----------
    Efron 1979, Ann Stat 7:1; Field and Welsh 2007, J R Stat Soc B 69:369 (clusters).
    """
    patient, names = pd.factorize(judged.patients, sort=True)
    count = len(classes)
    code = (patient * count + judged.truth) * count + judged.calls
    matrices = np.bincount(code, minlength=len(names) * count**2).astype(np.float64)
    matrices = matrices.reshape(len(names), count, count)
    shown = range(count) if count > 2 else [1]
    counted = [
        score_counts(judged.scores[:, k], judged.truth == k, patient, patients=len(names))
        for k in shown
    ]
    widest = max(one.counts.shape[-1] for one in counted)
    ranks = np.stack([_padded(one.counts, widest) for one in counted], axis=1)
    settings: dict[str, Any] = {"rng": rng, "draws": draws, "confidence": confidence}
    values = np.concatenate([_called(matrices.sum(0)), _ranked(ranks.sum(0))])
    limits = [
        np.concatenate(pair)
        for pair in zip(
            bootstrap_interval(matrices, _called, **settings),
            bootstrap_interval(ranks, _ranked, **settings),
            strict=True,
        )
    ]
    rows = _rows(judged, classes, matrices.sum((0, 2)), np.stack([values, *limits], axis=1))
    curves = {classes[k]: roc_curve(one) for k, one in zip(shown, counted, strict=True)}
    if count > 2:
        curves[MACRO] = macro_curve(list(curves.values()))
    points = [
        pd.DataFrame(curve._asdict()).assign(**{"class": name}) for name, curve in curves.items()
    ]
    roc = pd.concat(points, ignore_index=True)[["class", "threshold", "fpr", "tpr"]]
    return Evaluation(pd.DataFrame(rows), _confusion(matrices.sum(0), classes), roc)


def judge(
    scores: pd.DataFrame,
    truth: Mapping[str, str],
    classes: Sequence[str],
    *,
    key: str,
    score: str,
    threshold: float | None,
) -> Judged:
    """Bring a table of scores to what `evaluate` takes.

    Parameters
    ----------
    scores
        slide, patient, class and the score: a row a slide or patient and class.
    truth
        True class by slide or patient; others are left out, and so are things without a score.
    key
        `slide` or `patient`.
    score
        Column: `share` or `mean`.
    threshold
        Above which the second of two classes is called; None for the highest score.
    """
    wide = scores.pivot(index=key, columns="class", values=score).reindex(columns=list(classes))
    wide = wide[wide.index.isin(set(truth))].dropna()
    facts = scores.drop_duplicates(key).set_index(key, drop=False).loc[wide.index]
    values = wide.to_numpy(np.float64)
    calls = values.argmax(1) if threshold is None else (values[:, 1] > threshold).astype(np.intp)
    return Judged(
        np.array([classes.index(truth[name]) for name in wide.index], dtype=np.intp),
        values,
        calls,
        facts["patient"].to_numpy(object),
        facts["slide"].to_numpy(object),
    )


def patient_classes(labels: pd.DataFrame) -> dict[str, str]:
    """Class of each patient; patients whose slides are of several classes are left out."""
    known = labels.dropna(subset=["class"])
    sides = known.groupby("patient")["class"].agg(["first", "nunique"])
    torn = int((sides["nunique"] > 1).sum())
    if torn:
        logging.warning("%d patients have slides of several classes and none of their own", torn)
    kept = sides[sides["nunique"] == 1]
    return {str(patient): str(name) for patient, name in kept["first"].items()}


def _rows(
    judged: Judged,
    classes: Sequence[str],
    true: NDArray[np.float64],
    values: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Rows of the metrics from value, low and high of each, and the things of each class."""
    shared = {
        "n": len(judged.truth),
        "patients": int(pd.Series(judged.patients).nunique()),
        "slides": int(pd.Series(judged.slides).nunique()),
    }
    rows = []
    for (name, metric), (value, low, high) in zip(_named(classes), values.tolist(), strict=True):
        positives = int(true[classes.index(name)]) if name in classes else shared["n"]
        note = _note(value, low, high, shared["patients"])
        row = {"class": name, "metric": metric, "value": value, "low": low, "high": high}
        rows.append({**row, "positives": positives, **shared, "note": note})
    return rows


def _named(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Class and metric of each number that `_called` and then `_ranked` give."""
    own = list(classes) if len(classes) > 2 else [classes[1]]
    groups = [*own, MACRO] if len(classes) > 2 else own
    called = [(name, metric) for metric in METRICS[:-1] for name in groups]
    return [(ALL, "accuracy"), *called, *((name, METRICS[-1]) for name in groups)]


def _called(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metrics of the calls from confusion matrices (..., classes, classes), in one row."""
    found = class_metrics(matrices)
    total = matrices.sum((-2, -1))[..., np.newaxis]
    hit = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, predicted = matrices.sum(-1), matrices.sum(-2)
    rest = total - true - predicted + hit
    with np.errstate(invalid="ignore", divide="ignore"):
        specificity = rest / (total - true)
        each = (hit + rest) / total
        overall = hit.sum(-1, keepdims=True) / total
    # The share called right among no thing is unknown, not 0.
    rows = [found["recall"], specificity, found["precision"], found["dice"], each]
    if matrices.shape[-1] == 2:
        return np.concatenate([overall, *(row[..., 1:] for row in rows)], axis=-1)
    return np.concatenate([overall, *(_with_mean(row) for row in rows)], axis=-1)


def _with_mean(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metrics of the classes, (..., classes), and their mean over those that have one."""
    known = np.isfinite(row)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, row, 0).sum(-1) / known.sum(-1)
    return np.concatenate([row, mean[..., np.newaxis]], axis=-1)


def _ranked(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas from counts (..., classes, 2, levels), with their mean where there are several."""
    areas = auroc(counts)
    if counts.shape[-3] == 1:
        return areas
    return np.concatenate([areas, macro_auroc(counts)[..., np.newaxis]], axis=-1)


def _padded(counts: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Counts with empty levels at the end."""
    return np.pad(counts, ((0, 0), (0, 0), (0, levels - counts.shape[-1])))


def _note(value: float, low: float, high: float, patients: int) -> str:
    """What a reader must know of a number."""
    if np.isnan(value):
        return "not defined: a class is missing, or is never called"
    if patients < 2:
        return "a single patient: no interval"
    if low == high:
        return "all draws are equal: the interval says nothing"
    return ""


def _confusion(matrix: NDArray[np.float64], classes: Sequence[str]) -> pd.DataFrame:
    """Rows of the confusion matrix."""
    rows = []
    for i, truth in enumerate(classes):
        total = matrix[i].sum()
        for j, predicted in enumerate(classes):
            share = float(matrix[i, j] / total) if total else np.nan
            row = {"truth": truth, "predicted": predicted, "count": int(matrix[i, j])}
            rows.append({**row, "share": share})
    return pd.DataFrame(rows)
