"""Figure of every patient's risk, in order, beside how long the patient was followed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from histoniche.report.figures.enrichment import shorten
from histoniche.report.risks import role_words
from histoniche.report.style import (
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
from histoniche.wording import count

_MOST_COHORTS = 8
_COLUMNS = 2
_PICTURE_FROM = 600
_YEAR = 365.25
_MEAN = 0.5
"""Risk of the mean patient of the training, from which bars start."""

_NO_BAR = 0.012
_UNKNOWN = "#9AA5B1"
_STATES = {"died": HIGH, "alive": LOW, "unknown": _UNKNOWN}
_WORDS = {"died": "died", "alive": "alive when last seen", "unknown": "no follow-up"}


def draw_risks(scores: Path, patients: Path, *, score: str, risks_figure: Path) -> None:
    """Draw the risk of every patient from low to high, and their follow-up below, by cohort.

    Parameters
    ----------
    scores
        patient, cohort, role and the column `score`, from 0 to 1.
    patients
        patient, time_days, event; both empty where the follow-up is not known.
    score
        Name of the score.
    risks_figure
        Where the figure goes; ends in `.svg`.
    """
    table = patient_risks(read_table(scores), read_table(patients), score)
    with house_style():
        if table.empty:
            save_notice("No patient has a risk.", risks_figure, table)
            return
        cohorts = list(table["cohort"].value_counts(sort=False).index)
        shown = cohorts[:_MOST_COHORTS]
        columns = min(_COLUMNS, len(shown))
        rows = -(-len(shown) // columns)
        figure = new_figure(3.3 * rows + 0.9, row_pad=0.04)
        panels = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[2, 1] * rows)
        for place in range(rows * columns):
            row, column = divmod(place, columns)
            upper, lower = panels[2 * row, column], panels[2 * row + 1, column]
            if place >= len(shown):
                upper.set_axis_off()
                lower.set_axis_off()
                continue
            own = table[table["cohort"] == shown[place]]
            _draw_bars(upper, own, score)
            _draw_times(lower, own, float(table["years"].max()))
        _legend(figure, table)
        left_out = len(cohorts) - len(shown)
        more = f" {count(left_out, 'more cohort')} in the table." if left_out else ""
        footnote(
            figure,
            "Above: risk of each patient, the patients in its order; bars start at 0.5, the mean "
            "patient of the training. Below: their follow-up, in the same order; filled: died "
            f"then, hollow: last seen alive.{more}",
        )
        save_figure(figure, risks_figure, table)


def patient_risks(scores: pd.DataFrame, patients: pd.DataFrame, score: str) -> pd.DataFrame:
    """Patients with a risk in its order, cohort by cohort, with what became of them.

    Returns
    -------
    cohort, place (from 0 within the cohort), patient, role, `score`, years, event and state:
    died, alive or unknown.
    """
    known = scores.dropna(subset=[score]).assign(
        cohort=lambda rows: rows["cohort"].fillna("no cohort").astype(str)
    )
    table = known.merge(patients[["patient", "time_days", "event"]], on="patient", how="left")
    event = pd.to_numeric(table["event"]).astype("Float64")
    table["years"] = pd.to_numeric(table["time_days"]).astype(float) / _YEAR
    there = event.notna() & table["years"].notna()
    table["state"] = np.where(~there, "unknown", np.where(event.fillna(0) > 0, "died", "alive"))
    order = {name: place for place, name in enumerate(table["cohort"].unique())}
    table = table.sort_values(
        ["cohort", score, "patient"],
        key=lambda column: column.map(order) if column.name == "cohort" else column,
        ignore_index=True,
    )
    table["place"] = table.groupby("cohort", sort=False).cumcount()
    return table[["cohort", "place", "patient", "role", score, "years", "event", "state"]]


def _draw_bars(axes: Axes, own: pd.DataFrame, score: str) -> None:
    """Risks of one cohort as bars around the middle of the scale."""
    risk = own[score].to_numpy(dtype=float)
    axes.bar(
        own["place"],
        risk - _MEAN,
        bottom=_MEAN,
        width=1.0 if len(own) > 60 else 0.86,
        color=[_STATES[state] for state in own["state"]],
        linewidth=0,
        rasterized=len(own) > _PICTURE_FROM,
    )
    # A patient in the middle of the scale, who has no bar to speak of, is seen too.
    middle = own[np.abs(risk - _MEAN) < _NO_BAR]
    axes.scatter(
        middle["place"],
        middle[score],
        s=float(np.clip(900 / len(own), 2, 12)),
        c=[_STATES[state] for state in middle["state"]],
        linewidths=0,
        zorder=3,
    )
    axes.axhline(_MEAN, color=INK, linewidth=0.8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("Risk")
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    deaths = int((own["state"] == "died").sum())
    roles = role_words(own["role"])
    name = shorten(str(own["cohort"].iloc[0]), 40)
    axes.set_title(f"{name}, n = {len(own):,}, {count(deaths, 'death')}", pad=16)
    axes.annotate(
        roles, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", color=MUTED
    )
    _limits(axes, len(own))
    grid(axes, "y")


def _draw_times(axes: Axes, own: pd.DataFrame, most: float) -> None:
    """Follow-up of the same patients, each below its risk."""
    size = float(np.clip(1500 / len(own), 4, 18))
    for state, filled in (("died", True), ("alive", False)):
        part = own[own["state"] == state]
        axes.scatter(
            part["place"],
            part["years"],
            s=size,
            facecolors=_STATES[state] if filled else "white",
            edgecolors=_STATES[state],
            linewidths=0.8,
            rasterized=len(own) > _PICTURE_FROM,
            zorder=3,
            clip_on=False,
        )
    axes.set_ylim(0, most * 1.08 if np.isfinite(most) and most > 0 else 1)
    axes.set_ylabel("Years")
    axes.set_xticks([])
    axes.set_xlabel("Patients, from low to high risk")
    _limits(axes, len(own))
    grid(axes, "y")


def _limits(axes: Axes, patients: int) -> None:
    """Room for the patients and half a bar on either side."""
    axes.set_xlim(-1, patients)


def _legend(figure: Figure, table: pd.DataFrame) -> None:
    """What became of the patients, with how many of each."""
    sizes = table["state"].value_counts()
    states: Sequence[str] = [state for state in _STATES if state in sizes.index]
    handles = [
        Patch(facecolor=_STATES[state], label=f"{_WORDS[state]}, n = {sizes[state]:,}")
        for state in states
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
