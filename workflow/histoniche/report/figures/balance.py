"""Figure of balance: how far each cohort is from the training cohort."""

from pathlib import Path

import numpy as np

from histoniche.report.figures.enrichment import shorten
from histoniche.report.style import (
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.survival.balance import SURVIVAL
from histoniche.survival.cohorts import TRAINING
from histoniche.tables import read_table

BALANCED = 0.1
"""Standardised difference up to which a covariate counts as balanced."""

# Okabe & Ito's colours with a shape each, for readers who see no colours.
_LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "D"), ("#CC79A7", "^"), ("#E69F00", "v"))


def draw_balance(balance: Path, *, figure: Path) -> None:
    """Draw the standardised difference of every covariate from the training cohort.

    Parameters
    ----------
    balance
        What `histoniche.survival.balance.balance_table` gives.
    figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(balance)
    drawn = table[(table["cohort"] != TRAINING) & (table["covariate"] != SURVIVAL)]
    drawn = drawn.drop_duplicates(["covariate", "cohort"]).dropna(subset=["smd"])
    with house_style():
        if drawn.empty:
            save_notice("No covariate to set the cohorts beside each other by.", figure, drawn)
            return
        names = list(dict.fromkeys(drawn["covariate"]))
        cohorts = list(dict.fromkeys(drawn["cohort"]))
        sheet = new_figure(0.3 * len(names) + 1.7, width=7.0)
        axes = sheet.add_subplot()
        axes.axvline(BALANCED, color=MUTED, lw=0.9, ls=(0, (4, 3)), zorder=1)
        offsets = np.linspace(-0.18, 0.18, len(cohorts)) if len(cohorts) > 1 else [0.0]
        for place, cohort in enumerate(cohorts):
            mine = drawn[drawn["cohort"] == cohort]
            colour, shape = _LOOKS[place % len(_LOOKS)]
            heights = [names.index(name) + offsets[place] for name in mine["covariate"]]
            axes.plot(mine["smd"], heights, shape, color=colour, ms=6, label=cohort, zorder=3)
        axes.set_yticks(range(len(names)), [shorten(name, 34) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, max(0.25, 1.1 * float(drawn["smd"].max())))
        axes.set_xlabel("Standardised difference from the training cohort")
        axes.tick_params(axis="y", length=0)
        grid(axes, "x")
        sheet.legend(loc="outside upper left", ncols=2)
        footnote(
            sheet,
            f"0: alike. Beyond the broken line, at {BALANCED:g}, a covariate counts as out of "
            "balance (Austin 2009). In small cohorts chance alone gives larger differences.",
        )
        columns = ["covariate", "cohort", "n", "missing", "smd", "test", "p", "q"]
        save_figure(sheet, figure, drawn[columns])
