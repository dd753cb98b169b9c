"""Figures of the signatures in single cells: heat map of genes by cell type, and maps of cells."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from histoniche.report.figures.clustering import cluster, leaf_order
from histoniche.report.style import (
    DIVERGING,
    INK,
    MUTED,
    SEQUENTIAL,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_GENES = 60
_MOST_MAPS = 9
_MAPS_A_ROW = 3
_PICTURE_FROM = 1000
"""From so many cells on, points are a picture within the drawing."""

# Okabe & Ito's colours, which colour-blind people can tell apart.
_FEW = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]


def draw_signature_genes(
    by_type: Path, genes: Path, *, shown: Sequence[str] | None, heat_map: Path
) -> None:
    """Draw the signatures' genes by cell type as a clustered heat map.

    Parameters
    ----------
    by_type, genes
        What `histoniche.omics.cell_signatures.describe_signatures` wrote.
    shown
        Signatures to draw, in this order; None means all.
    heat_map
        Where the figure goes; ends in `.svg`.
    """
    table, leading = read_table(by_type), read_table(genes)
    table = table.merge(leading[["gene", "signatures", "tau"]], on="gene")
    expressed = table.loc[table["mean"] > 0, "gene"]
    sets = _members(leading[leading["gene"].isin(expressed)], shown)
    with house_style():
        if not sets:
            save_notice("No cell expresses a gene of a signature.", heat_map, table)
            return
        _draw_heat_map(table, sets, heat_map)


def draw_cell_maps(scores: Path, *, shown: Sequence[str] | None, cell_maps: Path) -> None:
    """Draw the cells' map by type, and by the score of some signatures.

    Parameters
    ----------
    scores
        What `histoniche.omics.cell_signatures.describe_signatures` wrote.
    shown
        Signatures to draw, eight at most; None means the first ones.
    cell_maps
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(scores)
    drawable = [name for name in table.columns[5:] if table[name].notna().any()]
    names = [name for name in drawable if shown is None or name in shown][: _MOST_MAPS - 1]
    with house_style():
        rows = math.ceil((len(names) + 1) / _MAPS_A_ROW)
        figure = new_figure(1.0 + 2.9 * rows)
        panels = figure.subplots(rows, _MAPS_A_ROW, squeeze=False).ravel()
        _draw_types(figure, panels[0], table)
        for axes, name in zip(panels[1:], names, strict=False):
            _draw_score(figure, axes, table, name)
        for axes in panels[len(names) + 1 :]:
            axes.set_axis_off()
        footnote(
            figure,
            "Score: mean log-normalised expression of the signature's genes less that of other "
            "genes of like expression; 0 is no more than genes at large. Distances on the map are "
            "not to scale, and patients are not aligned to each other.",
        )
        columns = ["cell", "patient", "cell_type", "umap_1", "umap_2", *names]
        save_figure(figure, cell_maps, table[columns])


def _members(leading: pd.DataFrame, shown: Sequence[str] | None) -> dict[str, list[str]]:
    """Genes of each signature that has some, in the order of `shown`."""
    pairs = leading.assign(signature=leading["signatures"].str.split(";")).explode("signature")
    sets = {str(name): list(genes) for name, genes in pairs.groupby("signature")["gene"]}
    return {name: sets[name] for name in (sets if shown is None else shown) if name in sets}


def most_telling(spread: "pd.Series[float]", sets: Mapping[str, Sequence[str]]) -> list[str]:
    """Genes with the greatest spread of each signature, so that no signature crowds out others."""
    places = [spread[list(genes)].rank(ascending=False, method="first") for genes in sets.values()]
    best = pd.concat(places).groupby(level=0).min().sort_values(kind="stable")
    return sorted(best.index[:_MOST_GENES])


def _draw_heat_map(table: pd.DataFrame, sets: Mapping[str, Sequence[str]], path: Path) -> None:
    """Types by genes, each gene in shares of its highest mean; trees beside, signatures below."""
    means = table.pivot(index="cell_type", columns="gene", values="mean")
    means = means[most_telling(means.max() - means.min(), sets)]
    relative = means / means.max()
    trees = [cluster(part.to_numpy()) for part in (relative, relative.T)]
    relative = relative.iloc[leaf_order(trees[0]), leaf_order(trees[1])]
    figure = new_figure(2.6 + 0.24 * len(relative) + 0.17 * len(sets))
    heights = [0.7, 0.24 * len(relative), 0.17 * len(sets)]
    grid = figure.subplots(3, 2, gridspec_kw={"width_ratios": [0.06, 1], "height_ratios": heights})
    _draw_tree(grid[0, 1], trees[1], upright=True)
    _draw_tree(grid[1, 0], trees[0], upright=False)
    for axes in (grid[0, 0], grid[2, 0]):
        axes.set_axis_off()
    image = _draw_cells(grid[1, 1], relative, table)
    _draw_membership(grid[2, 1], sets, list(relative.columns))
    grid[0, 1].set_title("Which cell types express the signatures' genes")
    bar = figure.colorbar(image, ax=list(grid[:, 1]), shrink=0.5, pad=0.01, aspect=14)
    bar.outline.set_visible(False)
    bar.set_label("share of the gene's highest mean")
    every = len(set().union(*sets.values()))
    footnote(
        figure,
        f"{relative.shape[1]} of {every} genes, of each signature those whose mean differs most. "
        "Mean log-normalised expression over all cells of a type; average linkage of Euclidean "
        "distances. Below: whose gene it is.",
    )
    drawn = table[table["gene"].isin(relative.columns)]
    save_figure(figure, path, drawn.sort_values(["gene", "cell_type"]))


