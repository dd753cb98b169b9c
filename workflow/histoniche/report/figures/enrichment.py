"""Figure of the gene sets that the signatures are enriched in."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.cohort.palette import Region
from histoniche.report.style import (
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
from histoniche.wording import count

_Q = 0.05
_MOST_ROWS = 36
_LONGEST = 52
_CEILING = 10.0
"""Values of -log10 q above this have one colour."""


def draw_enrichment(
    enrichment: Path, palette: Sequence[Region], *, top: int, enrichment_figure: Path
) -> None:
    """Draw the leading terms of every signature as dots.

    Parameters
    ----------
    enrichment
        Every signature with every term: overlap, q.
    palette
        Regions, in whose order the signatures stand.
    top
        Most terms of one signature; fewer where they would not fit.
    enrichment_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(enrichment)
    table = table[table["overlap"] > 0]
    with house_style():
        if table.empty:
            save_notice("No signature shares a gene with a gene set.", enrichment_figure, table)
            return
        _draw(leading_terms(table, top), in_order(table["signature"], palette), enrichment_figure)


def leading_terms(table: pd.DataFrame, top: int) -> pd.DataFrame:
    """Terms that lead some signature, each with its numbers in all signatures.

    Terms with q < 0.05 only, unless there is none. Every signature's first
    term comes before any signature's second, until the figure is full.

    Parameters
    ----------
    table
        Every signature with every term.
    top
        Most terms of one signature.

    Returns
    -------
    Rows of `table` with the column `row`, the term's place in the figure.
    """
    ranked = table.sort_values(["q", "p", "library", "term"], kind="stable")
    ranked = ranked.assign(rank=ranked.groupby("signature").cumcount())
    sure = ranked[ranked["q"] < _Q]
    chosen = sure if len(sure) else ranked[ranked["rank"] == 0]
    chosen = chosen[chosen["rank"] < top].sort_values("rank", kind="stable")
    terms = chosen[["library", "term"]].drop_duplicates().head(_MOST_ROWS)
    terms["row"] = range(len(terms))
    return terms.merge(table, on=["library", "term"]).sort_values(["row", "signature"])


def in_order(signatures: Iterable[str], palette: Sequence[Region]) -> list[str]:
    """Signatures, each once, in the palette's order of their regions: CT, CTpos, CTneg."""
    present = set(signatures)
    wanted = [f"{region.region}{end}" for region in palette for end in ("", "pos", "neg")]
    return [name for name in wanted if name in present] + sorted(present - set(wanted))


def _draw(rows: pd.DataFrame, signatures: Sequence[str], path: Path) -> None:
    """One row a term, one column a signature; colour is q, size is overlap."""
    terms = rows.drop_duplicates("row").sort_values("row")
    figure = new_figure(0.23 * len(terms) + 2.3)
    axes = figure.add_subplot()
    image, most = _draw_dots(axes, rows, signatures)
    labels = [
        f"{shorten(term)} ({library})"
        for term, library in zip(terms["term"], terms["library"], strict=True)
    ]
    axes.set_yticks(range(len(terms)), labels)
    axes.set_ylim(len(terms) - 0.4, -0.6)
    axes.set_xticks(
        range(len(signatures)), signatures, rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_xlim(-0.6, len(signatures) - 0.4)
    axes.tick_params(length=0)
    grid(axes, "both")
    if (rows["q"] < _Q).any():
        axes.set_title("Gene sets in which the signatures are enriched")
        bar = figure.colorbar(image, ax=axes, shrink=min(1, 4 / len(terms) + 0.2), pad=0.01)
        bar.outline.set_visible(False)
        bar.set_label("−log10 q" + (f" (cut at {_CEILING:g})" if most >= _CEILING else ""))
    else:
        axes.set_title("No gene set reaches q < 0.05; the nearest ones")
    _explain_sizes(figure, int(rows["overlap"].max()))
    footnote(
        figure,
        "Filled: q < 0.05 (Benjamini-Hochberg within signature and library). Hollow: not.",
    )
    save_figure(figure, path, rows.drop(columns="row"))


def _draw_dots(axes: Axes, rows: pd.DataFrame, signatures: Sequence[str]) -> tuple[Any, float]:
    """Draw all dots; return the coloured ones and the largest -log10 q."""
    place = {signature: column for column, signature in enumerate(signatures)}
    strength = np.minimum(-np.log10(np.maximum(rows["q"].to_numpy(), 1e-300)), _CEILING)
    sure = (rows["q"] < _Q).to_numpy()
    size = _dot_size(rows["overlap"].to_numpy(dtype=float), largest(rows, "overlap"))
    columns, heights = rows["signature"].map(place).to_numpy(), rows["row"].to_numpy()
    axes.scatter(columns[~sure], heights[~sure], s=size[~sure], fc="none", ec="#aab4bd", lw=0.8)
    most = float(strength.max())
    image = axes.scatter(
        columns[sure],
        heights[sure],
        s=size[sure],
        c=strength[sure],
        cmap="viridis_r",
        vmin=-np.log10(_Q),
        vmax=max(2.0, most),
        edgecolors=INK,
        linewidths=0.5,
    )
    return image, most


def _explain_sizes(figure: Figure, most: int) -> None:
    """Up to three dots that tell which size is how many shared genes."""
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="none",
            mec=MUTED,
            ms=float(np.sqrt(_dot_size(np.array([float(value)]), most)[0])),
            label=f"{count(value, 'gene')} shared",
        )
        for value in sorted({1, max(1, round(most / 4)), most})
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)


def _dot_size(overlap: "np.ndarray[Any, np.dtype[np.float64]]", most: float) -> Any:
    """Area of a dot in points squared: in proportion to the overlap, never too small to see."""
    return 8 + 110 * overlap / max(most, 1)


def shorten(term: str, longest: int = _LONGEST) -> str:
    """Term without underscores, cut where it would crowd out the figure."""
    text = term.replace("_", " ")
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
