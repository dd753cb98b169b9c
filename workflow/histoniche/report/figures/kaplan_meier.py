"""Kaplan-Meier curves of groups of patients, with the numbers at risk under them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.report.numbers import count, format_days, percent
from histoniche.report.style import (
    HIGH,
    INK,
    LOW,
    MUTED,
    footnote,
    format_tick,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.report.survival_words import (
    log_rank_in_words,
    ratio_in_words,
    who_in_words,
)
from histoniche.survival.curves import at_risk_table
from histoniche.tables import read_table

_COLOURS = (LOW, HIGH, "#009E73", "#CC79A7", "#56B4E9", "#B58900", INK, MUTED)
_DASHES = ("-", "--", ":")
_NAME = 34
_ROW = 0.2
"""Inches of a group's row in the legend and in the table."""


def draw_groups(groups: Path, curves: Path, *, what: str, kaplan_meier: Path) -> None:
    """Draw the survival of groups of patients.

    Parameters
    ----------
    groups, curves
        The tables of `histoniche.survival.comparison.Comparison`.
    what
        What the groups were made by, for the title: "sex", "CT area".
    kaplan_meier
        Where the figure goes; ends in `.svg`.
    """
    table, steps = read_table(groups), read_table(curves)
    with house_style():
        if table.empty:
            save_notice("There are no groups of patients to compare.", kaplan_meier, steps)
            return
        names = table["group"].tolist()
        figure = new_figure(4.1 + 2 * _ROW * len(names), width=7.6)
        ratios = [3.0, 0.16 + _ROW * len(names)]
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
        styles = _styles(names)
        for name in names:
            draw_curve(top, steps[steps["group"] == name], *styles[name], band=len(names) <= 4)
        _label_curves(top)
        longest = float(steps["time_days"].max())
        risk = at_risk_table(steps, most=8)
        risk = risk[risk["time_days"] <= longest]
        _write_table(below, risk, names, [styles[name][0] for name in names])
        top.set_xlim(-0.01 * longest, 1.02 * longest)
        _head(figure, table, styles, what)
        footnote(figure, _note(table, bands=len(names) <= 4))
        save_figure(figure, kaplan_meier, steps)


def draw_curve(
    axes: Axes, curve: pd.DataFrame, colour: str, dash: str = "-", *, band: bool
) -> None:
    """Steps of one group, ticks where patients were censored, and the band."""
    steps = curve.sort_values("time_days")
    axes.step(steps["time_days"], steps["survival"], where="post", color=colour, ls=dash)
    if band:
        # A curve that has come down to 0 has no bounds; they end where they were.
        low, high = (steps[name].ffill() for name in ("low", "high"))
        axes.fill_between(
            steps["time_days"], low, high, step="post", color=colour, alpha=0.15, linewidth=0
        )
    lost = steps[steps["censored"] > 0]
    axes.plot(lost["time_days"], lost["survival"], "|", color=colour, ms=6, mew=1)


def _styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and dash of each group; dashes tell those apart that share a colour."""
    many = len(_COLOURS)
    return {
        name: (_COLOURS[k % many], _DASHES[k // many % len(_DASHES)])
        for k, name in enumerate(names)
    }


def _label_curves(axes: Axes) -> None:
    """Axis of survival."""
    axes.set_ylabel("Share alive")
    axes.set_ylim(0, 1.02)
    axes.tick_params(labelbottom=True)
    grid(axes, "y")


def _write_table(
    axes: Axes, risk: pd.DataFrame, names: Sequence[str], colours: Sequence[str]
) -> None:
    """Numbers at risk, a row a group, under the ticks of time."""
    ticks = sorted(risk["time_days"].unique())
    axes.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_title("Patients at risk", size=8.5, weight="normal", color=MUTED, pad=3)
    axes.set_xlabel("Days")
    axes.tick_params(length=0, labelbottom=False, pad=14)
    axes.spines[:].set_visible(False)
    for label, colour in zip(axes.get_yticklabels(), colours, strict=True):
        label.set_color(colour)
    for row in risk.to_dict("records"):
        place = names.index(row["group"])
        axes.text(
            row["time_days"], place, f"{int(row['at_risk']):,}",
            ha="center", va="center", color=colours[place], size=8,
        )  # fmt: skip


def _head(
    figure: Figure, table: pd.DataFrame, styles: Mapping[str, tuple[str, str]], what: str
) -> None:
    """Title, groups and result above the curves, as one legend, so that none covers another."""
    first = table.iloc[0].to_dict()
    size = (
        f"n = {count(int(first['n_all']), 'patient')}, {count(int(first['events_all']), 'death')}"
    )
    handles: list[Artist] = [
        Line2D([], [], color=styles[name][0], ls=styles[name][1], label=label)
        for name, label in zip(table["group"], _legend(table), strict=True)
    ]
    for part in (log_rank_in_words(first), ratio_in_words(table)):
        if part:
            words = "\n".join(wrap(f"{part[0].upper()}{part[1:]}", 95))
            handles.append(Line2D([], [], ls="", label=words))
    figure.legend(
        handles=handles,
        loc="outside upper left",
        title="\n".join(wrap(f"Survival by {what}, {size}", 88)),
        title_fontproperties={"size": 10, "weight": "bold"},
        alignment="left",
    )


def _legend(table: pd.DataFrame) -> list[str]:
    """Each group with its size, deaths and median survival."""
    return [
        f"{_short(row['group'])}: n {int(row['n']):,}, {count(int(row['events']), 'death')}, "
        f"median {format_days(row['median_days'], row['median_low'], row['median_high'])}"
        for row in table.to_dict("records")
    ]


def _short(name: str) -> str:
    """A name of a length that leaves room for the curves."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 1].rstrip()}…"


def _note(table: pd.DataFrame, *, bands: bool) -> str:
    """What is to be known of lines, bands and follow-up."""
    first = table.iloc[0].to_dict()
    level = percent(first["confidence"])
    shown = f"Bands: {level} confidence. " if bands else "Bands are in the table beside. "
    note = f" Caution: {first['note']}." if first["note"] else ""
    return f"{shown}Upright ticks: censored. Intervals: {level}. {who_in_words(first)}.{note}"
