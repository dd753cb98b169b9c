"""Metrics of label images, from confusion matrices, with intervals over patients."""

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


def bootstrap_interval(
    matrices: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    confidence: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of a statistic of pooled confusion matrices, over patients.

    Parameters
    ----------
    matrices
        One matrix a patient, (patients, classes, classes).
    statistic
        From pooled matrices (draws, classes, classes) to (draws, ...).
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
    # A class that a draw lacks has no value there; the others speak for it.
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
