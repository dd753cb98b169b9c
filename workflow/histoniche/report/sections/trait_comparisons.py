"""Traits beside each other: all rounds, two ways of training, and chains against one model."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from histoniche.report.blocks import Block, Heading, Paragraph, Table, table
from histoniche.report.numbers import MISSING, format_interval, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.trait_settings import folds
from histoniche.report.traits import ALL, LEVEL_NAMES, MACRO, METRIC_NAMES, in_order, standing
from histoniche.tables import read_table
from histoniche.traits.run_comparison import CAVEAT

TEST_NAMES = {
    "student": "Student's t-test of two groups of equal variance",
    "welch": "Welch's t-test",
    "paired": "paired t-test",
    "corrected": "paired t-test, its variance enlarged for training patients in common",
}
"""Tests of two trainings by their rounds, in words."""


def round_table(results: Results) -> Iterator[Table]:
    """AUROC of the rounds and of what they say together, a row a trait."""
    if not results.has("trait_rounds_table") or results.table("trait_rounds_table").empty:
        return
    rows = [_row(row) for row in records(results.table("trait_rounds_table"))]
    kfold = folds(results) > 0
    together = "out of fold" if kfold else "ensemble"
    heads = (
        *("trait", "class", ">rounds", ">mean of rounds", ">lowest", ">highest"),
        *(f">{together}", ">patients", ">ensemble, OOD-near", ">patients", ">ensemble, OOD-all"),
        ">patients",
    )
    note = (
        "AUROC of slides. The mean over rounds is no ensemble's AUROC, and lowest and highest are "
        "no interval; in brackets intervals over patients."
    )
    if kfold:
        note += " Out of fold: each slide by the network that tests its patient."
    yield table(f"Single rounds and {'' if kfold else 'the '}{together}", heads, rows, note)


def _row(row: dict[str, Any]) -> list[str]:
    """Numbers of one trait."""
    cells = [
        str(row["trait"]),
        "mean" if row["class"] == MACRO else str(row["class"] or MISSING),
        f"{int(row['rounds'])}",
        *(_number(row[f"test_{name}"]) for name in ("mean", "min", "max")),
    ]
    for name in ("test", "near", "all"):
        estimate = [row[f"{name}_{end}"] for end in ("ensemble", "low", "high")]
        cells += [format_interval(*estimate), f"{int(row[f'{name}_patients']):,}"]
    return cells


def comparisons(results: Results) -> Iterator[Block]:
    """What the t-tests of two trainings of the same labels say."""
    if not results.has("trait_comparisons"):
        return
    compared = results.table("trait_comparisons")
    if compared.empty:
        return
    yield Heading("Two trainings compared")
    yield from picture_of(
        results,
        "trait_comparisons",
        "Two trainings of the same labels",
        "Dots: single rounds; diamonds: their means; right: the difference with its interval.",
    )
    for name, own in compared.groupby("comparison", sort=False):
        first, second = own["first"].iloc[0], own["second"].iloc[0]
        sides = (str(first), str(second))
        yield _tests(f"{name}: {second} against {first}", standing(own), sides, "class")


def chains(results: Results) -> Iterator[Block]:
    """What chains of models tell beside a single model of all classes."""
    known = [read_table(path) for path in results.paths("trait_chains")]
    known = [own for own in known if len(own)]
    if known:
        yield Heading("Chains of models")
        yield Paragraph(
            "A chain divides the classes step by step, each step by a network of its own. Each "
            "step is judged on those who truly belong to one of its classes, and so is the single "
            "network of all classes."
        )
    for own in known:
        name = str(own["chain"].iloc[0])
        yield from picture_of(
            results,
            f"chain_{name}",
            f"Chain {name}",
            "Dots: single rounds; diamonds: their means; right: the difference with its interval.",
        )
        steps = [standing(part) for _, part in own.groupby(["level", "step"], sort=False)]
        title = f"{name}: the chain against one model"
        yield _tests(title, pd.concat(steps), ("one model", "chain"), "step")


def _tests(title: str, own: pd.DataFrame, sides: tuple[str, str], column: str) -> Table:
    """A row a level, class or step, and metric."""
    rows = []
    for level in in_order(own["level"], LEVEL_NAMES):
        for row in records(own[own["level"] == level]):
            metric = str(row["metric"])
            cells = [
                LEVEL_NAMES.get(level, level),
                _shown(str(row[column])),
                _called_right(row) if row["class"] == ALL else METRIC_NAMES.get(metric, metric),
                *(_number(row[f"{side}_mean"]) for side in ("first", "second")),
                format_interval(row["difference"], row["low"], row["high"], decimals=3),
                format_p(row["p"]),
                format_p(row["q"]),
                _runs(row),
            ]
            rows.append(cells)
    names = (f">{sides[0]}", f">{sides[1]}")
    heads = ("level", column, "metric", *names, ">difference", ">p", ">q", ">runs")
    return table(title, heads, rows, _note(own))


def _note(own: pd.DataFrame) -> str:
    """Which test it was, and what its p does not say."""
    kinds = [TEST_NAMES.get(str(kind), str(kind)) for kind in own["test"].unique()]
    remarks = [str(note) for note in own["note"].fillna("").unique() if note]
    # What keeps a row from a p is no remark on the others.
    told = [note if note == CAVEAT else f"where no p stands, {note}" for note in remarks]
    sentences = ["Mean over rounds, on test patients", *kinds, *told]
    text = " ".join(f"{words[0].upper()}{words[1:]}." for words in sentences)
    return text + " q: over the rows of one comparison."


def _called_right(row: dict[str, Any]) -> str:
    """Name of a metric of all classes together."""
    return "called right" if row["metric"] == "accuracy" else str(row["metric"])


def _shown(name: str) -> str:
    """A class or step as it stands in a table."""
    return {ALL: "all classes", MACRO: "mean"}.get(name, name)


def _number(value: float) -> str:
    """A metric, or a dash."""
    return MISSING if pd.isna(value) else f"{value:.2f}"


def _runs(row: dict[str, Any]) -> str:
    """How many rounds of each were compared."""
    first, second = int(row["first_runs"]), int(row["second_runs"])
    return f"{first}" if first == second else f"{first}, {second}"
