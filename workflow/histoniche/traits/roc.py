"""Receiver operating characteristic: areas from counts by patient, and curves."""

import warnings
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = 2048
"""Most distinct scores that are told apart; half-precision probabilities above 0.5 have no more."""

_INFINITE = np.inf


class ScoreCounts(NamedTuple):
    """How often each score was given, by patient."""

    counts: Floats
    """(patients, 2, levels): negatives and positives of each score, the scores rising."""
    levels: Floats
    """(levels,): the scores."""


def score_counts(
    scores: NDArray[np.floating],
    positive: NDArray[np.bool_],
    patient: NDArray[np.intp],
    *,
    patients: int,
) -> ScoreCounts:
    """Count positives and negatives of each score by patient.

    Parameters
    ----------
    scores, positive, patient
        (n,): score, whether the thing is truly positive, and number of its patient.
    patients
        How many there are.

    Returns
    -------
    Counts. Up to `LEVELS` distinct scores are kept as they are, so that areas are
    exact; more, as of a cohort's tiles, are rounded down to at most twice that many
    quantiles, by which an area changes by less than 1 / `LEVELS`.
    """
    given = scores.astype(np.float64)
    levels = np.unique(given)
    if len(levels) > LEVELS:
        cuts = np.quantile(given, np.arange(LEVELS) / LEVELS, method="lower")
        first = np.searchsorted(levels, np.unique(cuts))
        # What follows a score that very many share is parted from it.
        levels = levels[np.union1d(first, np.minimum(first + 1, len(levels) - 1))]
    place = np.searchsorted(levels, given, side="right") - 1
    code = (patient * 2 + positive) * len(levels) + place
    counts = np.bincount(code, minlength=patients * 2 * len(levels))
    return ScoreCounts(counts.reshape(patients, 2, len(levels)).astype(np.float64), levels)


def auroc(counts: Floats) -> Floats:
    """Area under the ROC curve: the chance that a positive scores above a negative.

    Parameters
    ----------
    counts
        Negatives and positives by rising score, (..., 2, levels).

    Returns
    -------
    (...): 1 if every positive scores above every negative, 0.5 by chance, equal scores
    counting one half; NaN without a positive or a negative.

    References
    ----------
    Hanley and McNeil 1982, Radiology 143:29-36.
    """
    return auroc_within(counts[..., np.newaxis, :, :])


def auroc_within(counts: Floats) -> Floats:
    """Area over the pairs of a positive and a negative that the same network judged.

    Networks of a cross-validation are not on one scale, and against each other they err
    below one half: where a fold tests many positives, its network learned from few and
    calls all of them less likely. Noise then seems to be told the wrong way round.

    Parameters
    ----------
    counts
        Negatives and positives by rising score, (..., networks, 2, levels).

    Returns
    -------
    (...), as from `auroc`: the mean of the networks' areas, each weighing as many pairs as
    it judged.

    References
    ----------
    Parker, Gunter and Bedo 2007, BMC Bioinformatics 8:326 (the bias); Forman and Scholz 2010,
    ACM SIGKDD Explor 12:49.
    """
    negatives, positives = counts[..., 0, :], counts[..., 1, :]
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = (negatives.sum(-1) * positives.sum(-1)).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * below).sum((-1, -2)) / pairs)


def auroc_p(counts: Floats) -> Floats:
    """Two-sided p of an area as far from one half, if the scores knew nothing of the truth.

    Parameters
    ----------
    counts
        As for `auroc_within`, of things of which each is an independent witness.

    Returns
    -------
    (...), Mann-Whitney's by the normal distribution, with its variance corrected for ties;
    of several networks the statistics and their variances add up, as van Elteren's do where
    each pair weighs the same. NaN without a pair or where all scores are equal.

    References
    ----------
    Mann and Whitney 1947, Ann Math Stat 18:50; van Elteren 1960, Bull Int Stat Inst 37:351.
    """
    negatives, positives = counts[..., 0, :], counts[..., 1, :]
    tied, n = negatives + positives, counts.sum((-1, -2))
    pairs = negatives.sum(-1) * positives.sum(-1)
    # A network without a pair has no part; one thing alone would divide by 0.
    ties = (tied**3 - tied).sum(-1) / np.maximum(n * (n - 1), 1)
    variance = (pairs / 12 * (n + 1 - ties)).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (auroc_within(counts) - 0.5) * pairs.sum(-1) / np.sqrt(variance)
    return np.asarray(2 * scipy.stats.norm.sf(np.abs(z)))


