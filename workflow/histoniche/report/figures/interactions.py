"""Figures of the ligand-receptor interactions: dots, and a network of the cell types."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve

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
from histoniche.wording import count

_MOST_PAIRS = 30
_MOST_COLUMNS = 30
_FEW = 12
"""Up to so many columns or arrows, there is room for longer words and for numbers."""
_COLOURS = "viridis_r"
_ENDS = ["sender", "receiver"]
_RADIUS = 0.1
"""Of a cell type's node, the circle of all nodes being 1."""
_BEND = 0.13
"""Of an arrow, as a share of its length."""
_FIRST = np.pi / 2
"""Angle of the first node: on top."""


def draw_interactions(
    interactions: Path, summary: Path, *, threshold: float, dots: Path, network: Path
) -> None:
    """Draw the kept ligand-receptor pairs as dots, and the cell types they connect as a network.

    Parameters
    ----------
    interactions, summary
        What `histoniche.omics.interactions.find_interactions` wrote.
    threshold
        Score above which an interaction may be present; colours begin there.
    dots, network
        Where the figures go; end in `.svg`.
    """
    table, whole = read_table(interactions), read_table(summary)
    with house_style():
        if whole.empty:
            for path in (dots, network):
                save_notice("No ligand meets its receptor.", path, whole)
            return
        _draw_dots(shown_pairs(whole), table, threshold, dots)
        _draw_network(whole, table, threshold, network)


