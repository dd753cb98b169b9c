"""Figure of the network of leading gene sets."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_p
from histoniche.report.style import (
    INK,
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
    text_on,
)
from histoniche.tables import read_table
from histoniche.wording import count

Points = NDArray[np.float64]

_MOST_DRAWN = 80
_MOST_NAMED = 44
_LONGEST = 46
_CEILING = 10.0
"""Values of -log10 p above this have one colour."""
_ACCESSION = re.compile(r" \([A-Z]+:\d+\)$")
_APART = 1.0
"""Least distance of two nodes, in the network's own unit."""


def draw_term_network(nodes: Path, edges: Path, *, term_network_figure: Path) -> None:
    """Draw gene sets as numbered discs, joined where they share genes, beside their names.

    Parameters
    ----------
    nodes, edges
        What `histoniche.omics.term_network.build_term_network` wrote.
    term_network_figure
        Where the figure goes; ends in `.svg`.
    """
    terms, joined = read_table(nodes), read_table(edges)
    with house_style():
        if terms.empty:
            save_notice("No gene set leads a signature.", term_network_figure, terms)
            return
        drawn = terms.nsmallest(_MOST_DRAWN, "p").sort_values(["community", "p", "node"])
        drawn = drawn.reset_index(drop=True)
        named = drawn.nsmallest(_MOST_NAMED, "p").index.sort_values()
        drawn["number"] = pd.Series(range(1, len(named) + 1), index=named)
        inside = joined["source"].isin(drawn["node"]) & joined["target"].isin(drawn["node"])
        _draw(drawn, joined[inside], len(terms), term_network_figure)


def place_nodes(
    nodes: Sequence[str], edges: pd.DataFrame, *, height: float = 1.0
) -> dict[str, Points]:
    """Place of every node: its part of the network laid out by springs, the parts side by side.

    Parameters
    ----------
    nodes
        All nodes.
    edges
        source, target, weight.
    height
        Wanted height of the whole by its width.

    Returns
    -------
    x and y by node; no two nodes are nearer than 1.
    """
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_weighted_edges_from(edges[["source", "target", "weight"]].itertuples(index=False))
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    laid = [_lay_out(graph.subgraph(sorted(part))) for part in parts]
    area = sum(float(np.prod(_extent(part))) for part in laid)
    width = max([1.1 * math.sqrt(area / height), *(_extent(part)[0] for part in laid)])
    places: dict[str, Points] = {}
    left = bottom = tall = 0.0
    for part in laid:
        wide, high = _extent(part)
        if left and left + wide > width:
            left, bottom, tall = 0.0, bottom + tall, 0.0
        corner = np.min(list(part.values()), axis=0)
        for node, at in part.items():
            places[node] = at - corner + (left + _APART, -bottom - high + _APART)
        left, tall = left + wide, max(tall, high)
    return places


def _extent(part: dict[str, Points]) -> Points:
    """Width and height of a part of the network, with a margin."""
    return np.ptp(list(part.values()), axis=0) + 2 * _APART


def _lay_out(part: nx.Graph) -> dict[str, Points]:
    """Places of a part's nodes by springs, pushed apart until none hides another."""
    nodes = list(part)
    spring = nx.spring_layout(part, weight="weight", seed=1, iterations=200)
    at = np.array([spring[node] for node in nodes]) * math.sqrt(len(nodes)) * _APART
    upper = np.triu_indices(len(nodes), 1)
    for _ in range(500):
        apart = at[upper[0]] - at[upper[1]]
        distance = np.maximum(np.linalg.norm(apart, axis=1), 1e-9)
        near = distance < _APART
        if not near.any():
            break
        push = apart[near] * (0.51 * (_APART / distance[near] - 1) + 0.005)[:, np.newaxis]
        np.add.at(at, upper[0][near], push)
        np.add.at(at, upper[1][near], -push)
    return dict(zip(nodes, at, strict=True))


