"""Figures of what Cox models take for granted: hazard ratios over time, and straight effects."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_p, percent
from histoniche.report.style import (
    FAINT,
    HIGH,
    INK,
    LOW,
    MUTED,
    footnote,
    format_tick,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_COLUMNS = 3
_NAME = 34
"""Signs of a title's line."""


def draw_schoenfeld(
    proportionality: Path,
    residuals: Path,
    smooths: Path,
    *,
    model: str,
    confidence: float,
    schoenfeld_figure: Path,
) -> None:
    """Draw scaled Schoenfeld residuals of one model's terms over time.

    Parameters
    ----------
    proportionality, residuals, smooths
        What `histoniche.survival.assumptions.check_assumptions` wrote.
    model
        The model that is drawn.
    confidence
        Level of the bands.
    schoenfeld_figure
        Where the figure goes; ends in `.svg`.
    """
    points, curves, tests = (read_table(path) for path in (residuals, smooths, proportionality))
    points, curves = (table[table["model"] == model] for table in (points, curves))
    tests = tests[(tests["model"] == model) & (tests["transform"] == "km")].set_index("term")
    with house_style():
        terms = list(points["term"].unique())
        if not terms:
            message = f"No residuals of the model {model}: it was not fitted, or has a penalty."
            save_notice(message, schoenfeld_figure, points)
            return
        rows = -(-len(terms) // _COLUMNS)
        columns = min(len(terms), _COLUMNS)
        figure = new_figure(2.5 * rows + 0.9)
        panels = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place >= len(terms):
                axes.set_axis_off()
                continue
            term = terms[place]
            mine = points[points["term"] == term]
            _draw_residuals(axes, mine, curves[curves["term"] == term])
            # A level's test is that of its whole covariate.
            covariate = term if term in tests.index else term.partition(":")[0]
            axes.set_title(_title(term, tests.loc[[covariate]].iloc[0]), size=9)
            if place % columns == 0:
                axes.set_ylabel("Log hazard ratio")
        whole = tests.loc[["global"]].iloc[0]
        figure.suptitle(
            f"Does the hazard ratio change over time? {shorten(model, 40)}, "
            f"n = {count(int(whole['n']), 'patient')}, {count(int(whole['events']), 'death')}, "
            f"all terms at once: p {format_p(whole['p'])}",
            x=0.01,
            ha="left",
            size=10,
            weight="bold",
        )
        footnote(
            figure,
            f"A dot is a death. Line and {percent(confidence)} band: natural spline of four "
            "degrees of freedom through the scaled Schoenfeld residuals. Dashed: the model's "
            "coefficient, the same at all times. p: Grambsch-Therneau test, small if the ratio "
            "changes; q over the covariates of all models. The axis gives each stretch of time the "
            "share of the patients who died in it; the most distant dots are beyond the panels.",
        )
        save_figure(figure, schoenfeld_figure, points)


def _title(term: str, test: "pd.Series[Any]") -> str:
    """Name of a panel with its test."""
    lines = wrap(shorten(term, 2 * _NAME - 2), _NAME)
    q = f", q {format_p(test['q'])}" if np.isfinite(test["q"]) else ""
    whole = f" ({test['df']:.0f} df)" if test["df"] > 1 else ""
    return "\n".join([*lines, f"p {format_p(test['p'])}{q}{whole}"])


def _draw_residuals(axes: Axes, points: pd.DataFrame, curve: pd.DataFrame) -> None:
    """Dots, smooth, band and coefficient of one term."""
    _draw_dots(axes, points["clock"], points["residual"])
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    if len(curve):
        axes.axhline(curve["coefficient"].iloc[0], color=INK, linewidth=1, linestyle="--")
        axes.plot(curve["clock"], curve["log_hazard"], color=LOW)
        axes.fill_between(
            curve["clock"], curve["low"], curve["high"], color=LOW, alpha=0.2, linewidth=0
        )
    # The few most distant dots would flatten all that is to be seen.
    inner = np.quantile(points["residual"], [0.01, 0.99])
    seen = np.append(inner, curve[["low", "high"]].to_numpy(dtype=float).ravel())
    axes.set_ylim(float(np.nanmin(seen)), float(np.nanmax(seen)))
    ordered = points.sort_values("clock")
    wanted = np.linspace(ordered["clock"].iloc[0], ordered["clock"].iloc[-1], 5)
    days = np.interp(wanted, ordered["clock"], ordered["time_days"])
    labels = [format_tick(float(f"{day:.2g}")) for day in days]
    axes.xaxis.set_major_locator(FixedLocator(wanted.tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda _, place: labels[place or 0]))
    axes.set_xlabel("Days")


def _draw_dots(axes: Axes, x: "pd.Series[float]", y: "pd.Series[float]") -> None:
    """Small dots that may lie on each other."""
    axes.scatter(x, y, s=7, color=MUTED, alpha=0.45, linewidth=0)


def draw_functional_form(
    forms: Path,
    form_points: Path,
    form_curves: Path,
    *,
    model: str,
    confidence: float,
    form_figure: Path,
) -> None:
    """Draw the form of every numeric effect of one model.

    Parameters
    ----------
    forms, form_points, form_curves
        What `histoniche.survival.assumptions.check_assumptions` wrote.
    model
        The model that is drawn.
    confidence
        Level of the bands.
    form_figure
        Where the figure goes; ends in `.svg`.
    """
    tests, points, curves = (read_table(path) for path in (forms, form_points, form_curves))
    tests, points, curves = (table[table["model"] == model] for table in (tests, points, curves))
    with house_style():
        if tests.empty:
            save_notice(f"The model {model} has no numeric effect.", form_figure, tests)
            return
        figure = new_figure(2.4 * len(tests) + 0.9)
        panels = figure.subplots(len(tests), 2, squeeze=False)
        for (left, right), test in zip(panels, tests.to_dict("records"), strict=True):
            score = str(test["score"])
            mine = points[points["score"] == score]
            _draw_martingale(left, mine, score)
            _draw_spline(right, curves[curves["score"] == score], mine, test)
            left.set_title(
                f"{shorten(score, 22)}: n {int(test['n'])}, {count(int(test['events']), 'death')}"
            )
        footnote(
            figure,
            "Left: martingale residuals of the model without the score (above 0: died sooner than "
            "expected) with their lowess, which has the form of the effect. Right: log hazard "
            "against the median; blue with "
            f"{percent(confidence)} band a restricted cubic spline, orange the straight line of "
            "the model. p: likelihood-ratio test of the one against the other, q over all scores; "
            "small if the effect is not straight. Ticks at the foot: patients.",
        )
        save_figure(figure, form_figure, curves)


def _draw_martingale(axes: Axes, points: pd.DataFrame, score: str) -> None:
    """Residuals of the patients and their smooth."""
    axes.set_xlabel(shorten(score, 40))
    axes.set_ylabel("Martingale residual")
    _number_ticks(axes)
    if points.empty:
        return
    ordered = points.sort_values("value")
    _draw_dots(axes, ordered["value"], ordered["residual"])
    axes.plot(ordered["value"], ordered["smooth"], color=LOW)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)


