"""Volcano plots of the comparisons between groups of patients."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from histoniche.omics.comparisons import differing, differing_in_words, tested_in_words
from histoniche.report.figures.volcano import Names, draw_sides, heights, move_apart
from histoniche.report.style import (
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_ACROSS = 2


def draw_differential(
    differential: Path,
    groups: Path,
    *,
    volcano: Path,
    labelled: int,
    rule: Mapping[str, float],
    unit: str = "counts",
) -> None:
    """Draw every comparison's genes by fold change and p.

    Parameters
    ----------
    differential
        What `histoniche.omics.differential.compare_expression` wrote.
    groups
        Who is compared: comparison, patient, group, label.
    volcano
        Where the figure goes; ends in `.svg`.
    labelled
        Genes that are named in each direction, those of smallest p among the differing.
    rule
        q and log2_fold_change, see `histoniche.omics.comparisons.differing`.
    unit
        Of the expression.
    """
    table = read_table(differential)
    labels = read_table(groups).drop_duplicates(["comparison", "group"])
    named = labels.set_index(["comparison", "group"])["label"]
    comparisons = list(dict.fromkeys(table["comparison"]))
    with house_style():
        if not comparisons:
            save_notice("No comparison was made.", volcano, table)
            return
        rows = -(-len(comparisons) // _ACROSS)
        figure = new_figure(3.6 * rows + 0.4)
        panels = figure.subplots(rows, _ACROSS, squeeze=False).ravel()
        named_genes = []
        for axes, name in zip(panels, comparisons, strict=False):
            mine = table[(table["comparison"] == name) & table["p"].notna()]
            named_genes.append(_draw_panel(axes, mine, labelled=labelled, rule=rule))
            if len(mine):
                case, reference = named[name, "case"], named[name, "reference"]
                sizes = mine.iloc[0]
                axes.set_title(
                    f"{case} (n {sizes['n_case']})\nagainst {reference} (n {sizes['n_reference']})"
                )
        for axes in panels[len(comparisons) :]:
            axes.set_axis_off()
        footnote(
            figure,
            f"p: {tested_in_words(unit)}. Colour: {differing_in_words(**rule)}, q after "
            "Benjamini-Hochberg over the genes of the comparison"
            f"{' with independent filtering' if unit == 'counts' else ''}; grey: not.",
        )
        figure.draw_without_rendering()
        for names in named_genes:
            move_apart(names)
        save_figure(figure, volcano, table)


def _draw_panel(
    axes: Axes, genes: pd.DataFrame, *, labelled: int, rule: Mapping[str, float]
) -> Names:
    """One comparison; returns the names of its genes, each on its point."""
    change = genes["log2_fold_change"].to_numpy(dtype="float64")
    height = heights(genes["p"])
    up, down = (rows.to_numpy() for rows in differing(genes, **rule).values())
    names = draw_sides(axes, change, height, names=genes["gene"], sides=(up, down), most=labelled)
    # Room for the names, which stand where the points are farthest out.
    reach = (1.4 if names.texts else 1.15) * max(1.0, float(np.abs(change).max(initial=0)))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, 1.12 * max(2.0, float(height.max(initial=0))))
    axes.set_xlabel("log2 fold change (right: more in the first group)")
    axes.set_ylabel("−log10 p")
    directions = (f"{int(up.sum()):,} more", f"{int(down.sum()):,} less")
    words = f"{', '.join(directions)}, of {count(len(genes), 'gene')}"
    axes.text(0.02, 0.98, words, transform=axes.transAxes, va="top", color=MUTED)
    return names
