"""Volcano plot of a survival scan over all genes."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from histoniche.report.figures.volcano import Names, draw_sides, heights, move_apart
from histoniche.report.numbers import format_p
from histoniche.report.style import (
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.survival.gene_scan import Test
from histoniche.survival.observations import Floats
from histoniche.tables import read_table
from histoniche.wording import count

# Round hazard ratios for axes that reach at least as far as the first number, a logarithm.
_TICKS = (
    (3.0, (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)),
    (1.5, (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)),
    (0.8, (0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0)),
    (0.0, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)),
)
_TESTS: dict[Test, tuple[str, str]] = {
    "cox": (
        "Hazard ratio of one standard deviation (log scale)",
        "Cox's regression on each gene alone, Wald's p.",
    ),
    "log_rank": (
        "Hazard ratio above the cut-point against up to it (log scale)",
        "Log-rank test on each gene alone, its cut-point a quantile set beforehand; hazard ratio "
        "by Peto's method.",
    ),
}


def draw_survival_scan(
    scan: Path, *, test: Test, labelled: int, level: float = 0.05, volcano: Path
) -> None:
    """Draw every gene by its hazard ratio and p.

    Parameters
    ----------
    scan
        What `histoniche.survival.gene_scan` gives.
    test
        Which scan it was.
    labelled
        Genes that are named in each direction, those of smallest p among the coloured.
    level
        q below which a gene is coloured.
    volcano
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(scan)
    tested = table[table["p"].notna()]
    axis, method = _TESTS[test]
    with house_style():
        if tested.empty:
            save_notice("No gene could be tested for survival.", volcano, table)
            return
        figure = new_figure(5.2, width=7.6)
        axes = figure.subplots()
        first = tested.iloc[0]
        axes.set_title(
            f"Survival by {count(len(tested), 'gene')}, one at a time, "
            f"n = {count(int(first['n']), 'patient')}, {count(int(first['events']), 'death')}"
        )
        axes.set_xlabel(f"{axis}; right: more of the gene, shorter survival")
        axes.set_ylabel("−log10 p")
        names = _draw_genes(axes, tested, labelled=labelled, level=level)
        least = tested["q"].min()
        footnote(
            figure,
            f"{method} Colour: q < {level:g} after Benjamini-Hochberg over the genes, the smallest "
            f"being {format_p(least)}; grey: not. {_left_out(table, axes)}",
        )
        figure.draw_without_rendering()
        move_apart(names)
        save_figure(figure, volcano, table)


def _draw_genes(axes: Axes, genes: pd.DataFrame, *, labelled: int, level: float) -> Names:
    """Points and words; returns the names of the surest genes, each on its point."""
    effect = genes["log_hazard"].to_numpy(dtype="float64")
    height = heights(genes["p"])
    sure = (genes["q"] < level).to_numpy()
    worse, better = sure & (effect > 0), sure & (effect < 0)
    # A few genes far out would press all others together: they are drawn at the edge.
    reach = 1.1 * max(0.25, min(float(np.abs(effect).max()), _far(effect)))
    shown = np.clip(effect, -reach, reach)
    names = draw_sides(
        axes, shown, height, names=genes["gene"], sides=(worse, better), most=labelled
    )
    axes.set_xlim(-1.04 * reach, 1.04 * reach)
    axes.set_ylim(0, 1.15 * max(2.0, float(height.max())))
    axes.set_xticks(*_ticks(reach))
    words = f"q < {level:g}: {int(worse.sum()):,} worse, {int(better.sum()):,} better"
    axes.text(0.02, 0.98, words, transform=axes.transAxes, va="top", color=MUTED)
    return names


def _ticks(reach: float) -> tuple[list[float], list[str]]:
    """Logarithms of round hazard ratios on both sides of 1, and the ratios in words."""
    ratios = next(ratios for least, ratios in _TICKS if reach >= least)
    shown = [ratio for ratio in ratios if abs(np.log(ratio)) <= reach]
    return [float(np.log(ratio)) for ratio in shown], [f"{ratio:g}" for ratio in shown]


def _far(effect: Floats) -> float:
    """How far from 0 an effect may lie before it is drawn at the edge."""
    return 1.6 * float(np.quantile(np.abs(effect), 0.999))


def _left_out(table: pd.DataFrame, axes: Axes) -> str:
    """How many genes are not there, or not where they belong."""
    missing = int(table["p"].isna().sum())
    flagged = int((table["note"] != "").sum()) - missing
    edge = axes.get_xlim()[1] / 1.04
    beyond = int((table["log_hazard"].abs() > edge).sum())
    parts = [
        f"{count(missing, 'gene')} without a test" if missing else "",
        f"{count(flagged, 'gene')} with a caution" if flagged else "",
        f"{count(beyond, 'gene')} beyond the edge, drawn on it" if beyond else "",
    ]
    kept = [part for part in parts if part]
    return f"{'; '.join(kept)}." if kept else ""
