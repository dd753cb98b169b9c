"""Figures of how well models predict each cohort: AUC and Brier score over time."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Literal, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval, percent
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

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_Style = Literal["-", "--", ":"]
_STYLES: tuple[_Style, ...] = get_args(_Style)
_COLUMNS = 3
_YEAR = 365.25
_NUMBERED = 4
"""Models beyond which their numbers would leave no room for the curves."""

_BANDS = 3
"""Models beyond which bands would hide each other."""


def draw_auc(performance: Path, curves: Path, *, confidence: float, auc_figure: Path) -> None:
    """Draw each model's time-dependent AUC, cohort by cohort.

    Parameters
    ----------
    performance, curves
        What `histoniche.survival.evaluation.evaluate_models` wrote.
    confidence
        Level of the bands.
    auc_figure
        Where the figure goes; ends in `.svg`.
    """
    table, steps = read_table(performance), read_table(curves)
    steps = steps[steps["metric"] == "auc"]
    with house_style():
        if steps.empty:
            save_notice("No AUC could be measured.", auc_figure, steps)
            return
        figure, panels = _panels(table, steps)
        for axes, (cohort, mine) in panels:
            for model, curve in mine.groupby("model", sort=False):
                _draw_curve(axes, curve, _look(table, str(model)), band=_bands(mine))
            axes.axhline(0.5, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
            axes.set_ylim(0, 1.02)
            axes.set_ylabel("AUC")
            _write_numbers(axes, table, cohort, metric="harrell", name="C")
        _legend(figure, table, steps, extra=None)
        footnote(
            figure,
            "AUC: how often, of one who has died by the day and one who is alive after it, the "
            "first had the higher risk (cumulative/dynamic, weighted for patients lost before); "
            "given where five have died and five are alive; dotted: chance. "
            f"{_about_bands(steps, confidence)} In numbers, if there is room: Harrell's "
            "concordance index.",
        )
        save_figure(figure, auc_figure, steps)


def draw_brier(performance: Path, curves: Path, *, confidence: float, brier_figure: Path) -> None:
    """Draw each model's Brier score beside that of the Kaplan-Meier curve, cohort by cohort.

    Parameters
    ----------
    performance, curves, confidence
        See `draw_auc`.
    brier_figure
        Where the figure goes; ends in `.svg`.
    """
    table, steps = read_table(performance), read_table(curves)
    steps = steps[steps["metric"].isin(["brier", "brier_null"])]
    with house_style():
        if steps.empty:
            save_notice("No Brier score could be measured.", brier_figure, steps)
            return
        figure, panels = _panels(table, steps)
        seen = ["value", "high"] if _bands(steps) else ["value"]
        # Above the curves there is room for a number of each model.
        models = table["model"].nunique()
        room = 1 - 0.075 * models if models <= _NUMBERED else 1.0
        top = float(np.nanmax(steps[seen].to_numpy(dtype=float))) * 1.05 / room
        for axes, (cohort, mine) in panels:
            scores = mine[mine["metric"] == "brier"]
            for model, curve in scores.groupby("model", sort=False):
                _draw_curve(axes, curve, _look(table, str(model)), band=_bands(scores))
            null = mine[mine["metric"] == "brier_null"].drop_duplicates("time_days")
            axes.plot(
                null["time_days"] / _YEAR, null["value"], color=INK, linewidth=1.2, linestyle=_NULL
            )
            axes.set_ylim(0, top)
            axes.set_ylabel("Brier score")
            _write_numbers(axes, table, cohort, metric="ibs_gain", name="gain", above=True)
        null_line = Line2D([], [], color=INK, linewidth=1.2, linestyle=_NULL)
        _legend(figure, table, steps, extra=(null_line, "Kaplan-Meier, the same for all"))
        footnote(
            figure,
            "Brier score: mean squared error of the predicted survival, weighted for patients lost "
            f"before; lower is better. {_about_bands(steps, confidence)} In numbers, if there is "
            "room: how much lower the score is than that of the Kaplan-Meier curve of the same "
            "patients, up to the last year; below 0 the model predicts worse than no model.",
        )
        save_figure(figure, brier_figure, steps)


_NULL = (0, (4, 1.5, 1, 1.5))


def _panels(
    table: pd.DataFrame, steps: pd.DataFrame
) -> tuple[Figure, Sequence[tuple[Axes, tuple[str, pd.DataFrame]]]]:
    """A figure with a titled panel for each cohort that has a curve."""
    cohorts = [cohort for cohort in table["cohort"].unique() if (steps["cohort"] == cohort).any()]
    columns = min(len(cohorts), _COLUMNS)
    rows = -(-len(cohorts) // columns)
    models = table["model"].nunique()
    figure = new_figure((2.7 if columns > 1 else 3.4) * rows + 1.1 + 0.12 * models)
    grid_of = figure.subplots(rows, columns, squeeze=False)
    found = []
    for place, axes in enumerate(grid_of.flat):
        if place >= len(cohorts):
            axes.set_axis_off()
            continue
        mine = steps[steps["cohort"] == cohorts[place]]
        size = f"n {int(mine['n'].iloc[0])}, {count(int(mine['events'].iloc[0]), 'death')}"
        name = "\n".join(wrap(shorten(cohorts[place], 66), 34))
        axes.set_title(f"{name}\n{size}", size=9)
        axes.set_xlabel("Years")
        axes.set_xlim(0, float(steps["time_days"].max()) / _YEAR * 1.01)
        grid(axes, "y")
        found.append((axes, (cohorts[place], mine)))
    return figure, found


def _look(table: pd.DataFrame, model: str) -> tuple[str, _Style]:
    """Colour and line of a model, the same in every panel."""
    place = list(table["model"].unique()).index(model)
    turn, colour = divmod(place, len(_COLOURS))
    return _COLOURS[colour], _STYLES[turn % len(_STYLES)]


def _bands(curves: pd.DataFrame) -> bool:
    """Whether bands can be told from each other."""
    return curves["model"].nunique() <= _BANDS


def _draw_curve(axes: Axes, curve: pd.DataFrame, look: tuple[str, _Style], *, band: bool) -> None:
    """One model's curve, with its band if there is room."""
    years = curve["time_days"] / _YEAR
    axes.plot(years, curve["value"], color=look[0], linestyle=look[1])
    if band:
        axes.fill_between(
            years, curve["low"], curve["high"], color=look[0], alpha=0.13, linewidth=0
        )


