"""Part of the section on signatures: how well each tells who dies sooner."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.numbers import MISSING, format_interval, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.report.risk_settings import Signature
from histoniche.report.risks import Q_WORDS, seen_words, told_rows
from histoniche.risk_evaluation import corrected
from histoniche.wording import count, join_words

_FEW_DEATHS = 20


def concordance_blocks(results: Results, found: Sequence[Signature]) -> Iterator[Block]:
    """Report the concordance of every signature in every cohort, and what it allows to say."""
    measured = corrected(
        pd.concat(
            [
                results.table(f"{one.block}_performance").assign(score=one.score, block=one.block)
                for one in found
            ],
            ignore_index=True,
        )
    )
    told = told_rows(measured)
    for one in found:
        yield from _verdict(told[told["score"] == one.score], one)
    yield from picture_of(
        results,
        "risk_concordance",
        "Concordance with survival",
        "Filled: in patients whom no network had seen.",
    )
    levels = [one.settings.get("evaluation", {}).get("confidence", 0.95) for one in found]
    level = join_words([percent(level) for level in dict.fromkeys(levels)])
    yield _table(measured, level, several=len(found) > 1)


def _verdict(rows: pd.DataFrame, one: Signature) -> Iterator[Paragraph]:
    """What the numbers of one signature allow to say."""
    known = rows.dropna(subset=["concordance"])
    unseen, seen = known[known["seen"] == 0], known[known["seen"] > 0]
    if unseen.empty:
        yield Paragraph(
            f"{one.score}: nobody whom the networks had not seen can be measured; how well it "
            "tells is not known.",
            "caution",
        )
    else:
        parts = [f"{row['cohort']} {in_numbers(row)}" for row in records(unseen)]
        yield Paragraph(
            f"{one.score} in patients whom no network had seen, concordance: {join_words(parts)}."
        )
    yield from _chance(unseen, one)
    if len(seen):
        parts = [f"{row['cohort']} {row['concordance']:.2f}" for row in records(seen)]
        yield Paragraph(
            f"In patients whom the networks had learned from or were chosen by, which flatters: "
            f"{join_words(parts)}.",
            "muted",
        )
    missing = rows[rows["concordance"].isna()]
    if len(missing):
        parts = [
            f"{row['cohort']} ({count(int(row['patients']), 'patient')}, "
            f"{count(int(row['events']), 'death')})"
            for row in records(missing)
        ]
        yield Paragraph(f"Too few deaths to measure {one.score}: {join_words(parts)}.", "caution")


def _chance(unseen: pd.DataFrame, one: Signature) -> Iterator[Paragraph]:
    """Cautions on intervals that hold chance, on reversed risks and on few deaths."""
    held = unseen[(unseen["low"] <= 0.5) & (unseen["high"] >= 0.5)]
    if len(held):
        names = join_words([str(name) for name in held["cohort"]])
        yield Paragraph(
            f"{one.score}: the interval holds 0.5 in {names}: no better than chance could be "
            "shown there.",
            "caution",
        )
    below = unseen[unseen["high"] < 0.5]
    if len(below):
        names = join_words([str(name) for name in below["cohort"]])
        yield Paragraph(
            f"{one.score}: in {names} patients at the higher risk lived longer. The sign of a risk "
            "is that of the training and is not turned afterwards.",
            "caution",
        )
    few = unseen[unseen["events"] < _FEW_DEATHS]
    if len(few):
        parts = [f"{row['cohort']} ({int(row['events'])})" for row in records(few)]
        yield Paragraph(f"{one.score}: few deaths, wide intervals: {join_words(parts)}.", "caution")


def in_numbers(row: dict[str, Any]) -> str:
    """Concordance of a row with interval, size, p and q."""
    value = format_interval(row["concordance"], row["low"], row["high"])
    return (
        f"{value.removesuffix(')')}; {count(int(row['patients']), 'patient')}, "
        f"{count(int(row['events']), 'death')}; p {format_p(row['p'])}, q {format_p(row['q'])})"
    )


def _table(measured: pd.DataFrame, level: str, *, several: bool) -> Table:
    """A row a score, cohort and fold."""
    rows = [
        (
            *((str(row["score"]),) if several else ()),
            str(row["cohort"]) if pd.isna(row["fold"]) else f"fold {int(row['fold'])}",
            seen_words(row),
            f"{int(row['patients']):,} / {int(row['events']):,}",
            format_interval(row["concordance"], row["low"], row["high"]),
            *(MISSING if row["seen"] > 0 else format_p(row[name]) for name in ("p", "q")),
        )
        for row in records(measured)
    ]
    heads = (
        *(("score",) if several else ()),
        *("cohort", "networks had it", ">n / deaths", f">concordance ({level})", ">p", ">q"),
    )
    note = (
        "Of two patients, how often the one who died sooner has the higher risk; 0.5 is chance, 1 "
        f"perfect. p: two-sided, by permutation; not given of patients whom networks had seen. "
        f"{Q_WORDS}"
    )
    if measured["fold"].notna().any():
        note += (
            " All folds: each patient by the network that never saw them, and compared within the "
            "fold alone, since networks of different folds are not on one scale; q of a single "
            "fold is over the folds."
        )
    return table("Concordance of the signatures with survival", heads, rows, note)
