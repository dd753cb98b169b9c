"""Sentences on learned risks for the top of the page: which tell who dies sooner, and where."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from histoniche.report.blocks import Finding, FindingKind, Tile, caution
from histoniche.report.numbers import format_interval, format_p
from histoniche.report.results import Results, records
from histoniche.report.risk_settings import signatures_of
from histoniche.report.risks import told_rows
from histoniche.risk_evaluation import corrected
from histoniche.wording import count

_Q = 0.05


def risk_findings(results: Results) -> Iterator[Finding]:
    """What each signature tells in patients whom no network had seen, a sentence a verdict."""
    rows = unseen_rows(results)
    told: dict[tuple[str, str, FindingKind, str], list[str]] = {}
    for row in records(rows):
        value = format_interval(row["concordance"], row["low"], row["high"])
        key = (str(row["words"]), str(row["score"]), *_verdict(row))
        told.setdefault(key, []).append(
            f"{row['cohort']}: concordance {value}, p {format_p(row['p'])}, q "
            f"{format_p(row['q'])}; {count(int(row['patients']), 'patient')}, "
            f"{count(int(row['events']), 'death')}"
        )
    for (words, score, verdict, says), cohorts in told.items():
        yield Finding(
            f"The {words} {score} {says} in patients whom no network had seen, "
            f"{'; '.join(cohorts)}.",
            verdict,
        )


def risk_cautions(results: Results) -> Iterator[Finding]:
    """Signatures of which nobody can say how well they tell."""
    rows = unseen_rows(results)
    measured = {str(name) for name in rows["score"]} if len(rows) else set()
    for one in signatures_of(results):
        if one.score not in measured:
            yield caution(
                f"How well the {one.words} {one.score} tells is not known: no patients whom the "
                "networks had not seen could be measured.",
                "risk_signatures",
            )


def _verdict(row: Mapping[str, Any]) -> tuple[FindingKind, str]:
    """What one cohort's concordance allows to say."""
    if row["q"] < _Q and row["low"] > 0.5:
        return "holds", "tells who dies sooner"
    if row["q"] < _Q and row["high"] < 0.5:
        return "caution", "points the wrong way"
    return "open", "is not shown to tell who dies sooner"


def unseen_rows(results: Results) -> pd.DataFrame:
    """Concordance of every signature in the cohorts that no network had seen, with q over all."""
    tables = [
        told_rows(results.table(f"{one.block}_performance")).assign(
            score=one.score, words=one.words
        )
        for one in signatures_of(results)
    ]
    if not tables:
        return pd.DataFrame()
    rows = corrected(pd.concat(tables, ignore_index=True))
    return rows[rows["concordance"].notna() & (rows["seen"] == 0)].reset_index(drop=True)


def risk_tiles(results: Results) -> Iterator[Tile]:
    """Concordance of each signature in the largest of the cohorts that no network had seen."""
    rows = unseen_rows(results)
    if rows.empty:
        return
    for score, own in rows.groupby("score", sort=False):
        row = records(own.sort_values("patients", ascending=False, kind="stable"))[0]
        words = format_interval(row["concordance"], row["low"], row["high"])
        value, _, interval = words.partition(" ")
        people = count(int(row["patients"]), "patient")
        yield Tile(value, f"concordance of {score}", f"{interval}, {row['cohort']}, {people}")
