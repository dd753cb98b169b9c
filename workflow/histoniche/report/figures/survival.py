"""Figures of survival by region area: Kaplan-Meier curves."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.cohort.palette import Region
from histoniche.report.figures.kaplan_meier import draw_curve
from histoniche.report.measures import MEASURES
from histoniche.report.numbers import format_interval, format_p, percent
from histoniche.report.style import (
    HIGH,
    LOW,
    MUTED,
    footnote,
    format_tick,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.survival.curves import at_risk, round_times
from histoniche.tables import read_table
from histoniche.wording import count

_COLOURS = {"low": LOW, "high": HIGH}


def draw_kaplan_meier(
    curves: Path,
    groups: Path,
    palette: Sequence[Region],
    *,
    measure: str,
    confidence: float,
    kaplan_meier: Path,
) -> None:
    """Draw survival of the patients with a low and a high area, region by region.

    Parameters
    ----------
    curves
        Steps of the curves, from time 0.
    groups
        Cut, size, median and log-rank test of every group.
    palette
        Regions with names and colours, background first.
    measure
        A key of `histoniche.report.measures.MEASURES`.
    confidence
        Level of the bands.
    kaplan_meier
        Where the figure goes; ends in `.svg`.
    """
    steps, tests = read_table(curves), read_table(groups)
    regions = [region for region in palette if region.region in set(steps["region"])]
    with house_style():
        if not regions:
            save_notice("No region has two groups of patients to compare.", kaplan_meier, steps)
            return
        columns = 3 if -len(regions) % 3 <= -len(regions) % 4 else 4
        rows = -(-len(regions) // columns)
        figure = new_figure((12 / columns - 0.4) * rows + 0.5, width=9.6)
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        ticks = round_times(float(steps["time_days"].max()), most=12 // columns)
        for place, axes in enumerate(panels.flat):
            if place >= len(regions):
                axes.set_axis_off()
                continue
            code = regions[place].region
            _draw_panel(axes, steps[steps["region"] == code], tests[tests["region"] == code], ticks)
            axes.set_title("\n".join(wrap(regions[place].name, 100 // columns)), size=9)
            axes.tick_params(labelbottom=True, labelleft=True)
            if place % columns == 0:
                axes.set_ylabel("Share alive")
        _explain(figure, tests, measure, confidence)
        save_figure(figure, kaplan_meier, steps)


def _explain(figure: Figure, tests: pd.DataFrame, measure: str, confidence: float) -> None:
    """Legend above the panels, explanation below."""
    handles = [
        Line2D([], [], color=LOW, label="area up to the cut"),
        Line2D([], [], color=HIGH, label="area above the cut"),
        Line2D([], [], color=MUTED, marker="|", ls="", label="censored"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    footnote(
        figure,
        f"Bands: {percent(confidence)} confidence. "
        f"Cut: {_cut_quantile(tests)} of the area ({MEASURES[measure][1]}). "
        "HR: hazard ratio of those above the cut against the others, Cox's model. "
        "p: log-rank test; q: after Benjamini-Hochberg over the regions. "
        "Numbers under the axis: patients at risk.",
    )


def _draw_panel(
    axes: Axes, steps: pd.DataFrame, tests: pd.DataFrame, ticks: Sequence[float]
) -> None:
    """Both curves of one region with bands, censoring, numbers at risk and the test."""
    for row, group in enumerate(("low", "high")):
        curve = steps[steps["group"] == group].sort_values("time_days")
        if curve.empty:
            continue
        colour = _COLOURS[group]
        draw_curve(axes, curve, colour, band=True)
        _write_at_risk(axes, curve, ticks, row, colour)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, ticks[-1] * 1.02)
    axes.set_xticks(ticks, [format_tick(tick) for tick in ticks])
    axes.set_xlabel("Days", labelpad=26)
    axes.text(
        0.98,
        0.98,
        _test_text(tests),
        transform=axes.transAxes,
        ha="right",
        va="top",
        size=8,
        linespacing=1.4,
    )


def _write_at_risk(
    axes: Axes, curve: pd.DataFrame, ticks: Sequence[float], row: int, colour: str
) -> None:
    """Number of patients still at risk at every tick, in the group's colour."""
    for tick, patients in zip(ticks, at_risk(curve, ticks), strict=True):
        axes.annotate(
            str(patients),
            (tick, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -21 - 11 * row),
            textcoords="offset points",
            ha="center",
            va="center",
            color=colour,
            size=7.5,
            annotation_clip=False,
        )


def _test_text(tests: pd.DataFrame) -> str:
    """Sizes of the groups, the hazard ratio, the test's p and q, one line each."""
    lines = [
        f"{row['group']}: n {int(row['n'])}, {count(int(row['events']), 'death')}"
        for row in tests.sort_values("group", ascending=False).to_dict("records")
    ]
    if len(tests):
        first = tests.iloc[0]
        if pd.notna(first["hazard_ratio"]):
            ratio = (first[f"hazard_{name}"] for name in ("ratio", "low", "high"))
            lines.append(f"HR {format_interval(*ratio)}")
        lines.append(f"p {format_p(first['p'])}, q {format_p(first['q'])}")
    return "\n".join(lines)


def _cut_quantile(tests: pd.DataFrame) -> str:
    """The cut in words: the median, or the quantile."""
    quantile = float(tests["cut_quantile"].iloc[0])
    return "median" if quantile == 0.5 else f"{percent(quantile)} quantile"
