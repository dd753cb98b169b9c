"""Section on the activity of gene sets in single patients."""

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import format_interval, format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records, top_of_each

_TITLE = "Activity of gene sets"
_Q = 0.05
_METHODS = {
    "gsva": "GSVA, which ranks each gene over the patients first: it tells patients apart, and "
    "changes with the cohort",
    "ssgsea": "ssGSEA, which looks at the ranks of the genes within one patient",
}


def activity_section(results: Results) -> Section:
    """Report which gene sets' activities go with scores, and which differ between groups."""
    if not (results.has("activity_correlation") or results.has("activity_comparison")):
        return not_run("activity", _TITLE, "activity")
    method = _METHODS[results.block("activity").get("method", "gsva")]
    blocks: list[Block] = [
        Paragraph(
            f"How active a gene set is in a single patient, by {method}. An activity has no unit: "
            "compare patients, not sets. q is p after Benjamini-Hochberg over the sets of one "
            "library, for each score or grouping by itself."
        )
    ]
    if results.has("activity_correlation"):
        blocks += [
            *picture_of(
                results,
                "activity_correlation",
                "Activities that go with scores",
                "Gene sets down, scores across, alike beside alike; a dot where q < 0.05.",
            ),
            *_correlation(results),
        ]
    if results.has("activity_comparison"):
        blocks += [
            *picture_of(
                results,
                "activity_groups",
                "Activities between groups",
                "One dot a patient; the box holds the middle half, the line is the median.",
            ),
            *_comparison(results),
        ]
    return Section("activity", _TITLE, blocks)


def _correlation(results: Results) -> list[Block]:
    """The surest sets of every score."""
    rows = results.table("activity_correlation")
    sure, number = _surest(results, rows, by="score")
    if sure.empty:
        return [Paragraph("No activity goes with a score after correction.", "caution")]
    cells = [
        (
            str(row["score"]),
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            f"{row['size']:,}",
            f"{row['n']:,}",
            format_number(row["rho"], 2),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(sure)
    ]
    heads = ("score", "gene set", "library", ">genes", ">patients", ">ρ", ">p", ">q")
    note = f"Up to {number} sets a score, q < 0.05. All stand in omics/activity_correlation.tsv."
    return [table("Sets whose activity goes with a score", heads, cells, note)]


def _comparison(results: Results) -> list[Block]:
    """The sets that differ most surely in every grouping."""
    rows = results.table("activity_comparison")
    blocks: list[Block] = [_groups(rows.drop_duplicates(["grouping", "group"]))]
    tests = rows.drop_duplicates(["grouping", "library", "term"])
    sure, number = _surest(results, tests, by="grouping")
    if sure.empty:
        return [*blocks, Paragraph("No activity differs after correction.", "caution")]
    cells = [
        (
            str(row["grouping"]),
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            str(row["test"]),
            format_interval(row["effect"], row["effect_low"], row["effect_high"]),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(sure)
    ]
    heads = ("groups", "gene set", "library", "test", ">effect (interval)", ">p", ">q")
    note = (
        "Effect of two groups: Cliff's delta, from −1 (always lower in the first group) to 1 "
        f"(always higher); of more: eta squared of the ranks, from 0 to 1. Up to {number} "
        "sets a grouping, q < 0.05. All stand in omics/activity_comparison.tsv."
    )
    return [*blocks, table("Sets whose activity differs", heads, cells, note)]


def _groups(sizes: pd.DataFrame) -> Table:
    """Who is compared with whom."""
    rows = [
        (str(grouping), ", ".join(f"{row['group']} ({row['n']:,})" for row in records(groups)))
        for grouping, groups in sizes.groupby("grouping", sort=False)
    ]
    return table("Groups of patients", ("grouping", "groups (patients)"), rows)


def _surest(results: Results, rows: pd.DataFrame, *, by: str) -> tuple[pd.DataFrame, int]:
    """Rows of smallest q below the limit in each of `by`, in its order, and how many at most."""
    number = int(results.block("report").get("top_genes", 8))
    order = list(dict.fromkeys(rows[by]))
    sure = rows[rows["q"] < _Q].sort_values(["q", "p", "library", "term"], kind="stable")
    return top_of_each(sure, number, by=by, order=order), number
