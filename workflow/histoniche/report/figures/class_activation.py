"""Figure of where networks look in single patients: activation over the slices of a map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from safetensors.numpy import load_file

from histoniche.imaging.samples import Sample, read_sample
from histoniche.report.figures.enrichment import shorten
from histoniche.report.figures.scans import (
    OUTLINE,
    draw_grey,
    draw_outline,
    draw_scale,
    map_label,
)
from histoniche.report.results import records
from histoniche.report.risks import UNSEEN
from histoniche.report.style import (
    HIGH,
    LOW,
    WIDTH,
    footnote,
    house_style,
    new_figure,
    save_figure,
    save_notice,
)
from histoniche.tables import read_table

_COLOURS = "inferno"
_COVER = 0.62
_GAP = 0.2
"""Room between the groups, in slices."""
_HEADROOM = 0.38
"""Height of the words above a patient's slices, in inches."""

_MONTH = 365.25 / 12
_BOXES: dict[str, str] = {"low": LOW, "high": HIGH}
Group = Literal["high", "low"]


class Example(NamedTuple):
    """One patient whose activation is shown."""

    patient: str
    group: Group
    words: str
    """Risk, follow-up and outcome."""
    sample: Sample
    activation: NDArray[np.float32]
    """(slices, side, side), from 0 to 1."""


