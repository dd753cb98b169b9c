"""A cut-point for each score, found in the training cohort and then frozen."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.randomness import generator
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.cut_points import Cut, find_cut
from histoniche.survival.maximal_log_rank import MaximalLogRank, maximal_log_rank

_SEARCH = (
    *("statistic", "critical_permutation", "critical_lausen_schumacher", "level", "permutations"),
    *("p_permutation", "p_lausen_schumacher", "p_improved_bonferroni"),
)
_SCAN = (
    *("cut", "n_low", "n_high", "events_low", "events_high", "p_permutation"),
    *("p_lausen_schumacher", "p_improved_bonferroni", "z", "statistic"),
)


class FrozenCut(NamedTuple):
    """A cut-point with the patients it was found in."""

    cut: Cut | None
    """None if there is none."""
    fitted_on: Sequence[str]
    """Patients of the training cohort, by whose outcome or score it was found."""
    search: MaximalLogRank | None
    """What the search for a maximal cut found."""
    note: str
    """Why there is no cut."""


def cut_score(
    values: "pd.Series[float]",
    patients: pd.DataFrame,
    cohorts: "pd.Series[str]",
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> FrozenCut:
    """Find the cut-point of one score in the training cohort alone.

    Parameters
    ----------
    values
        Score by patient; its name is the score's.
    patients, cohorts
        See `histoniche.survival.cohort_comparison.read_followed`.
    settings
        rule, min_share, permutations, level and, where the rule needs it, quantile or value; see
        `histoniche.survival.cut_points.find_cut` and `maximal_log_rank`.
    seed
        Seed of the run.

    Returns
    -------
    The cut; a score that cannot be cut, as one that does not vary, has none and a note.
    """
    training = values.reindex(cohorts.index[cohorts == TRAINING]).dropna()
    mine = patients.loc[training.index]
    who = [str(patient) for patient in training.index]
    if len(mine) < FEWEST:
        return FrozenCut(None, who, None, f"fewer than {FEWEST} patients in the training cohort")
    outcome = mine["time_days"], mine["event"]
    try:
        if settings["rule"] == "maximal":
            found = maximal_log_rank(
                training,
                *outcome,
                rng=generator(seed, "cut-point", values.name),
                **{key: settings[key] for key in ("min_share", "permutations", "level")},
            )
            return FrozenCut(Cut(found.cut, "maximal", found.n, found.events), who, found, "")
        how = {key: settings[key] for key in ("quantile", "value") if key in settings}
        cut = find_cut(
            training, *outcome, rule=settings["rule"], min_share=settings["min_share"], **how
        )
    except InputError as error:
        return FrozenCut(None, who, None, str(error.fields["problem"]))
    return FrozenCut(cut, who, None, "")


def cut_table(
    cuts: Mapping[str, FrozenCut], kinds: Mapping[str, str], *, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Cut-points as a table, one row a score.

    Parameters
    ----------
    cuts, kinds
        By score.
    settings
        As for `cut_score`.

    Returns
    -------
    score, kind, rule, cut, n, events (of the training patients), min_share; for a maximal cut
    statistic, the critical values, level, permutations, the three corrected p and q
    (Benjamini-Hochberg over the scores: of the p by permutation, or of Lausen and Schumacher's
    without permutations); note (why there is no cut). The p before correction is not there.
    """
    rows = []
    for score, found in cuts.items():
        summary = {} if found.search is None else found.search._asdict()
        rows.append(
            {
                "score": score,
                "kind": kinds[score],
                "rule": settings["rule"],
                "cut": np.nan if found.cut is None else found.cut.value,
                "n": len(found.fitted_on),
                "events": 0 if found.cut is None else found.cut.events,
                "min_share": settings["min_share"],
                **{name: summary.get(name, np.nan) for name in _SEARCH},
                "note": found.note,
            }
        )
    table = pd.DataFrame(rows)
    corrected = "p_permutation" if settings["permutations"] else "p_lausen_schumacher"
    q = false_discovery(table[corrected].to_numpy("float64"))
    table.insert(list(table.columns).index("p_permutation"), "q", q)
    return table


def search_table(cuts: Mapping[str, FrozenCut]) -> pd.DataFrame:
    """All cuts that a search looked at: score, then `MaximalLogRank.table` without its raw p."""
    empty = pd.DataFrame(columns=["score", *_SCAN])
    parts = [
        found.search.table[list(_SCAN)].assign(score=score)
        for score, found in cuts.items()
        if found.search is not None
    ]
    return pd.concat(parts, ignore_index=True)[["score", *_SCAN]] if parts else empty
