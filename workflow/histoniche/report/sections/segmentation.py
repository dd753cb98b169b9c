"""Section on the accuracy of the segmentation."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from histoniche.learning.leaderboard import COLUMNS
from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.evaluation import ROLE_NAMES, best_role, found_by
from histoniche.report.numbers import format_interval, format_number, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.tables import read_table
from histoniche.wording import count

# Trials that the page lists.
_TRIALS = 10
_FEW = 5
_TITLE = "Accuracy of the segmentation"
_SCORES = ("dice", "precision", "recall")

Rows = Mapping[str, Mapping[str, Any]]
"""Rows of the metrics of one role, by region."""


def segmentation_section(results: Results) -> Section:
    """Report accuracy on patients whom the networks never saw."""
    if not results.has("metrics"):
        return not_run("segmentation", _TITLE, "segmentation")
    metrics = results.table("metrics")
    role = best_role(metrics)
    if role is None:
        text = "No held-out patient has an annotated slide, so that accuracy is not known."
        blocks: list[Block] = [Paragraph(text, "caution")]
    else:
        rows = {str(row["region"]): row for row in records(metrics[metrics["role"] == role])}
        blocks = [*_paragraphs(rows, role), *_brought_along(results), _table(rows, results, role)]
        blocks += picture_of(
            results, "overlap", "Overlap by region", "Intersection over union by region."
        )
        blocks += picture_of(
            results,
            "confusion",
            "Confusion",
            "Each row adds up to 100 %: of the pixels annotated as one region, how many were "
            "predicted as which.",
        )
        blocks += picture_of(
            results,
            "agreement",
            "Agreement of areas",
            "The statistics below rest on areas: this is how well predicted areas agree with "
            "annotated ones.",
        )
        blocks += picture_of(
            results,
            "calibration",
            "Calibration",
            "Whether the probabilities can be believed: of the pixels found with a probability "
            "of 0.8, eight in ten should be right.",
        )
    blocks += [_trials(read_table(path)) for path in results.paths("leaderboards")]
    blocks += picture_of(
        results,
        "training",
        "Training",
        "Learning curves; the weights of the epoch with the lowest validation loss were kept.",
    )
    return Section("segmentation", _TITLE, blocks)


def _paragraphs(rows: Rows, role: str) -> list[Block]:
    """Overall accuracy in words, and what to be careful about."""
    patients = _largest(rows, "patients")
    slides = count(_largest(rows, "slides"), "slide")
    text = f"Measured on {count(patients, ROLE_NAMES[role])} ({slides})."
    if "mean" in rows:
        mean = rows["mean"]
        iou = format_interval(mean["iou"], mean["iou_low"], mean["iou_high"])
        text += f" Mean intersection over union of the regions {iou}."
    row = rows["overall"]
    share, f1, error = (
        format_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
        for name in ("accuracy", "macro_f1", "calibration_error")
    )
    text += (
        f" Share of pixels predicted right {share}; mean F1 of the classes that are annotated "
        f"{f1}; expected calibration error {error}."
    )
    blocks: list[Block] = [Paragraph(text)]
    if role == "validation":
        text = "There are no test patients. The validation patients chose the epoch that was kept, "
        blocks.append(Paragraph(f"{text}so that these numbers flatter the networks.", "caution"))
    if patients < _FEW:
        text = f"With {count(patients, 'patient')} the intervals say little."
        blocks.append(Paragraph(text, "caution"))
    return blocks


def _brought_along(results: Results) -> list[Block]:
    """What is not known of networks that were trained elsewhere."""
    if not results.block("segmentation").get("pretrained"):
        return []
    text = (
        "The networks were trained elsewhere. That these patients are new to them is known from "
        "the patients' ids alone: the same person under another id would flatter the numbers."
    )
    return [Paragraph(text, "caution")]


def _largest(rows: Rows, column: str) -> int:
    """Largest count in a column."""
    return max(int(row[column]) for row in rows.values())


def _table(rows: Rows, results: Results, role: str) -> Table:
    """Numbers by region."""
    names = results.region_names()
    cells = []
    for code in [*names, "mean"]:
        if code not in rows:
            continue
        row = rows[code]
        name = "Mean of the regions" if code == "mean" else names[code]
        name += "" if code in ("background", "mean") else f" ({code})"
        cells.append(
            (
                name,
                f"{int(row['patients']):,}",
                f"{int(row['slides']):,}",
                format_number(row["pixels"]),
                format_interval(row["iou"], row["iou_low"], row["iou_high"]),
                *(
                    format_interval(row[score], row[f"{score}_low"], row[f"{score}_high"])
                    for score in _SCORES
                ),
                percent(row["tiled"]),
            )
        )
    heads = (
        *("region", ">patients", ">slides", ">annotated pixels"),
        *(">IoU", ">Dice", ">precision", ">recall", ">in tiles"),
    )
    note = (
        "IoU: intersection over union. In brackets 95 % bootstrap intervals over patients; they "
        "are missing where there is one patient alone. The mean leaves the background out. In "
        "tiles: share of the annotated area that lies in tiles; what lies outside is not measured."
    )
    title = f"{ROLE_NAMES[role].capitalize()}s, by region"
    return table(title, heads, cells, note)


def _trials(board: pd.DataFrame) -> Table:
    """The best trials of one network's search."""
    drawn = [name for name in board.columns if name not in COLUMNS]
    first = board.iloc[0]
    rows = [
        (
            str(row["rank"]),
            str(row["trial"]),
            format_number(row["validation_dice"]),
            format_number(row["validation_iou"]),
            format_number(row["validation_loss"]),
            *(str(row[name]) for name in drawn),
        )
        for row in records(board.head(_TRIALS))
    ]
    heads = (">rank", ">trial", ">Dice", ">IoU", ">loss", *drawn)
    note = (
        f"The best {len(rows)} of {count(len(board), 'trial')}, by their numbers on the validation "
        "patients. The best of many flatters itself: how good the chosen network is, the test "
        "patients tell."
    )
    title = f"Search for the network of {found_by(first['head'])}, fold {first['fold']}"
    return table(title, heads, rows, note)