def macro_auroc(areas: Floats) -> Floats:
    """Mean of the one-versus-rest areas, (..., classes), of the classes that have one."""
    with warnings.catch_warnings():
        # A draw without two classes has no area.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(areas, axis=-1))


class Curve(NamedTuple):
    """Points of an ROC curve from (0, 0) to (1, 1), joined by straight lines."""

    threshold: Floats
    """A score at or above it is called positive; infinite at the first point."""
    fpr: Floats
    """False positive rate, 1 - specificity."""
    tpr: Floats
    """True positive rate, sensitivity."""

    @property
    def area(self) -> float:
        """Area below it."""
        return float(np.trapezoid(self.tpr, self.fpr))


def roc_curve(counted: ScoreCounts) -> Curve:
    """ROC curve of the patients together; NaN where there is no positive or no negative."""
    pooled = counted.counts.sum(0)
    kept = pooled.sum(0) > 0
    rising = np.flip(pooled[:, kept], axis=1)
    called = np.concatenate([np.zeros((2, 1)), np.cumsum(rising, axis=1)], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        fpr, tpr = called / pooled.sum(1, keepdims=True)
    return Curve(np.append(_INFINITE, counted.levels[kept][::-1]), fpr, tpr)


def mean_curve(
    curves: Sequence[Curve],
    *,
    weights: Sequence[float] | None = None,
) -> Curve:
    """Average of the classes' one-versus-rest curves, or of the networks' of a class.

    Parameters
    ----------
    curves
        Those with NaN have no part.
    weights
        How much each counts; None: all the same.

    Returns
    -------
    The mean sensitivity at each false positive rate, whose area is the mean of the areas: of
    classes the macro-averaged AUROC, of networks weighted by their pairs `auroc_within`. Its
    thresholds are NaN. Truong et al. average at each threshold instead, by which a curve's area
    is another number than the mean area beside it.

    References
    ----------
    Fawcett 2006, Pattern Recognit Lett 27:861-874, section 7; Truong et al. 2020,
    Neurooncol Adv 2:vdaa110, Evaluation.
    """
    whole = [
        bool(np.isfinite(curve.fpr).all() and np.isfinite(curve.tpr).all()) for curve in curves
    ]
    known = list(compress(curves, whole))
    if not known:
        nothing = np.full(1, np.nan)
        return Curve(nothing, nothing, nothing)
    grid = np.unique(np.concatenate([curve.fpr for curve in known]))
    # Curves rise vertically at some rates, so each rate has a lower and an upper end.
    given = None if weights is None else list(compress(weights, whole))
    tpr = np.average([_ends(curve, grid) for curve in known], axis=0, weights=given).ravel()
    return Curve(np.full(2 * len(grid), np.nan), np.repeat(grid, 2), tpr)


def _ends(curve: Curve, grid: Floats) -> Floats:
    """Lower and upper end of a curve at each false positive rate, (rates, 2)."""
    first = np.searchsorted(curve.fpr, grid, side="left")
    last = np.searchsorted(curve.fpr, grid, side="right") - 1
    between = np.interp(grid, curve.fpr, curve.tpr)
    on = first <= last
    lower = np.where(on, curve.tpr[np.minimum(first, len(curve.tpr) - 1)], between)
    return np.stack([lower, np.where(on, curve.tpr[last], between)], axis=1)