def _draw_spline(
    axes: Axes, curve: pd.DataFrame, points: pd.DataFrame, test: dict[Any, Any]
) -> None:
    """The spline with its band beside the straight line; in words why there is none."""
    if curve.empty:
        axes.set_axis_off()
        axes.text(0.5, 0.5, str(test["note"]), ha="center", va="center", color=MUTED)
        return
    axes.plot(curve["value"], curve["spline"], color=LOW)
    axes.fill_between(
        curve["value"], curve["low"], curve["high"], color=LOW, alpha=0.2, linewidth=0
    )
    axes.plot(curve["value"], curve["linear"], color=HIGH, linestyle="--")
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    foot = np.full(len(points), 0.015)
    axes.plot(
        points["value"], foot, "|", color=MUTED, ms=5, mew=0.5, transform=axes.get_xaxis_transform()
    )
    axes.set_ylim(*_sight(curve))
    axes.set_xlabel(shorten(str(test["score"]), 40))
    axes.set_ylabel("Log hazard")
    _number_ticks(axes)
    axes.set_title(
        f"{int(test['knots'])} knots against a line: "
        f"p {format_p(test['p'])}, q {format_p(test['q'])}"
    )


def _number_ticks(axes: Axes) -> None:
    """Few round numbers along the score."""
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_tick(value)))


def _sight(curve: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: both curves whole, and of the band what is near them."""
    lines = curve[["spline", "linear"]].to_numpy(dtype=float)
    low, high = float(lines.min()), float(lines.max())
    room = max(1.0, high - low)
    bottom = max(float(curve["low"].min()), low - room)
    top = min(float(curve["high"].max()), high + room)
    return bottom - 0.08 * (top - bottom), top + 0.03 * (top - bottom)
