"""The search for a cut-point: the statistic at every cut, and what the best is worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from histoniche.cohort.palette import Region
from histoniche.report.measures import MEASURES
from histoniche.report.numbers import format_number, format_p, percent
from histoniche.report.style import (
    FAINT,
    HIGH,
    INK,
    LOW,
    MUTED,
    WIDTH,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.report.survival_words import corrected_in_words, score_in_words
from histoniche.score_table import AREA
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_PANELS = 12


def draw_cut_search(
    search: Path,
    cuts: Path,
    palette: Sequence[Region],
    *,
    measure: str,
    cut_search: Path,
) -> None:
    """Draw the log-rank statistic over all cut-points of each score, one panel a score.

    Parameters
    ----------
    search, cuts
        What `histoniche.survival.score_groups.compare_scores` wrote.
    palette
        Regions with names.
    measure
        A key of `histoniche.report.measures.MEASURES`.
    cut_search
        Where the figure goes; ends in `.svg`.
    """
    table, found = read_table(search), read_table(cuts).dropna(subset=["statistic"])
    kept = (
        found.sort_values("statistic", ascending=False, kind="stable")
        .head(_MOST_PANELS)
        .sort_index()
    )
    regions = {region.region: region.name for region in palette}
    with house_style():
        if kept.empty:
            save_notice("No score has a cut-point to search for.", cut_search, table)
            return
        rows, columns = (1, 1) if len(kept) == 1 else (-(-len(kept) // 2), 2)
        figure = new_figure(4.3 * rows + 0.5, width=7.6 if columns == 1 else WIDTH)
        places = figure.subfigures(rows, columns, squeeze=False).flat
        for row, place in zip(kept.to_dict("records"), places, strict=False):
            name = score_in_words(row["score"], row["kind"], regions)
            unit = MEASURES[measure][1] if row["kind"] == AREA else ""
            scan = table[table["score"] == row["score"]]
            _draw_search(place, scan, row, f"the {name}", unit, room=88 // columns)
        footnote(figure, _note(kept, len(found) - len(kept)))
        save_figure(figure, cut_search, table)


def _draw_search(
    place: SubFigure,
    table: pd.DataFrame,
    found: Mapping[Any, Any],
    what: str,
    unit: str,
    *,
    room: int,
) -> None:
    """All cuts of one score, with the result above them."""
    axes = place.subplots()
    _draw_statistics(axes, table)
    _draw_lines(axes, found, most=float(table["statistic"].max()))
    axes.set_xlabel("\n".join(wrap(f"Cut-point of {what}{f' ({unit})' if unit else ''}", room)))
    axes.set_ylabel("Standardised log-rank statistic")
    size = (
        f"n\u00a0=\u00a0{count(int(found['n']), 'patient')}, {count(int(found['events']), 'death')}"
    )
    place.legend(
        handles=[*_handles(table, found), *_result(found, table, room=room + 8)],
        loc="outside upper left",
        title="\n".join(wrap(f"Search for a cut-point of {what}, {size}", room)),
        title_fontproperties={"size": 10, "weight": "bold"},
        alignment="left",
    )


def _note(kept: pd.DataFrame, left_out: int) -> str:
    """What was searched, and what p and lines are."""
    first = kept.iloc[0]
    more = f" {count(left_out, 'score')} with smaller statistics in the table." if left_out else ""
    return (
        f"Cuts with {percent(first['min_share'])} of the patients or more on either side. p is "
        "corrected for the search; a log-rank test between the two sides in these same patients "
        "would not be. Critical value: what the largest statistic exceeds at p "
        f"{first['level']:g}.{more}"
    )


def _result(found: Mapping[Any, Any], table: pd.DataFrame, *, room: int) -> list[Artist]:
    """The chosen cut and its corrected p, a line each."""
    best = table.loc[(table["cut"] - found["cut"]).abs().idxmin()]
    sides = f"{int(best['n_low']):,} up to it, {int(best['n_high']):,} above"
    worse = "above" if best["z"] > 0 else "up to"
    lines = (
        f"{count(len(table), 'cut')}; best {format_number(found['cut'])}: {sides}; "
        f"those {worse} it die sooner",
        f"Statistic {format_number(found['statistic'])}; {corrected_in_words(found)}; "
        f"q {format_p(found['q'])}",
    )
    return [Line2D([], [], ls="", label="\n".join(wrap(line, room))) for line in lines]


def _handles(table: pd.DataFrame, found: Mapping[Any, Any]) -> list[Artist]:
    """What the colours of the points and the lines across mean."""
    sides = ((HIGH, "above", table["z"] > 0), (LOW, "up to", table["z"] <= 0))
    points: list[Artist] = [
        Line2D([], [], color=colour, marker="o", ms=5, ls="", label=f"those {side} it die sooner")
        for colour, side, rows in sides
        if rows.any()
    ]
    lines = [
        Line2D([], [], color=MUTED, lw=1, ls=dash, label=f"critical value, {name} {value:.2f}")
        for value, name, dash in _critical(found)
    ]
    return [*points, *lines]


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
    """The chosen cut upright; the critical values across."""
    axes.axvline(found["cut"], color=INK, linewidth=1, zorder=0)
    known = _critical(found)
    axes.set_ylim(0, 1.15 * max(most, *(value for value, _, _ in known)))
    for value, _, dash in known:
        axes.axhline(value, color=MUTED, linewidth=1, linestyle=dash, zorder=0)


def _critical(found: Mapping[Any, Any]) -> list[tuple[float, str, str]]:
    """Critical values that are known, with their name and dash."""
    values = (
        (found["critical_permutation"], "permutation", "--"),
        (found["critical_lausen_schumacher"], "Lausen-Schumacher", ":"),
    )
    return [row for row in values if np.isfinite(row[0])]
