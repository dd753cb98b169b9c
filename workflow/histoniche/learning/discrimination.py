"""Discrimination: how well scores set classes apart."""

import numpy as np
from scipy.stats import rankdata


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the receiver operating characteristic curve.

    Parameters
    ----------
    scores
        (n,), higher for what is more probably positive.
    positive
        Boolean, (n,).

    Returns
    -------
    Chance that a positive scores higher than a negative, ties counting half: 0.5 is
    random, 1 is perfect. NaN if one of them is missing.

    References
    ----------
    Hanley and McNeil 1982, Radiology 143:29.
    """
    count, others = int(positive.sum()), int((~positive).sum())
    if count == 0 or others == 0:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def macro_auroc(scores: np.ndarray, classes: np.ndarray) -> float:
    """Mean over classes of the area under the curve of each against the rest.

    Parameters
    ----------
    scores
        (n, classes).
    classes
        Class of each, (n,). Classes that nobody has, or everybody, are left out.

    Returns
    -------
    0.5 is random, 1 is perfect; NaN if only one class is there. Of two classes whose
    scores sum to one this is the area of either.
    """
    areas = [auroc(scores[:, one], classes == one) for one in range(scores.shape[1])]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def slide_shares(probabilities: np.ndarray, slides: np.ndarray, *, count: int) -> np.ndarray:
    """Share of each slide's tiles whose most probable class is each class.

    Of two classes the second column is the share of positive tiles (percent positive
    tiles, Levy-Jurgenson et al. 2020, Sci Rep 10:18802).

    Parameters
    ----------
    probabilities
        (tiles, classes).
    slides
        Number of each tile's slide, (tiles,).
    count
        Number of slides.

    Returns
    -------
    (slides, classes) in 0 to 1; NaN for a slide without tiles.
    """
    classes = probabilities.shape[1]
    codes = slides * classes + probabilities.argmax(1)
    counts = np.bincount(codes, minlength=count * classes).reshape(count, classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)
