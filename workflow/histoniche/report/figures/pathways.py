"""Figures of the gene sets behind a score: their activity, and survival by their expression."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from histoniche.cohort.origins import EXTERNAL
from histoniche.omics.comparisons import CASE
from histoniche.report.figures.enrichment import shorten
from histoniche.report.figures.heat_map import show_standard_scores, standardise
from histoniche.report.figures.kaplan_meier import Panel, draw_panels
from histoniche.report.numbers import format_interval, format_number, format_p
from histoniche.report.style import (
    FAINT,
    HIGH,
    LOW,
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.report.survival_words import corrected_in_words
from histoniche.survival.score_groups import SEARCHED
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_ROWS = 40
_MOST_NAMES = 60
_MOST_PANELS = 8
_ROW = 0.2
"""Inches of a row."""


def draw_pathway_heat_map(
    activity: Path,
    correlation: Path,
    scores: Path,
    groups: Path,
    *,
    comparison: str,
    q: float,
    figure: Path,
) -> None:
    """Draw the activity of the sets that go along with a score, patients in the score's order.

    Parameters
    ----------
    activity, correlation
        What `histoniche.omics.pathways.correlate_pathways` wrote.
    scores
        patient, score, value.
    groups
        What `histoniche.omics.comparisons.divide_patients` wrote.
    comparison
        The comparison that the score made.
    q
        Sets with a smaller q are drawn, the surest of them.
    figure
        Where the figure goes; ends in `.svg`. The table beside it holds the standard scores of
        the activities in the order drawn.
    """
    table = read_table(correlation)
    passed = table[table["q"] < q]
    with house_style():
        if passed.empty:
            words = "goes along with the score" if len(table) else "is enriched between its groups"
            save_notice(f"No gene set {words}.", figure, table)
            return
        shown = passed.nsmallest(_MOST_ROWS, ["q", "p"]).sort_values("r", ascending=False)
        every, name = read_table(scores), shown["score"].iloc[0]
        values = every[every["score"] == name].set_index("patient")["value"].dropna()
        members = read_table(groups)
        members = members[members["comparison"] == comparison].set_index("patient")
        wide = _wide(read_table(activity), shown, values)
        _draw_heat_map(wide, shown, values, members, sets=len(passed), path=figure)


def draw_pathway_survival(groups: Path, curves: Path, cuts: Path, *, figure: Path) -> None:
    """Draw survival by the frozen cut-point of the mean expression, one panel a cohort.

    Parameters
    ----------
    groups, curves, cuts
        What `histoniche.survival.carried_scores.carry_score` wrote.
    figure
        Where the figure goes; ends in `.svg`.
    """
    table, steps = read_table(groups), read_table(curves)
    (cut,) = read_table(cuts).to_dict("records")
    keys = table[["origin", "cohort"]].drop_duplicates()
    panels = []
    for key in keys.to_dict("records"):
        rows, own = (
            part[(part["origin"] == key["origin"]) & (part["cohort"] == key["cohort"])]
            for part in (table, steps)
        )
        if len(own):
            panels.append(Panel(rows, own, _of(key), [_cut_in_words(cut, rows)]))
    # The external cohorts are the test, so that they come before others where room is short.
    panels.sort(key=lambda panel: panel.groups["origin"].iloc[0] != EXTERNAL)
    missing = len(keys) - len(panels[:_MOST_PANELS])
    left_out = f"{count(missing, 'cohort')} more in the table." if missing else ""
    draw_panels(panels[:_MOST_PANELS], table, left_out=left_out, kaplan_meier=figure)


def _of(key: dict[Any, Any]) -> str:
    """The score and the cohort, for a title."""
    whose = "external cohort" if key["origin"] == EXTERNAL else "the study's cohort"
    return f"the sets' mean expression, {whose} {key['cohort']}"


def _cut_in_words(cut: dict[Any, Any], rows: pd.DataFrame) -> str:
    """The cut, and whether it was found here."""
    at = f"Cut at {format_number(cut['cut'])}"
    if (rows["note"] == SEARCHED).any():
        return f"{at}, searched for in these patients; {corrected_in_words(cut)}"
    return f"{at}, found in {int(cut['n'])} other patients and frozen"


def _wide(activity: pd.DataFrame, shown: pd.DataFrame, values: "pd.Series[float]") -> pd.DataFrame:
    """Standard scores of the activities: the sets shown by patients in the order of the score."""
    wide = activity.pivot(index=["library", "term"], columns="patient", values="activity")
    order = values[values.index.isin(wide.columns)].sort_values(kind="stable").index
    rows = pd.MultiIndex.from_frame(shown[["library", "term"]])
    return standardise(wide.loc[rows, order])


def _draw_heat_map(
    wide: pd.DataFrame,
    shown: pd.DataFrame,
    values: "pd.Series[float]",
    members: pd.DataFrame,
    *,
    sets: int,
    path: Path,
) -> None:
    """The score on top, the groups under it, the activities below."""
    tall = _ROW * len(wide)
    figure = new_figure(tall + 3.3, row_pad=0.03)
    top, strip, main = figure.subplots(3, 1, height_ratios=[0.85, 0.14, tall], sharex=True)
    patients = list(wide.columns)
    _draw_score(top, values[patients], members, str(shown["score"].iloc[0]))
    _draw_groups(strip, members.reindex(patients))
    image = show_standard_scores(main, wide)
    labels = [f"{shorten(str(term))} ({library})" for library, term in wide.index]
    main.set_yticks(range(len(wide)), labels, size=7.5)
    few = len(patients) <= _MOST_NAMES
    main.set_xticks(range(len(patients)) if few else [])
    if few:
        main.set_xticklabels(patients, rotation=90, size=6.5)
    for axes in (strip, main):
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    _write_correlations(strip, main, shown)
    bar = figure.colorbar(image, ax=main, location="bottom", shrink=0.4, aspect=30, pad=0.15 / tall)
    bar.outline.set_visible(False)
    bar.set_label("Activity, standard deviations from the set's mean")
    more = f" Of {sets:,} sets the {len(wide)} surest." if sets > len(wide) else ""
    footnote(
        figure,
        f"Patients in the order of the score, n = {int(shown['n'].iloc[0])} with score and "
        f"expression.{more} q: Benjamini-Hochberg over all enriched sets. The sets were chosen by "
        "the score in these patients: their correlation describes and does not test.",
    )
    save_figure(figure, path, wide.reset_index())


def _write_correlations(strip: Axes, main: Axes, shown: pd.DataFrame) -> None:
    """Each set's correlation with the score, to the right of its row."""
    words = [
        f"{format_interval(row['r'], row['r_low'], row['r_high'])}, q {format_p(row['q'])}"
        for row in shown.to_dict("records")
    ]
    cells = [(main, place, text, "normal") for place, text in enumerate(words)]
    for axes, place, text, weight in ((strip, 0, "Pearson r (interval), q", "bold"), *cells):
        axes.annotate(
            text,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            size=7.5,
            weight=weight,
            color=MUTED,
            annotation_clip=False,
        )


