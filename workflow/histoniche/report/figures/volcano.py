"""What volcano plots share: points by side, and names that do not lie on each other."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.text import Text
from numpy.typing import NDArray

from histoniche.report.style import FAINT, HIGH, INK, LOW, MUTED

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SMALLEST_P = 1e-300


class Names(NamedTuple):
    """Names on their points, and the points that they are to leave free."""

    texts: list[Text]
    x: Floats
    y: Floats


def heights(p: "pd.Series[float]") -> Floats:
    """-log10 of p, a p too small to have a logarithm being 1e-300."""
    return -np.log10(p.clip(lower=_SMALLEST_P).to_numpy(dtype="float64"))


def draw_sides(
    axes: Axes,
    x: Floats,
    y: Floats,
    *,
    names: "pd.Series[str]",
    sides: tuple[Bools, Bools],
    most: int,
) -> Names:
    """Draw the points, high and low ones coloured, and name up to `most` of each side.

    Parameters
    ----------
    axes
        Where the points go; `x` and `y` are theirs.
    names
        A name for each point.
    sides
        Which points are high, which are low; the others are pale.
    most
        Names of one side, the highest points'. `move_apart` moves them once the figure has
        its layout.
    """
    high, low = sides
    # Points by the thousand are drawn as a picture, words and axes as lines.
    for chosen, colour in ((~(high | low), FAINT), (low, LOW), (high, HIGH)):
        axes.scatter(x[chosen], y[chosen], s=9, color=colour, linewidth=0, rasterized=True)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    texts = []
    for side in sides:
        places = np.flatnonzero(side)
        for place in places[np.argsort(-y[places], kind="stable")][:most]:
            texts.append(axes.text(x[place], y[place], str(names.iloc[place]), size=7, color=INK))
    return Names(texts, x[high | low], y[high | low])


def move_apart(names: Names) -> None:
    """Move names off each other and off the points, with a line to the own point.

    Where words collide is known only once the panels have their size, so call
    `figure.draw_without_rendering()` first.
    """
    if names.texts:
        adjust_text(
            names.texts, x=names.x, y=names.y, ax=names.texts[0].axes, expand=(1.1, 1.4),
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.5}, iter_lim=500,
        )  # fmt: skip
