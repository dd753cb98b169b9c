"""The job that divides patients by their scores and compares their survival."""

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
from histoniche.survival.cohorts import TRAINING, check_fitted_on_training
from histoniche.survival.cut_scores import FrozenCut, cut_score, cut_table, search_table
from histoniche.survival.observations import check_columns
from histoniche.survival.scores import read_values
from histoniche.tables import write_table

SEARCHED = "the cut was searched for in these patients; see its corrected p"


def compare_scores(
    patients: Path,
    scores: Path,
    cohorts: Path,
    *,
    cuts: Path,
    search: Path,
    groups: Path,
    curves: Path,
    named: Sequence[str],
    cut: Mapping[str, Any],
    manner: Mapping[str, Any],
    seed: int,
) -> None:
    """Compare the survival of patients on the two sides of each score's cut-point.

    The cut is found in the training cohort alone and applied, as it is, to every other.

    Parameters
    ----------
    patients
        The cohort's patients: patient, time_days, event, covariates.
    scores
        patient, score, kind, value.
    cohorts
        patient, cohort; patients of no cohort are absent.
    cuts, search
        Written: see `histoniche.survival.cut_scores.cut_table` and `search_table`.
    groups
        Written: score, kind, cut, cohort, then `Comparison.groups` with q (Benjamini-Hochberg
        over the scores of the cohort). Training patients in whom a cut was searched for are
        described and not tested. A score without a cut has one row, with a note.
    curves
        Written: score, cohort, then `histoniche.survival.curves.curves_by_group`.
    named
        Scores that are studied; all if empty.
    cut
        See `histoniche.survival.cut_scores.cut_score`.
    manner
        Fields of `Manner`.
    seed
        Seed of the run.

    Raises
    ------
    InputError
        If a score is not there, or no patient of a cohort has follow-up.
    """
    followed, cohort = read_followed(patients, cohorts)
    values, kinds = read_values(scores, named, key="survival_curves.scores")
    frozen = {
        score: cut_score(own, followed, cohort, settings=cut, seed=seed)
        for score, own in values.items()
    }
    how = Manner(**manner)
    check_columns(followed, how.strata)
    tables, steps = [], []
    for score, found in frozen.items():
        parts = divide_by_cut(values[score], found, followed, cohort, how)
        tables.append(parts[0].assign(kind=kinds[score], score=score))
        steps.append(parts[1].assign(score=score))
    full = with_q(stacked(tables, "score", "kind", "cut", "cohort"), "score")
    write_table(cut_table(frozen, kinds, settings=cut), cuts)
    write_table(search_table(frozen), search)
    write_table(full, groups)
    write_table(stacked(steps, "score"), curves)
    for row in full[full["note"] != ""].drop_duplicates(["score", "cohort"]).itertuples():
        logging.warning("%s, %s: %s", row.score, row.cohort, row.note)
    logging.info(
        "%d scores, %d patients, %d deaths", len(kinds), len(followed), followed["event"].sum()
    )


def divide_by_cut(
    values: "pd.Series[float]",
    found: FrozenCut,
    patients: pd.DataFrame,
    cohorts: "pd.Series[str]",
    manner: Manner,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply a frozen cut to every cohort and compare its two sides.

    Returns
    -------
    Groups with the cut, and curves, as `compare_in_cohorts` has them; low is up to the cut.

    Raises
    ------
    InputError
        If the cut was found in patients outside the training cohort.
    """
    known = values.reindex(cohorts.index).dropna()
    if found.cut is None:
        sides = pd.Series(dtype=object)
        untested = dict.fromkeys(cohorts, f"no cut-point: {found.note}")
    else:
        check_fitted_on_training(found.fitted_on, cohorts, what=f"the cut-point of {values.name}")
        high = found.cut.high(known)
        sides = pd.Series([SIDES[int(above)] for above in high], known.index, dtype=object)
        untested = {TRAINING: SEARCHED} if found.search is not None else {}
    compared = compare_in_cohorts(
        patients, sides, cohorts, order=SIDES, manner=manner, untested=untested
    )
    at = float("nan") if found.cut is None else found.cut.value
    return compared.groups.assign(cut=at), compared.curves
