"""Figure of the overlap of signatures with each other and with reference signatures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from histoniche.cohort.palette import Region
from histoniche.report.figures.enrichment import in_order, shorten
from histoniche.report.numbers import format_p
from histoniche.report.style import (
    FAINT,
    INK,
    MUTED,
    SEQUENTIAL,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
    text_on,
)
from histoniche.tables import read_table
from histoniche.wording import count

_Q = 0.05
_MOST = 24
_LONGEST = 34
_CEILING = 10.0
"""Values of -log10 p above this have one colour."""


def draw_overlap(
    overlap: Path, intersections: Path, palette: Sequence[Region], *, overlap_figure: Path
) -> None:
    """Draw the exclusive intersections as an UpSet plot, and p of each pair below it.

    Parameters
    ----------
    overlap, intersections
        What `histoniche.omics.overlap.overlap_signatures` wrote.
    palette
        Regions, in whose order and colours the signatures stand.
    overlap_figure
        Where the figure goes; ends in `.svg`. The table beside it holds the
        intersections, those that are not drawn included.

    References
    ----------
    Lex et al. 2014, IEEE Trans Vis Comput Graph 20:1983, doi:10.1109/TVCG.2014.2346248.
    """
    pairs, cuts = read_table(overlap), read_table(intersections)
    with house_style():
        if cuts.empty:
            save_notice("No signature and no reference has a gene.", overlap_figure, cuts)
            return
        references = {
            f"{row.reference}: {row.term}" for row in pairs[["reference", "term"]].itertuples()
        }
        names = [name for name in cuts.columns if name not in ("n_genes", "n_sets", "gene_names")]
        signatures = in_order([name for name in names if name not in references], palette)
        shown = [name for name in names if name in references]
        _draw(cuts, pairs, signatures, references=shown, palette=palette, path=overlap_figure)


def _draw(
    cuts: pd.DataFrame,
    pairs: pd.DataFrame,
    signatures: Sequence[str],
    *,
    references: Sequence[str],
    palette: Sequence[Region],
    path: Path,
) -> None:
    """Bars over the matrix of sets, sizes beside it, pairs of signature and reference below."""
    names, most = [*signatures, *references], cuts.head(_MOST)
    rows = 0.24 * len(names)
    heights = [1.5, rows, 0.24 * len(references) + 0.8] if references else [1.5, rows]
    figure = new_figure(sum(heights) + 1.1)
    parts = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    upset = parts[:2].subgridspec(2, 2, height_ratios=heights[:2], width_ratios=[1, 3.4])
    bars = figure.add_subplot(upset[0, 1])
    matrix = figure.add_subplot(upset[1, 1], sharex=bars)
    sizes = figure.add_subplot(upset[1, 0], sharey=matrix)
    colours = _colours(names, palette)
    _draw_bars(bars, most)
    _draw_matrix(matrix, most, names, colours)
    _draw_sizes(sizes, cuts, names, colours)
    bars.set_title(f"{count(int(cuts['n_genes'].sum()), 'gene')} by the sets that hold them")
    text = "Each gene stands in one column alone: it is in the sets with a dot, and in no other."
    if len(cuts) > len(most):
        text += f" {count(len(cuts) - len(most), 'smaller combination')} not drawn."
    if references:
        _draw_pairs(figure.add_subplot(parts[2]), pairs, signatures, references)
        text += (
            " Below: shared genes and the hypergeometric p of as many or more among the tested "
            "genes, not corrected. Frame: q < 0.05 (Benjamini-Hochberg over all sets of the file)."
        )
    footnote(figure, text)
    save_figure(figure, path, cuts)


def _colours(names: Sequence[str], palette: Sequence[Region]) -> list[str]:
    """Colour of each signature's region; references are grey."""
    known = {region.region: region.colour for region in palette}
    return [known.get(name, MUTED) for name in names]


