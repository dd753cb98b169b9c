"""Figure of the Cox models' hazard ratios."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from histoniche.cohort.palette import Region
from histoniche.report.figures.enrichment import shorten
from histoniche.report.figures.forest import LONGEST, Line, draw_lines, level_lines
from histoniche.report.measures import compared
from histoniche.report.numbers import format_interval, format_p, percent
from histoniche.report.style import (
    MUTED,
    footnote,
    house_style,
    new_figure,
    region_label,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_ALONE = "univariable"
_HEADS = ("ratio (interval)", "p", "q", "n / deaths")


def draw_cox(
    cox: Path, palette: Sequence[Region], *, measure: str, confidence: float, cox_figure: Path
) -> None:
    """Draw every region's hazard ratio alone and adjusted, and the covariates' alone.

    Each level of a covariate has a line of its own, the reference too. The
    covariates' ratios within the adjusted models stand in the table beside the figure.

    Parameters
    ----------
    cox
        Every term of every model.
    palette
        Regions with names and colours, background first.
    measure
        A key of `histoniche.report.measures.MEASURES`.
    confidence
        Level of the intervals.
    cox_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(cox)
    with house_style():
        lines = [*_areas(table, palette, measure), *_covariates(table)]
        if not lines:
            save_notice("No Cox model could be fitted.", cox_figure, table)
            return
        figure = new_figure(0.27 * len(lines) + 1.5, width=9.6)
        axes = figure.add_subplot()
        draw_lines(axes, lines, _HEADS)
        most = table.loc[table["hazard_ratio"].notna()].sort_values("n").iloc[-1]
        size = f"n = {count(int(most['n']), 'patient')}, {count(int(most['events']), 'death')}"
        axes.set_title(f"Hazard of death, {size}", pad=18)
        footnote(
            figure,
            f"Lines: {percent(confidence)} confidence intervals. Filled: the term alone. Hollow: "
            "the area adjusted for all covariates, or a covariate's reference.\n"
            "q: Benjamini-Hochberg over the regions, alone and adjusted each. Beside a covariate "
            "of several levels: p of the whole. An arrow goes beyond the axis.",
        )
        save_figure(figure, cox_figure, table)


def _areas(table: pd.DataFrame, palette: Sequence[Region], measure: str) -> list[Line]:
    """Every region alone, and below it adjusted."""
    areas = table[(table["kind"] == "area") & table["hazard_ratio"].notna()]
    lines = []
    for region in palette:
        mine = areas[areas["term"] == region.region]
        mine = mine.sort_values("model", key=_alone_first)
        for place, row in enumerate(mine.to_dict("records")):
            adjusted = row["model"] != _ALONE
            label = f"{region_label(region)}, {compared('area', str(row['unit']), measure)}"
            label += ", adjusted" if adjusted else ""
            lines.append(
                Line(
                    "adjusted" if place else label,
                    (
                        format_interval(row["hazard_ratio"], row["low"], row["high"]),
                        format_p(row["p"]),
                        format_p(row["adjusted_q"] if adjusted else row["q"]),
                        f"{int(row['n'])} / {int(row['events'])}",
                    ),
                    *(row["hazard_ratio"], row["low"], row["high"]),
                    marker="o",
                    colour=region.colour,
                    hollow=adjusted,
                    strength="muted" if adjusted else "normal",
                    ruled=not adjusted,
                )
            )
    return lines


def _covariates(table: pd.DataFrame) -> list[Line]:
    """Every covariate alone: one line a number, a head and a line a level of a category."""
    chosen = (table["kind"] == "covariate") & (table["model"] == _ALONE)
    rows = table[chosen & table["hazard_ratio"].notna()]
    lines = []
    for covariate, part in rows.groupby("covariate", sort=False):
        row = part.iloc[0]
        if row["level"]:
            lines += level_lines(part)
            continue
        cells = (
            format_interval(row["hazard_ratio"], row["low"], row["high"]),
            format_p(row["p"]),
            format_p(row["q"]),
            f"{int(row['n'])} / {int(row['events'])}",
        )
        ends = (row["hazard_ratio"], row["low"], row["high"])
        lines.append(
            Line(f"{shorten(str(covariate), LONGEST)}, {row['unit']}", cells, *ends, colour=MUTED)
        )
    return lines


def _alone_first(models: "pd.Series[str]") -> "pd.Series[bool]":
    """Sort key that puts the univariable model first."""
    return models != _ALONE
