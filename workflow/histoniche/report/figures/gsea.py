"""Figure of the gene sets at the ends of each region's ranking of genes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.cohort.palette import Region
from histoniche.report.figures.enrichment import in_order, leading_terms, shorten
from histoniche.report.numbers import format_p
from histoniche.report.style import (
    DIVERGING,
    INK,
    MUTED,
    footnote,
    grid,
    house_style,
    largest,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_Q = 0.05
_CEILING = 6.0
"""Values of -log10 p above this have one size."""


def draw_gsea(gsea: Path, palette: Sequence[Region], *, top: int, gsea_figure: Path) -> None:
    """Draw the leading gene sets of every region's ranking as dots.

    Parameters
    ----------
    gsea
        What `histoniche.omics.gsea.enrich_rankings` wrote.
    palette
        Regions, in whose order the columns stand.
    top
        Most gene sets of one region; fewer where they would not fit.
    gsea_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(gsea)
    table = table[table["p"].notna()]
    with house_style():
        if table.empty:
            save_notice("No gene set was tested in a ranking.", gsea_figure, table)
            return
        rows = leading_terms(table.rename(columns={"region": "signature"}), top)
        rows = rows.rename(columns={"signature": "region"})
        _draw(rows, in_order(table["region"], palette), gsea_figure)


def _draw(rows: pd.DataFrame, regions: Sequence[str], path: Path) -> None:
    """One row a gene set, one column a region; colour is the score, size is p."""
    terms = rows.drop_duplicates("row").sort_values("row")
    figure = new_figure(0.23 * len(terms) + 2.3)
    axes = figure.add_subplot()
    image = _draw_dots(axes, rows, regions)
    labels = [
        f"{shorten(term)} ({library})"
        for term, library in zip(terms["term"], terms["library"], strict=True)
    ]
    axes.set_yticks(range(len(terms)), labels)
    axes.set_ylim(len(terms) - 0.4, -0.6)
    patients = rows.groupby("region")["n"].first()
    axes.set_xticks(range(len(regions)), [f"{name}\nn {patients[name]}" for name in regions])
    axes.set_xlim(-0.6, len(regions) - 0.4)
    axes.tick_params(length=0)
    grid(axes, "both")
    sure = bool((rows["q"] < _Q).any())
    axes.set_title(
        "Gene sets at the ends of the rankings"
        if sure
        else "No gene set reaches q < 0.05; the nearest ones"
    )
    bar = figure.colorbar(image, ax=axes, shrink=min(1, 4 / len(terms) + 0.2), pad=0.01)
    bar.outline.set_visible(False)
    bar.set_label("Normalised enrichment score")
    _explain_sizes(figure)
    footnote(
        figure,
        "Above 0: the set's genes rise with the region's area; below: they fall. Framed: q < 0.05 "
        "(Benjamini-Hochberg within region and library); p is not corrected. n: patients.",
    )
    save_figure(figure, path, rows.drop(columns="row"))


def _draw_dots(axes: Axes, rows: pd.DataFrame, regions: Sequence[str]) -> Any:
    """Draw all dots; what is sure has a frame."""
    place = {region: column for column, region in enumerate(regions)}
    limit = max(largest(rows.assign(nes=rows["nes"].abs()), "nes"), 1.0)
    sure = (rows["q"] < _Q).to_numpy()
    return axes.scatter(
        rows["region"].map(place).to_numpy(),
        rows["row"].to_numpy(),
        s=_dot_size(rows["p"].to_numpy()),
        c=rows["nes"].to_numpy(),
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        edgecolors=np.where(sure, INK, "#c3cad1").tolist(),
        linewidths=np.where(sure, 1.3, 0.5).tolist(),
    )


def _explain_sizes(figure: Figure) -> None:
    """Dots that tell which size is which p."""
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="none",
            mec=MUTED,
            ms=float(np.sqrt(_dot_size(np.array([p]))[0])),
            label=("p " if p > 10**-_CEILING else "p at most ") + format_p(p),
        )
        for p in (0.5, 0.01, 1e-4, 10**-_CEILING)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _dot_size(p: "np.ndarray[Any, np.dtype[np.float64]]") -> Any:
    """Area of a dot in points squared: it grows with -log10 p, never too small to see."""
    return 8 + 130 * np.minimum(-np.log10(np.maximum(p, 1e-300)), _CEILING) / _CEILING
