"""Figures of how well the networks segment patients they never saw."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.cohort.palette import Region
from histoniche.report.evaluation import ROLE_NAMES, best_role, found_by
from histoniche.report.figures.confusion import draw_shares, shares_of
from histoniche.report.figures.training import draw_learning_curves
from histoniche.report.numbers import format_interval, format_number
from histoniche.report.style import (
    FAINT,
    HIGH,
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
    smallest,
)
from histoniche.tables import read_table
from histoniche.wording import count

_NONE = "No held-out slide has an annotation, so there is nothing to measure."


def draw_segmentation(
    metrics: Path,
    confusion: Path,
    agreement: Path,
    calibration: Path,
    palette: Sequence[Region],
    *,
    overlap_figure: Path,
    confusion_figure: Path,
    agreement_figure: Path,
    calibration_figure: Path,
) -> None:
    """Draw overlap, confusion, agreement of areas and calibration for the test patients.

    Without test patients the validation patients stand in, and the titles say so.

    Parameters
    ----------
    metrics, confusion, agreement, calibration
        Tables of the evaluation.
    palette
        Regions with names and colours, background first.
    overlap_figure, confusion_figure, agreement_figure, calibration_figure
        Where the figures go; end in `.svg`.
    """
    scores, pixels, areas = read_table(metrics), read_table(confusion), read_table(agreement)
    bins = read_table(calibration)
    role = best_role(scores)
    with house_style():
        if role is None:
            save_notice(_NONE, overlap_figure, scores)
            save_notice(_NONE, confusion_figure, pixels)
            save_notice(_NONE, agreement_figure, areas)
            save_notice(_NONE, calibration_figure, bins)
            return
        scores = scores[scores["role"] == role]
        _draw_overlap(scores, palette, role, overlap_figure)
        _draw_confusion(pixels[pixels["role"] == role], palette, role, confusion_figure)
        _draw_agreement(areas[areas["role"] == role], palette, role, agreement_figure)
        overall = scores[scores["region"] == "overall"].iloc[0]
        _draw_calibration(bins[bins["role"] == role], overall, role, calibration_figure)


def draw_training(histories: Sequence[tuple[str, int, Path]], training_figure: Path) -> None:
    """Draw the learning curves of every head, its folds as lines of one panel.

    Parameters
    ----------
    histories
        Head, fold and table of each network: epoch, train_loss, validation_loss
        and validation_dice.
    training_figure
        Where the figure goes; ends in `.svg`.
    """
    draw_learning_curves(
        histories,
        training_figure,
        measure="validation_dice",
        label="Mean Dice, validation",
        monitor="validation_loss",
        title=lambda head: f"Network of {found_by(head)}",
        division="folds",
    )


def _draw_overlap(scores: pd.DataFrame, palette: Sequence[Region], role: str, path: Path) -> None:
    """One row a region: intersection over union with its bootstrap interval."""
    known = {region.region: region for region in palette}
    order = [code for code in (*known, "mean") if code in set(scores["region"])]
    rows = scores.set_index("region").loc[order]
    figure = new_figure(0.38 * len(rows) + 1.1)
    axes = figure.add_subplot()
    for height, (code, row) in enumerate(rows.iterrows()):
        region = known.get(str(code))
        axes.plot([row["iou_low"], row["iou_high"]], [height, height], color=INK, linewidth=1.6)
        axes.plot(
            row["iou"],
            height,
            "D" if region is None else "o",
            color=INK if region is None else region.colour,
            markeredgecolor=INK,
            markersize=8,
            clip_on=False,
        )
        note = (
            f"{format_interval(row['iou'], row['iou_low'], row['iou_high'])}, "
            f"{count(int(row['patients']), 'patient')}, {count(int(row['slides']), 'slide')}"
        )
        if np.isnan(row["iou"]):
            note = "not annotated in these patients"
        beside(axes, height, note)
    if order[-1] == "mean":
        axes.axhline(len(rows) - 1.5, color=FAINT, linewidth=0.8)
    labels = [
        region_label(known[code]) if code in known else "Mean of the regions" for code in order
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Intersection over union (1: predicted and true region coincide)")
    patients = int(rows["patients"].max())
    axes.set_title(f"Overlap with the annotation, n = {count(patients, ROLE_NAMES[role])}")
    grid(axes, "x")
    footnote(figure, "Lines: bootstrap intervals over patients.")
    save_figure(figure, path, rows.reset_index())


def _draw_confusion(pixels: pd.DataFrame, palette: Sequence[Region], role: str, path: Path) -> None:
    """Of each true region's pixels, the share that each region was predicted for."""
    codes = [
        region.region
        for region in palette
        if region.region in set(pixels["truth"]) | set(pixels["predicted"])
    ]
    wide = pixels.pivot_table(
        index="truth", columns="predicted", values="pixels", aggfunc="sum", fill_value=0
    ).reindex(index=codes, columns=codes, fill_value=0)
    total = wide.sum(axis=1)
    side = 0.5 * len(codes)
    figure = new_figure(side + 1.5, width=min(9.2, side * 1.3 + 4.4))
    axes = figure.add_subplot()
    image = draw_shares(axes, shares_of(wide))
    names = {region.region: region_label(region) for region in palette}
    axes.set_xticks(np.arange(len(codes)) + 0.5, codes)
    axes.set_yticks(
        np.arange(len(codes)) + 0.5,
        [f"{names[code]}\n{format_number(total[code])} px" for code in codes],
    )
    axes.set_xlabel("Predicted")
    axes.set_ylabel("Annotated")
    axes.set_title(f"Where the pixels of each annotated region went, {ROLE_NAMES[role]}s")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100"])
    bar.set_label("% of the annotated region's pixels")
    save_figure(figure, path, wide.reset_index())


