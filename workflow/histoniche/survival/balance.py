"""Whether cohorts are alike: their covariates and survival side by side, tested."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats
from lifelines.statistics import multivariate_logrank_test

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.randomness import generator
from histoniche.survival.cohorts import TRAINING, names_of
from histoniche.survival.follow_up import Floats
from histoniche.survival.observations import observations
from histoniche.survival.terms import Declared

SURVIVAL = "survival"
_RESAMPLES = 9999


def balance_table(
    patients: pd.DataFrame,
    cohorts: "pd.Series[str]",
    *,
    declared: Declared,
    names: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Describe the covariates and survival of each cohort, and test whether cohorts differ.

    Parameters
    ----------
    patients
        time_days, event and the covariates, by patient.
    cohorts
        As from `cohorts_of_column`.
    declared, names
        What the columns mean, and those described.
    seed
        Seed of the run, for Fisher's test of more than two by two.

    Returns
    -------
    covariate, unit, level ("" of a numeric one), cohort, n (known), missing, median, q1,
    q3 (numeric), count, share (of a level; of survival the deaths), smd, test, p, q, note.
    The test is between all cohorts and the same on every row of a covariate: Wilcoxon's
    for two cohorts and Kruskal-Wallis's for more of a numeric one; chi-square of a
    categorical one (of two by two with Yates's correction), Fisher's where a count
    expected is below 5 (beyond two by two from 9,999 tables drawn at random, p = (1 + count) /
    (1 + tables)); log-rank of survival. q: Benjamini-Hochberg over the covariates and
    survival. smd: standardised mean difference from the training cohort, which no test
    gives; above 0.1 counts as out of balance. Where the cohorts were drawn at random, a
    small p is chance.

    References
    ----------
    Austin 2009, Stat Med 28:3083-3107; Yang and Dalton 2012, SAS Global Forum 335 (smd of
    categories).
    """
    here = patients.loc[patients.index.isin(cohorts.index)]
    groups = cohorts.loc[here.index]
    rows: list[dict[str, object]] = []
    for name in names:
        if name not in here or name not in declared:
            remedy = f"choose among {', '.join(declared)}"
            raise InputError("no such covariate", value=name, remedy=remedy)
        head = {"covariate": name, "unit": str(declared[name].get("unit", ""))}
        known = here[name].dropna()
        if declared[name]["type"] == "numeric":
            found = _test_numeric(known.astype(float), groups)
            described = _numeric_rows(here[name].astype(float), groups, names_of(cohorts))
        else:
            rng = generator(seed, "balance", name)
            found = _test_categories(known.astype(str), groups, rng)
            levels = known.astype(str).reindex(here.index)
            described = _category_rows(levels, groups, names_of(cohorts))
        rows += [{**head, **row, **found} for row in described]
    rows += _survival_rows(here, groups, names_of(cohorts))
    table = pd.DataFrame(rows)
    first = ~table["covariate"].duplicated()
    q = false_discovery(table.loc[first, "p"].to_numpy(np.float64))
    by_name = dict(zip(table.loc[first, "covariate"], q, strict=True))
    table["q"] = table["covariate"].map(by_name)
    columns = ["covariate", "unit", "level", "cohort", "n", "missing", "median", "q1", "q3"]
    return table.reindex(columns=[*columns, "count", "share", "smd", "test", "p", "q", "note"])


def _numeric_rows(
    values: "pd.Series[float]", groups: "pd.Series[str]", names: Iterable[str]
) -> list[dict[str, object]]:
    """Median and quartiles of each cohort."""
    base = values[groups == TRAINING].dropna()
    rows = []
    for name in names:
        mine = values[groups == name]
        known = mine.dropna()
        q1, median, q3 = known.quantile([0.25, 0.5, 0.75]) if len(known) else (math.nan,) * 3
        row = {"level": "", "cohort": name, "n": len(known), "missing": len(mine) - len(known)}
        smd = math.nan if name == TRAINING else _distance(base, known)
        rows.append({**row, "median": median, "q1": q1, "q3": q3, "smd": smd})
    return rows


def _distance(one: "pd.Series[float]", other: "pd.Series[float]") -> float:
    """Standardised difference of two means; NaN where there is no spread."""
    if min(len(one), len(other)) < 2:
        return math.nan
    spread = float(np.sqrt((one.std() ** 2 + other.std() ** 2) / 2))
    return float(abs(one.mean() - other.mean()) / spread) if spread > 0 else math.nan


