"""Figure of decision curves: net benefit of treating by a model's risk."""

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from histoniche.report.figures.calibration import cohort_rows, cohort_words
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
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.decision_curve import ALL, NONE
from histoniche.tables import read_table
from histoniche.wording import count

# Okabe & Ito's colours, which colour-blind people can tell apart.
_MODELS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)), (0, (8, 3)))


def draw_decision_curves(
    curves: Path, *, cohort: str | None, confidence: float, figure: Path
) -> None:
    """Draw net benefit over the threshold, a panel a cohort and day.

    Parameters
    ----------
    curves
        Table `decision_curves` of `histoniche.survival.clinical.evaluate_clinically`.
    cohort
        The cohort that is drawn; all but the training cohort if None.
    confidence
        Level of the bands.
    figure
        Where the figure goes; ends in `.svg`.
    """
    table = cohort_rows(read_table(curves), cohort)
    with house_style():
        if table.empty:
            save_notice(f"No decision curve in {cohort_words(cohort)}.", figure, table)
            return
        shown = list(dict.fromkeys(zip(table["cohort"], table["days"], strict=True)))
        models = [name for name in dict.fromkeys(table["model"]) if name not in (ALL, NONE)]
        looks = {name: (_MODELS[k % 6], _DASHES[k % 6]) for k, name in enumerate(models)}
        columns = min(3, table["days"].nunique() if cohort is None else len(shown))
        rows = -(-len(shown) // columns)
        sheet = new_figure(3.3 * rows + 1.3, width=max(6.4, 3.1 * columns))
        panels = sheet.subplots(rows, columns, squeeze=False, sharey=True)
        bottom, top = _limits(table, models)
        for place, axes in enumerate(panels.flat):
            if place >= len(shown):
                axes.set_axis_off()
                continue
            whose, days = shown[place]
            mine = table[(table["cohort"] == whose) & (table["days"] == days)]
            _draw_panel(axes, mine, looks)
            axes.set_ylim(bottom, top)
            axes.tick_params(labelleft=True)
            axes.set_xlabel(f"Threshold: risk of dying within\n{duration(days)}")
            size = f"n = {count(int(mine['n'].iloc[0]), 'patient')}"
            died = count(int(mine["events"].iloc[0]), "death")
            head = f"{whose[0].upper()}{whose[1:]}, " if cohort is None else ""
            name = fill(f"{head}{duration(days)}", 38)
            axes.set_title(f"{name}\n{size}, {died} by then", size=8)
            if place % columns == 0:
                axes.set_ylabel("Net benefit (net share of patients\nrightly treated)")
        handles = [
            Line2D([], [], color=colour, ls=dash, label=fill(name, 44))
            for name, (colour, dash) in looks.items()
        ]
        handles.append(Line2D([], [], color=MUTED, lw=1.1, label=ALL))
        handles.append(Line2D([], [], color=INK, lw=1.1, label=NONE))
        wide = max(len(name) for name in models) > 24 or columns < 3
        sheet.legend(handles=handles, loc="outside upper left", ncols=2 if wide else len(handles))
        seen = cohort == TRAINING
        footnote(
            sheet,
            f"Drawn: {cohort_words(cohort)}. A patient is treated if the predicted risk of dying "
            "reaches the threshold. Net benefit is the share of patients treated who would have "
            "died, less the share treated who would not, times the odds of the threshold: 0.1 is "
            "as good as treating 10 of 100 patients who would die, and nobody else. A model is of "
            f"use where its curve is above both others. Bands: {percent(confidence)}, bootstrap of "
            "the patients."
            + (" The models were fitted on these patients: their curves are too good." * seen),
        )
        save_figure(sheet, figure, table)


def _limits(table: pd.DataFrame, models: list[str]) -> tuple[float, float]:
    """Ends of the axis: all of the models' curves but not the fall of treating everybody."""
    shown = table[table["model"].isin([*models, ALL])]
    top = float(np.nanmax([shown["net_benefit"].max(), shown["high"].max(), 0.1]))
    return -0.18 * top, 1.05 * top


def _draw_panel(axes: Axes, table: pd.DataFrame, looks: dict[str, tuple[str, Any]]) -> None:
    """Curves of all models with their bands, and of treating all and none."""
    grid(axes, "both")
    everybody = table[table["model"] == ALL]
    axes.plot(everybody["threshold"], everybody["net_benefit"], color=MUTED, lw=1.1, zorder=2)
    axes.axhline(0, color=INK, lw=1.1, zorder=2)
    for name, (colour, dash) in looks.items():
        curve = table[table["model"] == name]
        axes.fill_between(
            curve["threshold"], curve["low"], curve["high"], color=colour, alpha=0.1, linewidth=0
        )
        axes.plot(curve["threshold"], curve["net_benefit"], color=colour, ls=dash, zorder=3)
    axes.set_xlim(0, 1)
    axes.set_xticks(np.linspace(0, 1, 6), ["0", "20 %", "40 %", "60 %", "80 %", "100 %"])
