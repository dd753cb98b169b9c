"""Figures of the regions' gene signatures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from histoniche.cohort.palette import Region
from histoniche.report.numbers import format_number
from histoniche.report.style import (
    DIVERGING,
    INK,
    MUTED,
    beside,
    footnote,
    grid,
    house_style,
    largest,
    new_figure,
    region_label,
    root_scale,
    save_figure,
    save_notice,
    text_on,
)
from histoniche.tables import read_table

_MOST_COLUMNS = 60
_Q = 0.05


def draw_signatures(
    correlation: Path,
    signatures: Path,
    sizes: Path,
    palette: Sequence[Region],
    *,
    top: int,
    genes_figure: Path,
    sizes_figure: Path,
) -> None:
    """Draw the top genes of every signature, and the signatures' sizes against chance.

    Parameters
    ----------
    correlation
        Every gene with every region: gene, region, n, rho, q.
    signatures
        Genes of every signature; the one named like its region holds all of the region's genes.
    sizes
        Number of genes of every signature, and how many chance alone would give.
    palette
        Regions with names and colours, background first.
    top
        Most genes of one signature in the heat map; fewer where they would not fit.
    genes_figure, sizes_figure
        Where the figures go; end in `.svg`.
    """
    members, counts = read_table(signatures), read_table(sizes)
    whole = members[members["signature"] == members["region"]]
    with house_style():
        _draw_genes(read_table(correlation), whole, palette, top, genes_figure)
        _draw_sizes(counts, palette, sizes_figure)


def top_genes(whole: pd.DataFrame, region: str, number: int) -> list[str]:
    """Genes of a region's signature with the largest rho, ties by name."""
    genes = whole[whole["region"] == region].sort_values(["rho", "gene"], ascending=[False, True])
    return [str(gene) for gene in genes["gene"].head(number)]