def _category_rows(
    values: "pd.Series[str]", groups: "pd.Series[str]", names: Iterable[str]
) -> list[dict[str, object]]:
    """Count and share of each level in each cohort."""
    levels = sorted(values.dropna().unique())
    base = _shares(values[groups == TRAINING].dropna(), levels)
    rows: list[dict[str, object]] = []
    by_cohort = {name: values[groups == name] for name in names}
    for level in levels:
        for name, mine in by_cohort.items():
            known = mine.dropna()
            count = int((known == level).sum())
            size = {"n": len(known), "missing": len(mine) - len(known), "count": count}
            share = count / len(known) if len(known) else math.nan
            smd = math.nan if name == TRAINING else _apart(base, _shares(known, levels))
            rows.append({"level": level, "cohort": name, **size, "share": share, "smd": smd})
    return rows


def _shares(values: "pd.Series[str]", levels: Sequence[str]) -> Floats:
    """Share of each level."""
    counts = np.array([(values == level).sum() for level in levels], dtype=np.float64)
    return counts / counts.sum() if counts.sum() else np.full(len(levels), np.nan)


def _apart(one: Floats, other: Floats) -> float:
    """Standardised difference of two sets of shares: Mahalanobis's distance."""
    if len(one) < 2 or not np.isfinite(one + other).all():
        return math.nan
    one, other = one[1:], other[1:]
    spread = sum(np.diag(share) - np.outer(share, share) for share in (one, other)) / 2
    gap = one - other
    return math.sqrt(max(0.0, float(gap @ np.linalg.pinv(spread) @ gap)))


def _test_numeric(values: "pd.Series[float]", groups: "pd.Series[str]") -> dict[str, Any]:
    """Wilcoxon's or Kruskal-Wallis's test between the cohorts."""
    parts = [mine.to_numpy(np.float64) for _, mine in values.groupby(groups.loc[values.index])]
    note = _untestable(len(parts), values.nunique())
    if note:
        return note
    if len(parts) == 2:
        p = scipy.stats.mannwhitneyu(*parts, method="asymptotic").pvalue
        return {"test": "Wilcoxon", "p": float(p), "note": ""}
    return {"test": "Kruskal-Wallis", "p": float(scipy.stats.kruskal(*parts).pvalue), "note": ""}


def _test_categories(
    values: "pd.Series[str]", groups: "pd.Series[str]", rng: np.random.Generator
) -> dict[str, Any]:
    """Chi-square or Fisher's test between the cohorts."""
    table = pd.crosstab(values, groups.loc[values.index]).to_numpy()
    note = _untestable(table.shape[1] if table.size else 0, values.nunique())
    if note:
        return note
    if scipy.stats.contingency.expected_freq(table).min() >= 5:
        p = scipy.stats.chi2_contingency(table).pvalue
        return {"test": "chi-square", "p": float(p), "note": ""}
    if table.shape == (2, 2):
        p = scipy.stats.fisher_exact(table).pvalue
        return {"test": "Fisher", "p": float(p), "note": ""}
    method = scipy.stats.MonteCarloMethod(n_resamples=_RESAMPLES, rng=rng)
    p = scipy.stats.fisher_exact(table, method=method).pvalue
    return {"test": "Fisher", "p": float(p), "note": f"{_RESAMPLES:,} random tables"}


def _untestable(cohorts: int, values: int) -> dict[str, Any] | None:
    """What stands where there is nothing to test."""
    if cohorts < 2:
        return {"test": "", "p": math.nan, "note": "known in one cohort only"}
    if values < 2:
        return {"test": "", "p": math.nan, "note": "the same in all patients"}
    return None


def _survival_rows(
    patients: pd.DataFrame, groups: "pd.Series[str]", names: Sequence[str]
) -> list[dict[str, object]]:
    """Deaths of each cohort, and the log-rank test between all."""
    known = patients.dropna(subset=["time_days", "event"])
    time, event = observations(known["time_days"], known["event"])
    test: Mapping[str, Any] = {"test": "", "p": math.nan, "note": "known in one cohort only"}
    if groups.loc[known.index].nunique() > 1:
        result = multivariate_logrank_test(time, groups.loc[known.index].to_numpy(), event)
        test = {"test": "log-rank", "p": float(result.p_value), "note": ""}
    rows: list[dict[str, object]] = []
    for name in names:
        mine = (groups.loc[known.index] == name).to_numpy()
        n, deaths = int(mine.sum()), int(event[mine].sum())
        size = {"n": n, "missing": int((groups == name).sum()) - n, "count": deaths}
        head = {"covariate": SURVIVAL, "unit": "", "level": "died", "cohort": name}
        rows.append({**head, **size, "share": deaths / n if n else math.nan, **test})
    return rows
