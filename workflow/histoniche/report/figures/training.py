"""Learning curves: losses and one more number of every network by epoch."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from histoniche.report.style import (
    HIGH,
    LOW,
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


def draw_learning_curves(
    histories: Sequence[tuple[str, int, Path]],
    training_figure: Path,
    *,
    measure: str,
    label: str,
    monitor: str,
    title: Callable[[str], str],
    division: str,
    note: str = "",
) -> None:
    """Draw the learning curves of networks, those of one name as lines of one row.

    Parameters
    ----------
    histories
        Name, number of the fold or round, and table of each network: epoch, train_loss,
        validation_loss and `measure`.
    training_figure
        Where the figure goes; ends in `.svg`.
    measure, label
        Column that is drawn beside the losses, and what it is called; from 0 to 1.
    monitor
        Column whose best epoch was kept: the lowest of a loss, else the highest.
    title
        Heading of a row, from the name.
    division
        What the numbers are, in the plural: "folds", "rounds".
    note
        What else is to be known of the losses.
    """
    drawn = pd.concat(
        [read_table(path).assign(head=head, fold=fold) for head, fold, path in histories]
        or [pd.DataFrame()]
    )
    heads = list(dict.fromkeys(head for head, _, _ in histories))
    with house_style():
        if drawn.empty:
            save_notice("No network was trained.", training_figure, drawn)
            return
        figure = new_figure(2.5 * len(heads) + 0.6)
        grid_of_axes = figure.subplots(len(heads), 2, squeeze=False)
        for (left, right), head in zip(grid_of_axes, heads, strict=True):
            own = drawn[drawn["head"] == head]
            _draw_losses(left, own, monitor)
            _draw_measure(right, own, monitor, measure, label)
            if own["fold"].nunique() > 1:
                right.set_title(f"Numbers: {division}")
            left.set_title(title(head))
        which = "lowest" if _lower_is_better(monitor) else "highest"
        words = monitor.replace("_", " ").replace("auc", "AUC")
        kept = f"Points: the epoch with the {which} {words}, whose weights are kept."
        footnote(figure, f"{kept} {note}".strip())
        save_figure(figure, training_figure, drawn)


def _draw_losses(axes: Axes, histories: pd.DataFrame, monitor: str) -> None:
    """Losses by epoch, with the epochs whose weights were kept."""
    for number, (_, table) in enumerate(histories.groupby("fold")):
        for column, colour, label in (
            ("train_loss", LOW, "training"),
            ("validation_loss", HIGH, "validation"),
        ):
            axes.plot(table["epoch"], table[column], color=colour, label=None if number else label)
        best = _kept(table, monitor)
        axes.plot(best["epoch"], best["validation_loss"], "o", color=HIGH)
    _label_epochs(axes, "Loss")
    axes.set_ylim(0, largest(histories, "train_loss", "validation_loss") * 1.08)
    axes.legend()


def _draw_measure(
    axes: Axes, histories: pd.DataFrame, monitor: str, measure: str, label: str
) -> None:
    """The further number by epoch."""
    for fold, table in histories.groupby("fold"):
        axes.plot(table["epoch"], table[measure], color=HIGH)
        best = _kept(table, monitor)
        axes.plot(best["epoch"], best[measure], "o", color=HIGH)
        if histories["fold"].nunique() > 1:
            last = table.iloc[-1]
            axes.annotate(
                str(fold),
                (last["epoch"], last[measure]),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
            )
    _label_epochs(axes, label)
    axes.set_ylim(0, 1)


def _kept(table: pd.DataFrame, monitor: str) -> pd.Series:
    """The epoch whose weights were kept."""
    values = table[monitor] if _lower_is_better(monitor) else -table[monitor]
    # A number that is not known in any epoch, as an AUC of one class, leaves the first.
    return table.iloc[int(np.nan_to_num(values.to_numpy(dtype=float), nan=np.inf).argmin())]


def _lower_is_better(monitor: str) -> bool:
    """Whether the lowest value of a number is the best."""
    return monitor.endswith("loss")


def _label_epochs(axes: Axes, label: str) -> None:
    """Label the axes of a learning curve."""
    axes.set_xlabel("Epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    grid(axes, "y")
