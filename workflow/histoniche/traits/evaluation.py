"""Evaluation of classes called on tiles, slides or patients, with intervals over patients."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.learning.metrics import bootstrap_interval, class_metrics
from histoniche.traits.roc import (
    Curve,
    ScoreCounts,
    auroc_p,
    auroc_within,
    macro_auroc,
    mean_curve,
    roc_curve,
    score_counts,
)

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
    networks: NDArray[np.object_] | None = None
    """(n,): what judged each; scores are compared within one only. None: one judged all."""


class Evaluation(NamedTuple):
    """Tables of one evaluation."""

    metrics: pd.DataFrame
    """class, metric, value, low, high, p, n, positives (truly of the class), patients, slides,
    note. Class `all`: accuracy, the share called right. Class `macro`, of more than two
    classes: the mean over classes. Else METRICS of the class against the rest, of a
    binary trait of the positive class alone. p is that of an AUROC if the scores knew nothing
    (`auroc_p`; macro: the classes' smallest times their number), where patients have one thing
    each."""
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
    of 1, the note says so. Scores of several networks are compared within each, see
    `histoniche.traits.roc.auroc_within`; their curve is the mean of the networks' curves.

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
    counted = [_counted(judged, k, patient) for k in shown]
    widest = max(one.counts.shape[-1] for own in counted for one in own)
    ranks = np.stack(
        [np.stack([_padded(one.counts, widest) for one in own], axis=1) for own in counted], axis=1
    )
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
    # Several things of one patient are no independent witnesses.
    known = _p(ranks.sum(0)) if len(names) == len(judged.truth) else np.empty(0)
    p = np.append(np.full(len(values) - len(known), np.nan), known)
    rows = _rows(judged, classes, matrices.sum((0, 2)), np.stack([values, *limits, p], axis=1))
    curves = {classes[k]: _curve(own) for k, own in zip(shown, counted, strict=True)}
    if count > 2:
        curves[MACRO] = mean_curve(list(curves.values()))
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
    threshold: float | Mapping[str, float] | None,
) -> Judged:
    """Bring a table of scores to what `evaluate` takes.

    Parameters
    ----------
    scores
        slide, patient, model, class and the score: a row a slide or patient and class. The
        models are the networks of the result.
    truth
        True class by slide or patient; others are left out, and so are things without a score.
    key
        `slide` or `patient`.
    score
        Column: `share` or `mean`.
    threshold
        Above which the second of two classes is called, one or each model's own; None for
        the highest score.
    """
    wide = scores.pivot(index=key, columns="class", values=score).reindex(columns=list(classes))
    wide = wide[wide.index.isin(set(truth))].dropna()
    facts = scores.drop_duplicates(key).set_index(key, drop=False).loc[wide.index]
    values = wide.to_numpy(np.float64)
    models = facts["model"].to_numpy(object)
    if threshold is None:
        calls = values.argmax(1)
    else:
        cuts = threshold if isinstance(threshold, float) else [threshold[one] for one in models]
        calls = (values[:, 1] > cuts).astype(np.intp)
    return Judged(
        np.array([classes.index(truth[name]) for name in wide.index], dtype=np.intp),
        values,
        calls,
        facts["patient"].to_numpy(object),
        facts["slide"].to_numpy(object),
        models,
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


def _counted(judged: Judged, number: int, patient: NDArray[np.intp]) -> list[ScoreCounts]:
    """Scores of a class by each network."""
    patients = int(patient.max(initial=-1)) + 1
    networks = np.zeros(len(patient)) if judged.networks is None else judged.networks
    return [
        score_counts(
            judged.scores[own, number], judged.truth[own] == number, patient[own], patients=patients
        )
        for own in (networks == name for name in pd.unique(networks))
    ]


def _curve(counted: Sequence[ScoreCounts]) -> Curve:
    """ROC curve of a class: of one network its own, of several their mean by pairs."""
    curves = [roc_curve(one) for one in counted]
    if len(curves) == 1:
        return curves[0]
    pairs = [float(one.counts.sum((0, 2)).prod()) for one in counted]
    return mean_curve(curves, weights=pairs)


def _rows(
    judged: Judged,
    classes: Sequence[str],
    true: NDArray[np.float64],
    values: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Rows of the metrics from value, low, high and p of each, and the things of each class."""
    shared = {
        "n": len(judged.truth),
        "patients": int(pd.Series(judged.patients).nunique()),
        "slides": int(pd.Series(judged.slides).nunique()),
    }
    rows = []
    for (name, metric), (value, low, high, p) in zip(_named(classes), values.tolist(), strict=True):
        positives = int(true[classes.index(name)]) if name in classes else shared["n"]
        note = _note(value, low, high, shared["patients"])
        row = {"class": name, "metric": metric, "value": value, "low": low, "high": high, "p": p}
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
    """Areas from counts (..., classes, networks, 2, levels), with the mean of several classes."""
    areas = auroc_within(counts)
    if areas.shape[-1] == 1:
        return areas
    return np.concatenate([areas, macro_auroc(areas)[..., np.newaxis]], axis=-1)


def _p(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """P of the areas that `_ranked` gives."""
    p = auroc_p(counts)
    if len(p) == 1:
        return p
    return np.append(p, np.fmin(1, len(p) * np.fmin.reduce(p)))


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
