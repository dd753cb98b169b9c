"""Kaplan-Meier curves of patients divided by scores and covariates, many panels a figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.cohort.palette import Region
from histoniche.report.figures.kaplan_meier import Panel, draw_panels
from histoniche.report.numbers import format_p
from histoniche.report.survival_words import (
    between_in_words,
    corrected_in_words,
    cut_in_words,
    limits_in_words,
    score_in_words,
)
from histoniche.survival.score_groups import SEARCHED
from histoniche.survival.stated_groups import COMPARISON
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_PANELS = 12
_SET_APART = "Where the cut was searched for, it is the search that sets the curves so far apart."


def draw_score_groups(
    groups: Path,
    curves: Path,
    cuts: Path,
    palette: Sequence[Region],
    *,
    measure: str,
    score_groups: Path,
) -> None:
    """Draw the survival of patients up to and above each score's cut-point.

    Parameters
    ----------
    groups, curves, cuts
        What `histoniche.survival.score_groups.compare_scores` wrote.
    palette
        Regions with names.
    measure
        A key of `histoniche.report.measures.MEASURES`.
    score_groups
        Where the figure goes; ends in `.svg`.
    """
    regions = {region.region: region.name for region in palette}
    found = {row["score"]: row for row in read_table(cuts).to_dict("records")}
    # Where a cut was searched for, its own p is what tells the scores apart.
    table = read_table(groups)
    own = {name: row["p_permutation"] for name, row in found.items()}
    own |= {n: row["p_lausen_schumacher"] for n, row in found.items() if np.isnan(own[n])}
    rank = table["p"].fillna(table["score"].map(own))
    panels, note = _panels(table.assign(rank=rank), read_table(curves), by=["score"])
    dressed = []
    for panel in panels:
        row = found[panel.what]
        lines = [cut_in_words(row, measure=measure)]
        if (panel.groups["note"] == SEARCHED).any():
            lines.append(
                f"Corrected for the search: {corrected_in_words(row)}; q {format_p(row['q'])}"
            )
        name = score_in_words(row["score"], row["kind"], regions)
        dressed.append(panel._replace(what=_of_cohort(name, panel, table), lines=lines))
    if any((panel.groups["note"] == SEARCHED).any() for panel in dressed):
        note = f"{_SET_APART} {note}"
    draw_panels(dressed, read_table(curves), left_out=note, kaplan_meier=score_groups)


def draw_stated_groups(
    groups: Path,
    curves: Path,
    palette: Sequence[Region],
    *,
    measure: str,
    stated_groups: Path,
) -> None:
    """Draw the survival of patients below and above limits that were stated in advance.

    Parameters
    ----------
    groups, curves
        What `histoniche.survival.stated_groups.compare_stated` wrote.
    palette
        Regions with names.
    measure
        A key of `histoniche.report.measures.MEASURES`.
    stated_groups
        Where the figure goes; ends in `.svg`.
    """
    regions = {region.region: region.name for region in palette}
    table, steps = read_table(groups), read_table(curves)
    panels, note = _panels(table.assign(rank=table["p"]), steps, by=COMPARISON)
    dressed = []
    for panel in panels:
        row = panel.groups.iloc[0].to_dict()
        name = score_in_words(row["score"], row["kind"], regions)
        what = f"{name}, {limits_in_words(row, measure=measure)}"
        told = ["stated in advance", between_in_words(row)]
        line = f"Limits {', '.join(part for part in told if part)}"
        dressed.append(panel._replace(what=_of_cohort(what, panel, table), lines=[line]))
    draw_panels(dressed, steps, left_out=note, kaplan_meier=stated_groups)


def draw_covariate_groups(groups: Path, curves: Path, *, covariate_groups: Path) -> None:
    """Draw the survival of patients by the levels of covariates.

    Parameters
    ----------
    groups, curves
        What `histoniche.survival.covariate_groups.compare_covariates` wrote.
    covariate_groups
        Where the figure goes; ends in `.svg`.
    """
    table, steps = read_table(groups), read_table(curves)
    panels, note = _panels(table.assign(rank=table["p"]), steps, by=["covariate"])
    named = [panel._replace(what=_of_cohort(panel.what, panel, table)) for panel in panels]
    draw_panels(named, steps, left_out=note, kaplan_meier=covariate_groups)


def _panels(
    groups: pd.DataFrame, curves: pd.DataFrame, *, by: Sequence[str]
) -> tuple[list[Panel], str]:
    """One panel a comparison with curves, as many as can be read, and a note on the others.

    A panel's `what` is the value of the first column of `by`.
    """
    keys = [*by, "cohort"]
    drawn = groups.merge(curves[keys].drop_duplicates(), on=keys)
    each = drawn[[*keys, "rank"]].drop_duplicates(keys)
    # The cohorts of a score stay together.
    place = each.groupby(list(by), sort=False).ngroup()
    best = each["rank"].groupby(place).min().sort_values(na_position="last", kind="stable")
    fit = max(1, _MOST_PANELS // max(1, each["cohort"].nunique()))
    kept = each[place.isin(best.index[:fit])].head(_MOST_PANELS)
    panels = []
    for _, key in kept[keys].iterrows():
        rows, steps = (table[(table[keys] == key).all(axis=1)] for table in (drawn, curves))
        panels.append(Panel(rows, steps, str(key[by[0]])))
    missing = groups[keys].drop_duplicates().shape[0] - len(kept)
    note = f"{count(missing, 'comparison')} more in the table, of larger p or without curves."
    return panels, note if missing else ""


def _of_cohort(name: str, panel: Panel, groups: pd.DataFrame) -> str:
    """The name, and the cohort where there are several."""
    several = groups["cohort"].nunique() > 1
    return f"{name}, {panel.groups['cohort'].iloc[0]} cohort" if several else name
