"""Figures of how well a trait is told: ROC curves, and where the wrong ones went."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from histoniche.report.figures.confusion import draw_shares, shares_of
from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval
from histoniche.report.results import records
from histoniche.report.style import (
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
from histoniche.report.traits import (
    LEVEL_NAMES,
    MACRO,
    SET_NAMES,
    headline,
    in_order,
    main_round,
    round_words,
    span,
    tidy,
)
from histoniche.tables import read_table
from histoniche.traits.colours import class_colours
from histoniche.wording import count, join_words

_AUROC = "auroc"
_STEPS = 400
_FAINT_ROUND = "#9fb3c6"
_MOST_LINES = 4
_LONGEST = 26
_COUNTED = {"n_patients": "patients", "n_slides": "slides"}


def draw_trait_roc(
    roc: Path, metrics: Path, *, trait: str, classes: Sequence[str], roc_figure: Path
) -> None:
    """Draw a trait's ROC curves, a column for tiles, slides and patients, a row a set.

    Parameters
    ----------
    roc
        trait, level (tile, slide, patient), set, round, class, threshold, fpr, tpr; for
        other names of columns and sets see `histoniche.report.traits.tidy`. Of a binary
        trait the curves of the positive class; of more classes each against the rest,
        and `macro`.
    metrics
        trait, level, set, round, class, metric, value, low, high, n_patients, n_slides;
        drawn from it are the rows of the metric `auroc`.
    trait, classes
        Its name, and its classes in order.
    roc_figure
        Where the figure goes; ends in `.svg`. The ensemble is bold and its rounds thin;
        without one all rounds are alike, and the numbers give their range.
    """
    curves, numbers = tidy(read_table(roc)), tidy(read_table(metrics))
    curves = curves[curves["trait"] == trait]
    numbers = numbers[(numbers["trait"] == trait) & (numbers["metric"] == _AUROC)]
    names = list(classes)
    with house_style():
        if curves.empty:
            save_notice(f"No held-out patient has a class of {trait}.", roc_figure, curves)
            return
        drawn = _thinned(curves)
        levels = in_order(drawn["level"], LEVEL_NAMES)
        sets = in_order(drawn["set"], SET_NAMES)
        figure = new_figure(
            3.1 * len(sets) + 1.0 + 0.16 * (len(names) if len(names) > 2 else 1),
            width=max(4.6, 3.05 * len(levels)),
        )
        panels = figure.subplots(len(sets), len(levels), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            mine = (sets[row], levels[column])
            _draw_panel(
                axes,
                drawn[(drawn["set"] == mine[0]) & (drawn["level"] == mine[1])],
                numbers[(numbers["set"] == mine[0]) & (numbers["level"] == mine[1])],
                names,
            )
            title = LEVEL_NAMES.get(mine[1], mine[1])
            title += "" if sets == ["test"] else f", {SET_NAMES.get(mine[0], mine[0])}"
            axes.set_title(title)
            if column == 0:
                axes.set_ylabel("Sensitivity")
            if row == len(sets) - 1:
                axes.set_xlabel("1 − specificity")
        handles = _handles(drawn, names)
        figure.legend(
            handles=handles,
            title=shorten(trait, 36 * len(levels)),
            title_fontproperties={"weight": "bold", "size": 11},
            alignment="left",
            loc="outside upper left",
            ncols=max(1, min(len(handles), len(levels))),
        )
        footnote(figure, _explanation(levels, names))
        save_figure(figure, roc_figure, drawn)


def draw_trait_confusion(
    confusion: Path, *, trait: str, classes: Sequence[str], confusion_figure: Path
) -> None:
    """Draw of the tiles, slides and patients of each class which share was called what.

    Parameters
    ----------
    confusion
        trait, level, set, round, truth, predicted, count. Drawn are the test patients, by
        the ensemble, else by all rounds together.
    trait, classes
        See `draw_trait_roc`.
    confusion_figure
        Where the figure goes; ends in `.svg`.
    """
    table = tidy(read_table(confusion))
    table = table[(table["trait"] == trait) & (table["set"] == "test")]
    main = main_round(table["round"])
    table = table if main is None else table[table["round"] == main]
    names = list(classes)
    with house_style():
        if table.empty:
            notice = f"No held-out patient has a class of {trait}."
            save_notice(notice, confusion_figure, table)
            return
        levels = in_order(table["level"], LEVEL_NAMES)
        side = max(1.5, 0.46 * len(names))
        figure = new_figure(side + 1.9, width=max(4.8, len(levels) * (side + 1.1) + 1.6))
        panels = figure.subplots(1, len(levels), squeeze=False)[0]
        for axes, level in zip(panels, levels, strict=True):
            mine = table[table["level"] == level]
            counts = mine.pivot_table(
                index="truth", columns="predicted", values="count", aggfunc="sum", fill_value=0
            ).reindex(index=names, columns=names, fill_value=0)
            image = draw_shares(axes, shares_of(counts))
            short = [shorten(name, _LONGEST) for name in names]
            middle = np.arange(len(names)) + 0.5
            longest = max(map(len, short))
            slant = {"rotation": 40, "ha": "right"} if longest > 6 else {}
            axes.set_xticks(middle, short, **slant)
            totals = [f"{int(total):,}" for total in counts.sum(axis=1)]
            shown = short if level == levels[0] else [""] * len(names)
            axes.set_yticks(
                middle, [f"{n}\nn = {t}".strip() for n, t in zip(shown, totals, strict=True)]
            )
            axes.set_xlabel("Called")
            axes.set_title(LEVEL_NAMES.get(level, level))
        panels[0].set_ylabel("Class of the slide")
        bar = figure.colorbar(image, ax=list(panels), shrink=0.7, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100"])
        bar.set_label("% of the row")
        which = "all rounds together" if main is None else round_words(main)
        title = f"{shorten(trait, 60)}: test patients, {which}"
        figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
        save_figure(figure, confusion_figure, table)


def _draw_panel(
    axes: Axes, curves: pd.DataFrame, numbers: pd.DataFrame, classes: Sequence[str]
) -> None:
    """Curves of one level and set, and their AUROC in words."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    grid(axes, "both")
    main = main_round(curves["round"])
    leading = headline(curves, classes)
    for number, own in curves.groupby("round"):
        if number != main:
            thin = own[own["class"] == leading]
            colour = LOW if main is None else _FAINT_ROUND
            axes.plot(thin["fpr"], thin["tpr"], color=colour, linewidth=0.9, zorder=1)
    bold = curves[curves["round"] == main]
    for name, colour in _colours(classes).items():
        own = bold[bold["class"] == name]
        width = 2.0 if name == leading else 1.2
        axes.plot(own["fpr"], own["tpr"], color=colour, linewidth=width, zorder=2)
    lines = _lines(numbers, main, leading, classes)
    if lines:
        axes.text(
            0.98,
            0.03,
            "\n".join(lines),
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            size=7.5,
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5},
        )


