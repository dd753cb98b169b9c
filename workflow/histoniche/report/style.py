"""The house style of every figure, and how a figure is saved."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from histoniche.cohort.palette import Region
from histoniche.files import whole_file

WIDTH = 9.2
"""Width of a figure in inches; the page shows it at its natural size."""

INK = "#1f2933"
MUTED = "#66727f"
FAINT = "#d5dbe1"
LOW = "#0072B2"
HIGH = "#D55E00"
SEQUENTIAL = "Blues"
DIVERGING = "RdBu_r"

_SIGNS_AN_INCH = 15.0

# DejaVu Sans comes with matplotlib, so that the layout is the same on every machine.
_HOUSE: dict[str, Any] = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlepad": 8,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "histoniche",
    "text.color": INK,
    # A gene or a term may hold a dollar sign; it is a name, not a formula.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw what stands inside in the house style, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in _HOUSE.items():
            mpl.rcParams[key] = value  # type: ignore[index]
        yield


def new_figure(height: float, *, width: float = WIDTH, row_pad: float = 0.06) -> Figure:
    """Empty figure of `width` by `height` inches whose parts make room for each other.

    `row_pad` is the room above and below each panel, in inches.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=row_pad)
    return Figure(figsize=(width, height), layout=layout)


def save_figure(figure: Figure, path: Path, table: pd.DataFrame) -> None:
    """Write a figure as SVG and PNG with the table it was drawn from, each whole or not at all.

    Parameters
    ----------
    figure
        Made and drawn under `house_style`.
    path
        Ends in `.svg`; the picture and the table have the same name, `.png` and `.tsv`.
        The same figure gives the same bytes.
    table
        One row a thing drawn.
    """
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    with whole_file(path.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    with whole_file(path.with_suffix(".tsv")) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.6g", na_rep="NA")


def save_notice(message: str, path: Path, table: pd.DataFrame) -> None:
    """Save a figure that says in words why there is nothing to draw."""
    figure = new_figure(1.2)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, message, ha="center", va="center", color=MUTED, size=10)
    save_figure(figure, path, table)


def region_label(region: Region) -> str:
    """Name and code of a region for an axis: "Cellular tumour (CT)"."""
    same = region.name.lower() == region.region.lower()
    return region.name if same else f"{region.name} ({region.region})"


def text_on(rgb: Any) -> str:
    """Black or white, whichever reads better on a colour given by numbers from 0 to 1."""
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.25 else "white"


def largest(table: pd.DataFrame, *columns: str) -> float:
    """Largest number in some columns of a table, whatever is missing left aside; 0 if all is."""
    values = table[list(columns)].to_numpy(dtype=float)
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def smallest(table: pd.DataFrame, *columns: str) -> float:
    """Smallest number in some columns of a table, whatever is missing left aside; 0 if all is."""
    return -largest(-table[list(columns)].astype(float), *columns)


def root_scale(axis: Axis, top: float, scale: Callable[..., None], *, whole: bool = False) -> None:
    """Give an axis a square-root scale from 0, with round numbers at even distances.

    Parameters
    ----------
    axis
        `axes.xaxis` or `axes.yaxis`.
    top
        Largest value shown.
    scale
        `axes.set_xscale` or `axes.set_yscale`.
    whole
        Whether only whole numbers make sense.
    """
    top = top if top > 0 else 1.0
    scale("function", functions=(_signed_root, _signed_square))
    steps = (np.linspace(0, 1, 7)[1:] * math.sqrt(top)) ** 2
    ticks = sorted({0.0, *(_round_number(step) for step in steps)})
    ticks = [tick for tick in ticks if tick <= top * 1.05 and not (whole and tick % 1)]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_tick(value)))


def format_tick(value: float) -> str:
    """Write a round number without idle decimals: 0.5, 30, 2,500, 1.5 M."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.10g} M".replace("-", "−")
    return f"{value:,.10g}".replace("-", "−")


def grid(axes: Axes, which: str) -> None:
    """Thin lines behind the data along one axis, "x" or "y"."""
    axes.grid(visible=True, axis=which)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def beside(axes: Axes, height: float, text: str) -> None:
    """Write a note to the right of the axes, at a height of the data."""
    axes.annotate(
        text,
        (1.02, height),
        xycoords=("axes fraction", "data"),
        va="center",
        color=MUTED,
        size=8,
        annotation_clip=False,
    )


def footnote(figure: Figure, text: str) -> None:
    """Put an explanation under the whole figure, in lines no longer than it is wide."""
    room = int(figure.get_figwidth() * _SIGNS_AN_INCH)
    lines = [line for part in text.splitlines() for line in wrap(part, room)]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", size=8, color=MUTED)


def _signed_root(values: Any) -> Any:
    """Square root that keeps the sign, so that a margin below 0 has a place."""
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: Any) -> Any:
    """Inverse of `_signed_root`."""
    return np.sign(values) * np.square(values)


def _round_number(value: float) -> float:
    """Nearest number of the form 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    best = min((1, 1.5, 2, 3, 4, 5, 6, 8, 10), key=lambda step: abs(step - value / power))
    return float(f"{best * power:.3g}")
