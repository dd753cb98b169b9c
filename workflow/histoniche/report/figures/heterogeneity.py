"""Figure of the heterogeneity index: its distribution, and groups of patients by it."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from histoniche.randomness import generator
from histoniche.report.figures.enrichment import shorten
from histoniche.report.style import (
    FAINT,
    HIGH,
    INK,
    LOW,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.traits.heterogeneity import GroupRule, hti_groups
from histoniche.wording import count, join_words

_BINS = 20
_MOST_GROUPS = 12


def draw_heterogeneity(
    heterogeneity: Path,
    *,
    score: str,
    traits: list[str],
    cuts: tuple[float, float],
    by: str | None = None,
    heterogeneity_figure: Path,
) -> None:
    """Draw how the index is spread over patients, with the groups that survival compares.

    Parameters
    ----------
    heterogeneity
        patient, score, hti (0 to 1, NaN where no tile is positive), and perhaps a column
        that tells patients apart. A row a patient and score.
    score, traits
        Name of the index, and the traits that it is of.
    cuts
        Patients at or below the first are of low heterogeneity, above the second of high;
        one number twice leaves nobody between, as 0.5 in the paper, beside 0.3 and 0.7.
    by
        Column by which patients are also drawn apart, as in the paper's figure 6.
    heterogeneity_figure
        Where the figure goes; ends in `.svg`.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, figures 4 to 6.
    """
    table = read_table(heterogeneity)
    table = table[table["score"] == score]
    known = table.dropna(subset=["hti"]).copy()
    rule = GroupRule("cuts", above=cuts[1], up_to=cuts[0])
    groups = pd.Series(hti_groups(known["hti"].to_numpy(float), rule), index=known.index)
    known["group"] = groups.fillna("between")
    with house_style():
        if known.empty:
            notice = "No patient has a tile that is positive for a trait."
            save_notice(notice, heterogeneity_figure, table)
            return
        apart = _groups(known, by)
        figure = new_figure(3.1 + (0.42 * len(apart) + 0.7 if apart else 0), width=7.2)
        ratios = [2.2, 0.42 * len(apart) + 0.2] if apart else [1]
        panels = figure.subplots(len(ratios), 1, squeeze=False, sharex=True, height_ratios=ratios)
        _draw_bins(panels[0, 0], known, cuts)
        if apart and by is not None:
            _draw_apart(panels[1, 0], known, by, apart, cuts)
        panels[-1, 0].set_xlabel("Heterogeneity index (0: one combination, 1: all equally common)")
        missing = int(table["hti"].isna().sum())
        names = join_words([shorten(name, 30) for name in traits])
        title = f"HTI of {names}, n = {count(len(known), 'patient')}"
        panels[0, 0].set_title(title)
        words = "One trait has a single combination, so that its index is always 0. "
        left_out = f"{count(missing, 'patient')} without a positive tile left out. "
        footnote(
            figure,
            (words if len(traits) == 1 else "")
            + (left_out if missing else "")
            + "Dotted: cuts between the groups, which were chosen beforehand.",
        )
        save_figure(figure, heterogeneity_figure, known)


def _draw_bins(axes: Axes, known: pd.DataFrame, cuts: tuple[float, float]) -> None:
    """Patients in bins of 0.05, coloured by group, each group beside its number."""
    edges = np.linspace(0, 1, _BINS + 1)
    colours = {"low": LOW, "between": FAINT, "high": HIGH}
    floor = np.zeros(_BINS)
    handles = []
    for name, colour in colours.items():
        own = known.loc[known["group"] == name, "hti"].to_numpy(float)
        if name == "between" and cuts[0] == cuts[1]:
            continue
        heights = np.histogram(own, edges)[0]
        axes.bar(
            edges[:-1], heights, width=1 / _BINS, bottom=floor, align="edge", color=colour,
            edgecolor="white", linewidth=0.7,
        )  # fmt: skip
        floor += heights
        words = {
            "low": f"low (≤ {cuts[0]:g})",
            "between": "between",
            "high": f"high (> {cuts[1]:g})",
        }
        handles.append(Patch(facecolor=colour, label=f"{words[name]}, n = {len(own):,}"))
    for cut in sorted(set(cuts)):
        axes.axvline(cut, color=INK, linewidth=1, linestyle=(0, (1, 2)))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, floor.max() * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylabel("Patients")
    grid(axes, "y")
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _groups(known: pd.DataFrame, by: str | None) -> list[str]:
    """Values that patients are drawn apart by, the commonest first if they are too many."""
    if by is None:
        return []
    sizes = known[by].dropna().astype(str).value_counts()
    return sorted(sizes.index[:_MOST_GROUPS])


def _draw_apart(
    axes: Axes, known: pd.DataFrame, by: str, groups: list[str], cuts: tuple[float, float]
) -> None:
    """A row of dots a group, with quartiles and median."""
    for height, name in enumerate(groups):
        values = known.loc[known[by].astype(str) == name, "hti"].to_numpy(float)
        shift = generator(0, "strip", name).uniform(-0.18, 0.18, len(values))
        axes.scatter(
            values, height + shift, s=float(np.clip(600 / len(values), 4, 18)), color=MUTED,
            alpha=0.6, linewidths=0, clip_on=False, rasterized=len(values) > 1500,
        )  # fmt: skip
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axes.plot([low, high], [height, height], color=INK, linewidth=1.4)
        axes.plot(middle, height, "|", color=INK, markersize=14, markeredgewidth=2)
    for cut in sorted(set(cuts)):
        axes.axvline(cut, color=INK, linewidth=1, linestyle=(0, (1, 2)))
    sizes = [int((known[by].astype(str) == name).sum()) for name in groups]
    labels = [f"{shorten(name, 26)}, n = {n:,}" for name, n in zip(groups, sizes, strict=True)]
    axes.set_yticks(range(len(groups)), labels)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"By {by}: median and quartiles", size=9)
