"""The search for a cut-point: the statistic at every cut, and what the best is worth."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from histoniche.report.numbers import count, format_number, percent
from histoniche.report.style import (
    FAINT,
    HIGH,
    INK,
    LOW,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
)
from histoniche.report.survival_words import corrected_in_words
from histoniche.tables import read_table


def draw_cut_search(
    cuts: Path, summary: Path, *, what: str, unit: str = "", cut_search: Path
) -> None:
    """Draw the log-rank statistic over all cut-points of a score.

    Parameters
    ----------
    cuts, summary
        `table` and `summary()` of `histoniche.survival.maximal_log_rank.MaximalLogRank`.
    what, unit
        The score, for title and axis.
    cut_search
        Where the figure goes; ends in `.svg`.
    """
    table, found = read_table(cuts), read_table(summary).iloc[0].to_dict()
    with house_style():
        figure = new_figure(4.8, width=7.6)
        axes = figure.subplots()
        _draw_statistics(axes, table)
        _draw_lines(axes, found, most=float(table["statistic"].max()))
        axes.set_xlabel(f"Cut-point of {what}{f' ({unit})' if unit else ''}")
        axes.set_ylabel("Standardised log-rank statistic")
        size = f"n = {count(int(found['n']), 'patient')}, {count(int(found['events']), 'death')}"
        figure.legend(
            handles=[*_handles(table), *_result(found, table)],
            loc="outside upper left",
            title="\n".join(wrap(f"Search for a cut-point of {what}, {size}", 88)),
            title_fontproperties={"size": 10, "weight": "bold"},
            alignment="left",
        )
        footnote(
            figure,
            f"{count(len(table), 'cut')} with {percent(found['min_share'])} of the patients or "
            "more on either side. p is corrected for the search; a log-rank test between the "
            "two sides in these same patients would not be. "
            f"Dashed: what the largest statistic exceeds at p {found['level']:g}.",
        )
        save_figure(figure, cut_search, table)


def _result(found: Mapping[Any, Any], table: pd.DataFrame) -> list[Artist]:
    """The chosen cut and its corrected p, a line each."""
    best = table.loc[(table["cut"] - found["cut"]).abs().idxmin()]
    sides = f"{int(best['n_low']):,} up to it, {int(best['n_high']):,} above"
    worse = "above" if best["z"] > 0 else "up to"
    lines = (
        f"Best cut {format_number(found['cut'])}: {sides}; those {worse} it die sooner",
        f"Statistic {format_number(found['statistic'])}; {corrected_in_words(found)}",
    )
    return [Line2D([], [], ls="", label=line) for line in lines]


def _handles(table: pd.DataFrame) -> list[Artist]:
    """What the colours of the points mean."""
    sides = ((HIGH, "above", table["z"] > 0), (LOW, "up to", table["z"] <= 0))
    return [
        Line2D([], [], color=colour, marker="o", ms=5, ls="", label=f"those {side} it die sooner")
        for colour, side, rows in sides
        if rows.any()
    ]


def _draw_statistics(axes: Axes, table: pd.DataFrame) -> None:
    """One point a cut, coloured by who fares worse."""
    axes.plot(table["cut"], table["statistic"], color=FAINT, linewidth=1, zorder=1)
    size = 22 if len(table) <= 60 else 9
    for colour, rows in ((HIGH, table["z"] > 0), (LOW, table["z"] <= 0)):
        points = table[rows]
        axes.scatter(
            points["cut"], points["statistic"], s=size, color=colour, linewidth=0, zorder=2
        )
    grid(axes, "y")


def _draw_lines(axes: Axes, found: Mapping[Any, Any], *, most: float) -> None:
    """The chosen cut upright; the critical values across, named at the right end."""
    axes.axvline(found["cut"], color=INK, linewidth=1, zorder=0)
    lines = [("permutation", found["critical_permutation"])]
    lines.append(("Lausen-Schumacher", found["critical_lausen_schumacher"]))
    known = sorted((value, name) for name, value in lines if np.isfinite(value))
    axes.set_ylim(0, 1.15 * max(most, *(value for value, _ in known)))
    room = 0.05 * axes.get_ylim()[1]
    places = [value for value, _ in known]
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + room)
    for (value, name), place in zip(known, places, strict=True):
        axes.axhline(value, color=MUTED, linewidth=1, linestyle="--", zorder=0)
        axes.annotate(
            f"{name} {value:.2f}", (1.01, place), xycoords=("axes fraction", "data"),
            va="center", size=8, color=MUTED, annotation_clip=False,
        )  # fmt: skip
