"""The cut-point with the largest log-rank statistic, and what that is worth after a search."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.optimize
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from histoniche.errors import InputError
from histoniche.survival.observations import Events, Floats, checked_scores, observations

# Statistics that differ in their last bits are the same; they come from sums in another order.
_SAME = 1e-9
_BLOCK = 1 << 20

_OF_BEST = (
    "p_permutation",
    "p_lausen_schumacher",
    "p_improved_bonferroni",
    "cut",
    "statistic",
    "p_uncorrected",
)


class MaximalLogRank(NamedTuple):
    """All cut-points of a score, and the one that divides best.

    The corrected p are first: the p that the log-rank test gives at a cut that was searched
    for is far too small.
    """

    p_permutation: float
    """Share of random orders of the patients whose best cut is as good: (1 + count) / (1 +
    permutations). NaN without permutations."""
    p_lausen_schumacher: float
    """By Lausen and Schumacher's approximation (1992); good for many cuts, else too large."""
    p_improved_bonferroni: float
    """By the improved Bonferroni bound (Worsley 1982; Lausen, Sauerbrei and Schumacher 1994),
    which knows how many cuts there are."""
    cut: float
    """The best cut-point; patients above it are high."""
    statistic: float
    """Its standardised log-rank statistic, without sign."""
    critical_permutation: float
    """What the largest statistic had to exceed at `level`, by permutation."""
    critical_lausen_schumacher: float
    """The same by Lausen and Schumacher's approximation."""
    level: float
    min_share: float
    permutations: int
    n: int
    events: int
    table: pd.DataFrame
    """cut, n_low, n_high, events_low, events_high, p_permutation, p_lausen_schumacher,
    p_improved_bonferroni (all three for a search whose best cut has this statistic), z (> 0: those
    above the cut die sooner), statistic (its size), p_uncorrected."""
    p_uncorrected: float
    """As if the cut had been known beforehand; not for a report, but for a look at what a
    search does."""

    def summary(self) -> pd.DataFrame:
        """All but the table of cuts, as a table of one row."""
        return pd.DataFrame([{k: v for k, v in self._asdict().items() if k != "table"}])


def maximal_log_rank(
    scores: ArrayLike,
    times: ArrayLike,
    events: ArrayLike,
    *,
    min_share: float = 0.1,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
    level: float = 0.05,
) -> MaximalLogRank:
    """Search for the cut-point of a score at which two groups differ most in survival.

    Parameters
    ----------
    scores, times, events
        (patients,): score; time, above 0; whether the patient died then (1) or was last seen (0).
    min_share
        Cuts with a smaller share of the patients on a side are not looked at; as many as
        `floor(n * min_share)` stay below, as in R's maxstat.
    permutations
        How often scores are dealt out anew; 0 for no p by permutation.
    rng
        Deals them; needed if `permutations` is more than 0.
    level
        Of the critical values.

    Returns
    -------
    The same as `maxstat::maxstat.test(Surv(times, events) ~ scores, smethod = "LogRank",
    pmethod = "Lau92" or "Lau94" or "condMC", minprop = min_share, maxprop = 1 - min_share)`: the
    statistic is the difference of log-rank scores between the sides over its standard deviation
    among all ways to divide the patients. Ties in time are handled as Hothorn and Lausen do.

    Raises
    ------
    InputError
        If the score does not vary, or so little that no cut leaves enough on both sides.

    References
    ----------
    Lausen and Schumacher 1992, Biometrics 48:73-85; Lausen, Sauerbrei and Schumacher 1994, in
    Computational Statistics, 483-496; Hothorn and Lausen 2003, Comput Stat Data Anal 43:121-137.
    """
    if not 0 < min_share < 0.5:
        raise InputError(
            "a share of patients on a side", value=min_share, remedy="give one between 0 and 0.5"
        )
    time, died = observations(times, events)
    score = checked_scores(scores, like=len(time))
    order = np.argsort(score, kind="stable")
    marks, score, died = log_rank_scores(time, died)[order], score[order], died[order]
    sizes = _cut_sizes(score, min_share)
    statistics = _Statistics(marks, sizes)
    largest = statistics.largest_of_permuted(marks, permutations, rng)
    z = -statistics(marks[np.newaxis])[0]
    table = _table(score, died, sizes, z=z, largest=largest, min_share=min_share)
    size = table["statistic"]
    chosen = table.loc[(size >= size.max() - _SAME).idxmax()]
    return MaximalLogRank(
        **{name: float(chosen[name]) for name in _OF_BEST},
        critical_permutation=_critical(largest, level),
        critical_lausen_schumacher=lausen_schumacher_critical(level, min_share),
        level=level,
        min_share=min_share,
        permutations=permutations,
        n=len(score),
        events=int(died.sum()),
        table=table,
    )


