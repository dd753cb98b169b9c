"""Figure of calibration: predicted against observed risk."""

from pathlib import Path
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from histoniche.report.figures.nomogram import duration
from histoniche.report.numbers import format_interval, percent
from histoniche.report.style import (
    HIGH,
    LOW,
    MUTED,
    footnote,
    grid,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.survival.cohorts import TRAINING
from histoniche.tables import read_table
from histoniche.wording import count

_SHARES = (0, 0.25, 0.5, 0.75, 1)


def draw_calibration(
    groups: Path,
    curves: Path,
    measures: Path,
    optimism: Path,
    *,
    cohort: str | None,
    confidence: float,
    bootstraps: int,
    figure: Path,
) -> None:
    """Draw predicted against observed risk of dying, a row a cohort and model, a column a day.

    Parameters
    ----------
    groups, curves, measures, optimism
        Tables `calibration_groups`, `calibration_curves`, `calibration_measures` and
        `optimism` of `histoniche.survival.clinical.evaluate_clinically`.
    cohort
        The cohort that is drawn; all but the training cohort if None.
    confidence, bootstraps
        Level of the intervals, and samples behind the band and the correction.
    figure
        Where the figure goes; ends in `.svg`.
    """
    tables = [
        cohort_rows(read_table(path), cohort) for path in (groups, curves, measures, optimism)
    ]
    drawn = tables[0]
    rows = list(dict.fromkeys(zip(drawn["cohort"], drawn["model"], strict=True)))
    days = sorted(drawn["days"].unique())
    with house_style():
        if drawn.empty:
            save_notice(f"Nothing to calibrate in {cohort_words(cohort)}.", figure, drawn)
            return
        # Numbers stand below the axes, and the next row's title below them.
        width = max(6.4, 3.0 * len(days) + 0.4)
        sheet = new_figure(3.5 * len(rows) + 1.7, width=width, row_pad=0.14)
        panels = sheet.subplots(len(rows), len(days), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            where = (*rows[row], days[column])
            mine = [part[_is(part, *where)] for part in tables]
            if mine[0].empty:
                axes.set_axis_off()
                continue
            _draw_panel(axes, *mine)
            axes.set_title(_title(*where, mine[0], named=cohort is None), size=8)
            axes.tick_params(labelbottom=True, labelleft=True)
            if column == 0:
                axes.set_ylabel("Observed risk of dying")
        corrected = "corrected" in tables[1] and tables[1]["corrected"].notna().any()
        _explain(sheet, cohort_words(cohort), bool(corrected), confidence, bootstraps)
        save_figure(sheet, figure, drawn)


def cohort_rows(table: pd.DataFrame, cohort: str | None) -> pd.DataFrame:
    """Rows of one cohort, or of all but the training cohort if it is None."""
    return table[table["cohort"] != TRAINING if cohort is None else table["cohort"] == cohort]


def cohort_words(cohort: str | None) -> str:
    """What is drawn: one cohort, or all but the training cohort."""
    return "the other cohorts" if cohort is None else f"the cohort {cohort}"


def _is(table: pd.DataFrame, cohort: str, model: str, days: float) -> "pd.Series[bool]":
    """Rows of one cohort, model and day."""
    return (table["cohort"] == cohort) & (table["model"] == model) & (table["days"] == days)


def _title(cohort: str, model: str, days: float, groups: pd.DataFrame, *, named: bool) -> str:
    """Model, day, patients and deaths of a panel, and its cohort if that is to be named."""
    size = f"n = {count(int(groups['n'].sum()), 'patient')}"
    died = f"{count(int(groups['events'].sum()), 'death')} by then"
    head = wrap(f"{cohort[0].upper()}{cohort[1:]}", 38) if named else []
    return "\n".join([*head, *wrap(f"{model}, {duration(days)}", 38), f"{size}, {died}"])


def _draw_panel(
    axes: Axes,
    groups: pd.DataFrame,
    curve: pd.DataFrame,
    measures: pd.DataFrame,
    optimism: pd.DataFrame,
) -> None:
    """Diagonal, curves with their band, groups with their intervals; numbers below the axis."""
    grid(axes, "both")
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.9, ls=(0, (4, 3)), zorder=1)
    axes.fill_between(
        curve["predicted"], curve["low"], curve["high"], color=LOW, alpha=0.15, linewidth=0
    )
    axes.plot(curve["predicted"], curve["observed"], color=LOW, zorder=3)
    if "corrected" in curve and curve["corrected"].notna().any():
        inside = curve["corrected"].clip(0, 1)
        axes.plot(curve["predicted"], inside, color=HIGH, lw=1.3, ls=(0, (5, 2)), zorder=3)
    known = groups.dropna(subset=["observed"])
    ends = np.clip([known["observed"] - known["low"], known["high"] - known["observed"]], 0, None)
    axes.errorbar(
        known["predicted"], known["observed"], yerr=ends, fmt="o", color="black", ms=4.5, lw=1
    )
    axes.set_xlabel("\n".join(["Predicted risk of dying", *_numbers(measures, optimism)]), size=8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks(_SHARES)
    axes.set_yticks(_SHARES)


def _numbers(measures: pd.DataFrame, optimism: pd.DataFrame) -> list[str]:
    """Slope with its interval, ICI, and what the correction for optimism leaves of them."""
    row, after = measures.set_index("measure"), optimism.set_index("index")
    found = {
        "slope": format_interval(*row.loc["slope", ["value", "low", "high"]]),
        "ici": f"{row['value'].to_dict()['ici']:.3f}",
    }
    lines = []
    for (key, text), name, decimals in zip(found.items(), ("slope", "ICI"), (2, 3), strict=True):
        corrected = after["corrected"].to_dict().get(key) if len(after) else None
        beside = "" if corrected is None else f", corrected {corrected:.{decimals}f}"
        lines.append(f"{name} {text}{beside}")
    return lines


def _explain(
    sheet: Figure, cohort: str, corrected: bool, confidence: float, bootstraps: int
) -> None:
    """Legend above the panels, explanation below."""
    handles = [
        Line2D([], [], color="black", marker="o", ls="", ms=4.5, label="groups of patients"),
        Line2D([], [], color=LOW, label="smooth curve"),
        Patch(color=LOW, alpha=0.15, label=f"{percent(confidence)} band"),
        Line2D([], [], color=MUTED, lw=0.9, ls=(0, (4, 3)), label="perfect"),
    ]
    note = "The models were fitted on other patients."
    if corrected:
        label = "corrected for optimism"
        handles.insert(3, Line2D([], [], color=HIGH, lw=1.3, ls=(0, (5, 2)), label=label))
        note = (
            "The models were fitted on these patients, so that the smooth curve is too good; the "
            f"corrected one refits the model in {bootstraps:,} bootstrap samples."
        )
    sheet.legend(
        handles=handles, loc="outside upper left", ncols=3 if sheet.get_figwidth() < 9 else 5
    )
    footnote(
        sheet,
        f"Drawn: {cohort}. Above the diagonal more died than predicted. Groups: mean prediction "
        f"against one minus Kaplan-Meier, {percent(confidence)} log-log intervals. Curve: Cox "
        "model of a restricted cubic spline of the prediction (Austin 2020). ICI: integrated "
        f"calibration index, mean distance from the diagonal. {note}",
    )
