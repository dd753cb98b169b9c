"""Pearson's correlation of many rows with one score."""

from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Pearson(NamedTuple):
    """A number a row; NaN where the row or the score is the same in all patients."""

    r: Floats
    low: Floats
    high: Floats
    p: Floats


def pearson(rows: Floats, score: Floats, *, confidence: float) -> Pearson:
    """Pearson's correlation of each row with a score, with Fisher's interval.

    Parameters
    ----------
    rows
        (rows, patients), finite, of at least four patients.
    score
        (patients,), finite.
    confidence
        Level of the interval, on the scale of Fisher's z with the error 1 / sqrt(n - 3).

    References
    ----------
    Fisher 1921, Metron 1:3-32.
    """
    n = len(score)
    centred, mark = rows - rows.mean(axis=1, keepdims=True), score - score.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        r = centred @ mark / (np.linalg.norm(centred, axis=1) * np.linalg.norm(mark))
        r = np.where((np.ptp(rows, axis=1) > 0) & (np.ptp(score) > 0), np.clip(r, -1, 1), np.nan)
        # Of r itself, which is symmetric about 0 if nothing goes along with the score.
        p = 2 * scipy.special.betainc(n / 2 - 1, n / 2 - 1, (1 - np.abs(r)) / 2)
        z = np.arctanh(r)
    reach = float(scipy.special.ndtri((1 + confidence) / 2)) / np.sqrt(n - 3)
    return Pearson(r, np.tanh(z - reach), np.tanh(z + reach), p)
