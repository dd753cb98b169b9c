"""Figure of the slides' scores against what was measured in bulk."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import scipy.stats
from matplotlib.axes import Axes

from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval
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
from histoniche.report.traits import main_round, tidy
from histoniche.tables import read_table
from histoniche.wording import count

_SCORES = {"share": "Share of positive tiles", "mean": "Mean probability of the tiles"}
_PICTURE_FROM = 1500
_UNSEEN = "unseen"
_OUTSIDE = ("near", "far")


def draw_score_percentile(
    scores: Path,
    labels: Path,
    rounds: Path,
    agreement: Path,
    *,
    trait: str,
    positive: str,
    score: Literal["share", "mean"],
    cuts: tuple[float, float],
    scores_figure: Path,
) -> None:
    """Draw the slides' scores of a trait against the percentile measured in the patient.

    Drawn are slides that no network learned from: those out of distribution, and
    those of patients who were set aside.

    Parameters
    ----------
    scores
        slide, patient, trait, class, share (or positive_share), mean, and perhaps model:
        the ensemble's, or else the only one's, are drawn.
    labels
        slide, trait, percentile (0 to 1), set (in, near, far, unlabelled).
    rounds
        patient, round, role; `test` without a round are those set aside.
    agreement
        trait, set, model, level, rho, low, high, patients; the row of the set `unseen`
        and the level `slide` is written above the score that it was measured of.
    trait, positive
        Its name, and its positive class.
    score
        The score that `agreement` is of.
    cuts
        Percentiles below and above which slides were learned from.
    scores_figure
        Where the figure goes; ends in `.svg`.
    """
    table = _unseen(read_table(scores), read_table(labels), read_table(rounds), trait, positive)
    known = tidy(read_table(agreement))
    known = known[
        (known["trait"] == trait) & (known["set"] == _UNSEEN) & (known["level"] == "slide")
    ]
    known = known[known["round"] == main_round(known["round"])]
    with house_style():
        if table.empty:
            notice = f"No slide outside the training has both a score and a percentile of {trait}."
            save_notice(notice, scores_figure, table)
            return
        figure = new_figure(4.0, width=8.6)
        for axes, (column, label) in zip(figure.subplots(1, 2), _SCORES.items(), strict=True):
            _draw_panel(axes, table, column, cuts)
            axes.set_ylabel(label)
            rows = known if column == score else known[:0]
            axes.set_title(_correlation(table, column, rows), size=9)
        people = count(table["patient"].nunique(), "patient")
        slides = count(len(table), "slide")
        title = f"{shorten(trait, 60)}: score against measured percentile, {slides}, {people}"
        figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
        low, high = (f"{100 * cut:g}" for cut in cuts)
        footnote(
            figure,
            "Slides that no network learned from. Grey: below the "
            f"{low}th and above the {high}th percentile, where slides are of the two classes; "
            "between them no slide was learned from. Line: medians of tenths of the slides, if "
            "there are enough. In brackets: interval over patients.",
        )
        save_figure(figure, scores_figure, table)


def _unseen(
    scores: pd.DataFrame, labels: pd.DataFrame, rounds: pd.DataFrame, trait: str, positive: str
) -> pd.DataFrame:
    """Scores of the positive class of slides that no network learned from, with percentiles."""
    own = tidy(scores[scores["trait"] == trait]).rename(columns={"positive_share": "share"})
    own = own[(own["round"] == main_round(own["round"])) & (own["class"] == positive)]
    aside = set(rounds.loc[rounds["round"].isna() & (rounds["role"] == "test"), "patient"])
    facts = labels[labels["trait"] == trait]
    unseen = facts["set"].isin(_OUTSIDE) | facts["patient"].isin(aside)
    facts = facts.loc[unseen, ["slide", "percentile", "set"]]
    merged = own.drop(columns=["set", "percentile"], errors="ignore").merge(facts, on="slide")
    return merged.dropna(subset=["percentile", *_SCORES])


def _draw_panel(axes: Axes, table: pd.DataFrame, column: str, cuts: tuple[float, float]) -> None:
    """One score of each slide, and how its median rises."""
    x, y = (100 * table["percentile"]).to_numpy(float), table[column].to_numpy(float)
    for start, end in ((0, 100 * cuts[0]), (100 * cuts[1], 100)):
        axes.axvspan(start, end, color=FAINT, alpha=0.4, linewidth=0, zorder=0)
    colours = np.where(x < 100 * cuts[0], LOW, np.where(x > 100 * cuts[1], HIGH, MUTED))
    size = float(np.clip(1200 / len(x), 5, 26))
    axes.scatter(
        x, y, s=size, c=colours, alpha=0.7, linewidths=0, clip_on=False,
        rasterized=len(x) > _PICTURE_FROM,
    )  # fmt: skip
    if len(x) >= 50:
        groups = np.array_split(np.argsort(x, kind="stable"), 10)
        medians = [(np.median(x[own]), np.median(y[own])) for own in groups]
        axes.plot(*zip(*medians, strict=True), color=INK, linewidth=1.4)
    axes.set(xlim=(0, 100), ylim=(-0.02, 1.02))
    axes.set_xlabel("Measured percentile in the cohort")
    grid(axes, "both")


def _correlation(table: pd.DataFrame, column: str, known: pd.DataFrame) -> str:
    """Spearman's correlation with the interval that was measured, else without one."""
    if len(known) == 1:
        row = known.iloc[0].to_dict()
        return f"Spearman ρ {format_interval(row['rho'], row['low'], row['high'])}"
    if len(table) < 3 or table[column].nunique() < 2 or table["percentile"].nunique() < 2:
        return "Spearman ρ not known"
    rho = float(scipy.stats.spearmanr(table["percentile"], table[column]).statistic)
    return f"Spearman ρ {rho:.2f}".replace("-", "−")
