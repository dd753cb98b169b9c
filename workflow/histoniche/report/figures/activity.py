"""Figures of the activities of gene sets: with scores, and between groups of patients."""

from pathlib import Path
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from histoniche.report.figures.boxes import BOX_NOTE, draw_box, head_panel, label_boxes
from histoniche.report.figures.clustering import clustered
from histoniche.report.figures.enrichment import shorten
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.style import (
    DIVERGING,
    FAINT,
    INK,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
    text_on,
)
from histoniche.tables import read_table

_Q = 0.05
_MOST_ROWS = 40
_MOST_PANELS = 12
_COLUMNS = 3
_LONGEST = 38
_BOXES = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of groups, told apart by the colour-blind too."""


def draw_activity_correlation(correlation: Path, *, top: int, figure: Path) -> None:
    """Draw the correlation of activities with scores as a clustered heat map.

    Parameters
    ----------
    correlation
        What `histoniche.omics.activity_correlation.correlate_activity` wrote.
    top
        Most terms that one score leads; fewer where they would not fit.
    figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(correlation)
    with house_style():
        if table["rho"].notna().any():
            _draw_correlation(leading(table, "score", top, _MOST_ROWS), figure)
        else:
            save_notice("No activity goes with a score in enough patients.", figure, table)


def draw_activity_groups(
    activity: Path, groups: Path, comparison: Path, *, top: int, figure: Path
) -> None:
    """Draw the activities that differ most between groups as boxes.

    Parameters
    ----------
    activity
        What `histoniche.omics.activity.score_activity` wrote.
    groups
        patient, grouping, group.
    comparison
        What `histoniche.omics.activity_groups.compare_activity` wrote.
    top
        Most terms of one grouping; fewer where they would not fit.
    figure
        Where the figure goes; ends in `.svg`.
    """
    tests, members = read_table(comparison), read_table(groups)
    with house_style():
        if tests["p"].notna().any():
            chosen = leading(tests, "grouping", top, _MOST_PANELS)
            led = chosen["leads"] == chosen["grouping"]
            _draw_groups(chosen[led], read_table(activity), members, figure)
        else:
            save_notice("No grouping has two groups of enough patients.", figure, tests)


def leading(table: pd.DataFrame, by: str, top: int, most: int) -> pd.DataFrame:
    """Rows of the terms with the smallest q in some score or grouping.

    Every one's first term comes before any one's second, until the figure is
    full; a term stands under the one that it leads first.

    Parameters
    ----------
    table
        library, term, p, q and the column `by`, one row or more a test.
    top
        Most terms that lead in one of `by`.
    most
        Most terms in all; with groupings each may have the same term.

    Returns
    -------
    The rows of `table` of these terms, with the column `leads`.
    """
    keys = [by, "library", "term"]
    tests = table[table["p"].notna()].drop_duplicates(keys)
    ranked = tests.sort_values(["q", "p", "library", "term"], kind="stable")
    ranked = ranked.assign(rank=ranked.groupby(by).cumcount())
    ranked = ranked[ranked["rank"] < top].sort_values("rank", kind="stable")
    shared = ["library", "term"] if by == "score" else keys
    chosen = ranked.drop_duplicates(shared).head(most)
    chosen = chosen[keys].rename(columns={by: "leads"}).reset_index(drop=True)
    chosen["place"] = chosen.index
    found = chosen.merge(table, on=["library", "term"])
    return found.sort_values("place", kind="stable").drop(columns="place")


