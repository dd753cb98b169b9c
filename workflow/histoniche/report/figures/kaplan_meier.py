"""Kaplan-Meier curves of groups of patients, with the numbers at risk under them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from histoniche.report.numbers import format_days, percent
from histoniche.report.style import (
    HIGH,
    INK,
    LOW,
    MUTED,
    WIDTH,
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
from histoniche.wording import count

_COLOURS = (LOW, HIGH, "#009E73", "#CC79A7", "#56B4E9", "#B58900", INK, MUTED)
_DASHES = ("-", "--", ":")
_MOST_BANDS = 4
_ROW = 0.2
"""Inches of a group's row in the legend and in the table."""


class Panel(NamedTuple):
    """One comparison of groups of patients."""

    groups: pd.DataFrame
    """Rows of `histoniche.survival.comparison.Comparison.groups`, of one comparison."""
    curves: pd.DataFrame
    """Rows of its curves."""
    what: str
    """What the groups were made by, for the title: "sex", "area of CT"."""
    lines: Sequence[str] = ()
    """What else is to be known, in words."""


class _Room(NamedTuple):
    """How much fits into a panel: signs of a title, a line and a name, and steps of time."""

    title: int
    line: int
    name: int
    ticks: int


_WIDE = _Room(title=88, line=95, name=34, ticks=8)
_NARROW = _Room(title=50, line=60, name=14, ticks=5)


def draw_panels(
    panels: Sequence[Panel], table: pd.DataFrame, *, left_out: str = "", kaplan_meier: Path
) -> None:
    """Draw the survival of groups of patients, one panel a comparison.

    Parameters
    ----------
    panels
        In their order.
    table
        Written beside the figure.
    left_out
        What is said of comparisons without a panel.
    kaplan_meier
        Where the figure goes; ends in `.svg`.
    """
    with house_style():
        if not panels:
            save_notice("There are no groups of patients to compare.", kaplan_meier, table)
            return
        room, columns, width = (_NARROW, 2, WIDTH) if len(panels) > 1 else (_WIDE, 1, 7.6)
        rows = [panels[k : k + columns] for k in range(0, len(panels), columns)]
        heights = [max(_height(panel, room) for panel in row) for row in rows]
        figure = new_figure(sum(heights) + 0.4, width=width)
        parts = figure.subfigures(len(rows), columns, squeeze=False, height_ratios=heights)
        for row, places in zip(rows, parts, strict=True):
            for panel, place in zip(row, places, strict=False):
                _draw_panel(place, panel, room)
        footnote(figure, _note(panels, left_out))
        save_figure(figure, kaplan_meier, table)


def _draw_panel(place: SubFigure, panel: Panel, room: _Room) -> None:
    """Curves of one comparison, the numbers at risk under them, words above."""
    names = panel.groups["group"].tolist()
    steps, styles = panel.curves, _styles(names)
    top, below = place.subplots(
        2, 1, sharex=True, height_ratios=[3.0, 0.16 + _ROW * len(names)], squeeze=True
    )
    for name in names:
        draw_curve(top, steps[steps["group"] == name], *styles[name], band=_has_bands(panel))
    _label_curves(top)
    longest = float(steps["time_days"].max())
    risk = at_risk_table(steps, most=room.ticks)
    risk = risk[risk["time_days"] <= longest]
    short = [_short(name, room.name) for name in names]
    _write_table(below, risk, names, short, [styles[name][0] for name in names])
    top.set_xlim(-0.01 * longest, 1.02 * longest)
    _head(place, panel, styles, room)


def _height(panel: Panel, room: _Room) -> float:
    """Inches of a panel."""
    rows = 2 * len(panel.groups) + sum(len(wrap(line, room.line)) for line in _words(panel))
    return 3.6 + _ROW * (rows + len(wrap(_title(panel), room.title)))


def _has_bands(panel: Panel) -> bool:
    """Whether the groups are few enough for their bands to be told apart."""
    return len(panel.groups) <= _MOST_BANDS


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
    axes: Axes,
    risk: pd.DataFrame,
    names: Sequence[str],
    short: Sequence[str],
    colours: Sequence[str],
) -> None:
    """Numbers at risk, a row a group, under the ticks of time."""
    ticks = sorted(risk["time_days"].unique())
    axes.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), short)
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
    place: SubFigure, panel: Panel, styles: Mapping[str, tuple[str, str]], room: _Room
) -> None:
    """Title, groups and result above the curves, as one legend, so that none covers another."""
    handles: list[Artist] = [
        Line2D([], [], color=styles[name][0], ls=styles[name][1], label=label)
        for name, label in zip(panel.groups["group"], _legend(panel.groups, room), strict=True)
    ]
    for words in _words(panel):
        handles.append(Line2D([], [], ls="", label="\n".join(wrap(words, room.line))))
    place.legend(
        handles=handles,
        loc="outside upper left",
        title="\n".join(wrap(_title(panel), room.title)),
        title_fontproperties={"size": 10, "weight": "bold"},
        alignment="left",
    )


def _title(panel: Panel) -> str:
    """What is compared, in how many patients."""
    first = panel.groups.iloc[0]
    return (
        f"Survival by {panel.what}, n\u00a0=\u00a0{count(int(first['n_all']), 'patient')}, "
        f"{count(int(first['events_all']), 'death')}"
    )


def _words(panel: Panel) -> list[str]:
    """What is known beforehand, then test and hazard ratio, a line each."""
    found = (log_rank_in_words(panel.groups.iloc[0].to_dict()), ratio_in_words(panel.groups))
    return [f"{part[0].upper()}{part[1:]}" for part in (*panel.lines, *found) if part]


def _legend(table: pd.DataFrame, room: _Room) -> list[str]:
    """Each group with its size, deaths and median survival."""
    return [
        f"{_short(row['group'], room.name)}: n {int(row['n']):,}, "
        f"{count(int(row['events']), 'death')}, "
        f"median {format_days(row['median_days'], row['median_low'], row['median_high'])}"
        for row in table.to_dict("records")
    ]


def _short(name: str, room: int) -> str:
    """A name of a length that leaves room for the curves."""
    return name if len(name) <= room else f"{name[: room - 1].rstrip()}…"


def _note(panels: Sequence[Panel], left_out: str) -> str:
    """What is to be known of lines, bands and follow-up."""
    first = panels[0].groups.iloc[0].to_dict()
    level = percent(first["confidence"])
    shown = f"Bands: {level} confidence. "
    if not all(_has_bands(panel) for panel in panels):
        shown = "Bands of many groups are in the table beside. "
    who = f"{who_in_words(first)}. " if len(panels) == 1 else ""
    cautions = {note for panel in panels if _tested(panel) for note in panel.groups["note"]}
    listed = "; ".join(sorted(note for note in cautions if note))
    caution = f"Caution: {listed}. " if listed else ""
    return f"{shown}Upright ticks: censored. Intervals: {level}. {who}{caution}{left_out}".rstrip()


def _tested(panel: Panel) -> bool:
    """Whether the groups were tested; if not, the reason stands above them."""
    return bool(panel.groups["statistic"].notna().any())