def _lines(
    numbers: pd.DataFrame, main: str | None, leading: str, classes: Sequence[str]
) -> list[str]:
    """AUROC with its interval, of each class if they are few, and who was measured."""
    if numbers.empty:
        return []
    stands = numbers[numbers["class"] == leading]
    if stands.empty:
        return []
    if main is None:
        low, high = (f"{value:.2f}" for value in (stands["value"].min(), stands["value"].max()))
        who = [f"{span(stands[name])} {word}" for name, word in _COUNTED.items()]
        return [f"AUROC {low} to {high}", f"in {count(len(stands), 'round')} of", *who]
    stands = stands[stands["round"] == main]
    who = [count(int(stands[name].max()), word[:-1]) for name, word in _COUNTED.items()]
    own = {str(row["class"]): row for row in records(numbers[numbers["round"] == main])}
    shown = [leading] if len(classes) > _MOST_LINES else [*_others(classes), leading]
    lines = []
    for name in shown:
        if name in own:
            row = own[name]
            words = "AUROC "
            if len(classes) > 2:
                words = f"{'mean' if name == MACRO else shorten(name, 14)} "
            interval = format_interval(row["value"], row["low"], row["high"])
            lines.append(f"{words}{interval}")
    return [*(["AUROC"] if len(classes) > 2 else []), *lines, ", ".join(who)]


def _others(classes: Sequence[str]) -> list[str]:
    """Classes that have a number of their own beside the leading one."""
    return list(classes) if len(classes) > 2 else []


def _colours(classes: Sequence[str]) -> dict[str, str]:
    """Colour of each curve; the leading one last, on top."""
    if len(classes) == 2:
        return {classes[1]: LOW}
    return {**dict(zip(classes, class_colours(len(classes)), strict=True)), MACRO: INK}


def _handles(curves: pd.DataFrame, classes: Sequence[str]) -> list[Line2D]:
    """Legend of the colours."""
    rounds = set(curves["round"])
    mains = [main_round(own["round"]) for _, own in curves.groupby(["set", "level"])]
    bold = join_words(sorted({round_words(main) for main in mains if main is not None}))
    handles = []
    if bold:
        for name, colour in _colours(classes).items():
            words = "mean of the classes" if name == MACRO else shorten(name, _LONGEST)
            label = f"{words}, {bold}" if len(classes) == 2 else words
            width = 2.0 if name == MACRO or len(classes) == 2 else 1.2
            handles.append(Line2D([], [], color=colour, linewidth=width, label=label))
    if len(rounds) > 1:
        colour = _FAINT_ROUND if bold else LOW
        words = "single rounds" + ("" if len(classes) == 2 else ", mean of the classes")
        handles.append(Line2D([], [], color=colour, linewidth=0.9, label=words))
    return handles


def _explanation(levels: Sequence[str], classes: Sequence[str]) -> str:
    """What the curves are of."""
    words = "AUROC with its interval over patients; dotted: chance. "
    if len(classes) > 2:
        words += "Each class against the rest. "
    if "tile" in levels:
        words += "Tiles count as of their slide's class, which not every tile shows."
    return words


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves without points that no eye could tell apart."""
    keys = ["level", "set", "round", "class"]
    near = (curves[["fpr", "tpr"]] * _STEPS).round()
    marked = pd.concat([curves[keys], near], axis=1)
    ends = ~curves.duplicated(keys) | ~curves.duplicated(keys, keep="last")
    return curves[ends | ~marked.duplicated()]