def choose_examples(scores: pd.DataFrame, *, score: str, number: int) -> pd.DataFrame:
    """Choose the patients of highest and of lowest risk, those first whom no network had seen.

    Parameters
    ----------
    scores
        patient, role and the column `score`.
    score
        Name of the score.
    number
        Patients of each group; where there are too few of them, none is in both.

    Returns
    -------
    The rows chosen, with `group`: the high ones from the highest down, then the low ones from
    the lowest up.
    """
    known = scores.dropna(subset=[score])
    unseen = known[known["role"].isin(UNSEEN)]
    pool = (unseen if len(unseen) >= 2 else known).sort_values([score, "patient"])
    each = min(number, len(pool) // 2)
    high = pool.tail(each).iloc[::-1].assign(group="high")
    return pd.concat([high, pool.head(each).assign(group="low")], ignore_index=True)


def draw_activation(
    scores: Path,
    patients: Path,
    samples: Mapping[str, Path],
    activations: Mapping[str, Path],
    *,
    score: str,
    maps: Sequence[str],
    number: int,
    activation_figure: Path,
) -> None:
    """Draw where networks look in patients of high and of low risk, over the first map's slices.

    Parameters
    ----------
    scores
        patient, cohort, role and the column `score`.
    patients
        patient, time_days, event.
    samples, activations
        Sample and activation of each patient.
    score
        Name of the score.
    maps
        Names of the maps in the order of the samples; the first is shown.
    number
        Patients of each group.
    activation_figure
        Where the figure goes; ends in `.svg`.
    """
    table = read_table(scores)
    table = table[table["patient"].isin(list(samples)) & table["patient"].isin(list(activations))]
    chosen = choose_examples(table, score=score, number=number)
    follow_up = read_table(patients)[["patient", "time_days", "event"]]
    chosen = chosen.merge(follow_up, on="patient", how="left")
    examples = [
        _read(row, score, samples[str(row["patient"])], activations[str(row["patient"])])
        for row in records(chosen)
    ]
    with house_style():
        if not examples:
            save_notice("No patient's activation is known.", activation_figure, chosen)
            return
        _draw_examples(examples, maps[0], activation_figure, chosen)


def _read(row: Mapping[str, object], score: str, sample: Path, activation: Path) -> Example:
    """The slices of one patient with what is said of them."""
    return Example(
        str(row["patient"]),
        "high" if row["group"] == "high" else "low",
        f"risk {float(str(row[score])):.2f}, {_outcome(row['time_days'], row['event'])}",
        read_sample(sample),
        load_file(activation)["activation"],
    )


def _outcome(days: object, event: object) -> str:
    """How long a patient lived, in words."""
    if pd.isna(days) or pd.isna(event):  # type: ignore[call-overload]
        return "no follow-up"
    months = float(str(days)) / _MONTH
    after = f"{months:.0f} months" if months >= 10 else f"{months:.1f} months"
    return f"died after {after}" if float(str(event)) else f"alive after {after}"


def _draw_examples(examples: Sequence[Example], name: str, path: Path, table: pd.DataFrame) -> None:
    """Patients of high risk on the left, of low risk on the right, each as two rows of slices."""
    slices = max(len(one.sample.images) for one in examples)
    groups = [[one for one in examples if one.group == group] for group in ("high", "low")]
    each = max(map(len, groups))
    # A low row for the words, then two of slices, for each patient.
    width = min(WIDTH, 2.3 * slices + 1.0)
    side = (width - 0.2) / (2 * slices + _GAP) - 0.06
    figure = new_figure((2 * side + _HEADROOM) * each + 1.5, width=width, row_pad=0)
    places = figure.add_gridspec(
        3 * each,
        2 * slices + 1,
        width_ratios=[1.0] * slices + [_GAP] + [1.0] * slices,
        height_ratios=[_HEADROOM / side, 1, 1] * each,
    )
    low, high = np.quantile(
        np.concatenate([one.sample.images[:, 0].ravel() for one in examples]), [0.01, 0.99]
    )
    shades = (float(low), float(high) if high > low else float(low) + 1)
    image: AxesImage | None = None
    for side, group in enumerate(groups):
        for row, one in enumerate(group):
            start = side * (slices + 1)
            panels = [
                [figure.add_subplot(places[3 * row + line, start + k]) for k in range(slices)]
                for line in (1, 2)
            ]
            image = _draw_example(panels, one, shades)
            words = figure.add_subplot(places[3 * row, start : start + slices])
            _write_words(words, one, first=row == 0)
    if image is not None:
        bar = figure.colorbar(
            image, ax=figure.axes, location="bottom", fraction=0.02, pad=0.01, aspect=40
        )
        bar.outline.set_visible(False)
        bar.set_label("Activation for risk, from 0 to 1 in each patient")
    footnote(figure, _activation_note(table, name))
    save_figure(figure, path, table)


def _write_words(axes: Axes, one: Example, *, first: bool) -> None:
    """What is known of a patient, above its slices; above the first the group's name too."""
    axes.set_axis_off()
    axes.text(0, 0.0, f"{shorten(one.patient, 24)}: {one.words}", size=8)
    if first:
        head = f"{one.group.capitalize()} risk"
        axes.text(0, 0.6, head, size=10.5, weight="bold", color=_BOXES[one.group])


def _activation_note(table: pd.DataFrame, name: str) -> str:
    """What is shown of whom."""
    who = (
        "The patients of highest and of lowest risk whom no network had seen."
        if table["role"].isin(UNSEEN).all()
        else "The patients of highest and of lowest risk; networks had seen some of them."
    )
    return (
        f"Upper rows: {map_label(name)}, in the same grey values everywhere; lower rows: with the "
        "activation over it: bright is what speaks most for a risk, in a patient of low risk what "
        "speaks least against it. Outlined: tumour; bar: 10 mm; front of the head above, the "
        f"patient's left on the left (neurological convention). {who} Activation says where a "
        "network looked, not what it found there."
    )


def _draw_example(
    panels: Sequence[Sequence[Axes]], one: Example, shades: tuple[float, float]
) -> AxesImage | None:
    """Two rows of slices of one patient: plain, and with the activation; returns the colours."""
    colours: AxesImage | None = None
    for axes in (axes for row in panels for axes in row):
        axes.set_axis_off()
    for number, picture in enumerate(one.sample.images[:, 0]):
        plain, covered = panels[0][number], panels[1][number]
        for axes, colour in ((plain, OUTLINE), (covered, "white")):
            draw_grey(axes, picture, *shades)
            draw_outline(axes, one.sample.tumour[number], colour)
            draw_scale(axes, one.sample)
        colours = covered.imshow(
            one.activation[number], cmap=_COLOURS, vmin=0, vmax=1, alpha=_COVER, zorder=1
        )
    return colours
