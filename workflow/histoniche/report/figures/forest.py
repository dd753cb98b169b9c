"""Forest plots of hazard ratios: how one is drawn, and the one of fitted models."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import (
    MISSING,
    format_interval,
    format_number,
    format_p,
    percent,
)
from histoniche.report.style import (
    FAINT,
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

_WIDEST = 16.0
"""Hazard ratios beyond this, or below its inverse, are drawn as an arrow at the edge."""

_TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)
_SIGN = 5.0
"""Points that one sign of a column takes."""
LONGEST = 32
"""Signs of a name beyond which it is cut."""


def _short(name: str) -> str:
    """A name that fits beside the axes."""
    return shorten(name, LONGEST)


class Line(NamedTuple):
    """One line of a forest plot; a head or a level without an estimate has no hazard ratio."""

    label: str
    cells: tuple[str, ...]
    """What stands in the columns to the right."""
    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan
    marker: str = "s"
    colour: str = MUTED
    hollow: bool = False
    strength: str = "normal"
    """`bold` for a head, `muted` for a label that steps back."""
    ruled: bool = True
    """Whether a thin line sets it apart from the line above."""


def draw_lines(axes: Axes, lines: Sequence[Line], heads: Sequence[str]) -> None:
    """Draw a forest plot: labels, ratios on a logarithmic axis, and columns to the right.

    Parameters
    ----------
    axes
        Empty axes.
    lines
        From top to bottom.
    heads
        Heads of the columns.
    """
    low, high = _limits(lines)
    places = _places(lines, heads)
    for height, line in enumerate(lines):
        _draw_line(axes, line, height, low, high)
        for place, text in zip(places, line.cells, strict=True):
            weight = "bold" if line.strength == "bold" else "normal"
            write_beside(axes, place, height, text, weight)
        if height and line.ruled:
            strong = line.strength == "bold"
            axes.axhline(height - 0.5, color=MUTED if strong else FAINT, linewidth=0.6, zorder=0)
    for place, head in zip(places, heads, strict=True):
        write_beside(axes, place, -1.15, head, "bold")
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axvline(1, color=MUTED, linewidth=1, zorder=1)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_color(MUTED if line.strength == "muted" else INK)
        label.set_fontweight("bold" if line.strength == "bold" else "normal")
    axes.set_ylim(len(lines) - 0.4, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Hazard ratio (log scale); right of 1: shorter survival")
    grid(axes, "x")


def level_lines(rows: pd.DataFrame) -> list[Line]:
    """Lines of one categorical covariate: a head, its reference, its other levels.

    Parameters
    ----------
    rows
        Of its levels other than the reference: covariate, level, reference,
        level_n, level_events, reference_n, reference_events, hazard_ratio, low,
        high, p, and term_p and term_df of the whole.

    Returns
    -------
    Lines with the columns ratio, p, q and n / deaths. The head's p is that of
    the whole covariate.
    """
    first = rows.iloc[0]
    whole = format_p(first["term_p"]) if len(rows) > 1 else ""
    lines = [Line(_short(str(first["covariate"])), ("", whole, "", ""))]
    size = _size(first["reference_n"], first["reference_events"])
    name = f"{_short(str(first['reference']))} (reference)"
    cells = ("1", "", "", size)
    lines.append(Line(name, cells, 1.0, hollow=True, strength="muted", ruled=False))
    for row in rows.to_dict("records"):
        cells = (*_estimate(row), _size(row["level_n"], row["level_events"]))
        ends = (row["hazard_ratio"], row["low"], row["high"])
        name = _short(str(row["level"]))
        lines.append(Line(name, cells, *ends, strength="muted", ruled=False))
    return lines


def _estimate(row: Any) -> tuple[str, str, str]:
    """Hazard ratio with interval, p and q in words."""
    return (
        format_interval(row["hazard_ratio"], row["low"], row["high"]),
        format_p(row["p"]),
        format_p(row.get("q")),
    )


def _size(patients: float, deaths: float) -> str:
    """Patients and deaths in words."""
    return f"{patients:.0f} / {deaths:.0f}" if np.isfinite(patients) else MISSING


def _limits(lines: Sequence[Line]) -> tuple[float, float]:
    """Ends of the axis: wide enough for the intervals, within reason, and around 1."""
    ends = np.array([[line.low, line.ratio, line.high] for line in lines], dtype=float)
    ends = np.where(np.isfinite(ends) & (ends > 0), ends, np.nan)
    known = np.append(ends[np.isfinite(ends)], 1.0)
    low, high = min(0.5, float(known.min()) * 0.9), max(2.0, float(known.max()) * 1.1)
    return max(low, 1 / _WIDEST), min(high, _WIDEST)


def _places(lines: Sequence[Line], heads: Sequence[str]) -> list[float]:
    """Left edge of each column beside the axes, in points."""
    places, start = [], 10.0
    for column, head in enumerate(heads):
        places.append(start)
        widest = max(len(head) + 1, *(len(line.cells[column]) for line in lines))
        start += _SIGN * widest + 9
    return places


def _draw_line(axes: Axes, line: Line, height: int, low: float, high: float) -> None:
    """Point and interval; an arrow where an end is beyond the axis."""
    if np.isnan(line.ratio):
        return
    if np.isfinite(line.low):
        ends = np.clip([line.low, line.high], low, high)
        axes.plot(ends, [height, height], color=INK, linewidth=1.3, zorder=2)
    for end, beyond, marker in ((low, line.low < low, "<"), (high, line.high > high, ">")):
        if beyond:
            axes.plot(end, height, marker, color=INK, markersize=5, clip_on=False)
    axes.plot(
        np.clip(line.ratio, low, high),
        height,
        line.marker,
        markerfacecolor="white" if line.hollow else line.colour,
        markeredgecolor=INK,
        markersize=6.5,
        zorder=3,
    )


def write_beside(axes: Axes, place: float, height: float, text: str, weight: str) -> None:
    """Write one cell of the table beside the axes: points to their right, height in data."""
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


def draw_models_forest(
    coefficients: Path, tests: Path, *, confidence: float, forest_figure: Path
) -> None:
    """Draw the hazard ratios of fitted models, level by level, the reference shown.

    Parameters
    ----------
    coefficients, tests
        What `histoniche.survival.evaluation.evaluate_models` wrote.
    confidence
        Level of the intervals.
    forest_figure
        Where the figure goes; ends in `.svg`.
    """
    table, known = read_table(coefficients), read_table(tests)
    about = {str(row["model"]): row for row in known.to_dict("records")}
    with house_style():
        if table["hazard_ratio"][~table["reference"].astype(bool)].notna().sum() == 0:
            save_notice("No Cox model could be fitted.", forest_figure, table)
            return
        lines: list[Line] = []
        for model, rows in table.groupby("model", sort=False):
            lines += _model_lines(str(model), rows, about[str(model)])
        figure = new_figure(0.25 * len(lines) + 1.6, width=9.6)
        axes = figure.add_subplot()
        draw_lines(axes, lines, ("ratio (interval)", "p", "p of PH", "n / deaths"))
        axes.set_title("Hazard of death in the training cohort", pad=18)
        footnote(
            figure,
            f"Lines: {percent(confidence)} confidence intervals; an arrow goes beyond the axis. "
            "Hollow: the reference. p: Wald's test; of a covariate of several levels and of a "
            "model, the likelihood-ratio test. p of PH: test of proportional hazards of the whole "
            "covariate, and of the whole model. C: Harrell's concordance index.",
        )
        save_figure(figure, forest_figure, table)


def _model_lines(model: str, rows: pd.DataFrame, about: Mapping[Hashable, Any]) -> list[Line]:
    """A head with what is known of the model, and its covariates."""
    size = f"{int(about['n'])} / {int(about['events'])}"
    if rows["log_hazard"][~rows["reference"].astype(bool)].isna().all():
        label = f"{_short(model)}: {about['note']}"
        return [Line(label, ("", "", "", size), strength="bold")]
    facts = f"C {about['concordance']:.2f}, AIC {format_number(about['aic'], 4)}"
    if about["penalty"] > 0:
        facts += f", penalty {about['penalty']:.3g}"
    if about["strata"]:
        facts += f", by {_short(str(about['strata']))}"
    head = (facts, format_p(about["likelihood_ratio_p"]), format_p(about["ph_p"]), size)
    lines = [Line(_short(model), head, strength="bold")]
    for covariate, part in rows.groupby("covariate", sort=False):
        lines += _covariate_lines(str(covariate), part)
    return lines


def _covariate_lines(covariate: str, rows: pd.DataFrame) -> list[Line]:
    """One line of a straight effect; a head and a line a level of a categorical covariate."""
    first = rows.iloc[0]
    ph = format_p(first["ph_p"])
    if first["level"] == "":
        return [
            Line(
                f"{_short(covariate)}, {row['unit']}",
                (
                    format_interval(row["hazard_ratio"], row["low"], row["high"]),
                    format_p(row["p"]),
                    ph if not place else "",
                    _size(row["n"], row["events"]),
                ),
                *(row["hazard_ratio"], row["low"], row["high"]),
                ruled=not place,
            )
            for place, row in enumerate(rows.to_dict("records"))
        ]
    whole = format_p(first["term_p"]) if len(rows) > 2 else ""
    lines = [Line(_short(covariate), ("", whole, ph, ""))]
    for row in rows.to_dict("records"):
        ends = (row["hazard_ratio"], row["low"], row["high"])
        name, size = _short(str(row["level"])), _size(row["n"], row["events"])
        if row["reference"]:
            lines.append(
                Line(f"{name} (reference)", ("1", "", "", size), 1.0, hollow=True,
                     strength="muted", ruled=False)
            )  # fmt: skip
            continue
        cells = (format_interval(*ends), format_p(row["p"]), "", size)
        lines.append(Line(name, cells, *ends, strength="muted", ruled=False))
    return lines