def _draw_agreement(areas: pd.DataFrame, palette: Sequence[Region], role: str, path: Path) -> None:
    """Mean annotated against mean predicted area, and their correlation over slides."""
    known = {region.region: region for region in palette}
    rows = areas.set_index("region").loc[[c for c in known if c in set(areas["region"])]]
    if rows.empty:
        save_notice(_NONE, path, areas)
        return
    figure = new_figure(0.4 * len(rows) + 1.3)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for height, (code, row) in enumerate(rows.iterrows()):
        truth, predicted = row["mean_truth_mm2"], row["mean_predicted_mm2"]
        left.plot([truth, predicted], [height, height], color=MUTED, linewidth=1, zorder=1)
        left.scatter(truth, height, s=46, facecolors="white", edgecolors=INK, linewidths=1.3)
        left.scatter(predicted, height, s=34, color=known[str(code)].colour, edgecolors=INK)
        right.plot([row["pearson_low"], row["pearson_high"]], [height, height], color=INK)
        right.plot(row["pearson_r"], height, "o", color=known[str(code)].colour, mec=INK)
    left.set_yticks(range(len(rows)), [region_label(known[str(code)]) for code in rows.index])
    left.set_ylim(len(rows) - 0.5, -0.5)
    top = largest(rows, "mean_truth_mm2", "mean_predicted_mm2")
    root_scale(left.xaxis, top, left.set_xscale)
    left.set_xlim(-0.0005 * top, top * 1.1 if top > 0 else 1.0)
    left.set_xlabel("Mean area in a slide (mm², square-root scale)")
    left.set_title(f"Areas, n = {count(int(rows['slides'].max()), 'slide')}, {ROLE_NAMES[role]}s")
    right.set_xlim(min(-0.05, smallest(rows, "pearson_low", "pearson_r") - 0.05), 1.02)
    right.axvline(0, color=FAINT, zorder=0)
    right.set_xlabel("Pearson r of the areas over slides")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        grid(axes, "x")
    lines = "Lines on the right: bootstrap intervals over patients."
    footnote(figure, f"White: annotated. Coloured: predicted. {lines}")
    save_figure(figure, path, rows.reset_index())


def _draw_calibration(bins: pd.DataFrame, overall: pd.Series, role: str, path: Path) -> None:
    """Reliability diagram: share that is right against the probability found."""
    figure = new_figure(3.6, width=4.6)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, zorder=0)
    axes.annotate("as it should be", (0.03, 0.05), rotation=38, color=MUTED)
    axes.vlines(bins["confidence"], bins["accuracy_low"], bins["accuracy_high"], color=INK)
    share = bins["pixels"] / bins["pixels"].sum()
    sizes = 14 + 300 * share
    axes.scatter(bins["confidence"], bins["accuracy"], s=sizes, color=HIGH, ec=INK, clip_on=False)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_xlabel("Probability of the region found")
    axes.set_ylabel("Share of pixels that are right")
    error = format_interval(
        overall["calibration_error"],
        overall["calibration_error_low"],
        overall["calibration_error_high"],
    )
    patients = count(int(overall["patients"]), ROLE_NAMES[role])
    axes.set_title(f"Calibration, n = {patients}\nexpected calibration error {error}")
    grid(axes, "both")
    footnote(figure, "Area of a point: its share of the pixels. Lines: bootstrap over patients.")
    save_figure(figure, path, bins)
