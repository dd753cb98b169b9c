"""Groups of patients compared within each cohort; where that cannot be, a row that says why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cohorts import names_of, read_cohorts
from histoniche.survival.comparison import Comparison, compare_survival
from histoniche.survival.curves import (
    Bands,
    kaplan_meier,
    median_follow_up,
    survival_quantiles,
)
from histoniche.tables import read_table

Labels = NDArray[np.object_]

SIDES = ("low", "high")
"""Groups of the patients up to a limit of a score and above it."""

_MEDIANS = {"median_days": "time_days", "median_low": "low", "median_high": "high"}
_CURVE = ("time_days", "survival", "low", "high", "at_risk", "events", "censored")


class Manner(NamedTuple):
    """How groups are compared; see `histoniche.survival.comparison.compare_survival`."""

    confidence: float = 0.95
    bands: Bands = "log-log"
    rho: float = 0.0
    gamma: float = 0.0
    strata: Sequence[str] = ()
    """Covariates within whose levels alone patients are compared."""


def read_followed(patients: Path, cohorts: Path) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Patients with follow-up who are in a cohort, by patient, and the cohort of each.

    Raises
    ------
    InputError
        If nobody is left.
    """
    sheet = read_table(patients).set_index("patient")
    named = read_cohorts(cohorts)
    followed = sheet[sheet["time_days"].notna() & sheet["event"].notna()]
    named = named[named.index.isin(followed.index)]
    if named.empty:
        raise InputError(
            "no patient of a cohort has follow-up", remedy="fill in time and event in the sheet"
        )
    return followed.loc[named.index].astype({"event": int}), named


def compare_in_cohorts(
    patients: pd.DataFrame,
    groups: "pd.Series[str]",
    cohorts: "pd.Series[str]",
    *,
    order: Sequence[str],
    manner: Manner,
    untested: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare groups within each cohort.

    Parameters
    ----------
    patients, cohorts
        See `read_followed`.
    groups
        Group by patient, NaN or absent where it is not known.
    order
        All groups, in the order in which they are listed.
    manner
        Test and intervals.
    untested
        Cohorts that get curves and medians but no test, and why.

    Returns
    -------
    The tables of `histoniche.survival.comparison.Comparison` with a first column cohort. Where
    there is nothing to test, statistic, df, p and hazard ratio are NaN and note says why.
    """
    parts: dict[str, Comparison] = {}
    for name in names_of(cohorts):
        mine = groups.reindex(cohorts.index[cohorts == name]).dropna()
        why = (untested or {}).get(name, "")
        parts[name] = _compare(patients.loc[mine.index], mine, order, manner, why)
    tables = [part.groups.assign(cohort=name) for name, part in parts.items()]
    curves = [part.curves.assign(cohort=name) for name, part in parts.items()]
    return Comparison(stacked(tables, "cohort"), stacked(curves, "cohort"))


def in_strata(patients: pd.DataFrame, manner: Manner) -> tuple[pd.DataFrame, Labels | None, str]:
    """Patients whose strata are known, the stratum of each, and a note on those left out.

    Without strata, all patients, None and no note.
    """
    if not manner.strata:
        return patients, None, ""
    levels = patients[list(manner.strata)]
    known = levels.notna().all(axis=1)
    lost = int((~known).sum())
    note = f"{lost} without {' or '.join(manner.strata)} left out" if lost else ""
    labels = levels[known].astype(str).agg(" / ".join, axis=1).to_numpy(dtype=object)
    return patients[known], labels, note


def stacked(tables: Sequence[pd.DataFrame], *first: str) -> pd.DataFrame:
    """Tables on top of each other, with the columns `first` before the others."""
    # Empty tables have no types of their own to bring in.
    filled = [table for table in tables if len(table)] or list(tables[:1])
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=first)
    return table[[*first, *table.columns.drop(list(first))]]


def with_q(groups: pd.DataFrame, *by: str) -> pd.DataFrame:
    """The table with q before p, Benjamini-Hochberg over what `by` tells apart in each cohort."""
    q = pd.Series(np.nan, groups.index)
    for _, rows in groups.groupby("cohort", sort=False):
        first = rows.drop_duplicates(list(by))
        found = false_discovery(first["p"].to_numpy("float64"))
        # Numbered as they first appear, which is the order of `first`.
        q.loc[rows.index] = found[rows.groupby(list(by), sort=False).ngroup()]
    table = groups.copy()
    table.insert(list(table.columns).index("p"), "q", q)
    return table


def _compare(
    patients: pd.DataFrame,
    groups: "pd.Series[str]",
    order: Sequence[str],
    manner: Manner,
    why: str,
) -> Comparison:
    """Compare groups of one cohort, or only describe them."""
    patients, strata, left_out = in_strata(patients, manner)
    groups = groups[patients.index]
    present = [name for name in order if (groups == name).any()]
    why = why or _obstacle(patients, present)
    if why:
        note = "; ".join(part for part in (why, left_out) if part)
        return _describe(patients, groups, present or [""], manner, note)
    found = compare_survival(
        patients["time_days"],
        patients["event"],
        groups.to_numpy(),
        order=present,
        confidence=manner.confidence,
        bands=manner.bands,
        rho=manner.rho,
        gamma=manner.gamma,
        strata=strata,
    )
    full = ["; ".join(part for part in (note, left_out) if part) for note in found.groups["note"]]
    return Comparison(found.groups.assign(note=full), found.curves)


def _obstacle(patients: pd.DataFrame, present: Sequence[str]) -> str:
    """Why these patients cannot be compared; nothing if they can."""
    if len(patients) < FEWEST:
        return f"fewer than {FEWEST} patients"
    if not patients["event"].any():
        return "nobody died"
    if len(present) < 2:
        return f"all patients are in the group {present[0]}"
    return ""


def _describe(
    patients: pd.DataFrame,
    groups: "pd.Series[str]",
    names: Sequence[str],
    manner: Manner,
    note: str,
) -> Comparison:
    """Sizes, medians and curves of groups that are not tested."""
    settings: dict[str, Any] = {"confidence": manner.confidence, "bands": manner.bands}
    rows, curves = [], []
    for name in names:
        mine = patients[groups == name]
        median = dict.fromkeys(_MEDIANS, np.nan)
        if len(mine):
            curve = kaplan_meier(mine["time_days"], mine["event"], **settings)
            found = survival_quantiles(curve).iloc[0]
            median = {ours: float(found[column]) for ours, column in _MEDIANS.items()}
            curves.append(curve.assign(group=name))
        events = int(mine["event"].sum())
        rows.append({"group": name, "n": len(mine), "events": events, "expected": np.nan, **median})
    follow_up = (np.nan,) * 3
    if len(patients):
        follow_up = median_follow_up(patients["time_days"], patients["event"], **settings)
    table = pd.DataFrame(rows).assign(
        n_all=len(patients),
        events_all=int(patients["event"].sum()),
        **dict(zip(("follow_up_days", "follow_up_low", "follow_up_high"), follow_up, strict=True)),
        rho=float(manner.rho),
        gamma=float(manner.gamma),
        stratified=bool(manner.strata),
        **dict.fromkeys(
            ("statistic", "df", "p", "hazard_ratio", "hazard_low", "hazard_high"), np.nan
        ),
        confidence=manner.confidence,
        note=note,
    )
    empty = pd.DataFrame(columns=["group", *_CURVE])
    return Comparison(table, pd.concat(curves)[["group", *_CURVE]] if curves else empty)
