"""Log-rank tests of every group against every other."""

import math
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.survival.logrank import coded, log_rank
from histoniche.survival.observations import observations

Correction = Literal["holm", "bh"]
CORRECTIONS: dict[Correction, str] = {"holm": "holm", "bh": "fdr_bh"}
"""Corrections for several pairs, and statsmodels' names of them."""


def pairwise_log_rank(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    *,
    correction: Correction = "holm",
    rho: float = 0,
    gamma: float = 0,
    strata: ArrayLike | None = None,
    order: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Compare every group with every other, each pair by itself.

    Parameters
    ----------
    times, events, groups, rho, gamma, strata, order
        See `histoniche.survival.logrank.log_rank`.
    correction
        `holm`: family-wise error; `bh`: false discovery rate (Benjamini-Hochberg).

    Returns
    -------
    group_a, group_b, n_a, n_b, events_a, events_b, expected_a, expected_b, statistic,
    p_corrected (over the pairs that have a test), p, correction, note.
    """
    if correction not in CORRECTIONS:
        raise InputError(
            "no such correction", value=correction, remedy=f"choose among {', '.join(CORRECTIONS)}"
        )
    time, died = observations(times, events)
    codes, labels = coded(groups, order, len(time))
    among = np.zeros(len(time)) if strata is None else np.asarray(strata)
    rows = []
    for pair in combinations(range(len(labels)), 2):
        inside = np.isin(codes, pair)
        names = [labels[code] for code in pair]
        if died[inside].any():
            found = log_rank(
                time[inside],
                died[inside],
                np.asarray(labels, dtype=object)[codes[inside]],
                rho=rho,
                gamma=gamma,
                strata=among[inside],
                order=names,
            )
            table, test = found.groups, (found.statistic, found.p, found.note)
        else:
            sizes = [int((codes == code).sum()) for code in pair]
            table = pd.DataFrame({"n": sizes, "events": 0, "expected": 0.0})
            test = (math.nan, math.nan, "nobody died")
        counts = table[["n", "events", "expected"]].to_numpy(dtype=object).T.ravel()
        rows.append((*names, *counts, *test))
    columns = [f"{what}_{side}" for what in ("group", "n", "events", "expected") for side in "ab"]
    found_in = pd.DataFrame(rows, columns=[*columns, "statistic", "p", "note"])
    kinds = dict.fromkeys(columns[2:6], "int64") | dict.fromkeys(columns[6:], "float64")
    return _correct(found_in.astype(kinds), correction)


def _correct(table: pd.DataFrame, correction: Correction) -> pd.DataFrame:
    """Put the corrected p before the raw one."""
    corrected = np.full(len(table), np.nan)
    tested = table["p"].notna().to_numpy()
    if tested.any():
        p = table.loc[tested, "p"].to_numpy(dtype="float64")
        corrected[tested] = multipletests(p, method=CORRECTIONS[correction])[1]
    table.insert(list(table.columns).index("p"), "p_corrected", corrected)
    table.insert(list(table.columns).index("note"), "correction", correction)
    return table
