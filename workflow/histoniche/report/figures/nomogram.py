"""Figure of a nomogram."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes as Canvas

from histoniche.report.style import (
    FAINT,
    INK,
    MUTED,
    footnote,
    format_tick,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.survival.nomogram import (
    Axis,
    Nomogram,
    NoNomogramError,
    nomogram_table,
    read_nomogram,
    round_ticks,
    survival_ticks,
)
from histoniche.wording import count

_LABEL_WIDTH = 30
"""Signs of a name on one line."""

_POINTS_WIDE = 490.0
"""Length of the axes in points of print."""

_SIGN = 5.3
"""Width of one sign of a tick's label in points of print."""

_GAP = 5.0
_TICK = 0.13
_LEVEL = 0.44
"""Distance of two levels of labels, in rows."""

_YEAR = 365.25


class _Line(NamedTuple):
    """One axis as it is drawn: ticks from 0 (left) to 1 (right)."""

    name: str
    labels: tuple[str, ...]
    places: tuple[float, ...]
    seen: tuple[float, float]
    """Where the patients the model was fitted on lie; drawn in ink, the rest faint."""
    categories: bool = False
    uneven: bool = False
    """Whether its ticks stand at uneven distances."""
    above: bool = False
    """Whether the labels stand above it."""


def draw_nomogram(nomogram: Path, *, figure: Path) -> None:
    """Draw a nomogram.

    Parameters
    ----------
    nomogram
        As `histoniche.survival.nomogram.write_nomogram` writes it.
    figure
        Where the figure goes; ends in `.svg`. The table beside it has every tick with its
        points and probability.
    """
    try:
        drawn = read_nomogram(nomogram)
    except NoNomogramError as none:
        with house_style():
            message = "\n".join(wrap(f"No nomogram of the model {none.model}: {none.reason}.", 85))
            save_notice(message, figure, pd.DataFrame({"note": [none.reason]}))
        return
    upper = [_line_of_points(), *(_line_of(axis) for axis in drawn.axes)]
    lower = _lines_of_totals(drawn)
    heights = [_height(line) for line in [*upper, *lower]]
    with house_style():
        canvas_height = 0.37 * (sum(heights) + 0.8) + 1.05
        sheet = new_figure(canvas_height)
        axes = sheet.add_subplot()
        places = _places(heights, len(upper))
        for line, place in zip([*upper, *lower], places, strict=True):
            _draw(axes, line, place)
        _guide(axes, upper[0].places, places[0], places[len(upper) - 1] + 0.25)
        _guide(axes, lower[0].places, places[len(upper)], places[-1] + 0.25)
        axes.set_xlim(-0.012, 1.012)
        axes.set_ylim(places[-1] + 0.6, -0.1)
        axes.set_axis_off()
        size = f"n = {count(drawn.n, 'patient')}, {count(drawn.events, 'death')}"
        axes.set_title("\n".join(wrap(f"Nomogram: {drawn.name}, {size}", 85)))
        footnote(
            sheet,
            "To read it: find each covariate's value, go straight up to Points, add the points of "
            "all covariates, find the sum on Total points, and go straight down.\n"
            "More points: shorter survival. Pale ends of an axis: beyond the values seen in these "
            "patients, round numbers only. Cox model, ties by Efron's method.",
        )
        save_figure(sheet, figure, nomogram_table(drawn))


def _line_of_points() -> _Line:
    """The axis of points."""
    ticks = tuple(range(0, 101, 10))
    return _Line(
        "Points", tuple(map(str, ticks)), tuple(tick / 100 for tick in ticks), (0, 1), above=True
    )


def _line_of(axis: Axis) -> _Line:
    """The axis of a covariate."""
    places = tuple(point / 100 for point in axis.points)
    name = f"{axis.name} ({axis.unit})" if axis.unit else axis.name
    if not axis.numeric:
        return _Line(name, axis.labels, places, (min(places), max(places)), categories=True)
    first, last = float(axis.labels[0]), float(axis.labels[-1])
    slope = (places[-1] - places[0]) / (last - first)
    low, high = (places[0] + slope * (value - first) for value in (axis.low, axis.high))
    labels = tuple(format_tick(float(label)) for label in axis.labels)
    line = _Line(name, labels, places, (min(low, high), max(low, high)))
    if _every(line) < len(labels):
        return line
    # Too short for more than its ends.
    ends = (labels[0], labels[-1]), (places[0], places[-1])
    return _Line(name, *ends, line.seen, categories=True)


def _lines_of_totals(nomogram: Nomogram) -> list[_Line]:
    """Total points, linear predictor, and survival at every day."""
    top = nomogram.totals[-1]
    labels = tuple(format_tick(total) for total in nomogram.totals)
    lines = [_Line("Total points", labels, tuple(t / top for t in nomogram.totals), (0, 1))]
    ends = (nomogram.linear_predictor(0), nomogram.linear_predictor(top))
    values = [value for value in round_ticks(*ends) if ends[0] <= value <= ends[1]]
    spread = ends[1] - ends[0]
    places = tuple((value - ends[0]) / spread for value in values)
    lines.append(_Line("Linear predictor", tuple(map(format_tick, values)), places, (0, 1)))
    for days in nomogram.days:
        ticks = survival_ticks(nomogram, days)
        shares = tuple(format_tick(share) for share, _ in ticks)
        places = tuple(total / top for _, total in ticks)
        ends = (min(places), max(places)) if places else (0.0, 0.0)
        lines.append(_Line(f"Alive after {duration(days)}", shares, places, ends, uneven=True))
    return lines


