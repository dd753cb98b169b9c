"""Boxes of a few groups beside each other, with a dot a patient."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from histoniche.report.style import INK, MUTED, grid

BOX_NOTE = "Box: quartiles and median; whiskers: up to 1.5 times the box; a dot a patient."
"""What a figure of boxes says of them."""

# More dots than this are drawn as a picture.
_MOST_DOTS = 1500


def draw_box(
    axes: Axes, values: NDArray[np.float64], place: float, colour: str, *, width: float
) -> None:
    """Box and dots of one group at a place of the axis; nothing where it has nobody."""
    if not len(values):
        return
    axes.boxplot(
        values,
        positions=[place],
        widths=width,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": colour, "alpha": 0.35, "edgecolor": INK},
        medianprops={"color": INK, "linewidth": 1.4},
        whiskerprops={"color": MUTED, "linewidth": 0.8},
        capprops={"color": MUTED, "linewidth": 0.8},
    )
    # Beside each other by rank, so that the picture is the same every time.
    spread = (np.argsort(np.argsort(values)) * 0.618 % 1 - 0.5) * 0.7 * width
    axes.plot(
        place + spread, values, ".", color=colour, markersize=4, alpha=0.8, mew=0,
        rasterized=len(values) > _MOST_DOTS,
    )  # fmt: skip


def label_boxes(axes: Axes, labels: Sequence[str]) -> None:
    """Name the boxes that stand at 0, 1, 2, ..., with lines behind them to read values by."""
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.tick_params(axis="x", length=0)
    grid(axes, "y")


def head_panel(axes: Axes, title: str, *lines: str, colour: str = MUTED) -> None:
    """Title of a panel, and below it up to two lines, such as of its test, the last one muted.

    Parameters
    ----------
    axes
        The panel.
    title
        Its title; room for two lines is left below it.
    lines
        None, or two.
    colour
        Of the first line.
    """
    axes.set_title(title, size=9, pad=28)
    for text, height, shade in zip(lines, (15, 4), (colour, MUTED), strict=False):
        axes.annotate(
            text,
            (0, 1),
            (0, height),
            xycoords="axes fraction",
            textcoords="offset points",
            color=shade,
            size=7.5,
        ).set_in_layout(False)  # A long line takes no room from the panels.
