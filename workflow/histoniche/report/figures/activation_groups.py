"""Figures of what networks look at in patients of high and of low risk: maps, and zones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from histoniche.report.figures.boxes import BOX_NOTE, draw_box, head_panel, label_boxes
from histoniche.report.figures.enrichment import shorten
from histoniche.report.figures.scans import map_label
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.results import records
from histoniche.report.style import (
    HIGH,
    LOW,
    MUTED,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_BOXES = {"low": LOW, "high": HIGH}
_COLUMNS = 4
_ZONES = {"core": "Core of the tumour", "margin": "Margin", "outside": "Outside"}
_CUTS = {
    "frozen": "the cut-point of the training cohort",
    "median": "the median risk of the training patients",
}


def draw_activation_groups(
    values: Path,
    scores: Path,
    groups: Path,
    *,
    score: str,
    maps: Sequence[str],
    share: float,
    groups_figure: Path,
) -> None:
    """Draw the mean of each map where networks look, in patients of high and of low risk.

    Parameters
    ----------
    values
        patient, map and inside: mean of the map in the highlighted area.
    scores
        patient and the column `score`.
    groups
        A row a map: rule, cut, difference, difference_low, difference_high, p, q.
    score
        Name of the score.
    maps
        Names of the maps in their order.
    share
        Highlighted share of the crop.
    groups_figure
        Where the figure goes; ends in `.svg`.
    """
    tests = read_table(groups)
    drawn = _with_groups(read_table(values).dropna(subset=["inside"]), scores, tests, score)
    shown = [name for name in maps if (drawn["map"] == name).any()]
    with house_style():
        if not shown:
            save_notice("No patient's activation has a risk group.", groups_figure, drawn)
            return
        columns = min(_COLUMNS, len(shown))
        rows = -(-len(shown) // columns)
        figure = new_figure(3.0 * rows + 0.6, width=max(4.8, 2.3 * columns))
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        known = {row["map"]: row for row in records(tests)}
        for axes, name in zip(panels, shown, strict=False):
            _draw_map(axes, drawn[drawn["map"] == name], name, known.get(name))
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        patients = count(drawn["patient"].nunique(), "patient")
        figure.suptitle(
            f"Maps where the networks look, {patients}", x=0.01, ha="left", size=10, weight="bold"
        )
        footnote(
            figure,
            f"Mean of each map in the {100 * share:g}\u00a0% of the slices with the highest "
            f"activation, as far as they are brain. {BOX_NOTE} {_divided(tests)} Δ: high less "
            "low, Hodges and Lehmann's estimate with its interval; p: Wilcoxon-Mann-Whitney test; "
            "q: Benjamini-Hochberg over the maps.",
        )
        save_figure(figure, groups_figure, drawn)


def draw_activation_zones(
    zones: Path, scores: Path, groups: Path, *, score: str, zones_figure: Path
) -> None:
    """Draw in which part of the tumour networks look, in patients of high and of low risk.

    Parameters
    ----------
    zones
        patient, zone (core, margin, outside), share of the slices, and highlighted: share of
        the highlighted area that lies in the zone.
    scores, groups, score
        As for `draw_activation_groups`.
    zones_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(zones)
    table = table[table["share"] > 0]
    table = table.assign(times=table["highlighted"] / table["share"])
    drawn = _with_groups(table, scores, read_table(groups), score)
    with house_style():
        if drawn.empty:
            save_notice("No patient's activation has a risk group.", zones_figure, drawn)
            return
        figure = new_figure(3.3, width=6.4)
        axes = figure.add_subplot()
        labels = []
        for place, (zone, name) in enumerate(_ZONES.items()):
            own = drawn[drawn["zone"] == zone]
            for side, group in ((-0.2, "low"), (0.2, "high")):
                part = own.loc[own["group"] == group, "times"].to_numpy(dtype=float)
                draw_box(axes, part, place + side, _BOXES[group], width=0.32)
            labels.append(f"{name}\n{100 * own['share'].mean():.0f}\u00a0% of the slices")
        axes.axhline(1, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        label_boxes(axes, labels)
        axes.set_ylim(0, None)
        axes.set_ylabel("Highlighted against chance (times)")
        sizes = drawn.groupby("group")["patient"].nunique()
        for group, colour in _BOXES.items():
            size = int(sizes.get(group, 0))
            axes.plot([], [], "s", color=colour, label=f"{group} risk, n = {size:,}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_title("Where the networks look")
        footnote(
            figure,
            "How many times as often a pixel of the zone is highlighted as it would be by chance "
            f"(dashed: 1). Boxes and dots as elsewhere. {_divided(read_table(groups))}",
        )
        save_figure(figure, zones_figure, drawn)


def _with_groups(
    table: pd.DataFrame, scores: Path, tests: pd.DataFrame, score: str
) -> pd.DataFrame:
    """Rows of patients with a risk, with the group that it puts them in; none without a cut."""
    risk = read_table(scores).set_index("patient")[score].dropna()
    if tests.empty:
        return table.head(0).assign(risk=[], group=[])
    own = table[table["patient"].isin(risk.index)]
    risks = own["patient"].map(risk)
    return own.assign(
        risk=risks, group=np.where(risks > float(tests["cut"].iloc[0]), "high", "low")
    )


def _divided(tests: pd.DataFrame) -> str:
    """What divides the groups, in words."""
    row = tests.iloc[0]
    where = _CUTS.get(str(row["rule"]), "a cut-point")
    words = f"High risk: above {row['cut']:.2f}, {where}."
    seen = int(tests["n_seen"].max())
    if seen:
        words += f" {count(seen, 'patient')} of them a network had learned from or was chosen by."
    return words


def _draw_map(axes: Axes, values: pd.DataFrame, name: str, test: Mapping[str, Any] | None) -> None:
    """Boxes and dots of one map, and its test in words."""
    labels = []
    for place, group in enumerate(_BOXES):
        part = values.loc[values["group"] == group, "inside"].to_numpy(dtype=float)
        draw_box(axes, part, place, _BOXES[group], width=0.55)
        labels.append(f"{group} risk\nn {len(part):,}")
    label_boxes(axes, labels)
    axes.set_ylabel(map_label(name))
    lines = []
    if test is not None and pd.notna(test["p"]):
        ends = (test["difference"], test["difference_low"], test["difference_high"])
        lines = [
            f"Δ {format_interval(*ends, decimals=3)}",
            f"p {format_p(test['p'])}, q {format_p(test['q'])}",
        ]
    head_panel(axes, shorten(name, 20), *lines)
