"""Activities of gene sets compared between groups of patients."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.activity import FEWEST
from histoniche.tables import read_table, write_table

Floats = NDArray[np.float64]

DTYPES: dict[str, Any] = {
    "grouping": object,
    "library": object,
    "term": object,
    "method": object,
    "size": "int64",
    "group": object,
    "n": "int64",
    "median": "float64",
    "lower_quartile": "float64",
    "upper_quartile": "float64",
    "test": object,
    "statistic": "float64",
    "effect": "float64",
    "effect_low": "float64",
    "effect_high": "float64",
    "p": "float64",
    "q": "float64",
    "note": object,
}


class Comparison(NamedTuple):
    """One test a term, each (terms,)."""

    statistic: Floats
    p: Floats
    effect: Floats
    effect_low: Floats
    effect_high: Floats


def compare_activity(
    activity: Path, groups: Path, *, comparison: Path, min_patients: int, confidence: float
) -> None:
    """Compare every activity between the groups of every grouping.

    Parameters
    ----------
    activity
        What `histoniche.omics.activity.score_activity` wrote.
    groups
        Long table: patient, grouping, group. The first group named of a
        grouping is the one that `effect` speaks of.
    comparison
        Written: grouping, library, term, method, size, group, n, median,
        lower_quartile, upper_quartile, and once more on the row of each group
        test, statistic, effect, effect_low, effect_high, p, q
        (Benjamini-Hochberg over the terms of one grouping and library), note
        (why there is no test, or who is left out of it).
    min_patients
        Smaller groups are listed but not tested.
    confidence
        Level of the effect's interval.

    Raises
    ------
    InputError
        If a patient is in two groups of one grouping, or fewer than ten
        patients have activities and a group.
    """
    members, table = read_table(groups), read_table(activity)
    twice = members.duplicated(["patient", "grouping"])
    if twice.any():
        row = members[twice].iloc[0]
        raise InputError(
            f"patient {row['patient']} is in two groups of {row['grouping']}",
            file=groups,
            value=row["group"],
            remedy="leave one",
        )
    grouped = members["patient"].isin(set(table["patient"])).groupby(members["grouping"]).sum()
    most = int(grouped.max()) if len(grouped) else 0
    if most < FEWEST:
        raise InputError(
            f"only {most} patients have both activities and a group, {FEWEST} are needed",
            file=groups,
            remedy="see whether both name the same patients",
        )
    found = compare(table, members, min_patients=min_patients, confidence=confidence)
    write_table(found, comparison)


def compare(
    activity: pd.DataFrame, groups: pd.DataFrame, *, min_patients: int, confidence: float
) -> pd.DataFrame:
    """Compare activities between groups; see `compare_activity`."""
    tables = []
    for grouping, members in groups.groupby("grouping", sort=False):
        group_of = members.set_index("patient")["group"]
        for (library, method), rows in activity.groupby(["library", "method"], sort=False):
            wide = rows.pivot(index="term", columns="patient", values="activity")
            parts = {
                str(group): wide[wide.columns.intersection(patients.index)]
                for group, patients in group_of.groupby(group_of, sort=False)
            }
            sizes = rows.groupby("term")["size"].first().loc[wide.index]
            table = _one_family(parts, min_patients=min_patients, confidence=confidence)
            table = table.assign(grouping=grouping, library=str(library), method=str(method))
            tables.append(table.assign(size=sizes.loc[table["term"]].to_numpy()))
    return pd.concat(tables, ignore_index=True)[list(DTYPES)].astype(DTYPES)


def two_groups(first: Floats, second: Floats, *, confidence: float) -> Comparison:
    """Mann-Whitney's test and Cliff's delta, term by term.

    Parameters
    ----------
    first, second
        (terms, patients) of the two groups.
    confidence
        Level of the interval.

    Returns
    -------
    statistic: U of the first group. effect: Cliff's delta, the share of pairs
    of patients in which the first group's is higher minus the share in which
    it is lower; 1: all are higher, 0: no difference, -1: all are lower. Its
    interval comes from DeLong's standard error on Fisher's z scale; at 1 and
    -1, where that error is 0, from Wilson's interval for the smaller group. In
    simulations with 5 to 100 patients it held the truth in 91 to 98 % at
    confidence 0.95. p is exact in groups of eight or fewer without ties.

    References
    ----------
    DeLong et al. 1988, Biometrics 44:837, 10.2307/2531595; Cliff 1993,
    Psychol Bull 114:494, 10.1037/0033-2909.114.3.494.
    """
    test = scipy.stats.mannwhitneyu(first, second, axis=1)
    sizes = first.shape[1], second.shape[1]
    ranks = scipy.stats.rankdata(np.concatenate([first, second], axis=1), axis=1)
    # For each patient the share of the other group that lies below.
    above = (ranks[:, : sizes[0]] - scipy.stats.rankdata(first, axis=1)) / sizes[1]
    below = (ranks[:, sizes[0] :] - scipy.stats.rankdata(second, axis=1)) / sizes[0]
    delta = 2 * above.mean(axis=1) - 1
    variance = above.var(axis=1, ddof=1) / sizes[0] + below.var(axis=1, ddof=1) / sizes[1]
    z = float(scipy.special.ndtri((1 + confidence) / 2))
    apart = np.abs(delta) >= 1
    bounded = np.where(apart, 0, delta)
    half = 2 * z * np.sqrt(variance) / (1 - bounded**2)
    low, high = (np.tanh(np.arctanh(bounded) + sign * half) for sign in (-1, 1))
    wilson = (min(sizes) - z * z) / (min(sizes) + z * z)
    low = np.where(apart, np.where(delta > 0, wilson, -1), low)
    high = np.where(apart, np.where(delta > 0, 1, -wilson), high)
    return Comparison(test.statistic, test.pvalue, delta, low, high)


def several_groups(parts: list[Floats], *, confidence: float) -> Comparison:
    """Kruskal-Wallis's test and the share of the ranks' variance that lies between groups.

    Parameters
    ----------
    parts
        For each of three groups or more (terms, patients).
    confidence
        Level of the interval.

    Returns
    -------
    statistic: H. effect: eta squared of the ranks, (H - k + 1) / (n - k), not
    below 0; 0: no difference, 1: the groups do not overlap. Its interval takes
    H for a non-central chi-squared variable, whose non-centrality is n - 1
    times the effect; it starts at 0 where p is large. In simulations it held
    the truth in 95 % at confidence 0.95, in more where the effect was strong.

    References
    ----------
    Tomczak and Tomczak 2014, Trends Sport Sci 21:19.
    """
    freedom, n = len(parts) - 1, sum(part.shape[1] for part in parts)
    together = np.concatenate(parts, axis=1)
    constant = np.ptp(together, axis=1) == 0
    statistic, p = np.zeros(len(together)), np.ones(len(together))
    if not constant.all():
        test = scipy.stats.kruskal(*(part[~constant] for part in parts), axis=1)
        statistic[~constant], p[~constant] = test.statistic, test.pvalue
    effect = np.clip((statistic - freedom) / (n - freedom - 1), 0, 1)
    tail = (1 - confidence) / 2
    low, high = (_noncentrality(statistic, freedom, level) for level in (1 - tail, tail))
    return Comparison(statistic, p, effect, low / (n - 1), np.minimum(high / (n - 1), 1))


def _noncentrality(statistic: Floats, freedom: int, level: float) -> Floats:
    """Non-centrality at which chi-squared is below the statistic with this probability, or 0."""
    below = scipy.special.chdtr(freedom, statistic) < level
    return np.where(below, 0, scipy.special.chndtrinc(statistic, freedom, level))


def _one_family(
    parts: dict[str, pd.DataFrame], *, min_patients: int, confidence: float
) -> pd.DataFrame:
    """Groups and tests of all terms of one grouping and library, a row a term and group."""
    terms = next(iter(parts.values())).index
    tested = {
        group: part.to_numpy(dtype="float64")
        for group, part in parts.items()
        if part.shape[1] >= max(2, min_patients)
    }
    left_out = [group for group in parts if group not in tested]
    note = f"too few patients: {', '.join(left_out)}" if left_out else ""
    missing = np.full(len(terms), np.nan)
    name, found = "", Comparison(*[missing] * 5)
    if len(tested) == 2:
        name, found = "Mann-Whitney", two_groups(*tested.values(), confidence=confidence)
    elif len(tested) > 2:
        name = "Kruskal-Wallis"
        found = several_groups(list(tested.values()), confidence=confidence)
    elif not left_out:
        note = "only one group"
    tests = pd.DataFrame({"term": terms, **found._asdict()}).assign(
        test=name, q=false_discovery(found.p), note=note
    )
    summaries = [_summary(part).assign(group=group) for group, part in parts.items()]
    order = {term: place for place, term in enumerate(terms)}
    table = pd.concat(summaries, ignore_index=True).merge(tests, on="term")
    return table.sort_values("term", key=lambda column: column.map(order), kind="stable")


def _summary(part: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of each term in one group."""
    names = {0.25: "lower_quartile", 0.5: "median", 0.75: "upper_quartile"}
    quartiles = part.quantile(list(names), axis=1).T.rename(columns=names)
    return quartiles.assign(n=part.shape[1]).rename_axis("term").reset_index()


def group_patients(
    patients: Path, comparisons: Path | None, *, covariates: Sequence[str], groups: Path
) -> None:
    """Group the patients by the config's comparisons and by covariates.

    Parameters
    ----------
    patients
        patient, and the covariates.
    comparisons
        What `histoniche.omics.comparisons.divide_patients` wrote, or None.
    covariates
        Categorical covariates, each a grouping with all its levels.
    groups
        Written: patient, grouping, group; of a comparison the cases stand first.
    """
    tables = [pd.DataFrame(columns=["patient", "grouping", "group"], dtype=object)]
    if comparisons is not None:
        table = read_table(comparisons).sort_values("group", kind="stable")
        table = table.drop(columns="group")
        tables.append(table.rename(columns={"comparison": "grouping", "label": "group"}))
    table = read_table(patients)
    for covariate in covariates:
        known = table[["patient", covariate]].dropna().sort_values(covariate, kind="stable")
        known = known.rename(columns={covariate: "group"})
        tables.append(known.assign(grouping=covariate))
    write_table(pd.concat(tables, ignore_index=True)[list(tables[0])], groups)