def _write_numbers(
    axes: Axes,
    table: pd.DataFrame,
    cohort: str,
    *,
    metric: str,
    name: str,
    above: bool = False,
) -> None:
    """A number with its interval for each model, in its colour, in a corner."""
    if table["model"].nunique() > _NUMBERED:
        return
    rows = table[table["cohort"] == cohort].to_dict("records")
    known = [row for row in rows if np.isfinite(row[metric])]
    for line, row in enumerate(known if above else reversed(known)):
        text = format_interval(row[metric], row[f"{metric}_low"], row[f"{metric}_high"])
        axes.annotate(
            f"{name} {text}",
            (0.98, 0.98 if above else 0.03),
            xytext=(0, -10 * line if above else 10 * line),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top" if above else "bottom",
            size=7.5,
            color=_look(table, str(row["model"]))[0],
        )


def _about_bands(steps: pd.DataFrame, confidence: float) -> str:
    """What the bands are, or where they are if they are not drawn."""
    if steps["model"].nunique() <= _BANDS:
        return f"Bands: {percent(confidence)} confidence."
    return f"The {percent(confidence)} intervals of so many models stand in the table beside."


def _legend(
    figure: Figure, table: pd.DataFrame, steps: pd.DataFrame, *, extra: tuple[Line2D, str] | None
) -> None:
    """Names of the models above the panels."""
    models = [model for model in table["model"].unique() if (steps["model"] == model).any()]
    handles, names = [], []
    for model in models:
        colour, style = _look(table, model)
        handles.append(Line2D([], [], color=colour, linestyle=style))
        names.append(shorten(model, 40))
    if extra is not None:
        handles.append(extra[0])
        names.append(extra[1])
    columns = 4 if max(map(len, names)) < 24 else 2
    figure.legend(handles, names, loc="outside upper left", ncols=columns)
