"""Metrics of label images, from confusion matrices, with intervals over patients."""

import warnings
from collections.abc import Callable

import numpy as np

from histoniche.cohort.palette import IGNORE


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, *, classes: int) -> np.ndarray:
    """Count pixels by true (row) and predicted (column) class.

    Parameters
    ----------
    truth, predicted
        Integers of one shape; where the truth is 255 nothing is counted.
    classes
        Number of classes.

    Returns
    -------
    int64, (classes, classes).
    """
    known = truth != IGNORE
    codes = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(codes, minlength=classes**2).reshape(classes, classes)


def class_metrics(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics of every class from a confusion matrix.

    Parameters
    ----------
    matrix
        Pixels by true and predicted class, (..., classes, classes).

    Returns
    -------
    `iou` (Jaccard index), `dice`, `precision` and `recall`, each (..., classes)
    in 0 (worst) to 1; NaN for a class that neither truth nor prediction has.
    """
    hit = np.diagonal(matrix, axis1=-2, axis2=-1).astype(float)
    true, predicted = matrix.sum(-1), matrix.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "iou": hit / (true + predicted - hit),
            "dice": 2 * hit / (true + predicted),
            "precision": hit / predicted,
            "recall": hit / true,
        }


def accuracy(matrix: np.ndarray) -> np.ndarray:
    """Share of pixels whose class is right, from (..., classes, classes): 0 to 1."""
    hits = np.trace(matrix, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(hits / matrix.sum((-2, -1)))


def macro_f1(matrix: np.ndarray) -> np.ndarray:
    """Mean F1 (Dice) of the classes that the truth has, from (..., classes, classes): 0 to 1."""
    dice = np.where(matrix.sum(-1) > 0, class_metrics(matrix)["dice"], np.nan)
    with warnings.catch_warnings():
        # Nothing is there, so there is no mean.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(dice, axis=-1)


CONFIDENCES = 256
"""Steps of a confidence as it is stored, 0 to 255 for a probability of 0 to 1."""


def confidence_counts(right: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Count pixels, and those whose class is right, by their stored confidence.

    Parameters
    ----------
    right, confidence
        bool and uint8 of one shape.

    Returns
    -------
    int64, (2, 256): all pixels, and the right ones.
    """
    everything = np.bincount(confidence.ravel(), minlength=CONFIDENCES)
    return np.stack([everything, np.bincount(confidence[right], minlength=CONFIDENCES)])


def reliability(counts: np.ndarray, *, bins: int = 15) -> dict[str, np.ndarray]:
    """Mean confidence against the share that is right, in bins of equal width.

    Parameters
    ----------
    counts
        As from `confidence_counts`, (..., 2, 256).

    Returns
    -------
    `pixels`, `confidence` and `accuracy`, each (..., bins); the latter two in 0
    to 1, NaN in bins without a pixel.
    """
    levels = np.arange(CONFIDENCES) / (CONFIDENCES - 1)
    starts = np.searchsorted(levels, np.arange(bins) / bins)
    pixels, right = (np.add.reduceat(counts[..., k, :], starts, axis=-1) for k in (0, 1))
    sums = np.add.reduceat(counts[..., 0, :] * levels, starts, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"pixels": pixels, "confidence": sums / pixels, "accuracy": right / pixels}


def calibration_error(counts: np.ndarray) -> np.ndarray:
    """Expected calibration error: 0 if of the pixels with confidence c a share c is right, to 1.

    Parameters
    ----------
    counts
        As from `confidence_counts`, (..., 2, 256).

    References
    ----------
    Naeini et al. 2015, AAAI; in 15 bins as Guo et al. 2017, ICML, arXiv 1706.04599.
    """
    found = reliability(counts)
    gaps = np.abs(found["confidence"] - found["accuracy"])
    shares = found["pixels"] / np.maximum(found["pixels"].sum(-1, keepdims=True), 1)
    return np.nansum(shares * gaps, axis=-1)


def bootstrap_interval(
    matrices: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    confidence: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of a statistic of pooled counts, over patients.

    Parameters
    ----------
    matrices
        Counts of each patient, such as its confusion matrix: (patients, ...).
    statistic
        From pooled counts (draws, ...) to (draws, ...).
    rng
        Draws the patients.

    Returns
    -------
    Lower and upper limit; NaN for fewer than two patients, whose spread is unknown.

    References
    ----------
    Efron 1979, Ann Stat 7:1.
    """
    count = len(matrices)
    shape = np.shape(statistic(matrices[:1].sum(0, keepdims=True)))[1:]
    if count < 2:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    pooled = np.tensordot(weights, matrices, axes=1)
    tail = (1 - confidence) / 2
    values = statistic(pooled)
    with warnings.catch_warnings():
        # A class that a draw lacks has no value there; the others speak for it, if there are any.
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
    return low, high


def clustered_correlation(
    x: np.ndarray,
    y: np.ndarray,
    clusters: np.ndarray,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Pearson correlation with a percentile bootstrap interval over clusters.

    Parameters
    ----------
    x, y
        Values of the same things, (n,).
    clusters
        What each thing belongs to, (n,): slides of one patient are alike, so
        that patients are drawn, not slides.
    rng
        Draws the clusters.

    Returns
    -------
    Correlation from -1 to 1, lower and upper limit. The correlation is NaN for
    fewer than three things or where x or y is constant, the limits also for a
    single cluster.

    References
    ----------
    Field and Welsh 2007, J R Stat Soc B 69:369, on the cluster bootstrap.
    """
    whole = float(_weighted_correlation(x, y, np.ones((1, len(x))))[0]) if len(x) > 2 else np.nan
    names, member = np.unique(clusters, return_inverse=True)
    if np.isnan(whole) or len(names) < 2:
        return whole, np.nan, np.nan
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    drawn = _weighted_correlation(x, y, counts[:, member])
    tail = (1 - confidence) / 2
    # Draws of one patient alone, or of nothing but zeros, have no correlation.
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return whole, float(low), float(high)


def _weighted_correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson correlation under each row of weights (draws, n); NaN where x or y is constant."""
    total = weights.sum(1, keepdims=True)
    dx = x - weights @ x[:, None] / total
    dy = y - weights @ y[:, None] / total
    covariance = (weights * dx * dy).sum(1)
    spread_x, spread_y = (weights * dx**2).sum(1), (weights * dy**2).sum(1)
    tiny_x, tiny_y = (1e-20 * max(float((v**2).sum()), 1e-300) for v in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = covariance / np.sqrt(spread_x * spread_y)
    return np.where((spread_x > tiny_x) & (spread_y > tiny_y), r.clip(-1, 1), np.nan)
