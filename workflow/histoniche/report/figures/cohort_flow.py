"""Figure of the cohort: who is left at every step, in the manner of CONSORT."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from histoniche.report.style import FAINT, INK, MUTED, house_style, new_figure, save_figure
from histoniche.wording import count

_BOX, _SIDE = (0.0, 4.1), (4.7, 4.5)
"""Left edge and width of the boxes of those who are left, and of those left out, in inches."""
_LINE, _PAD, _GAP = 0.17, 0.14, 0.3
_SIGNS = 13.0


def draw_cohort_flow(flow: Path, *, figure: Path) -> None:
    """Draw a flow chart: boxes of those left below one another, those left out beside them.

    Parameters
    ----------
    flow
        TSV: order, step, role (kept, left out, of these), reason, patients, slides.
    figure
        Where the figure goes; ends in `.svg`.
    """
    table = pd.read_csv(flow, sep="\t", keep_default_na=False)
    with house_style():
        boxes = _boxes(table)
        height = sum(box["height"] for box in boxes) + _GAP * (len(boxes) - 1) + 0.2
        sheet = new_figure(height)
        axes = sheet.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-0.1, 9.3)
        axes.set_ylim(height, 0)
        top = 0.1
        for place, box in enumerate(boxes):
            _draw(axes, box, top, last=place == len(boxes) - 1)
            top += box["height"] + _GAP
        save_figure(sheet, figure, table)


def _boxes(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Text and height of each box, with that of the box beside it."""
    boxes = []
    for _, rows in table.groupby("order", sort=True):
        kept = rows[rows["role"] == "kept"]
        main = [f"{row.step}: {_number(row)}" for row in kept.itertuples()]
        main += [f"    {row.step}: {_number(row)}" for row in _of(rows, "of these")]
        side = [f"{row.reason}: {_number(row)}" for row in _of(rows, "left out")]
        lines, beside = _folded(main, _BOX[1]), _folded(side, _SIDE[1])
        if beside:
            beside = ["Left out", *beside]
        own, other = _height(lines), _height(beside)
        boxes.append(
            {"lines": lines, "beside": beside, "height": own + (other + 0.15 if beside else 0)}
        )
        boxes[-1] |= {"own": own, "other": other}
    return boxes


def _of(rows: pd.DataFrame, role: str) -> Any:
    """Rows of one role."""
    return rows[rows["role"] == role].itertuples()


def _number(row: Any) -> str:
    """What is counted, in words."""
    counts = ((row.slides, "slide"), (row.patients, "patient"))
    return " of ".join(count(int(number), what) for number, what in counts if number != "")


def _folded(lines: list[str], width: float) -> list[str]:
    """Lines no longer than a box is wide."""
    room = int(width * _SIGNS)
    return [
        part
        for line in lines
        for part in wrap(line, room, subsequent_indent="      ", drop_whitespace=False)
    ]


def _height(lines: list[str]) -> float:
    """Height of a box, in inches."""
    return len(lines) * _LINE + 2 * _PAD if lines else 0.0


def _draw(axes: Axes, box: dict[str, Any], top: float, *, last: bool) -> None:
    """A box, the arrow to the next, and the box of those left out on the way."""
    _draw_box(axes, _BOX, top, box["lines"], INK)
    middle = _BOX[0] + 0.5
    bottom = top + box["own"]
    if not last:
        end = top + box["height"] + _GAP
        _draw_arrow(axes, (middle, bottom), (middle, end))
    if box["beside"]:
        start = bottom + 0.15
        _draw_box(axes, _SIDE, start, box["beside"], MUTED)
        level = start + box["other"] / 2
        _draw_arrow(axes, (middle, level), (_SIDE[0], level))


def _draw_box(
    axes: Axes, place: tuple[float, float], top: float, lines: list[str], ink: str
) -> None:
    """A frame with text."""
    left, width = place
    frame = Rectangle((left, top), width, _height(lines), facecolor="white", edgecolor=FAINT)
    axes.add_patch(frame)
    for number, line in enumerate(lines):
        y = top + _PAD + (number + 0.5) * _LINE
        axes.text(left + 0.12, y, line, va="center", color=ink, size=8.5)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one place to another."""
    looks = {"arrowstyle": "-|>", "color": MUTED, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=looks)
