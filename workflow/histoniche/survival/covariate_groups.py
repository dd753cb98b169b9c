"""The job that compares survival between the levels of categorical covariates."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.errors import InputError
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cohort_comparison import (
    Manner,
    compare_in_cohorts,
    in_strata,
    read_followed,
    stacked,
    with_q,
)
from histoniche.survival.cohorts import names_of
from histoniche.survival.logrank import Trend, log_rank_trend
from histoniche.survival.logrank_pairs import Correction, pairwise_log_rank
from histoniche.survival.observations import check_columns
from histoniche.survival.terms import Declared
from histoniche.tables import write_table

_PAIR = (
    *("covariate", "cohort", "group_a", "group_b", "n_a", "n_b", "events_a", "events_b"),
    *("expected_a", "expected_b", "statistic", "p_corrected", "p", "correction", "note"),
)
_TREND = ("covariate", "cohort", "order", "n", "events", "z", "p", "note")


def compare_covariates(
    patients: Path,
    cohorts: Path,
    *,
    groups: Path,
    curves: Path,
    pairs: Path,
    trends: Path,
    named: Sequence[str],
    declared: Declared,
    orders: Mapping[str, Sequence[str]],
    correction: Correction,
    manner: Mapping[str, Any],
) -> None:
    """Compare the survival of patients by the level of each covariate, within each cohort.

    Parameters
    ----------
    patients, cohorts
        See `histoniche.survival.score_groups.compare_scores`.
    groups
        Written: covariate, cohort, then `Comparison.groups` with q (Benjamini-Hochberg over the
        covariates of the cohort).
    curves
        Written: covariate, cohort, then `histoniche.survival.curves.curves_by_group`.
    pairs
        Written: covariate, cohort, then `pairwise_log_rank`, of covariates with three levels or
        more.
    trends
        Written: covariate, cohort, order (from low to high), n, events, z (> 0: the higher the
        worse), q (Benjamini-Hochberg over the covariates of the cohort), p, note.
    named
        Categorical covariates.
    declared
        What the covariates' columns mean; the reference comes first.
    orders
        Levels from low to high, of the covariates that have a test of trend.
    correction
        Of the p of pairs.
    manner
        Fields of `Manner`.

    Raises
    ------
    InputError
        If no patient of a cohort has follow-up, or a level is missing in an order.
    """
    followed, cohort = read_followed(patients, cohorts)
    how = Manner(**manner)
    check_columns(followed, [*named, *how.strata])
    tables: dict[str, list[pd.DataFrame]] = {key: [] for key in ("groups", "curves", "pairs")}
    trended = []
    for name in named:
        levels = followed[name].dropna().astype(str)
        order = _order(levels, name, declared, orders)
        compared = compare_in_cohorts(followed, levels, cohort, order=order, manner=how)
        tables["groups"].append(compared.groups.assign(covariate=name))
        tables["curves"].append(compared.curves.assign(covariate=name))
        for place in names_of(cohort):
            known = levels.reindex(cohort.index[cohort == place]).dropna()
            mine, strata, _ = in_strata(followed.loc[known.index], how)
            if len(mine) < FEWEST or not mine["event"].any():
                continue
            arrays = mine["time_days"], mine["event"], known[mine.index].to_numpy()
            test: dict[str, Any] = {
                "rho": how.rho,
                "gamma": how.gamma,
                "strata": strata,
                "order": order,
            }
            head = {"covariate": name, "cohort": place}
            if known[mine.index].nunique() > 2:
                found = pairwise_log_rank(*arrays, correction=correction, **test)
                tables["pairs"].append(found.assign(**head))
            if name in orders and known[mine.index].nunique() > 1:
                trended.append({**head, **_trend(log_rank_trend(*arrays, **test))})
    write_table(with_q(stacked(tables["groups"], "covariate"), "covariate"), groups)
    write_table(stacked(tables["curves"], "covariate"), curves)
    write_table(stacked(tables["pairs"], "covariate").reindex(columns=list(_PAIR)), pairs)
    trend = pd.DataFrame(trended, columns=list(_TREND)).astype({"p": float})
    write_table(with_q(trend, "covariate"), trends)
    logging.info("%d covariates, %d patients", len(named), len(followed))


def _order(
    levels: "pd.Series[str]",
    name: str,
    declared: Declared,
    orders: Mapping[str, Sequence[str]],
) -> list[str]:
    """Levels as an order has them, or else the reference first, the others by name."""
    known = sorted(levels.unique())
    if name not in orders:
        reference = declared[name].get("reference")
        return sorted(known, key=lambda level: (level != reference, level))
    order = [str(level) for level in orders[name]]
    for level in known:
        if level not in order:
            raise InputError(
                "the order does not have this level",
                column=f"survival_curves.orders.{name}",
                value=level,
                remedy="name every level, from low to high",
            )
    return order


def _trend(found: Trend) -> dict[str, object]:
    """Row of a test of trend."""
    order = " < ".join(map(str, found.groups["group"]))
    size = {"order": order, "n": found.n, "events": found.events}
    return {**size, "z": found.z, "p": found.p, "note": found.note}
