"""Volcano plots of the comparisons between groups of patients."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.text import Text

from histoniche.omics.comparisons import differing, differing_in_words
from histoniche.report.numbers import count
from histoniche.report.style import (
    FAINT,
    HIGH,
    INK,
    LOW,
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_ACROSS = 2
_SMALLEST_P = 1e-300


def draw_differential(
    differential: Path,
    groups: Path,
    *,
    volcano: Path,
    labelled: int,
    rule: Mapping[str, float],
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
            f"Wald test of DESeq2's model on counts. Colour: {differing_in_words(**rule)}, q after "
            "Benjamini-Hochberg over the genes of the comparison with independent filtering; "
            "grey: not.",
        )
        # Where words collide is known only once the panels have their size.
        figure.draw_without_rendering()
        for texts in named_genes:
            _move_apart(texts)
        save_figure(figure, volcano, table)


def _draw_panel(
    axes: Axes, genes: pd.DataFrame, *, labelled: int, rule: Mapping[str, float]
) -> list[Text]:
    """One comparison; returns the names of its genes, each on its point."""
    change = genes["log2_fold_change"].to_numpy(dtype="float64")
    height = -np.log10(genes["p"].clip(lower=_SMALLEST_P).to_numpy(dtype="float64"))
    up, down = (rows.to_numpy() for rows in differing(genes, **rule).values())
    sure = up | down
    # Points by the thousand are drawn as a picture, words and axes as lines.
    for chosen, colour in ((~sure, FAINT), (down, LOW), (up, HIGH)):
        axes.scatter(
            change[chosen], height[chosen], s=9, color=colour, linewidth=0, rasterized=True
        )
    texts = []
    for chosen in (up, down):
        places = np.flatnonzero(chosen)
        for place in places[np.argsort(-height[places], kind="stable")][:labelled]:
            gene = str(genes["gene"].iloc[place])
            texts.append(axes.text(change[place], height[place], gene, size=7, color=INK))
    # Room for the names, which stand where the points are farthest out.
    reach = (1.4 if texts else 1.15) * max(1.0, float(np.abs(change).max(initial=0)))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, 1.12 * max(2.0, float(height.max(initial=0))))
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_xlabel("log2 fold change (right: more in the first group)")
    axes.set_ylabel("−log10 p")
    directions = (f"{int(up.sum()):,} more", f"{int(down.sum()):,} less")
    words = f"{', '.join(directions)}, of {count(len(genes), 'gene')}"
    axes.text(0.02, 0.98, words, transform=axes.transAxes, va="top", color=MUTED)
    return texts


def _move_apart(texts: list[Text]) -> None:
    """Move names off each other and off their points, with a line to the point."""
    if texts:
        places = np.array([text.get_position() for text in texts])
        adjust_text(
            texts, x=places[:, 0], y=places[:, 1], ax=texts[0].axes, expand=(1.1, 1.4),
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.5}, iter_lim=500,
        )  # fmt: skip
