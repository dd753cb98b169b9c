"""Figure of all traits: AUROC of every round and of the ensemble, in each set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from histoniche.report.figures.enrichment import shorten
from histoniche.report.style import (
    INK,
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
    LEVEL_NAMES,
    MACRO,
    SET_NAMES,
    SET_WORDS,
    in_order,
    main_round,
    round_words,
    tidy,
)
from histoniche.tables import read_table
from histoniche.wording import join_words

_COLOURS = {"test": "#0072B2", "near": "#D55E00", "ood": "#009E73"}


def draw_trait_rounds(metrics: Path, *, traits: Sequence[str], rounds_figure: Path) -> None:
    """Draw the AUROC of every trait by round and of the ensemble, as PathoMCH's table 1.

    Parameters
    ----------
    metrics
        See `histoniche.report.figures.trait_roc.draw_trait_roc`. Of more than two
        classes the mean over classes is drawn.
    traits
        In their order.
    rounds_figure
        Where the figure goes; ends in `.svg`.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, table 1.
    """
    table = headline_aurocs(read_table(metrics))
    table = table[table["trait"].isin(list(traits))]
    with house_style():
        if table.empty:
            save_notice("No trait could be evaluated.", rounds_figure, table)
            return
        levels = in_order(table["level"], LEVEL_NAMES)
        rows = _rows(table, traits)
        figure = new_figure(0.27 * len(rows) + 0.12 * len(traits) + 1.7)
        panels = figure.subplots(1, len(levels), squeeze=False, sharey=True)[0]
        for axes, level in zip(panels, levels, strict=True):
            _draw_level(axes, table[table["level"] == level], rows)
            axes.set_title(LEVEL_NAMES.get(level, level))
            axes.set_xlabel("AUROC")
        _label(panels[0], rows)
        _write_sizes(panels[-1], table[table["level"] == levels[-1]], rows)
        _explain(figure, table)
        save_figure(figure, rounds_figure, table)


def headline_aurocs(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of the AUROC that stands for each trait: of the positive class, or the mean of all."""
    table = tidy(metrics)
    table = table[table["metric"] == "auroc"]
    many = table.groupby("trait")["class"].transform(lambda names: (names == MACRO).any())
    return table[~many | (table["class"] == MACRO)]


def _rows(table: pd.DataFrame, traits: Sequence[str]) -> list[tuple[float, str, str]]:
    """Height, trait and set of each line, a gap between traits."""
    rows, height = [], 0.0
    for trait in traits:
        own = table[table["trait"] == trait]
        for name in in_order(own["set"], SET_NAMES):
            rows.append((height, trait, name))
            height += 1
        height += 0.5 if len(own) else 0
    return rows


def _draw_level(axes: Axes, table: pd.DataFrame, rows: Sequence[tuple[float, str, str]]) -> None:
    """Rounds as hollow dots, and the ensemble, or the only round, filled with its interval."""
    axes.axvline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
    for height, trait, name in rows:
        own = table[(table["trait"] == trait) & (table["set"] == name)].dropna(subset=["value"])
        main = main_round(own["round"])
        colour = _COLOURS.get(name, INK)
        single = own[own["round"] != main]
        # An unclipped line without a point would leave the layout no room.
        if len(single):
            axes.plot(
                single["value"], np.full(len(single), height), "o", mfc="white", mec=colour,
                markersize=4.5, alpha=0.85, clip_on=False,
            )  # fmt: skip
        for _, row in own[own["round"] == main].iterrows():
            axes.plot([row["low"], row["high"]], [height, height], color=colour, linewidth=1.6)
            axes.plot(row["value"], height, "D", color=colour, mec=INK, markersize=6, clip_on=False)
    values = table[["value", "low"]].to_numpy(dtype=float)
    lowest = float(np.nanmin(values)) if np.isfinite(values).any() else 0.5
    axes.set_xlim(min(0.4, np.floor(lowest * 10) / 10), 1.0)
    axes.tick_params(axis="y", length=0)
    grid(axes, "x")


def _label(axes: Axes, rows: Sequence[tuple[float, str, str]]) -> None:
    """Traits and sets along the left side."""
    seen: set[str] = set()
    labels = []
    for _, trait, name in rows:
        words = SET_NAMES.get(name, name)
        labels.append(words if trait in seen else f"{shorten(trait, 28)}  {words}")
        seen.add(trait)
    heights = [height for height, _, _ in rows]
    axes.set_yticks(heights, labels)
    axes.set_ylim(heights[-1] + 0.6, -0.6)


def _write_sizes(axes: Axes, table: pd.DataFrame, rows: Sequence[tuple[float, str, str]]) -> None:
    """Patients and slides of each line, to the right."""
    for height, trait, name in rows:
        own = table[(table["trait"] == trait) & (table["set"] == name)]
        if len(own):
            row = own.iloc[0]
            beside(axes, height, f"{int(row['n_patients']):,}, {int(row['n_slides']):,}")


def _explain(figure: Figure, table: pd.DataFrame) -> None:
    """Legend of the signs, and what the sets are."""
    # In a cross-validation the test patients are judged out of fold, the others by the ensemble.
    found = (main_round(own["round"]) for _, own in table.groupby("set", sort=False))
    mains = [name for name in dict.fromkeys(found) if name is not None]
    words = join_words([round_words(name) for name in mains])
    signs = [("D", INK, f"{words}, with its interval")] if mains else []
    if set(table["round"]) - set(mains):
        signs.append(("o", "white", "single rounds"))
    handles = [
        Line2D([], [], marker=sign, color=colour, mec=INK, linewidth=0, markersize=6, label=words)
        for sign, colour, words in signs
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    known = in_order(set(table["set"]) & set(SET_WORDS), SET_WORDS)
    words = " ".join(f"{SET_NAMES[name]}: {SET_WORDS[name]}." for name in known)
    if (table["class"] == MACRO).any():
        words += " Of more than two classes: the mean of each against the rest."
    footnote(
        figure,
        f"{words} Lines: intervals over patients; dotted: chance. To the right: patients, slides.",
    )
