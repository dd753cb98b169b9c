"""The job that compares survival of patients divided by limits that are stated in advance."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.survival.cohort_comparison import (
    SIDES,
    Manner,
    compare_in_cohorts,
    read_followed,
    stacked,
    with_q,
)
from histoniche.survival.observations import check_columns
from histoniche.survival.scores import read_values
from histoniche.tables import write_table

COMPARISON = ("score", "up_to", "above")
"""What tells one comparison of a cohort from the others."""


def compare_stated(
    patients: Path,
    scores: Path,
    cohorts: Path,
    *,
    groups: Path,
    curves: Path,
    stated: Mapping[str, Sequence[Sequence[float]]],
    manner: Mapping[str, Any],
) -> None:
    """Compare the survival of patients below and above limits of scores, within each cohort.

    Nothing is found in the patients, so that every cohort is tested, the training cohort too.

    Parameters
    ----------
    patients, scores, cohorts
        See `histoniche.survival.score_groups.compare_scores`.
    groups
        Written: score, kind, up_to, above, cohort, n_between (patients between the limits, who
        are left out), then `Comparison.groups` with q (Benjamini-Hochberg over the comparisons
        of the cohort).
    curves
        Written: score, up_to, above, cohort, then `histoniche.survival.curves.curves_by_group`.
    stated
        Pairs of limits by score: low is up to the first, high above the second.
    manner
        Fields of `Manner`.

    Raises
    ------
    InputError
        If a score is not there, or no patient of a cohort has follow-up.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, who compare HTI above 0.5 with up to 0.5, and
    above 0.7 with up to 0.3.
    """
    followed, cohort = read_followed(patients, cohorts)
    values, kinds = read_values(scores, list(stated), key="survival_curves.stated")
    how = Manner(**manner)
    check_columns(followed, how.strata)
    tables, steps = [], []
    for score, pairs in stated.items():
        known = values[score].reindex(cohort.index).dropna()
        for up_to, above in pairs:
            sides = divide_by_limits(known, up_to, above)
            compared = compare_in_cohorts(followed, sides, cohort, order=SIDES, manner=how)
            between = cohort[known.index.difference(sides.index)].value_counts()
            n_between = compared.groups["cohort"].map(between).fillna(0).astype(int)
            named: dict[str, Any] = {"score": score, "up_to": up_to, "above": above}
            tables.append(compared.groups.assign(n_between=n_between, kind=kinds[score], **named))
            steps.append(compared.curves.assign(**named))
    full = stacked(tables, "score", "kind", "up_to", "above", "cohort", "n_between")
    write_table(with_q(full, *COMPARISON), groups)
    write_table(stacked(steps, *COMPARISON), curves)
    logging.info("%d comparisons, %d patients", len(tables), len(followed))


def divide_by_limits(values: "pd.Series[float]", up_to: float, above: float) -> "pd.Series[str]":
    """Group of each patient: low up to the first limit, high above the second, else absent."""
    sides = pd.Series(pd.NA, values.index, dtype=object)
    low, high = SIDES
    sides[values <= up_to] = low
    sides[values > above] = high
    return sides.dropna()
