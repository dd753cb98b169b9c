"""Figure of the Cox models' hazard ratios."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from histoniche.cohort.palette import Region
from histoniche.report.measures import compared, covariate_name
from histoniche.report.numbers import count, format_interval, format_p, percent
from histoniche.report.style import (
    FAINT,
    INK,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    region_label,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_ALONE = "univariable"
_WIDEST = 16.0
"""Hazard ratios beyond this, or below its inverse, are drawn as an arrow at the edge."""

_TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)


class _Line(NamedTuple):
    """One line of the forest plot."""

    label: str
    colour: str
    adjusted: bool
    row: pd.Series


def draw_cox(
    cox: Path, palette: Sequence[Region], *, measure: str, confidence: float, cox_figure: Path
) -> None:
    """Draw every region's hazard ratio alone and adjusted, and the covariates' alone.

    The covariates' ratios within the adjusted models stand in the table beside the figure.

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
    lines = _lines(table, palette, measure)
    with house_style():
        if not lines:
            save_notice("No Cox model could be fitted.", cox_figure, table)
            return
        figure = new_figure(0.27 * len(lines) + 1.5, width=9.6)
        axes = figure.add_subplot()
        low, high = _limits(lines)
        for height, line in enumerate(lines):
            _draw_line(axes, line, height, low, high)
        _set_axes(axes, lines, low, high)
        footnote(
            figure,
            f"Lines: {percent(confidence)} confidence intervals. Filled: the term alone. Hollow: "
            "the area adjusted for all covariates.\n"
            "q: Benjamini-Hochberg over the regions. An arrow goes beyond the axis.",
        )
        save_figure(figure, cox_figure, table)


def _lines(table: pd.DataFrame, palette: Sequence[Region], measure: str) -> list[_Line]:
    """Lines in the order they are drawn: regions with their adjusted ratio, then covariates."""
    areas = table[(table["kind"] == "area") & table["hazard_ratio"].notna()]
    lines = []
    for region in palette:
        mine = areas[areas["term"] == region.region]
        for place, (_, row) in enumerate(mine.sort_values("model", key=_alone_first).iterrows()):
            adjusted = row["model"] != _ALONE
            label = f"{region_label(region)}, {compared('area', row['unit'], measure)}"
            label += ", adjusted" if adjusted else ""
            lines.append(_Line("adjusted" if place else label, region.colour, adjusted, row))
    covariates = table[(table["kind"] == "covariate") & (table["model"] == _ALONE)]
    for _, row in covariates[covariates["hazard_ratio"].notna()].iterrows():
        lines.append(_Line(f"{covariate_name(row['term'])}, {row['unit']}", MUTED, False, row))
    return lines


def _alone_first(models: "pd.Series[str]") -> "pd.Series[bool]":
    """Sort key that puts the univariable model first."""
    return models != _ALONE


def _limits(lines: Sequence[_Line]) -> tuple[float, float]:
    """Ends of the axis: wide enough for the intervals, within reason, and around 1."""
    ends = np.array([[line.row["low"], line.row["high"]] for line in lines], dtype=float)
    ratios = np.array([line.row["hazard_ratio"] for line in lines], dtype=float)
    low = min(0.5, float(np.nanmin(np.append(ends[:, 0], ratios))) * 0.9)
    high = max(2.0, float(np.nanmax(np.append(ends[:, 1], ratios))) * 1.1)
    return max(low, 1 / _WIDEST), min(high, _WIDEST)


def _draw_line(axes: Axes, line: _Line, height: int, low: float, high: float) -> None:
    """Point, interval, and the numbers to the right of the axes."""
    row = line.row
    ends = np.clip([row["low"], row["high"]], low, high)
    axes.plot(ends, [height, height], color=INK, linewidth=1.3, zorder=2)
    for end, beyond, marker in ((low, row["low"] < low, "<"), (high, row["high"] > high, ">")):
        if beyond:
            axes.plot(end, height, marker, color=INK, markersize=5, clip_on=False)
    axes.plot(
        np.clip(row["hazard_ratio"], low, high),
        height,
        "o" if row["kind"] == "area" else "s",
        markerfacecolor="white" if line.adjusted else line.colour,
        markeredgecolor=INK,
        markersize=6.5,
        zorder=3,
    )
    numbers = (
        format_interval(row["hazard_ratio"], row["low"], row["high"]),
        format_p(row["p"]),
        format_p(row["q"]),
        f"{int(row['n'])} / {int(row['events'])}",
    )
    for place, text in zip(_COLUMN_PLACES, numbers, strict=True):
        _write(axes, place, height, text)


_COLUMN_PLACES = (10, 100, 142, 182)
"""Left edges of the columns beside the axes, in points."""


def _write(axes: Axes, place: int, height: float, text: str, weight: str = "normal") -> None:
    """Write one cell of the table beside the axes."""
    axes.annotate(
        text,
        (1, height),
        xytext=(place, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        weight=weight,
        size=8,
        annotation_clip=False,
    )


def _set_axes(axes: Axes, lines: Sequence[_Line], low: float, high: float) -> None:
    """Logarithmic axis around 1, labels of the lines, heads of the table."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axvline(1, color=MUTED, linewidth=1, zorder=1)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_color(MUTED if line.adjusted else INK)
    axes.set_ylim(len(lines) - 0.4, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Hazard ratio (log scale); right of 1: shorter survival")
    most = max(lines, key=lambda line: line.row["n"]).row
    size = f"n = {count(int(most['n']), 'patient')}, {count(int(most['events']), 'death')}"
    axes.set_title(f"Hazard of death, {size}", pad=18)
    for height, line in enumerate(lines):
        if height and not line.adjusted:
            axes.axhline(height - 0.5, color=FAINT, linewidth=0.6, zorder=0)
    for place, head in zip(
        _COLUMN_PLACES, ("ratio (interval)", "p", "q", "n / deaths"), strict=True
    ):
        _write(axes, place, -1.15, head, weight="bold")
    grid(axes, "x")