def _draw_bars(axes: Axes, cuts: pd.DataFrame) -> None:
    """Number of genes of each combination."""
    places = np.arange(len(cuts))
    axes.bar(places, cuts["n_genes"], 0.62, color=INK)
    for place, number in zip(places, cuts["n_genes"], strict=True):
        text = axes.annotate(f"{number}", (float(place), number), (0, 2))
        text.set(anncoords="offset points", ha="center", size=7)
    axes.set_ylabel("Genes")
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.set_ylim(0, float(cuts["n_genes"].max()) * 1.15)
    axes.locator_params(axis="y", nbins=4, integer=True)
    grid(axes, "y")


def _draw_matrix(
    axes: Axes, cuts: pd.DataFrame, names: Sequence[str], colours: Sequence[str]
) -> None:
    """A dot where a combination holds a set, dots of one combination joined."""
    inside = cuts[list(names)].to_numpy(dtype=bool)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f4f6f8", lw=0, zorder=0)
    columns, rows = np.nonzero(~inside)
    axes.scatter(columns, rows, s=20, color=FAINT, zorder=1)
    for place, present in enumerate(inside):
        held = [row for row, there in enumerate(present) if there]
        axes.plot([place, place], [held[0], held[-1]], color=INK, lw=1.5, zorder=2)
        faces = [colours[row] for row in held]
        axes.scatter(np.full(len(held), place), held, s=36, c=faces, ec=INK, lw=0.7, zorder=3)
    axes.set_xlim(-0.6, max(len(cuts), 8) - 0.4)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=0, labelleft=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _draw_sizes(
    axes: Axes, cuts: pd.DataFrame, names: Sequence[str], colours: Sequence[str]
) -> None:
    """Number of genes of each set, its name to the left."""
    totals = cuts[list(names)].multiply(cuts["n_genes"], axis=0).sum().to_numpy(dtype=float)
    heights = np.arange(len(names))
    axes.barh(heights, totals, 0.62, color=list(colours), edgecolor=INK, lw=0.5)
    for height, total in zip(heights, totals, strict=True):
        text = axes.annotate(f"{total:.0f}", (total, float(height)), (-2, 0))
        text.set(anncoords="offset points", ha="right", va="center", size=7)
    axes.set_yticks(heights, [shorten(name, _LONGEST) for name in names], size=7.5)
    axes.tick_params(axis="y", length=0, labelleft=True)
    axes.set_xlim(totals.max() * 1.25, 0)
    axes.locator_params(axis="x", nbins=3, integer=True)
    axes.set_xlabel("Genes of the set")
    axes.spines[["left"]].set_visible(False)


def _draw_pairs(
    axes: Axes, pairs: pd.DataFrame, signatures: Sequence[str], references: Sequence[str]
) -> None:
    """Shared genes and p of every reference with every signature; colour is p."""
    labels = pairs["reference"] + ": " + pairs["term"]
    here = pairs[pairs["signature"].isin(signatures) & labels.isin(references)]
    rows = labels[here.index].map(references.index).to_numpy()
    columns = here["signature"].map(signatures.index).to_numpy()
    strength = np.zeros((len(references), len(signatures)))
    strength[rows, columns] = np.minimum(-np.log10(here["p"].clip(lower=1e-300)), _CEILING)
    image = axes.pcolormesh(
        strength, cmap=SEQUENTIAL, vmin=0, vmax=max(4.0, strength.max()), ec="white", lw=0.8
    )
    for row, column, pair in zip(rows, columns, here.to_dict(orient="records"), strict=True):
        colour = text_on(image.to_rgba(strength[row, column]))
        note = f"{pair['overlap']}, p {format_p(pair['p'])}"
        text = axes.text(column + 0.5, row + 0.5, note, color=colour, size=7)
        text.set(ha="center", va="center")
        if pair["q"] < _Q:
            corner = (column + 0.03, row + 0.04)
            axes.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, ec=INK, lw=1.3))
    axes.set_xticks(np.arange(len(signatures)) + 0.5, signatures)
    axes.set_yticks(
        np.arange(len(references)) + 0.5, [shorten(name, _LONGEST) for name in references], size=7.5
    )
    axes.set_ylim(len(references), 0)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Genes shared with the reference sets")
