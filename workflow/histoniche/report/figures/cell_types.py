"""Figure of the cell types that match each signature."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from histoniche.cohort.palette import Region
from histoniche.omics.signatures import ENDINGS
from histoniche.report.figures.enrichment import in_order, shorten
from histoniche.report.numbers import format_p
from histoniche.report.style import (
    INK,
    MUTED,
    beside,
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
_COLUMNS = 2
_LONGEST = 30


def draw_cell_types(
    cell_types: Path, palette: Sequence[Region], *, top: int, cell_types_figure: Path
) -> None:
    """Draw the best-matching cell types of every signature as bars.

    Parameters
    ----------
    cell_types
        What `histoniche.omics.cell_types.match_cell_types` wrote.
    palette
        Regions, in whose order and colours the signatures stand.
    top
        Most cell types of one signature.
    cell_types_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(cell_types)
    hit = table[table["match_score"] > 0]
    with house_style():
        if hit.empty:
            save_notice("No signature hits a marker set.", cell_types_figure, hit)
            return
        ranked = hit.sort_values(["p", "match_score"], ascending=[True, False], kind="stable")
        leading = ranked.groupby("signature").head(top)
        signatures = in_order(table["signature"], palette)
        _draw(leading, signatures, palette, cell_types_figure)


def _draw(
    leading: pd.DataFrame, signatures: Sequence[str], palette: Sequence[Region], path: Path
) -> None:
    """One panel a signature that hits something, one bar a cell type."""
    silent = [name for name in signatures if name not in set(leading["signature"])]
    signatures = [name for name in signatures if name not in silent]
    panels = [leading[leading["signature"] == name] for name in signatures]
    pairs = [panels[place : place + _COLUMNS] for place in range(0, len(panels), _COLUMNS)]
    # Title and axis of a panel take the room of some bars.
    heights = [max(len(panel) for panel in pair) + 3.4 for pair in pairs]
    figure = new_figure(0.21 * sum(heights) + 1.0)
    layout = figure.add_gridspec(len(pairs), _COLUMNS, height_ratios=heights)
    for place, (name, panel) in enumerate(zip(signatures, panels, strict=True)):
        axes = figure.add_subplot(layout[divmod(place, _COLUMNS)])
        most = max(len(each) for each in pairs[place // _COLUMNS])
        _draw_panel(axes, panel, most, _colour(name, palette))
        axes.set_title(f"{name}, {count(int(panel['signature_size'].iloc[0]), 'gene')}")
    handles = [
        Patch(facecolor=MUTED, edgecolor=INK, lw=0.6, label="q < 0.05"),
        Patch(facecolor=MUTED, alpha=0.3, edgecolor=INK, lw=0.6, label="not"),
        Line2D([], [], color=INK, lw=2, label="mean of random lists"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    footnote(
        figure,
        "Bar: match score, to be compared within a signature only; the cell types with the "
        "smallest p. n: shared genes. p: permutation, not corrected; "
        "q: Benjamini-Hochberg over the cell types."
        + (f" Without a hit: {', '.join(silent)}." if silent else ""),
    )
    save_figure(figure, path, pd.concat(panels))


def _draw_panel(axes: Axes, panel: pd.DataFrame, rows: int, colour: str) -> None:
    """Bars of one signature, the smallest p on top, with room for `rows` of them."""
    for height, row in enumerate(panel.to_dict(orient="records")):
        alpha = 1.0 if row["q"] < _Q else 0.3
        axes.barh(height, row["match_score"], 0.66, fc=colour, alpha=alpha, ec="none")
        axes.barh(height, row["match_score"], 0.66, fc="none", ec=INK, lw=0.6)
        axes.plot([row["expected"]] * 2, [height - 0.4, height + 0.4], color=INK, lw=2)
        note = f"p {format_p(row['p'])}, q {format_p(row['q'])}, n {row['overlap']}"
        beside(axes, height, note)
    labels = [
        f"{shorten(name, _LONGEST)}" + (f" {accession}" if accession else "")
        for name, accession in zip(panel["cell_type"], panel["ontology_id"], strict=True)
    ]
    axes.set_yticks(np.arange(len(panel)), labels)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0, largest(panel, "match_score", "expected") * 1.05)
    axes.locator_params(axis="x", nbins=4)
    grid(axes, "x")


def _colour(signature: str, palette: Sequence[Region]) -> str:
    """Colour of the signature's region; CTneg is a part of CT, not of CTne."""
    owned = {region.region + ending: region.colour for region in palette for ending in ENDINGS}
    return owned.get(signature, MUTED)