def _draw_cells(axes: Axes, relative: pd.DataFrame, table: pd.DataFrame) -> Any:
    """Draw the heat map itself."""
    image = axes.pcolormesh(
        relative.to_numpy(), cmap=SEQUENTIAL, vmin=0, vmax=1, edgecolors="white", linewidth=0.4
    )
    sizes = table.groupby("cell_type")["n_cells"].first()
    labels = [f"{kind} ({sizes[kind]:,} cells)" for kind in relative.index]
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.set_ylim(len(labels), 0)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _draw_membership(axes: Axes, sets: Mapping[str, Sequence[str]], genes: Sequence[str]) -> None:
    """One row a signature, a square where it holds the gene; the genes' names below."""
    for row, held in enumerate(sets.values()):
        places = np.flatnonzero(np.isin(genes, list(held))) + 0.5
        axes.plot(places, np.full(len(places), row + 0.5), "s", color=INK, markersize=4)
    axes.set_yticks(np.arange(len(sets)) + 0.5, list(sets), size=7.5)
    axes.yaxis.tick_right()
    axes.set_ylim(len(sets), 0)
    axes.set_xlim(0, len(genes))
    axes.set_xticks(np.arange(len(genes)) + 0.5, genes, rotation=90, size=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_tree(axes: Axes, tree: Any, *, upright: bool) -> None:
    """Tree above the columns or to the left of the rows, its leaves at their middles."""
    axes.set_axis_off()
    if tree is None:
        return
    drawn = dendrogram(tree, no_plot=True)
    for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        along, across = np.asarray(places) / 10, np.asarray(heights)
        axes.plot(*((along, across) if upright else (across, along)), color=MUTED, lw=0.8)
    leaves = len(drawn["leaves"])
    if upright:
        axes.set_xlim(0, leaves)
        axes.set_ylim(0)
    else:
        axes.set_ylim(leaves, 0)
        axes.invert_xaxis()


def _draw_types(figure: Figure, axes: Axes, table: pd.DataFrame) -> None:
    """Cells coloured by type, with a legend below all maps."""
    sizes = table["cell_type"].value_counts().sort_index()
    colours = dict(zip(sizes.index, _colours(len(sizes)), strict=True))
    order = np.random.default_rng(0).permutation(len(table))
    _points(axes, table.iloc[order], c=table["cell_type"].map(colours).iloc[order].tolist())
    axes.set_title(f"Cell types, {len(table):,} cells")
    handles = [
        axes.plot([], [], "o", color=colours[kind], ms=5, label=f"{kind} ({size:,})")[0]
        for kind, size in sizes.items()
    ]
    title = f"Cells of {count(table['patient'].nunique(), 'patient')}"
    figure.legend(handles=handles, loc="outside upper left", ncols=4, title=title, alignment="left")


def _draw_score(figure: Figure, axes: Axes, table: pd.DataFrame, name: str) -> None:
    """Cells coloured by one score, the highest in front."""
    ordered = table.sort_values(name, kind="stable", na_position="first")
    limit = float(np.nanquantile(np.abs(ordered[name]), 0.99)) or 1.0
    image = _points(axes, ordered, c=ordered[name], cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set_title(name)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("score")


def _points(axes: Axes, table: pd.DataFrame, **colours: Any) -> Any:
    """Dots at the cells' places, smaller where there are many."""
    size = float(np.clip(6000 / len(table), 1, 18))
    axes.set_xlabel("UMAP 1")
    axes.set_ylabel("UMAP 2")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.scatter(
        table["umap_1"],
        table["umap_2"],
        s=size,
        linewidths=0.2,
        edgecolors=MUTED,
        rasterized=len(table) >= _PICTURE_FROM,
        **colours,
    )


def _colours(number: int) -> list[str]:
    """So many colours, as distinct as can be."""
    if number <= len(_FEW):
        return _FEW[:number]
    wheel = colormaps["tab20" if number <= 20 else "gist_ncar"]
    places = np.arange(number) if number <= 20 else np.linspace(0.03, 0.95, number)
    return [to_hex(tuple(wheel(place))) for place in places]