def _draw_correlation(rows: pd.DataFrame, path: Path) -> None:
    """A row a term, a column a score, both clustered; a dot where q is small."""
    wide = {
        name: rows.pivot_table(
            index=["library", "term"], columns="score", values=name, dropna=False, sort=False
        )
        for name in ("rho", "q")
    }
    rho = wide["rho"].dropna(how="all").dropna(how="all", axis=1)
    rho = rho.iloc[clustered(rho.to_numpy()), clustered(rho.to_numpy().T)]
    sure = wide["q"].loc[rho.index, rho.columns].to_numpy() < _Q
    labels = [f"{shorten(term)} ({library})" for library, term in rho.index]
    figure = new_figure(0.2 * len(rho) + 2.2, width=min(9.2, 5.2 + 0.42 * rho.shape[1]))
    axes = figure.add_subplot()
    limit = float(np.nanmax(np.abs(rho.to_numpy())))
    axes.set_facecolor(FAINT)
    values = rho.to_numpy()
    image = axes.pcolormesh(
        np.ma.masked_invalid(values),
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        edgecolors="white",
        linewidth=0.4,
    )
    for row, column in zip(*np.nonzero(sure), strict=True):
        colour = text_on(image.to_rgba(values[row, column]))
        axes.plot(column + 0.5, row + 0.5, ".", color=colour, markersize=4)
    axes.set_yticks(np.arange(len(rho)) + 0.5, labels, size=7.5)
    places = np.arange(rho.shape[1]) + 0.5
    axes.set_xticks(places, list(rho.columns), rotation=45, ha="right", rotation_mode="anchor")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    low, high = int(rows["n"].min()), int(rows["n"].max())
    patients = f"{low}" if low == high else f"{low} to {high}"
    axes.set_title(f"Activities and scores, n = {patients} patients", x=0)
    bar = figure.colorbar(image, ax=axes, shrink=min(1, 3 / len(rho) + 0.2), pad=0.02, aspect=14)
    bar.outline.set_visible(False)
    bar.set_label("Spearman ρ")
    marks = "Dot" if sure.any() else "No pair reaches it, else a dot"
    footnote(
        figure,
        f"{marks}: q < 0.05 (Benjamini-Hochberg over the gene sets of one score and library). "
        "The gene sets with the smallest q of each score; alike rows and columns stand together."
        + (" Grey: nothing to correlate." if np.isnan(values).any() else ""),
    )
    save_figure(figure, path, rows.drop(columns="leads"))


def _draw_groups(
    rows: pd.DataFrame, activity: pd.DataFrame, members: pd.DataFrame, path: Path
) -> None:
    """One panel a grouping and term, one box a group, a dot a patient."""
    # Panels of one grouping beside each other, groupings in the order of their best term.
    place = {grouping: number for number, grouping in enumerate(rows["grouping"].unique())}
    rows = rows.sort_values("grouping", key=lambda column: column.map(place), kind="stable")
    panels = list(rows.groupby(["grouping", "library", "term"], sort=False))
    height = -(-len(panels) // _COLUMNS)
    figure = new_figure(2.8 * height + 0.6)
    grid_of_axes = figure.subplots(height, _COLUMNS, squeeze=False).ravel()
    drawn = []
    for axes, ((grouping, library, term), tests) in zip(grid_of_axes, panels, strict=False):
        chosen = activity[(activity["library"] == library) & (activity["term"] == term)]
        group_of = members[members["grouping"] == grouping].set_index("patient")["group"]
        values = chosen.assign(grouping=str(grouping), group=chosen["patient"].map(group_of))
        drawn.append(values[values["group"].notna()])
        _draw_boxes(axes, drawn[-1], tests)
    for axes in grid_of_axes[len(panels) :]:
        axes.set_visible(False)
    for axes in grid_of_axes[::_COLUMNS]:
        axes.set_ylabel("Activity")
    footnote(
        figure,
        f"{BOX_NOTE} δ: Cliff's delta, η²: share of the ranks' variance between groups, each with "
        "its interval. q: Benjamini-Hochberg over the gene sets of one grouping and library.",
    )
    save_figure(figure, path, pd.concat(drawn, ignore_index=True))


def _draw_boxes(axes: Axes, values: pd.DataFrame, tests: pd.DataFrame) -> None:
    """Boxes and dots of one term, and its test in words."""
    first = tests.iloc[0]
    parts = {
        group: values.loc[values["group"] == group, "activity"].to_numpy()
        for group in tests.loc[tests["n"] > 0, "group"]
    }
    for place, part in enumerate(parts.values()):
        draw_box(axes, part, place, _BOXES[place % len(_BOXES)], width=0.55)
    # As wide as a box's share of the panel.
    width = max(6, 30 // len(parts))
    labels = [
        "\n".join([*wrap(group, width, break_long_words=False), f"n {len(part)}"])
        for group, part in parts.items()
    ]
    label_boxes(axes, labels)
    sign = "δ" if first["test"] == "Mann-Whitney" else "η²"
    effect = format_interval(first["effect"], first["effect_low"], first["effect_high"])
    term = shorten(str(first["term"]), _LONGEST - len(first["library"]))
    head_panel(
        axes,
        str(first["grouping"]),
        f"{term} ({first['library']})",
        f"{sign} {effect}, p {format_p(first['p'])}, q {format_p(first['q'])}",
        colour=INK,
    )