def _draw_score(axes: Axes, values: "pd.Series[float]", members: pd.DataFrame, score: str) -> None:
    """The score of each patient as a bar in the colour of the group."""
    sides = members["group"].reindex(values.index)
    colours = [_colour(side) for side in sides]
    width = 0.9 if len(values) <= _MOST_NAMES else 1.0
    axes.bar(range(len(values)), values.to_numpy(dtype=float), width=width, color=colours)
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.set_ylabel(shorten(score, 18), rotation=0, ha="right", va="center")
    axes.set_title("Activity of the gene sets that go along with the score", x=0)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(False)


def _draw_groups(axes: Axes, members: pd.DataFrame) -> None:
    """A strip in the colours of the groups, whose names stand above."""
    for place, side in enumerate(members["group"]):
        axes.axvspan(place - 0.5, place + 0.5, color=_colour(side), linewidth=0)
    axes.set_yticks([0], ["Group"], size=7.5)
    axes.set_ylim(-0.5, 0.5)
    axes.tick_params(labelbottom=False)
    names = members.dropna().drop_duplicates("group").sort_values("group")
    handles = [
        Line2D([], [], color=_colour(side), lw=5, label=label)
        for side, label in zip(names["group"], names["label"], strict=True)
    ]
    axes.figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _colour(side: object) -> str:
    """Colour of a group; grey for a patient of none."""
    if not isinstance(side, str):
        return FAINT
    return HIGH if side == CASE else LOW