def shown_pairs(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of the pairs in the dot plot: the kept ones, or the strongest if none is kept.

    Returns
    -------
    Rows of `summary` with `pair` and `between`, in the order in which they are drawn.
    """
    rows = summary.assign(
        pair=summary["ligand"] + " → " + summary["receptor"],
        between=summary["sender"] + " → " + summary["receiver"],
    )
    kept = rows[rows["patients_kept"] > 0]
    best = kept if len(kept) else rows.sort_values("score_median", ascending=False, kind="stable")
    columns = best["between"].drop_duplicates()[:_MOST_COLUMNS]
    pairs = best.loc[best["between"].isin(columns), "pair"].drop_duplicates()[:_MOST_PAIRS]
    return rows[rows["pair"].isin(pairs) & rows["between"].isin(columns)]


def _draw_dots(rows: pd.DataFrame, table: pd.DataFrame, threshold: float, path: Path) -> None:
    """One row a pair, one column a sender and receiver."""
    kept = rows["patients_kept"].to_numpy() > 0
    pairs = list(rows["pair"].drop_duplicates())
    columns = sorted(rows["between"].unique())
    figure = new_figure(0.26 * len(pairs) + 3.0)
    axes = figure.add_subplot()
    strength = -np.log10(rows["p_max"].to_numpy(dtype=float))
    image = axes.scatter(
        rows["between"].map(columns.index),
        rows["pair"].map(pairs.index),
        s=_dot_size(strength),
        c=rows["score_median"],
        cmap=_COLOURS,
        vmin=threshold,
        vmax=1,
        edgecolors=[INK if each else FAINT for each in kept],
        linewidths=[1.4 if each else 0.4 for each in kept],
    )
    axes.set_yticks(range(len(pairs)), pairs)
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    few = len(columns) <= _FEW
    labels = [column.replace(" → ", "\n→ ") if few else column for column in columns]
    angle = 40 if few else 90
    axes.set_xticks(range(len(columns)), labels, rotation=angle, ha="right", rotation_mode="anchor")
    if not few:
        for label in axes.get_xticklabels():
            label.set_verticalalignment("center")
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.tick_params(length=0)
    grid(axes, "both")
    patients = table.loc[table["p"].notna(), "patient"].nunique()
    title = "Ligand-receptor pairs kept" if kept.any() else "No pair is kept; the strongest ones"
    axes.set_title(f"{title}, {count(patients, 'patient')} with two cell types or more")
    bar = figure.colorbar(image, ax=axes, shrink=min(1, 4 / len(pairs) + 0.3), pad=0.01)
    bar.outline.set_visible(False)
    bar.set_label("median LR score")
    _explain_sizes(figure, float(strength.max()))
    footnote(
        figure,
        "Ligand → receptor, by sender → receiver. Median score and largest p (labels shuffled "
        "within the patient) over the patients who have both types. Dark edge: kept in one "
        f"patient or more. A colour at its lightest is a score of {threshold:g} or less.",
    )
    save_figure(figure, path, rows)


def _explain_sizes(figure: Figure, most: float) -> None:
    """Up to three dots that tell which size is which p."""
    values = [value for value in (0.05, 0.01, 0.001, 1e-4) if -np.log10(value) <= most + 0.01]
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="none",
            mec=MUTED,
            ms=float(np.sqrt(_dot_size(np.array([-np.log10(value)]))[0])),
            label=f"p {value:g}",
        )
        for value in values
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper right", ncols=4)


def _dot_size(strength: "np.ndarray[Any, np.dtype[np.float64]]") -> Any:
    """Area of a dot in points squared, in proportion to -log10 p."""
    return 16 + 45 * strength


def network_edges(summary: pd.DataFrame) -> pd.DataFrame:
    """Edges of the network: sender, receiver, pairs kept between them, and their mean score."""
    kept = summary[summary["patients_kept"] > 0]
    names = kept["ligand"] + " → " + kept["receptor"]
    edges = kept.assign(names=names).groupby(_ENDS, as_index=False)
    return edges.agg(
        pairs=("names", "size"), score=("score_median", "mean"), names=("names", "; ".join)
    )


def _draw_network(summary: pd.DataFrame, table: pd.DataFrame, threshold: float, path: Path) -> None:
    """Cell types on a circle, an arrow where pairs are kept, its width their number."""
    edges = network_edges(summary)
    if edges.empty:
        save_notice("No ligand-receptor pair is kept.", path, edges)
        return
    types = sorted({*summary["sender"], *summary["receiver"]})
    angles = np.linspace(0, 2 * np.pi, len(types), endpoint=False) + _FIRST
    places = {name: np.array([np.cos(a), np.sin(a)]) for name, a in zip(types, angles, strict=True)}
    figure = new_figure(5.6)
    axes = figure.add_subplot()
    image = ScalarMappable(Normalize(threshold, 1), _COLOURS)
    widths = 1.5 + 4 * (edges["pairs"] - 1) / max(1, edges["pairs"].max() - 1)
    colours = image.to_rgba(edges["score"].to_numpy(dtype=float))
    for edge, width, colour in zip(edges.itertuples(), widths, colours, strict=True):
        middle = _draw_arrow(axes, places, edge, width=float(width), colour=colour)
        if len(edges) <= _FEW:
            _draw_number(axes, middle, str(edge.pairs))
    # Where there is a loop, the name stands beyond it.
    loops = set(edges.loc[edges["sender"] == edges["receiver"], "sender"])
    names = {name: place * (1.6 if name in loops else 1.22) for name, place in places.items()}
    for name, size in _cells(table).items():
        text = f"{name}\n{count(int(size), 'cell')}"
        _draw_type(axes, text, places[str(name)], names[str(name)])
    axes.set_axis_off()
    axes.set_xlim(-2.6, 2.6)
    heights = [0.0, *(place[1] for place in names.values())]
    axes.set_ylim(min(heights) - 0.2, max(heights) + 0.2)
    axes.set_aspect("equal")
    number = count(int(edges["pairs"].sum()), "kept interaction")
    axes.set_title(f"Which cell types the kept pairs connect: {number}")
    bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("mean LR score")
    footnote(
        figure,
        "Arrow from sender to receiver, a loop where both are one type. Width: number of pairs "
        f"kept between the two, {int(edges['pairs'].max())} at most. Cells: of all patients with "
        "two types or more.",
    )
    save_figure(figure, path, edges)


def _draw_arrow(
    axes: Axes, places: Mapping[str, Any], edge: Any, *, width: float, colour: Any
) -> Any:
    """Curved arrow, or a loop outside the circle if both ends are one; return its middle."""
    curve = _loop if edge.sender == edge.receiver else _bow
    points = curve(places[edge.sender], places[edge.receiver])
    codes = [
        Curve.MOVETO,
        *[Curve.CURVE4 if len(points) == 4 else Curve.CURVE3] * (len(points) - 1),
    ]
    axes.add_patch(
        FancyArrowPatch(
            path=Curve(points, codes),
            arrowstyle="-|>",
            mutation_scale=8 + 2 * width,
            linewidth=width,
            color=colour,
            joinstyle="miter",
            capstyle="butt",
        )
    )
    # Of a Bézier curve half-way.
    weights = {3: [1, 2, 1], 4: [1, 3, 3, 1]}[len(points)]
    return np.average(points, axis=0, weights=weights)


def _bow(start: Any, end: Any) -> Any:
    """From one node to another, a little to the right, so that there is room for the way back."""
    chord = end - start
    top = (start + end) / 2 + _BEND * np.array([chord[1], -chord[0]])
    ends = [node + 1.3 * _RADIUS * _unit(top - node) for node in (start, end)]
    return np.array([ends[0], top, ends[1]])


def _loop(node: Any, _: Any) -> Any:
    """Out of a node and back into it, outside the circle."""
    across = np.array([-node[1], node[0]])
    far = [node * 1.55 + side * 0.28 * across for side in (-1, 1)]
    ends = [node + 1.3 * _RADIUS * _unit(point - node) for point in far]
    return np.array([ends[0], *far, ends[1]])


def _unit(vector: Any) -> Any:
    """The vector at length 1."""
    return vector / np.linalg.norm(vector)


def _draw_number(axes: Axes, place: Any, number: str) -> None:
    """Number on a white disc."""
    x, y = place
    box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none"}
    axes.text(x, y, number, ha="center", va="center", size=8, bbox=box, zorder=4)


def _draw_type(axes: Axes, text: str, place: Any, beyond: Any) -> None:
    """Node of a cell type, and outside the circle its name and number of cells."""
    axes.add_patch(Circle(tuple(place), _RADIUS, fc="white", ec=INK, lw=1.2, zorder=3))
    x, y = beyond
    side = "center" if abs(x) < 0.3 else "left" if x > 0 else "right"
    axes.text(x, y, text, ha=side, va="center", size=9)


def _cells(table: pd.DataFrame) -> "pd.Series[int]":
    """Cells of every type, over the patients with two types or more."""
    usable = table[table["p"].notna()]
    ends = [
        usable[["patient", end, f"n_{end}"]].set_axis(["patient", "type", "n"], axis=1)
        for end in _ENDS
    ]
    return pd.concat(ends).drop_duplicates().groupby("type")["n"].sum()