def _draw_genes(
    correlation: pd.DataFrame,
    whole: pd.DataFrame,
    palette: Sequence[Region],
    top: int,
    path: Path,
) -> None:
    """Heat map: a row a region, a column a gene, columns grouped by signature."""
    regions = [region for region in palette if region.region in set(correlation["region"])]
    groups = [region for region in regions if region.region in set(whole["region"])]
    if not groups:
        save_notice("No gene meets the rule of the signatures.", path, whole)
        return
    number = max(1, min(top, _MOST_COLUMNS // len(groups)))
    columns = [(group, gene) for group in groups for gene in top_genes(whole, group.region, number)]
    genes = [gene for _, gene in columns]
    part = correlation[correlation["gene"].isin(genes)]
    codes = [region.region for region in regions]
    rho = part.pivot_table(index="region", columns="gene", values="rho").reindex(codes)[genes]
    sure = part.pivot_table(index="region", columns="gene", values="q").reindex(codes)[genes] < _Q
    figure = new_figure(max(3.0, 0.26 * len(regions) + 2.1))
    axes = figure.add_subplot()
    limit = float(np.nanmax(np.abs(rho.to_numpy())))
    image = axes.pcolormesh(
        rho.to_numpy(), cmap=DIVERGING, vmin=-limit, vmax=limit, edgecolors="white", linewidth=0.4
    )
    values = rho.to_numpy()
    for row, column in zip(*np.nonzero(sure.to_numpy()), strict=True):
        colour = text_on(image.to_rgba(values[row, column]))
        axes.plot(column + 0.5, row + 0.5, ".", color=colour, markersize=3)
    _mark_groups(axes, columns, regions)
    _label_genes(axes, genes, codes)
    axes.set_title(f"Leading genes of each signature, n = {_numbers_of_patients(part)} patients")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.01, aspect=14)
    bar.outline.set_visible(False)
    bar.set_label("Spearman ρ")
    footnote(
        figure,
        f"Up to {number} genes a signature, by ρ. On top: whose signature it is. "
        "Dot: q < 0.05 (Benjamini-Hochberg over the genes of the region).",
    )
    drawn = part.merge(pd.DataFrame({"gene": sorted(set(genes))}), on="gene")
    save_figure(figure, path, drawn.sort_values(["gene", "region"]))


def _label_genes(axes: Axes, genes: Sequence[str], codes: Sequence[str]) -> None:
    """Genes below, regions to the left, room for the bar on top."""
    axes.set_xticks(np.arange(len(genes)) + 0.5, genes, rotation=90, size=7.5)
    axes.set_yticks(np.arange(len(codes)) + 0.5, codes)
    axes.set_xlim(0, len(genes))
    axes.set_ylim(len(codes), -0.9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _mark_groups(
    axes: Axes, columns: Sequence[tuple[Region, str]], regions: Sequence[Region]
) -> None:
    """Coloured bar above each signature's columns, and a frame around its own row."""
    for row, region in enumerate(regions):
        places = [place for place, (group, _) in enumerate(columns) if group == region]
        if not places:
            continue
        left, width = places[0], len(places)
        axes.add_patch(
            Rectangle((left + 0.08, -0.82), width - 0.16, 0.7, fc=region.colour, ec=MUTED, lw=0.5)
        )
        colour = text_on(to_rgb(region.colour))
        axes.text(
            left + width / 2,
            -0.47,
            region.region,
            color=colour,
            ha="center",
            va="center",
            size=7.5,
            clip_on=True,
        )
        axes.add_patch(Rectangle((left, row), width, 1, fill=False, ec=INK, lw=1.1))


def _numbers_of_patients(correlation: pd.DataFrame) -> str:
    """Number of patients behind the correlations, as one number or a range."""
    low, high = int(correlation["n"].min()), int(correlation["n"].max())
    return f"{low}" if low == high else f"{low} to {high}"


def _draw_sizes(counts: pd.DataFrame, palette: Sequence[Region], path: Path) -> None:
    """One row a region: genes of its signature, of them sure ones, and what chance gives."""
    known = {region.region: region for region in palette}
    whole = counts[counts["signature"] == counts["region"]].set_index("region")
    whole = whole.loc[[code for code in known if code in whole.index]]
    if whole.empty:
        save_notice("No region was tested.", path, counts)
        return
    figure = new_figure(0.42 * len(whole) + 1.6)
    axes = figure.add_subplot()
    for height, (code, row) in enumerate(whole.iterrows()):
        colour = known[str(code)].colour
        axes.barh(height, row["genes"], 0.6, facecolor=colour, alpha=0.35, edgecolor=INK, lw=0.6)
        axes.barh(height, row["genes_q05"], 0.6, facecolor=colour, edgecolor=INK, lw=0.6)
        chance = row["expected_by_chance"]
        axes.plot([chance, chance], [height - 0.4, height + 0.4], color="white", lw=4)
        axes.plot([chance, chance], [height - 0.4, height + 0.4], color=INK, lw=2, ls=(0, (2, 1)))
        note = (
            f"{int(row['genes']):,} genes, {int(row['genes_q05']):,} with "
            f"q < 0.05, {format_number(chance, 2)} by chance"
        )
        beside(axes, height, note)
    axes.set_yticks(range(len(whole)), [region_label(known[str(code)]) for code in whole.index])
    axes.set_ylim(len(whole) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    top = largest(whole, "genes", "expected_by_chance")
    root_scale(axes.xaxis, top, axes.set_xscale, whole=True)
    axes.set_xlim(0, max(top, 1.0) * 1.05)
    axes.set_xlabel("Genes (square-root scale)")
    tested = f"{largest(whole, 'tested'):,.0f}"
    axes.set_title(f"Size of each signature, {tested} genes tested")
    grid(axes, "x")
    handles = [
        Patch(facecolor=MUTED, alpha=0.35, edgecolor=INK, label="genes that meet the rule"),
        Patch(facecolor=MUTED, edgecolor=INK, label="of them with q < 0.05"),
        Line2D([], [], color=INK, lw=2, ls=(0, (2, 1)), label="expected by chance"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    save_figure(figure, path, counts)
