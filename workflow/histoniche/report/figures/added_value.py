"""Figure of what a score adds: reclassification and discrimination with their intervals."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from histoniche.report.figures.nomogram import duration
from histoniche.report.numbers import percent
from histoniche.report.style import (
    INK,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

PARTS = {"total": "in all", "event": "those who died", "nonevent": "survivors"}
"""Parts of every measure, in words."""


def draw_added_value(table: Path, *, confidence: float, figure: Path) -> None:
    """Draw NRI and IDI of every cohort, a row a measure, a column a day.

    Parameters
    ----------
    table
        Table `added_value` of `histoniche.survival.clinical.evaluate_clinically`.
    confidence
        Level of the intervals.
    figure
        Where the figure goes; ends in `.svg`.
    """
    drawn = read_table(table)
    with house_style():
        if drawn.empty or drawn["value"].isna().all():
            save_notice("No cohort is large enough to compare the models.", figure, drawn)
            return
        days, measures = sorted(drawn["days"].unique()), list(dict.fromkeys(drawn["measure"]))
        cohorts = list(dict.fromkeys(drawn["cohort"]))
        lines = [(cohort, part) for cohort in cohorts for part in PARTS]
        height = len(measures) * (0.21 * len(lines) + 0.7) + 1.5
        sheet = new_figure(height, width=max(7.0, 3.0 * len(days) + 1.6))
        panels = sheet.subplots(len(measures), len(days), squeeze=False, sharey=True, sharex="row")
        for (row, column), axes in np.ndenumerate(panels):
            mine = drawn[(drawn["measure"] == measures[row]) & (drawn["days"] == days[column])]
            _draw_panel(axes, mine, lines)
            axes.set_title(f"{measures[row]}, {duration(days[column])}", size=8.5)
            axes.tick_params(labelbottom=True)
        panels[0, 0].set_yticks(range(len(lines)), [_label(*line, drawn) for line in lines])
        _explain(sheet, drawn, confidence)
        save_figure(sheet, figure, drawn)


def _label(cohort: str, part: str, drawn: pd.DataFrame) -> str:
    """Name of a line; the first of a cohort has its size."""
    if part != "total":
        return PARTS[part]
    size = int(drawn.loc[drawn["cohort"] == cohort, "n"].iloc[0])
    return f"{cohort} (n = {count(size, 'patient')}), {PARTS[part]}"


def _draw_panel(axes: Axes, rows: pd.DataFrame, lines: list[tuple[str, str]]) -> None:
    """Points and intervals of one measure on one day."""
    grid(axes, "x")
    axes.axvline(0, color=MUTED, lw=1, zorder=1)
    known = rows.set_index(["cohort", "part"])
    for height, line in enumerate(lines):
        if line not in known.index:
            continue
        value, low, high = known.loc[line, ["value", "low", "high"]].to_numpy(dtype=float)
        whole = line[1] == "total"
        colour = INK if whole else MUTED
        axes.plot([low, high], [height, height], color=colour, lw=1.3, zorder=2)
        axes.plot(
            value, height, "s" if whole else "o", color=colour, ms=5.5 if whole else 4.5, zorder=3
        )
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def _explain(sheet: Figure, drawn: pd.DataFrame, confidence: float) -> None:
    """Explanation below the panels."""
    corrected = "optimism" in drawn and drawn["optimism"].notna().any()
    note = " In the training cohort values are corrected for optimism." if corrected else ""
    footnote(
        sheet,
        "Right of 0: predictions with the score are better. NRI: net share of those who died whose "
        "predicted risk rises, and of survivors whose risk falls, by a category or at all "
        "(continuous); in all is their sum, from −2 to 2. IDI: rise of the mean risk of those who "
        f"died, and fall of that of survivors. Lines: {percent(confidence)} bootstrap "
        f"intervals.{note} The test of added value is the likelihood-ratio test.",
    )
