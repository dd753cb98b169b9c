"""The job that compares what is highlighted in patients of high and of low risk, map by map."""

import logging
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

from histoniche.cohort.splits import SEEN
from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.tables import read_table, write_table

Floats = NDArray[np.float64]

FROZEN, MEDIAN = "frozen", "median"
"""Cut-points: that of the survival curves, or the median risk of the training patients."""

_FEWEST = 2


class Shift(NamedTuple):
    """How far one group's values lie above another's."""

    value: float
    """Median of all differences between a value of the first and one of the second."""
    low: float
    high: float
    p: float
    """Two-sided, of the Wilcoxon-Mann-Whitney test."""


def compare_activation(
    values: Path,
    scores: Path,
    cuts: Path | None,
    out: Path,
    *,
    score: str,
    confidence: float,
) -> None:
    """Compare each map inside the highlighted area between patients of high and low risk.

    Parameters
    ----------
    values
        As from `histoniche.imaging.activation_measures.measure_activation`.
    scores
        As from `histoniche.risk_scores.score_table`.
    cuts
        score and cut: the cut-points of the survival curves; None if there are none.
    out
        Written: map, rule (`FROZEN` or `MEDIAN`), cut, n_high, n_low, n_seen (those of both
        whom a network had learned from or was chosen by), mean_high, mean_low, median_high,
        median_low, difference (Hodges-Lehmann, high less low), difference_low,
        difference_high, p (Wilcoxon-Mann-Whitney), q (Benjamini-Hochberg over the maps). High
        is above the cut. NaN where a group has fewer than two patients.
    score
        Name of the score.
    confidence
        Level of the intervals.

    Raises
    ------
    InputError
        If no patient has both a score and a highlighted area.
    """
    found = read_table(scores)
    rule, cut = _cut(found, cuts, score)
    risk = found.set_index("patient")[score]
    seen = set(found.loc[found["role"].isin(SEEN), "patient"])
    table = read_table(values).dropna(subset=["inside"])
    table = table[table["patient"].isin(set(risk.index))]
    if table.empty:
        remedy = "see the reasons in imaging/quality.tsv"
        raise InputError("no patient has activation", column="imaging.activation", remedy=remedy)
    rows: list[dict[str, Any]] = []
    for name, own in table.groupby("map", sort=False):
        high = own["patient"].map(risk).to_numpy(np.float64) > cut
        inside = own["inside"].to_numpy(np.float64)
        row = {"map": name, "rule": rule, "cut": cut}
        row["n_seen"] = int(own["patient"].isin(seen).sum())
        rows.append({**row, **_compared(inside[high], inside[~high], confidence)})
    compared = pd.DataFrame(rows)
    compared["q"] = false_discovery(compared["p"].to_numpy(np.float64))
    write_table(compared, out)
    logging.info("%d of high and %d of low risk", *compared.loc[0, ["n_high", "n_low"]])


def _cut(scores: pd.DataFrame, cuts: Path | None, score: str) -> tuple[str, float]:
    """The frozen cut-point if there is one, else the median of the patients learned from."""
    if cuts is not None:
        known = read_table(cuts).set_index("score")["cut"]
        if score in known and not math.isnan(float(known[score])):
            return FROZEN, float(known[score])
    learned = scores[(scores["role"] == "train") | scores["fold"].notna()]
    return MEDIAN, float((learned if len(learned) else scores)[score].median())


def _compared(high: Floats, low: Floats, confidence: float) -> dict[str, Any]:
    """One map in both groups."""
    enough = min(len(high), len(low)) >= _FEWEST
    shift = location_shift(high, low, confidence=confidence) if enough else Shift(*[math.nan] * 4)
    sides = {"high": high, "low": low}
    return {
        **{f"n_{side}": len(own) for side, own in sides.items()},
        **{f"mean_{side}": _or_nan(np.mean, own) for side, own in sides.items()},
        **{f"median_{side}": _or_nan(np.median, own) for side, own in sides.items()},
        "difference": shift.value,
        "difference_low": shift.low,
        "difference_high": shift.high,
        "p": shift.p,
    }


def _or_nan(summary: Any, values: Floats) -> float:
    """A summary of some values, NaN of none."""
    return float(summary(values)) if len(values) else math.nan


def location_shift(first: Floats, second: Floats, *, confidence: float) -> Shift:
    """How far the first of two independent samples lies above the second, whatever their shape.

    Parameters
    ----------
    first, second
        (n,) and (m,), two values at least.
    confidence
        Level of the interval.

    Returns
    -------
    The Hodges-Lehmann estimate, with the interval of those shifts that the test does not
    refuse, by its normal approximation, and the test's p. NaN as the ends of an interval
    where samples are so small that no shift could be refused at this level.

    References
    ----------
    Hodges and Lehmann 1963, Ann Math Stat 34:598-611; Hollander, Wolfe and Chicken 2014,
    Nonparametric Statistical Methods, 4.2 and 4.3.
    """
    differences = np.sort(np.subtract.outer(first, second), axis=None)
    n, m = len(first), len(second)
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * spread
    # Of n m differences, as many are left off at either end as the test's statistic may be.
    left = max(1, math.floor(n * m / 2 - reach))
    low, high = float(differences[left - 1]), float(differences[-left])
    if 2 / math.comb(n + m, n) > 1 - confidence:
        low = high = math.nan
    p = float(scipy.stats.mannwhitneyu(first, second).pvalue)
    return Shift(float(np.median(differences)), low, high, p)
