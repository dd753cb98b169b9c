"""The job that finds a score's cut-point in one cohort and carries it to other patients."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.cohort.origins import EXTERNAL, STUDY
from histoniche.cohort.sheets import read_patients
from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort_comparison import (
    SIDES,
    Manner,
    compare_in_cohorts,
    read_followed,
    stacked,
)
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.comparison import Comparison
from histoniche.survival.cut_scores import FrozenCut, cut_score, cut_table, search_table
from histoniche.survival.score_groups import SEARCHED
from histoniche.tables import read_table, write_table


def carry_score(
    values: Path,
    patients: Path,
    cohorts: Path,
    external: Mapping[str, tuple[Path, str]],
    *,
    cuts: Path,
    search: Path,
    groups: Path,
    curves: Path,
    score: str,
    found_in: str,
    cut: Mapping[str, Any],
    manner: Mapping[str, Any],
    seed: int,
) -> None:
    """Find a score's cut-point in one cohort of the study and apply it, as it is, to all others.

    Parameters
    ----------
    values
        origin, cohort, patient, value; without a row if the study made no score.
    patients, cohorts
        See `histoniche.survival.score_groups.compare_scores`.
    external
        Sheet of patients, and the unit of its times, of each external cohort.
    cuts, search
        Written: see `histoniche.survival.cut_scores.cut_table` and `search_table`, of one score.
    groups
        Written: origin, cohort, cut, then `histoniche.survival.comparison.Comparison.groups` with q
        (Benjamini-Hochberg over the cohorts that are tested). Patients in whom the cut was
        searched for are described and not tested.
    curves
        Written: origin, cohort, then `histoniche.survival.curves.curves_by_group`.
    score
        Name of the score.
    found_in
        Cohort of the study in which the cut is found.
    cut
        See `histoniche.survival.cut_scores.cut_score`.
    manner
        Fields of `Manner`, without strata.
    seed
        Seed of the run.

    Raises
    ------
    InputError
        If a patient of an external cohort is one of the study, or a sheet does not fit.
    """
    followed, cohort = read_followed(patients, cohorts)
    table = read_table(values)
    own = table[table["origin"] == STUDY].set_index("patient")["value"].astype(float)
    own = own.rename(score)
    training = cohort[cohort == found_in].map(lambda _: TRAINING)
    found = cut_score(own, followed, training, settings=cut, seed=seed)
    if table.empty:
        found = found._replace(note="no patient has this score")
    how = Manner(**manner)
    parts = [(STUDY, divide(own, found, followed, cohort, how, searched_in=found_in))]
    for name, (sheet, unit) in external.items():
        others = _read_external(sheet, unit, name, read_table(patients)["patient"])
        mine = table[(table["origin"] == EXTERNAL) & (table["cohort"] == name)]
        known = mine.set_index("patient")["value"].astype(float)
        named = pd.Series(name, others.index, dtype=object)
        parts.append((EXTERNAL, divide(known, found, others, named, how)))
    at = np.nan if found.cut is None else found.cut.value
    full = stacked([part.groups.assign(origin=o) for o, part in parts], "origin", "cohort")
    full.insert(2, "cut", at)
    steps = stacked([part.curves.assign(origin=o) for o, part in parts], "origin", "cohort")
    write_table(cut_table({score: found}, {score: "score"}, settings=cut), cuts)
    write_table(search_table({score: found}), search)
    write_table(_with_q(full), groups)
    write_table(steps, curves)
    logging.info("%s: cut at %g, %d cohorts", score, at, full["cohort"].nunique())


def divide(
    values: "pd.Series[float]",
    found: FrozenCut,
    patients: pd.DataFrame,
    cohorts: "pd.Series[str]",
    manner: Manner,
    *,
    searched_in: str | None = None,
) -> Comparison:
    """Apply a frozen cut to cohorts and compare its two sides within each.

    Parameters
    ----------
    values
        Score by patient.
    found
        The cut, or why there is none.
    patients, cohorts
        Of the study, or of an external cohort, by patient.
    searched_in
        The cohort whose patients it was found in; not tested if it was searched for.

    Returns
    -------
    See `histoniche.survival.cohort_comparison.compare_in_cohorts`.
    """
    if found.cut is None:
        untested = dict.fromkeys(cohorts, f"no cut-point: {found.note}")
        sides = pd.Series(dtype=object)
    else:
        known = values.reindex(cohorts.index).dropna()
        high = found.cut.high(known)
        sides = pd.Series([SIDES[int(above)] for above in high], known.index, dtype=object)
        untested = {str(searched_in): SEARCHED} if found.search is not None else {}
    return compare_in_cohorts(
        patients, sides, cohorts, order=SIDES, manner=manner, untested=untested
    )


def _read_external(sheet: Path, unit: str, name: str, study: "pd.Series[str]") -> pd.DataFrame:
    """Patients of an external cohort with follow-up, none of whom is in the study."""
    table = read_patients(sheet, covariates={}, time_unit=unit, labels=())
    both = table["patient"][table["patient"].isin(set(study))]
    if len(both):
        raise InputError(
            f"{len(both)} patients of this external cohort are patients of the study too",
            file=sheet,
            column=f"pathways.cohorts.{name}.patients",
            value=str(both.iloc[0]),
            remedy="leave them out, or rename them if they are other people",
        )
    followed = table.dropna(subset=["time_days", "event"]).set_index("patient")
    return followed.astype({"event": int})


def _with_q(groups: pd.DataFrame) -> pd.DataFrame:
    """The table with q before p, over the cohorts that were tested."""
    keys = ["origin", "cohort"]
    first = groups.drop_duplicates(keys)
    q = false_discovery(first["p"].to_numpy("float64"))
    table = groups.copy()
    place = groups.groupby(keys, sort=False).ngroup()
    table.insert(list(table.columns).index("p"), "q", q[place])
    return table
