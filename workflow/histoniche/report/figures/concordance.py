"""Forest plot of how well scores that networks learned tell who dies sooner, cohort by cohort."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from histoniche.report.figures.enrichment import shorten
from histoniche.report.figures.forest import write_beside
from histoniche.report.numbers import MISSING, format_interval, format_p, percent
from histoniche.report.results import records
from histoniche.report.risks import Q_WORDS, seen_words
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
from histoniche.risk_evaluation import corrected
from histoniche.tables import read_table
from histoniche.wording import join_words

_LONGEST = 34
_CHANCE = 0.5
_PLACES = (10, 72, 182, 226)
"""Left edges of the columns beside the axes, in points."""


def draw_concordance(
    performances: Mapping[str, Path],
    *,
    confidences: Mapping[str, float],
    concordance_figure: Path,
) -> None:
    """Draw the concordance index of each score in each cohort, and of single folds.

    Parameters
    ----------
    performances
        By score what `histoniche.risk_evaluation.evaluate_risk` wrote.
    confidences
        Level of the intervals by score.
    concordance_figure
        Where the figure goes; ends in `.svg`.
    """
    table = corrected(
        pd.concat(
            [read_table(path).assign(score=name) for name, path in performances.items()],
            ignore_index=True,
        )
    )
    with house_style():
        if table["concordance"].isna().all():
            notice = "No cohort has the deaths that a concordance index needs."
            save_notice(notice, concordance_figure, table)
            return
        heads = len(performances) if len(performances) > 1 else 0
        figure = new_figure(0.27 * (len(table) + heads) + 1.6)
        axes = figure.add_subplot()
        _draw_rows(axes, table, several=heads > 0)
        of = "" if heads else f" of {shorten(next(iter(performances)), 24)}"
        axes.set_title(f"Concordance of risk{of} with survival", pad=22)
        footnote(figure, _note(table, confidences))
        save_figure(figure, concordance_figure, table)


def _draw_rows(axes: Axes, table: pd.DataFrame, *, several: bool) -> None:
    """Every row with its numbers to the right; a head a score if there are several."""
    labels: list[tuple[str, str]] = []
    for score, rows in table.groupby("score", sort=False):
        if several:
            axes.axhline(len(labels) - 0.5, color=MUTED, linewidth=0.6)
            labels.append((shorten(str(score), _LONGEST), "head"))
        for row in records(rows):
            _draw_row(axes, row, len(labels))
            labels.append((_label(row), "cohort" if pd.isna(row["fold"]) else "fold"))
    axes.axvline(_CHANCE, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    # The whole scale from chance to perfect is always there; less is shown where it is needed.
    lowest = float(np.nanmin([0.4, *table["low"], *table["concordance"]]))
    axes.set_xlim(max(0.0, np.floor(lowest * 10) / 10), 1)
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.set_xlabel("Harrell's concordance index (0.5: chance, 1: perfect)")
    axes.set_ylim(len(labels) - 0.4, -0.8)
    axes.set_yticks(range(len(labels)), [label for label, _ in labels])
    for tick, (_, kind) in zip(axes.get_yticklabels(), labels, strict=True):
        tick.set_fontweight("bold" if kind == "head" else "normal")
        tick.set_color(MUTED if kind == "fold" else INK)
    axes.tick_params(axis="y", length=0)
    for place, head in zip(_PLACES, ("n / deaths", "C (interval)", "p", "q"), strict=True):
        write_beside(axes, place, -1.1, head, "bold")
    grid(axes, "x")


def _draw_row(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    """Interval and point of one cohort or fold, and what is known of it in numbers."""
    value, low, high = row["concordance"], row["low"], row["high"]
    if height:
        axes.axhline(height - 0.5, color=FAINT, linewidth=0.6, zorder=0)
    if np.isfinite(value):
        strong, seen = pd.isna(row["fold"]), row["seen"] > 0
        axes.plot([low, high], [height, height], color=INK, linewidth=1.3 if strong else 0.8)
        axes.plot(
            value,
            height,
            "s" if strong else "o",
            markersize=7 if strong else 4.5,
            markerfacecolor="white" if seen else HIGH,
            markeredgecolor=LOW if seen else HIGH,
            markeredgewidth=1.3,
            zorder=3,
            clip_on=False,
        )
    size = f"{row['patients']:,} / {row['events']:,}"
    # Of patients whom the network learned from it says nothing.
    tests = [MISSING if row["seen"] > 0 else format_p(row[name]) for name in ("p", "q")]
    cells = (size, format_interval(value, low, high), *tests)
    for place, text in zip(_PLACES, cells, strict=True):
        write_beside(axes, place, height, text, "normal")


def _label(row: Mapping[str, Any]) -> str:
    """Name of a cohort with whether networks had seen it, or the number of a fold."""
    if pd.notna(row["fold"]):
        return f"fold {row['fold']}"
    return f"{shorten(str(row['cohort']), _LONGEST)} ({seen_words(row)})"


def _note(table: pd.DataFrame, confidences: Mapping[str, float]) -> str:
    """What the marks and the numbers are."""
    levels = join_words([percent(level) for level in dict.fromkeys(confidences.values())])
    text = (
        "Of two patients, how often the one who died sooner has the higher risk. Lines: "
        f"{levels} bootstrap intervals over patients; dashed: chance. p: two-sided, "
        f"by permutation of the risks. {Q_WORDS}"
    )
    if (table["seen"] > 0).any():
        text += (
            " Hollow: the networks had learned from patients there, or were chosen by them, which "
            "flatters; no p is given."
        )
    if table["fold"].notna().any():
        text += (
            " Folds: each patient by the network that never saw them, and compared within the "
            "fold alone, since the folds' networks are not on one scale; q of a fold is over the "
            "folds."
        )
    if table["concordance"].isna().any():
        text += " Without a point: too few deaths, or nobody to compare."
    return text