def _table(
    score: Floats,
    died: Events,
    sizes: NDArray[np.int64],
    *,
    z: Floats,
    largest: Floats,
    min_share: float,
) -> pd.DataFrame:
    """Every cut with its sides, statistic and p; patients sorted by score."""
    statistic = np.abs(z)
    deaths = np.cumsum(died)[sizes - 1]
    return pd.DataFrame(
        {
            "cut": score[sizes - 1],
            "n_low": sizes,
            "n_high": len(score) - sizes,
            "events_low": deaths,
            "events_high": int(died.sum()) - deaths,
            "p_permutation": _permutation_p(statistic, largest),
            "p_lausen_schumacher": lausen_schumacher_p(statistic, min_share),
            "p_improved_bonferroni": improved_bonferroni_p(statistic, sizes, len(score)),
            "z": z,
            "statistic": statistic,
            "p_uncorrected": 2 * scipy.stats.norm.sf(statistic),
        }
    )


def log_rank_scores(times: Floats, events: Events) -> Floats:
    """Log-rank score of each patient: whether they died, less the deaths expected by then.

    References
    ----------
    Hothorn and Lausen 2003, Comput Stat Data Anal 43:121-137; `exactRankTests::cscores`.
    """
    order = np.argsort(times, kind="stable")
    rank = np.searchsorted(times[order], times, side="right")
    hazard = events / (len(times) - rank + 1)
    return np.asarray(events - np.cumsum(hazard[order])[rank - 1], dtype=np.float64)


def lausen_schumacher_p(statistic: Floats, min_share: float) -> Floats:
    """P that the best of many cuts has such a statistic; 1 for statistics below 1."""
    b = np.maximum(statistic, 1.0)
    odds = 2 * np.log((1 - min_share) / min_share)
    p = scipy.stats.norm.pdf(b) * (4 / b + (b - 1 / b) * odds)
    return np.where(statistic < 1, 1.0, np.clip(p, 0, 1))


def lausen_schumacher_critical(level: float, min_share: float) -> float:
    """Statistic at which `lausen_schumacher_p` is `level`."""

    def beyond(b: float) -> float:
        return float(lausen_schumacher_p(np.array([b]), min_share)[0]) - level

    return float(scipy.optimize.brentq(beyond, 1.0, 40.0, xtol=1e-10))


def improved_bonferroni_p(statistic: Floats, sizes: NDArray[np.int64], patients: int) -> Floats:
    """P that the best of the cuts with these sizes of the low group has such a statistic."""
    one, two = sizes[:-1], sizes[1:]
    step = np.sqrt(1 - one * (patients - two) / ((patients - one) * two))
    square = np.square(statistic)[:, np.newaxis]
    more = (np.exp(-square / 2) / np.pi * (step - (square / 4 - 1) * step**3 / 6)).sum(axis=1)
    return np.clip(2 * scipy.stats.norm.sf(statistic) + more, 0, 1)


class _Statistics:
    """Standardised sums of the patients' marks up to each cut."""

    def __init__(self, marks: Floats, sizes: NDArray[np.int64]) -> None:
        n = len(marks)
        self.sizes = sizes
        self.mean = sizes * marks.mean()
        self.deviation = np.sqrt(sizes * (n - sizes) / n * marks.var(ddof=1))

    def __call__(self, marks: Floats) -> Floats:
        """(orders, patients) to (orders, cuts)."""
        return (np.cumsum(marks, axis=1)[:, self.sizes - 1] - self.mean) / self.deviation

    def largest_of_permuted(
        self, marks: Floats, permutations: int, rng: np.random.Generator | None
    ) -> Floats:
        """Largest statistic of each of many random orders, sorted."""
        if not permutations:
            return np.empty(0)
        if rng is None:
            raise ValueError("permutations need a random generator")
        largest = np.empty(permutations)
        block = max(1, _BLOCK // len(marks))
        for start in range(0, permutations, block):
            count = min(block, permutations - start)
            dealt = rng.permuted(np.tile(marks, (count, 1)), axis=1)
            largest[start : start + count] = np.abs(self(dealt)).max(axis=1)
        return np.sort(largest)


def _cut_sizes(score: Floats, min_share: float) -> NDArray[np.int64]:
    """Sizes of the low group at each possible cut of sorted scores."""
    if score[0] == score[-1]:
        raise InputError("the score does not vary", column="score", remedy="choose another")
    sizes = np.flatnonzero(np.diff(score) > 0) + 1
    n = len(score)
    fewest, most = max(1, int(n * min_share)), int(n * (1 - min_share))
    kept = sizes[(sizes >= fewest) & (sizes <= most)]
    if not len(kept):
        raise InputError(
            f"no cut leaves {min_share:g} of the {n} patients on either side",
            column="score",
            remedy="lower min_share, or cut at a value of your own",
        )
    return kept


def _permutation_p(statistic: Floats, largest: Floats) -> Floats:
    """Share of permutations as good as each statistic."""
    if not len(largest):
        return np.full(len(statistic), np.nan)
    as_good = len(largest) - np.searchsorted(largest, statistic - _SAME)
    return (1 + as_good) / (1 + len(largest))


def _critical(largest: Floats, level: float) -> float:
    """Statistic beyond which p by permutation is at most `level`; NaN if none can be."""
    allowed = int(np.floor(level * (1 + len(largest)))) - 1
    return float(largest[len(largest) - 1 - allowed]) if 0 <= allowed < len(largest) else np.nan