def _draw(terms: pd.DataFrame, edges: pd.DataFrame, total: int, path: Path) -> None:
    """The network on the left, the names of its nodes on the right."""
    terms = terms.assign(strength=-np.log10(terms["p"].clip(lower=1e-300)))
    named = terms[terms["number"].notna()]
    figure = new_figure(max(4.6, 0.165 * (len(named) + named["community"].nunique()) + 1.5))
    network, names = figure.subplots(1, 2, width_ratios=[1.0, 0.92])
    strongest = float(terms["strength"].max())
    colours = ScalarMappable(Normalize(0, min(max(2.0, strongest), _CEILING)), "viridis_r")
    _draw_network(network, terms, edges, colours, height=(figure.get_figheight() - 1.3) / 4.6)
    _list_names(names, named, colours)
    network.set_title(
        f"{count(len(terms), 'leading gene set')}, "
        f"{count(terms['community'].nunique(), 'community', 'communities')}"
    )
    bar = figure.colorbar(colours, ax=network, location="bottom", shrink=0.6, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    cut = f" (cut at {_CEILING:g})" if strongest > _CEILING else ""
    bar.set_label(f"−log10 p{cut}, the smallest among the signatures, not corrected")
    _explain_sizes(figure, terms["size"])
    footnote(figure, _explanation(len(terms) - len(named), total - len(terms)))
    save_figure(figure, path, terms.drop(columns="strength").astype({"number": "Int64"}))


def _explanation(unnamed: int, absent: int) -> str:
    """What lines and colours mean, and what is not shown."""
    text = (
        "Lines join gene sets that share genes, the wider the more. Colour behind: community "
        "(Louvain). After each name: the signature in which p is smallest, and p."
    )
    if unnamed:
        text += f" {count(unnamed, 'set')} with larger p without a number."
    if absent:
        text += f" {count(absent, 'set')} with larger p not drawn."
    return text


def _draw_network(
    axes: Axes,
    terms: pd.DataFrame,
    edges: pd.DataFrame,
    colours: ScalarMappable,
    *,
    height: float,
) -> None:
    """Edges, communities as a colour behind, and numbered nodes."""
    places = place_nodes(list(terms["node"]), edges, height=height)
    behind = dict(zip(terms["node"], map(_community_colour, terms["community"]), strict=True))
    for row in edges.to_dict(orient="records"):
        ends = np.array([places[row["source"]], places[row["target"]]]).T
        if behind[row["source"]] == behind[row["target"]]:
            colour = behind[row["source"]]
            axes.plot(ends[0], ends[1], color=colour, lw=15, solid_capstyle="round", zorder=1)
        axes.plot(ends[0], ends[1], color="#98a2ac", lw=0.3 + 1.3 * row["weight"], zorder=2)
    x, y = np.array([places[node] for node in terms["node"]]).T
    size = _dot_size(terms["size"].to_numpy(dtype=float), float(terms["size"].max()))
    faces = colours.to_rgba(terms["strength"].to_numpy(dtype=float))
    # Dots are as large as they are, whatever the axes are: at the edge they would be cut.
    halos = axes.scatter(x, y, s=size + 250, c=list(behind.values()), linewidths=0, zorder=1)
    dots = axes.scatter(x, y, s=size, c=faces, edgecolors=INK, linewidths=0.5, zorder=3)
    for drawn in (halos, dots):
        drawn.set_clip_on(False)
    for place, number in enumerate(terms["number"]):
        if not pd.isna(number):
            text = axes.text(x[place], y[place], f"{number:.0f}", color=text_on(faces[place]))
            text.set(ha="center", va="center", size=6.5, zorder=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    axes.set_axis_off()


def _list_names(axes: Axes, named: pd.DataFrame, colours: ScalarMappable) -> None:
    """Number, name, signature and p of each node, by community."""
    height = 0.0
    for number, members in named.groupby("community", sort=True):
        top = height - 0.45
        for row in members.to_dict(orient="records"):
            face = colours.to_rgba(row["strength"])
            axes.plot(0, height, "o", ms=9, mfc=face, mec=INK, mew=0.5, clip_on=False)
            digits = axes.text(0, height, f"{row['number']:.0f}", color=text_on(face))
            digits.set(ha="center", va="center", size=6)
            name = shorten(_ACCESSION.sub("", row["term"]), _LONGEST)
            axes.text(0.35, height, name, size=7.5, va="center")
            note = axes.text(10, height, f"{row['signature']}, {format_p(row['p'])}", color=MUTED)
            note.set(ha="right", va="center", size=7.5)
            height += 1
        colour = _community_colour(int(str(number)))
        axes.fill_between([-0.55, -0.3], top, height - 0.55, color=colour, lw=0)
        height += 0.45
    axes.set_xlim(-0.6, 10)
    axes.set_ylim(max(height, 12), -1)
    axes.set_axis_off()


def _community_colour(number: int) -> tuple[float, ...]:
    """Pale colour of a community; colours come again after ten."""
    colour = np.array(mpl.colormaps["tab10"]((number - 1) % 10)[:3])
    return tuple(0.25 * colour + 0.75)


def _explain_sizes(figure: Figure, sizes: "pd.Series[int]") -> None:
    """Up to three discs that tell which size is how many genes."""
    least, most = int(sizes.min()), int(sizes.max())
    handles = []
    for value in sorted({least, (least + most) // 2, most}):
        area = float(_dot_size(np.array([float(value)]), most)[0])
        disc = Line2D([], [], marker="o", ls="", mfc="none", mec=MUTED, ms=math.sqrt(area))
        disc.set_label(count(value, "gene"))
        handles.append(disc)
    figure.legend(handles=handles, loc="outside upper left", ncols=3)


def _dot_size(genes: Points, most: float) -> Points:
    """Area of a disc in points squared: room for a number, more for more genes."""
    return 70 + 130 * genes / max(most, 1)