def duration(days: float) -> str:
    """A number of days in words: "1 year", "3 years", "400 days"."""
    years = round(days / _YEAR)
    if years and abs(days - years * 365) <= years:
        return count(years, "year")
    return f"{days:,g} days"


def _height(line: _Line) -> float:
    """Room of a line, in rows: for its labels in their levels, and for a long name."""
    names = 0.42 * len(wrap(line.name, _LABEL_WIDTH)) + 0.55
    if not line.categories:
        return max(1.0, names)
    levels = [level for level, _ in _levels(line)]
    below, above = max(levels), max(-min(levels), 0)
    # The axis stands in the middle of its room.
    return max(1.0, names, 2 * (_LEVEL * max(below, above) + 0.28))


def _places(heights: Sequence[float], upper: int) -> list[float]:
    """Height of every line on the canvas, with a gap between covariates and totals."""
    places, place = [], 0.0
    for number, height in enumerate(heights):
        place += height / 2 + (0.8 if number == upper else 0.0)
        places.append(place)
        place += height / 2
    return places


def _levels(line: _Line) -> list[tuple[int, float]]:
    """Level of each category's label (1 below the axis, -1 above, 2 further below, ...).

    With it the middle of the label, which keeps clear of the names to the left.
    """
    free: dict[int, float] = {}
    levels = [(1, 0.0)] * len(line.labels)
    order = [sign * step for step in range(1, len(line.labels) + 1) for sign in (1, -1)]
    for number in sorted(range(len(line.labels)), key=lambda number: line.places[number]):
        half = _SIGN * len(line.labels[number]) / 2
        middle = max(_POINTS_WIDE * line.places[number], half - _GAP)
        level = next(k for k in order if free.get(k, -1e9) <= middle - half)
        free[level] = middle + half + _GAP
        levels[number] = (level, middle / _POINTS_WIDE)
    return levels


def _every(line: _Line) -> int:
    """Of how many ticks of a numeric axis one is labelled, so that no labels touch."""
    if len(line.places) < 2:
        return 1
    widest = _SIGN * max(map(len, line.labels)) + _GAP
    for step in (1, 2, 5, 10):
        if step >= len(line.places):
            break
        kept = sorted(line.places[::step])
        gaps = [_POINTS_WIDE * (b - a) for a, b in itertools.pairwise(kept)]
        if not gaps or min(gaps) >= widest:
            return step
    return len(line.places)


def _thinned(line: _Line) -> set[int]:
    """Ticks of a survival axis that are labelled, whose distances differ."""
    kept: set[int] = set()
    end = -1e9
    for number in sorted(range(len(line.places)), key=lambda place: line.places[place]):
        middle, half = _POINTS_WIDE * line.places[number], _SIGN * len(line.labels[number]) / 2
        if middle - half >= end:
            kept.add(number)
            end = middle + half + _GAP
    return kept


def _draw(axes: Canvas, line: _Line, height: float) -> None:
    """One axis with its ticks, labels and name."""
    axes.annotate(
        "\n".join(wrap(line.name, _LABEL_WIDTH)),
        (0, height),
        xycoords=("axes fraction", "data"),
        xytext=(-10, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        annotation_clip=False,
    )
    if not line.places:
        message = "below 1 % or above 99 % for every total"
        axes.text(0, height, message, color=MUTED, va="center", size=8)
        return
    axes.plot([min(line.places), max(line.places)], [height] * 2, color=FAINT, lw=1.6, zorder=2)
    axes.plot(line.seen, [height] * 2, color=INK, lw=1.2, solid_capstyle="butt", zorder=3)
    if line.categories:
        _draw_categories(axes, line, height)
        return
    step = _every(line)
    kept = {number for number in range(len(line.labels)) if number % step == 0}
    kept = _thinned(line) if line.uneven else kept
    sign = -1 if line.above else 1
    for number, (label, place) in enumerate(zip(line.labels, line.places, strict=True)):
        inside = line.seen[0] - 1e-9 <= place <= line.seen[1] + 1e-9
        ink = INK if inside else MUTED
        reach = sign * _TICK * (1 if number in kept else 0.6)
        axes.plot([place] * 2, [height, height + reach], color=ink, lw=0.9, zorder=3)
        if number in kept:
            _write(axes, place, height + reach, label, sign=sign, ink=ink)


def _draw_categories(axes: Canvas, line: _Line, height: float) -> None:
    """Ticks and labels of the levels of a categorical covariate."""
    for label, place, (level, middle) in zip(line.labels, line.places, _levels(line), strict=True):
        sign = 1 if level > 0 else -1
        reach = sign * (_TICK + _LEVEL * (abs(level) - 1))
        axes.plot([place] * 2, [height, height + reach], color=INK, lw=0.9, zorder=3)
        _write(axes, middle, height + reach, label, sign=sign, ink=INK)


def _write(axes: Canvas, place: float, height: float, label: str, *, sign: int, ink: str) -> None:
    """Write the label of a tick at its end, below (1) or above (-1)."""
    side = "top" if sign > 0 else "bottom"
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    place_of_text = (place, height + 0.05 * sign)
    axes.text(*place_of_text, label, ha="center", va=side, size=8, color=ink, bbox=box, zorder=4)


def _guide(axes: Canvas, places: Sequence[float], top: float, bottom: float) -> None:
    """Thin upright lines from an axis's ticks down through those that are read off it."""
    for place in places:
        axes.plot([place] * 2, [top, bottom], color=FAINT, lw=0.5, zorder=0)
