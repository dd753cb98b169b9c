"""Figures of the regions' areas over the patients."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from histoniche.cohort.palette import Region
from histoniche.report.measures import MEASURES
from histoniche.report.numbers import format_number
from histoniche.report.style import (
    INK,
    MUTED,
    beside,
    footnote,
    grid,
    house_style,
    largest,
    new_figure,
    region_label,
    root_scale,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table
from histoniche.wording import count

_MOST_BARS = 120
_MOST_DOTS = 4000


def draw_areas(
    areas: Path, palette: Sequence[Region], *, measure: str, by_region: Path, composition: Path
) -> None:
    """Draw each region's area over the patients, and the make-up of each patient's tumour.

    Parameters
    ----------
    areas
        Areas of the patients: patient, region, area.
    palette
        Regions with names and colours, background first.
    measure
        What `area` is: a key of `histoniche.report.measures.MEASURES`.
    by_region, composition
        Where the two figures go; end in `.svg`.
    """
    table = read_table(areas)
    regions = [region for region in palette[1:] if region.region in set(table["region"])]
    table = table[["patient", "region", "area"]].dropna()
    with house_style():
        if table.empty:
            for path in (by_region, composition):
                save_notice("No patient has an area.", path, table)
            return
        _draw_by_region(table, regions, measure, by_region)
        _draw_composition(table, regions, composition)


def _draw_by_region(
    table: pd.DataFrame, regions: Sequence[Region], measure: str, path: Path
) -> None:
    """One row a region: a dot a patient on a square-root scale, with quartiles."""
    name, unit = MEASURES[measure]
    patients = table["patient"].nunique()
    figure = new_figure(0.46 * len(regions) + 1.1)
    axes = figure.add_subplot()
    jitter = np.random.default_rng(0)
    for row, region in enumerate(regions):
        values = table.loc[table["region"] == region.region, "area"].to_numpy(dtype=float)
        height = row + jitter.uniform(-0.26, 0.26, len(values))
        axes.scatter(
            values,
            height,
            s=14,
            color=region.colour,
            edgecolors=INK,
            linewidths=0.35,
            alpha=0.75,
            rasterized=len(table) > _MOST_DOTS,
        )
        _draw_quartiles(axes, values, row)
        middle = format_number(float(np.median(values)))
        note = f"median {middle}, present in {(values > 0).sum()} of {len(values)}"
        beside(axes, row, note)
    axes.set_yticks(range(len(regions)), [region_label(region) for region in regions])
    axes.set_ylim(len(regions) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    top = largest(table, "area")
    root_scale(axes.xaxis, top, axes.set_xscale)
    axes.set_xlim(-0.0004 * top, top * 1.05 if top > 0 else 1.0)
    axes.set_xlabel(f"{name} ({unit}), square-root scale")
    axes.set_title(f"{name} of each region, n = {count(patients, 'patient')}")
    grid(axes, "x")
    footnote(figure, "Dot: a patient. Box: quartiles, with the median.")
    save_figure(figure, path, table)


def _draw_quartiles(axes: Axes, values: Any, row: int) -> None:
    """Box from the first to the third quartile with the median in it."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    axes.barh(row, high - low, 0.66, left=low, fill=False, edgecolor=INK, linewidth=1.1)
    axes.plot([middle, middle], [row - 0.33, row + 0.33], color=INK, linewidth=2.2)


def _draw_composition(table: pd.DataFrame, regions: Sequence[Region], path: Path) -> None:
    """One column a patient: the regions' shares of the area of all regions."""
    wide = table.pivot_table(index="patient", columns="region", values="area", aggfunc="mean")
    wide = wide.reindex(columns=[region.region for region in regions]).fillna(0.0)
    wide = wide[wide.sum(axis=1) > 0]
    if wide.empty:
        save_notice("No region has an area greater than 0.", path, table)
        return
    shares = wide.div(wide.sum(axis=1), axis=0)
    order = shares.mean().sort_values(ascending=False, kind="stable").index.tolist()
    shares = shares.sort_values(order, ascending=False, kind="stable")
    figure = new_figure(3.4)
    axes = figure.add_subplot()
    by_code = {region.region: region for region in regions}
    _stack(axes, shares[order], [by_code[code].colour for code in order])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_ylabel("Share of the area of all regions")
    axes.set_xlabel(f"Patients, sorted by the share of {by_code[order[0]].name.lower()}")
    axes.set_xticks([])
    axes.set_title(f"Make-up of each tumour, n = {count(len(shares), 'patient')}")
    handles = [
        Patch(
            facecolor=by_code[code].colour,
            edgecolor=MUTED,
            linewidth=0.5,
            label=f"{code}, mean {100 * shares[code].mean():.0f} %",
        )
        for code in reversed(order)
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(figure, path, shares.reset_index())


def _stack(axes: Axes, shares: pd.DataFrame, colours: Sequence[str]) -> None:
    """Stack the columns of a table; rows apart by a white line while there is room for it."""
    edges = np.arange(len(shares) + 1) - 0.5
    apart = len(shares) <= _MOST_BARS
    floor = np.zeros(len(shares))
    for code, colour in zip(shares, colours, strict=True):
        top = floor + shares[code].to_numpy()
        axes.stairs(top, edges, baseline=floor, fill=True, color=colour)
        if apart:
            axes.hlines(top, edges[:-1], edges[1:], color="white", linewidth=0.5)
        floor = top
    if apart:
        axes.vlines(edges, 0, 1, color="white", linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
