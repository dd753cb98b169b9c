"""Confusion: where the things of each true class went, as a matrix of shares."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from histoniche.report.style import SEQUENTIAL, text_on


def shares_of(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts by true (rows) and predicted class as shares of the row; NaN in an empty one."""
    total = counts.sum(axis=1)
    return counts.div(total.where(total > 0), axis=0)


def draw_shares(axes: Axes, shares: pd.DataFrame) -> Any:
    """Draw a matrix of shares with its numbers in percent, true classes from top to bottom.

    Returns
    -------
    What a colour bar is made from.
    """
    image = axes.pcolormesh(
        shares.to_numpy(dtype=float), cmap=SEQUENTIAL, vmin=0, vmax=1, edgecolors="white",
        linewidth=1,
    )  # fmt: skip
    for (row, column), share in np.ndenumerate(shares.to_numpy(dtype=float)):
        if not np.isnan(share):
            text = "0" if share == 0 else "<1" if share < 0.005 else f"{100 * share:.0f}"
            colour = text_on(image.to_rgba(share))
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image
