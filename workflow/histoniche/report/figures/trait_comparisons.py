"""Figures of two ways of training beside each other, round by round."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval
from histoniche.report.results import records
from histoniche.report.style import (
    HIGH,
    INK,
    LOW,
    MUTED,
    beside,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.report.traits import (
    ALL,
    ENSEMBLE,
    LEVEL_NAMES,
    METRIC_NAMES,
    OUT_OF_FOLD,
    in_order,
    standing,
    tidy,
)
from histoniche.tables import read_table
from histoniche.traits.chains import CHAIN, SINGLE
from histoniche.wording import count

_DRAWN = ("accuracy", "auroc", "f1")
_SIDES = ("first", "second")
_COLOURS = {"first": LOW, "second": HIGH}
_SHIFT = {"first": -0.17, "second": 0.17}
_GAP = 0.5
_KEYS = ["block", "step", "level", "class", "metric"]
_ROUND = ["round", "value", "n_patients"]


def draw_trait_comparisons(comparisons: Path, metrics: Path, *, comparisons_figure: Path) -> None:
    """Draw the rounds of two trainings of the same labels beside each other.

    Parameters
    ----------
    comparisons
        comparison, first, second (traits), level, class, metric, difference, low, high,
        p, first_runs, second_runs.
    metrics
        Of all traits, as `histoniche.traits.trait_evaluation.evaluate_trait` writes them;
        drawn are single rounds on test patients.
    comparisons_figure
        Where the figure goes; ends in `.svg`.
    """
    tests, known = read_table(comparisons), tidy(read_table(metrics))
    known = known[(known["set"] == "test") & ~known["round"].isin([ENSEMBLE, OUT_OF_FOLD])]
    parts = []
    names: dict[str, tuple[str, str]] = {}
    for name, own in tests.groupby("comparison", sort=False):
        names[str(name)] = (str(own["first"].iloc[0]), str(own["second"].iloc[0]))
        shown = standing(own).assign(block=str(name), step=ALL)
        for side, trait in zip(_SIDES, names[str(name)], strict=True):
            rounds = known.loc[known["trait"] == trait, [*_KEYS[2:], *_ROUND]]
            parts.append(shown.merge(rounds, on=_KEYS[2:]).assign(side=side))
    table = pd.concat(parts) if parts else tests
    _draw(table, names, comparisons_figure, "No two trainings were compared.")


def draw_chain(metrics: Path, comparison: Path, *, chain: str, chain_figure: Path) -> None:
    """Draw the rounds of a chain beside those of a single model of all classes.

    Parameters
    ----------
    metrics, comparison
        As `histoniche.traits.chain_evaluation.evaluate_chain` writes them.
    chain
        Its name.
    chain_figure
        Where the figure goes; ends in `.svg`.
    """
    tests, known = read_table(comparison), read_table(metrics)
    shown = [standing(own) for _, own in tests.groupby(["level", "step"], sort=False)]
    table = tests
    if shown:
        side = known["model"].map({SINGLE: "first", CHAIN: "second"})
        rounds = known.rename(columns={"patients": "n_patients"}).assign(side=side)
        rounds = rounds[[*_KEYS[1:], *_ROUND, "side"]]
        table = pd.concat(shown).merge(rounds, on=_KEYS[1:]).assign(block=chain)
    _draw(table, {chain: ("one model", "chain")}, chain_figure, "The chain could not be compared.")


class _Line(NamedTuple):
    """One metric on one level, of one step."""

    height: float
    label: str
    row: dict[str, Any]


def _draw(
    table: pd.DataFrame, names: Mapping[str, tuple[str, str]], path: Path, notice: str
) -> None:
    """A pair of panels a comparison: the rounds, and the difference."""
    with house_style():
        if table.empty or table["value"].isna().all():
            save_notice(notice, path, table)
            return
        macro_accuracy = (table["metric"] == "accuracy") & (table["class"] != ALL)
        drawn = table[table["metric"].isin(_DRAWN) & ~macro_accuracy].dropna(subset=["value"])
        blocks = [(name, own) for name, own in drawn.groupby("block", sort=False)]
        every = [_lines(own) for _, own in blocks]
        sizes = [lines[-1].height + 3.2 for lines in every]
        figure = new_figure(0.34 * sum(sizes) + 0.7)
        panels = figure.subplots(
            len(blocks), 2, squeeze=False, width_ratios=[1.6, 1], height_ratios=sizes
        )
        for (left, right), (name, own), lines in zip(panels, blocks, every, strict=True):
            for axes in (left, right):
                _set_heights(axes, lines)
            left.set_yticks([line.height for line in lines], [line.label for line in lines])
            left.set_title(f"{shorten(str(name), 34)}: {_runs_in_words(own)}")
            _draw_rounds(left, own, lines)
            _draw_differences(right, lines)
            _name_sides(right, names[str(name)])
        footnote(
            figure,
            "Hollow: single rounds; diamonds: their mean. Of two classes the positive one's AUROC "
            "and F1, of more the mean over classes. To the right: the difference with its interval,"
            " which speaks of the chance in training on these patients, not of other patients.",
        )
        columns = [*_KEYS, "side", "round", "value", "difference", "low", "high", "p"]
        save_figure(figure, path, drawn[columns])


def _lines(own: pd.DataFrame) -> list[_Line]:
    """Lines from the top, a gap between levels and steps."""
    lines: list[_Line] = []
    height = 0.0
    tests = own.drop_duplicates(_KEYS)
    for level in in_order(tests["level"], LEVEL_NAMES):
        for step, mine in tests[tests["level"] == level].groupby("step", sort=False):
            head = LEVEL_NAMES.get(level, level)
            head += "" if step == ALL else f", {shorten(str(step), 22)}"
            for row in records(mine):
                metric = str(row["metric"])
                words = "called right" if row["class"] == ALL else METRIC_NAMES[metric]
                lines.append(_Line(height, f"{head}  {words}".strip(), row))
                height, head = height + 1, ""
            height += _GAP
    return lines


def _set_heights(axes: Axes, lines: Sequence[_Line]) -> None:
    """Give both panels the same lines."""
    axes.set_yticks([line.height for line in lines], [""] * len(lines))
    axes.set_ylim(lines[-1].height + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    grid(axes, "x")


def _draw_rounds(axes: Axes, own: pd.DataFrame, lines: Sequence[_Line]) -> None:
    """Rounds as hollow dots and their mean filled, the two trainings one above the other."""
    for line in lines:
        mine = own[np.logical_and.reduce([own[key] == line.row[key] for key in _KEYS])]
        for side, values in mine.groupby("side")["value"]:
            place, colour = line.height + _SHIFT[str(side)], _COLOURS[str(side)]
            axes.plot(
                values, np.full(len(values), place), "o", mfc="white", mec=colour,
                markersize=4.5, alpha=0.85, clip_on=False,
            )  # fmt: skip
            axes.plot(values.mean(), place, "D", color=colour, mec=INK, markersize=6, clip_on=False)
    axes.set_xlim(max(0.0, np.floor(10 * float(own["value"].min()) - 0.5) / 10), 1.0)
    axes.set_xlabel("On test patients")


def _draw_differences(axes: Axes, lines: Sequence[_Line]) -> None:
    """Difference of the means with its interval, where it could be tested."""
    axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
    widest = 0.02
    for line in lines:
        ends = [line.row[name] for name in ("difference", "low", "high")]
        axes.plot(ends[1:], [line.height] * 2, color=INK, linewidth=1.6)
        axes.plot(ends[0], line.height, "D", color=INK, markersize=5)
        beside(axes, line.height, format_interval(*ends, decimals=3))
        widest = max([widest, *(abs(end) for end in ends if np.isfinite(end))])
    axes.set_xlim(-1.1 * widest, 1.1 * widest)
    axes.set_xlabel("Second minus first")


def _name_sides(axes: Axes, names: tuple[str, str]) -> None:
    """Say above the differences whose colour is which, and what was taken from what."""
    handles = [
        Line2D([], [], marker="D", color=_COLOURS[side], mec=INK, linewidth=0, label=words)
        for side, words in zip(_SIDES, (shorten(name, 34) for name in names), strict=True)
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.05, 1.0))


def _runs_in_words(own: pd.DataFrame) -> str:
    """How many rounds stand on either side, and how many patients each has tested."""
    first, second = (int(own[f"{side}_runs"].max()) for side in _SIDES)
    rounds = count(first, "round") if first == second else f"{first} and {second} rounds"
    tested = own.groupby("round")["n_patients"].max().astype(int)
    fewest = f"{tested.min():,} to " if tested.min() < tested.max() else ""
    return f"{rounds}, {fewest}{count(int(tested.max()), 'test patient')}"
