"""Figures of scans: which could be used, what their tumours measure, and examples of slices."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from histoniche.imaging.quality_table import median_column
from histoniche.imaging.samples import Sample, read_sample
from histoniche.imaging.units import DIFFUSIVITIES
from histoniche.report.figures.enrichment import shorten
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

_UNIT = "10⁻³ mm²/s"
_MOST_MAPS = 6
_SCALE_MM = 10.0
OUTLINE = "#F0E442"
"""Colour of the tumour's outline on grey slices, told from them by all."""


def map_label(name: str) -> str:
    """Name of a map with its unit, where it has one that is known."""
    return f"{name}, {_UNIT}" if name in DIFFUSIVITIES else name


def draw_scan_quality(quality: Path, *, maps: Sequence[str], quality_figure: Path) -> None:
    """Draw how many scans of each cohort could be used, and the median of each map in the tumour.

    Cohorts whose tumours measure otherwise may have been scanned otherwise.

    Parameters
    ----------
    quality
        As `histoniche.imaging.quality_table.collect_scan_quality` writes it.
    maps
        Names of the maps.
    quality_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(quality)
    named = table["cohort"].fillna("").astype(str)
    table = table.assign(cohort=named.where(named != "", "no cohort"))
    shown = [name for name in maps if median_column(name) in table][:_MOST_MAPS]
    cohorts = list(dict.fromkeys(table["cohort"]))
    with house_style():
        if table.empty:
            save_notice("There is no scan.", quality_figure, table)
            return
        figure = new_figure(max(2.1, 0.42 * len(cohorts) + 1.3))
        axes = figure.subplots(
            1, 1 + len(shown), squeeze=False, sharey=True, width_ratios=[1.5, *[1] * len(shown)]
        )[0]
        _draw_counts(axes[0], table, cohorts)
        for panel, name in zip(axes[1:], shown, strict=True):
            _draw_medians(panel, table, cohorts, name)
        usable = int((table["status"] == "ok").sum())
        figure.suptitle(
            f"{count(len(table), 'scan')}, {usable:,} used",
            x=0.01,
            ha="left",
            size=10,
            weight="bold",
        )
        footnote(
            figure,
            "Left: scans of each cohort. Right: median of each map inside the tumour, a dot a "
            "patient; line: quartiles, stroke: median of the cohort.",
        )
        save_figure(figure, quality_figure, table)


def _draw_counts(axes: Axes, table: pd.DataFrame, cohorts: Sequence[str]) -> None:
    """Used and unused scans as bars, with their numbers."""
    used = [int(((table["cohort"] == c) & (table["status"] == "ok")).sum()) for c in cohorts]
    lost = [int(((table["cohort"] == c) & (table["status"] != "ok")).sum()) for c in cohorts]
    places = range(len(cohorts))
    axes.barh(places, used, height=0.62, color=LOW, label="used")
    axes.barh(places, lost, left=used, height=0.62, color=HIGH, label="not used")
    most = max(u + n for u, n in zip(used, lost, strict=True))
    for place, own, out in zip(places, used, lost, strict=True):
        text = f"{own:,}" + (f" + {out:,}" if out else "")
        axes.text(own + out + most * 0.03, place, text, va="center", size=8, color=MUTED)
    axes.set_yticks(places, [shorten(name, 24) for name in cohorts])
    axes.set_ylim(len(cohorts) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.28)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Scans")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if any(lost):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def _draw_medians(axes: Axes, table: pd.DataFrame, cohorts: Sequence[str], name: str) -> None:
    """Medians inside the tumours of one map: dots, quartiles and median by cohort."""
    for place, cohort in enumerate(cohorts):
        own = table[(table["cohort"] == cohort) & (table["status"] == "ok")]
        values = own[median_column(name)].dropna().to_numpy(dtype=float)
        if not len(values):
            continue
        # Beside each other by rank, so that the picture is the same every time.
        spread = (np.argsort(np.argsort(values)) * 0.618 % 1 - 0.5) * 0.5
        size = float(np.clip(60 / len(values), 3, 6))
        axes.plot(
            values, place + spread, ".", color=MUTED, markersize=size, alpha=0.6, mew=0,
            rasterized=len(values) > 1500,
        )  # fmt: skip
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axes.plot([low, high], [place, place], color=INK, linewidth=1.4)
        axes.plot(middle, place, "|", color=INK, markersize=12, markeredgewidth=2)
    axes.set_xlabel(map_label(name))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    grid(axes, "x")


def example_patients(quality: pd.DataFrame, *, number: int = 6) -> list[str]:
    """Patients whose slices are shown: usable, evenly spaced through the table by cohort.

    Parameters
    ----------
    quality
        patient, cohort, status.
    number
        How many at most.
    """
    used = quality[quality["status"] == "ok"].sort_values(["cohort", "patient"])
    names = used["patient"].astype(str).tolist()
    places = np.linspace(0, len(names) - 1, min(number, len(names))).round().astype(int)
    return [names[place] for place in places]


def draw_scan_examples(
    samples: Mapping[str, Path], *, maps: Sequence[str], examples_figure: Path
) -> None:
    """Draw the middle slice of some patients' samples, a row a patient and a column a map.

    Parameters
    ----------
    samples
        Sample of each patient; see `histoniche.imaging.samples`.
    maps
        Names of the maps, in the order of the samples.
    examples_figure
        Where the figure goes; ends in `.svg`.
    """
    read = {patient: read_sample(path) for patient, path in samples.items()}
    read = {patient: own for patient, own in read.items() if len(own.images)}
    drawn = pd.DataFrame(
        [
            (patient, name, int(own.axial[len(own.images) // 2]), *_ends(own, number))
            for patient, own in read.items()
            for number, name in enumerate(maps)
        ],
        columns=["patient", "map", "axial_slice", "darkest", "brightest"],
    )
    with house_style():
        if not read:
            save_notice("No scan could be used.", examples_figure, drawn)
            return
        width = min(9.2, 1.15 * len(maps) + 1.3)
        figure = new_figure(1.1 * len(read) + 1.2, width=width, row_pad=0.015)
        grid_of = figure.subplots(len(read), len(maps), squeeze=False)
        ends = drawn.groupby("map").agg({"darkest": "min", "brightest": "max"})
        shades = {str(name): (low, high) for name, low, high in ends.itertuples()}
        for row, (patient, own) in zip(grid_of, read.items(), strict=True):
            for number, (axes, name) in enumerate(zip(row, maps, strict=True)):
                low, high = shades[name]
                image = _draw_slice(axes, own, number, low, high)
                if axes in grid_of[-1]:
                    _shade_bar(figure, image, list(grid_of[:, number]), name)
            row[0].set_ylabel(shorten(patient, 18), rotation=0, ha="right", va="center")
        footnote(
            figure,
            "Middle slice of each sample, front of the head above, the patient's left on the left "
            f"(neurological convention). Yellow: tumour. White: {_SCALE_MM:g} mm. Grey values of "
            "one map are the same in all.",
        )
        save_figure(figure, examples_figure, drawn)


def _ends(own: Sample, number: int) -> tuple[float, float]:
    """Values of a map that are shown black and white: all but a hundredth lie between them."""
    low, high = np.quantile(own.images[:, number], [0.01, 0.99])
    return float(low), float(high) if high > low else float(low) + 1.0


def _draw_slice(axes: Axes, own: Sample, number: int, low: float, high: float) -> AxesImage:
    """The middle slice of one map with the tumour's outline."""
    middle = len(own.images) // 2
    image = draw_grey(axes, own.images[middle, number], low, high)
    draw_outline(axes, own.tumour[middle])
    draw_scale(axes, own)
    return image


