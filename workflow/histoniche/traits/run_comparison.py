"""Comparison of two ways of training by repeated runs of each."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
import scipy.stats

Test = Literal["student", "welch", "paired", "corrected"]
TESTS: tuple[Test, ...] = get_args(Test)

CAVEAT = (
    "runs share patients, so p speaks of the chance in training, not of other patients; n is runs"
)
"""What every reader of such a p must know."""

# Differences below are rounding.
_TINY = 1e-12


class RunComparison(NamedTuple):
    """Runs of one way against those of another."""

    test: Test
    first_mean: float
    second_mean: float
    difference: float
    """Mean of the second minus that of the first."""
    low: float
    high: float
    t: float
    df: float
    p: float
    """Two-sided; NaN below two runs, or where no run differs from another."""
    first_runs: int
    second_runs: int
    note: str


def compare_runs(
    first: Mapping[int, float],
    second: Mapping[int, float],
    *,
    test: Test = "student",
    test_share: float | None = None,
    confidence: float = 0.95,
) -> RunComparison:
    """Compare a metric of repeated runs by a t-test.

    Parameters
    ----------
    first, second
        The metric by number of the run.
    test
        `student`: two groups of equal variance, as Truong et al. compare three runs
        with three; `welch`: of unequal variance; `paired`: run k of one against run k of
        the other, for runs that have their division or seed in common; `corrected`:
        paired, and the variance enlarged by the share of test to training patients, for
        rounds whose training patients overlap (Nadeau and Bengio).
    test_share
        For `corrected` alone: test patients per training patient, 1/8 of 80 % and 10 %.
    confidence
        Level of the interval of the difference.

    Returns
    -------
    The comparison. Repeats on the same patients say how far the randomness of training
    reaches, not what other patients would give: but for `corrected`, p is too small for
    that. A note says so.

    Raises
    ------
    ValueError
        If there is no such test, paired runs have other numbers, or `corrected` lacks the share.

    References
    ----------
    Truong et al. 2020, Neurooncol Adv 2:vdaa110, Evaluation; Nadeau and Bengio 2003,
    Mach Learn 52:239-281.
    """
    if test not in TESTS:
        raise ValueError(f"no such test: {test}; known: {', '.join(TESTS)}")
    pairs = test in ("paired", "corrected")
    if pairs and first.keys() != second.keys():
        raise ValueError(f"pairs need runs of equal numbers: {sorted(first)}, {sorted(second)}")
    if test == "corrected" and test_share is None:
        raise ValueError("the corrected test needs the share of test to training patients")
    one = np.array([first[run] for run in sorted(first)], dtype=np.float64)
    two = np.array([second[run] for run in sorted(second)], dtype=np.float64)
    difference = float(two.mean() - one.mean()) if len(one) and len(two) else np.nan
    enlarged = test_share if test == "corrected" and test_share is not None else 0.0
    error, df = _spread(one, two, test, enlarged)
    t = p = low = high = np.nan
    note = CAVEAT
    if not error > _TINY:
        note = "too few runs, or no run differs from another: no test"
    else:
        t = difference / error
        p = float(2 * scipy.stats.t.sf(abs(t), df))
        reach = float(scipy.stats.t.isf((1 - confidence) / 2, df)) * error
        low, high = difference - reach, difference + reach
    means = [float(runs.mean()) if len(runs) else np.nan for runs in (one, two)]
    return RunComparison(
        test=test,
        first_mean=means[0],
        second_mean=means[1],
        difference=difference,
        low=low,
        high=high,
        t=t,
        df=df,
        p=p,
        first_runs=len(one),
        second_runs=len(two),
        note=note,
    )


def _spread(one: np.ndarray, two: np.ndarray, test: Test, test_share: float) -> tuple[float, float]:
    """Standard error of the difference and degrees of freedom; NaN if a group is too small."""
    n, m = len(one), len(two)
    if min(n, m) < 2:
        return np.nan, np.nan
    if test in ("paired", "corrected"):
        variance = float(np.var(two - one, ddof=1))
        return float(np.sqrt((1 / n + test_share) * variance)), n - 1
    a, b = float(np.var(one, ddof=1)), float(np.var(two, ddof=1))
    if test == "student":
        pooled = ((n - 1) * a + (m - 1) * b) / (n + m - 2)
        return float(np.sqrt(pooled * (1 / n + 1 / m))), n + m - 2
    error = a / n + b / m
    if error == 0:
        return 0.0, np.nan
    return float(np.sqrt(error)), error**2 / ((a / n) ** 2 / (n - 1) + (b / m) ** 2 / (m - 1))
