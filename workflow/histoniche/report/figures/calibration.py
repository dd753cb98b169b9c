"""Figure of calibration: predicted against observed risk."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from histoniche.report.figures.nomogram import duration
from histoniche.report.numbers import count, format_interval, percent
from histoniche.report.style import (
    HIGH,
    LOW,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_SHARES = (0, 0.25, 0.5, 0.75, 1)


def draw_calibration(
    groups: Path,
    curves: Path,
    measures: Path,
    optimism: Path,
    *,
    cohort: str,
    models: Sequence[str],
    confidence: float,
    bootstraps: int,
    figure: Path,
) -> None:
    """Draw predicted against observed risk of dying, a row a model, a column a day.

    Parameters
    ----------
    groups, curves, measures, optimism
        Tables `calibration_groups`, `calibration_curves`, `calibration_measures` and
        `optimism` of `histoniche.survival.clinical.evaluate_clinically`.
    cohort
        The cohort that is drawn.
    models
        Models that are drawn, in this order.
    confidence, bootstraps
        Level of the intervals, and samples behind the band and the correction.
    figure
        Where the figure goes; ends in `.svg`.
    """
    tables = [read_table(path) for path in (groups, curves, measures, optimism)]
    tables = [table[table["cohort"] == cohort] for table in tables]
    here = [model for model in models if model in set(tables[0]["model"])]
    drawn = tables[0][tables[0]["model"].isin(here)]
    days = sorted(drawn["days"].unique())
    with house_style():
        if drawn.empty:
            save_notice(f"Nothing to calibrate in the cohort {cohort}.", figure, drawn)
            return
        sheet = new_figure(2.9 * len(here) + 1.3, width=max(6.4, 3.0 * len(days) + 0.4))
        panels = sheet.subplots(len(here), len(days), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            mine = [t[(t["model"] == here[row]) & (t["days"] == days[column])] for t in tables]
            _draw_panel(axes, *mine)
            axes.set_title(_title(here[row], days[column], mine[0]), size=8)
            axes.tick_params(labelbottom=True, labelleft=True)
            if column == 0:
                axes.set_ylabel("Observed risk of dying")
            if row == len(here) - 1:
                axes.set_xlabel("Predicted risk of dying")
        corrected = "corrected" in tables[1] and tables[1]["corrected"].notna().any()
        _explain(sheet, cohort, bool(corrected), confidence, bootstraps)
        save_figure(sheet, figure, drawn)


def _title(model: str, days: float, groups: pd.DataFrame) -> str:
    """Model, day, patients and deaths of a panel."""
    size = f"n = {count(int(groups['n'].sum()), 'patient')}"
    died = f"{count(int(groups['events'].sum()), 'death')} by then"
    return "\n".join([*wrap(f"{model}, {duration(days)}", 38), f"{size}, {died}"])


def _draw_panel(
    axes: Axes,
    groups: pd.DataFrame,
    curve: pd.DataFrame,
    measures: pd.DataFrame,
    optimism: pd.DataFrame,
) -> None:
    """Diagonal, smooth curve with its band, corrected curve, groups with their intervals."""
    grid(axes, "both")
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.9, ls=(0, (4, 3)), zorder=1)
    axes.fill_between(
        curve["predicted"], curve["low"], curve["high"], color=LOW, alpha=0.15, linewidth=0
    )
    axes.plot(curve["predicted"], curve["observed"], color=LOW, zorder=3)
    if "corrected" in curve and curve["corrected"].notna().any():
        inside = curve["corrected"].clip(0, 1)
        axes.plot(curve["predicted"], inside, color=HIGH, lw=1.3, ls=(0, (5, 2)), zorder=3)
    known = groups.dropna(subset=["observed"])
    ends = np.clip([known["observed"] - known["low"], known["high"] - known["observed"]], 0, None)
    axes.errorbar(
        known["predicted"], known["observed"], yerr=ends, fmt="o", color="black", ms=4.5, lw=1
    )
    axes.text(
        0.97,
        0.04,
        "\n".join(_numbers(measures, optimism)),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        size=7.5,
        linespacing=1.4,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks(_SHARES)
    axes.set_yticks(_SHARES)


def _numbers(measures: pd.DataFrame, optimism: pd.DataFrame) -> list[str]:
    """Slope and ICI with their intervals, and what the correction for optimism leaves of them."""
    row, after = measures.set_index("measure"), optimism.set_index("index")
    lines = []
    for name, key, decimals in (("slope", "slope", 2), ("ICI", "ici", 3)):
        values = row.loc[key, ["value", "low", "high"]]
        lines.append(f"{name} {format_interval(*values, decimals=decimals)}")
        if key in after.index:
            lines.append(f"corrected {after['corrected'].to_dict()[key]:.{decimals}f}")
    return lines


def _explain(
    sheet: Figure, cohort: str, corrected: bool, confidence: float, bootstraps: int
) -> None:
    """Legend above the panels, explanation below."""
    handles = [
        Line2D([], [], color="black", marker="o", ls="", ms=4.5, label="groups of patients"),
        Line2D([], [], color=LOW, label="smooth curve"),
        Patch(color=LOW, alpha=0.15, label=f"{percent(confidence)} band"),
        Line2D([], [], color=MUTED, lw=0.9, ls=(0, (4, 3)), label="perfect"),
    ]
    note = "The models were fitted on other patients."
    if corrected:
        label = "corrected for optimism"
        handles.insert(3, Line2D([], [], color=HIGH, lw=1.3, ls=(0, (5, 2)), label=label))
        note = (
            "The models were fitted on these patients, so that the smooth curve is too good; the "
            f"corrected one refits the model in {bootstraps:,} bootstrap samples."
        )
    sheet.legend(
        handles=handles, loc="outside upper left", ncols=3 if sheet.get_figwidth() < 9 else 5
    )
    footnote(
        sheet,
        f"Cohort: {cohort}. Above the diagonal more died than predicted. Groups: mean prediction "
        f"against one minus Kaplan-Meier, {percent(confidence)} log-log intervals. Curve: Cox "
        "model of a restricted cubic spline of the prediction (Austin 2020). ICI: integrated "
        f"calibration index, mean distance from the diagonal. {note}",
    )