def draw_grey(axes: Axes, picture: NDArray[np.float32], low: float, high: float) -> AxesImage:
    """Show one slice in grey without a frame."""
    image = axes.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return image


def draw_outline(axes: Axes, tumour: NDArray[np.uint8], colour: str = OUTLINE) -> None:
    """Draw the tumour's outline; nothing where the slice shows none, or nothing else."""
    if tumour.any() and not tumour.all():
        axes.contour(tumour, levels=[0.5], colors=[colour], linewidths=0.9)


def draw_scale(axes: Axes, own: Sample) -> None:
    """Draw a bar of 10 mm in the lower left corner; nothing where it finds no room."""
    side = own.images.shape[-1]
    length = _SCALE_MM / own.pixel_mm
    if np.isfinite(length) and length < 0.8 * side:
        # With a dark rim, so that it is seen on white too.
        for colour, width in ((INK, 3.2), ("white", 1.8)):
            axes.plot(
                [0.06 * side, 0.06 * side + length],
                [0.92 * side] * 2,
                color=colour,
                linewidth=width,
                solid_capstyle="butt",
            )


def _shade_bar(figure: Figure, image: AxesImage, column: Sequence[Axes], name: str) -> None:
    """The grey values of one map, below its column."""
    bar = figure.colorbar(
        image, ax=list(column), location="bottom", fraction=0.03, pad=0.01, aspect=14
    )
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_major_locator(MaxNLocator(3))
    bar.set_label(map_label(name))
