"""Part of the section on patients: training and validation cohorts beside each other."""

from typing import Any

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.numbers import format_days, format_number, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.survival.balance import SURVIVAL
from histoniche.survival.statements import state_cohorts


def cohort_blocks(results: Results) -> list[Block]:
    """Describe the cohorts; nothing where all patients are training."""
    if not results.has("balance", "follow_up") or len(results.table("follow_up")) < 2:
        return []
    return [
        Paragraph(state_cohorts(results.table("balance"), results.table("follow_up"))),
        _sizes(results),
        *picture_of(
            results,
            "balance",
            "Distance from the training cohort",
            "Right of the line a covariate is out of balance.",
        ),
        _balance(results),
    ]


def _sizes(results: Results) -> Table:
    """Size, follow-up and survival of each cohort."""
    rows = [
        (
            str(row["cohort"]),
            f"{row['n']:,}",
            f"{row['events']:,}",
            format_days(row["follow_up_days"], row["follow_up_low"], row["follow_up_high"]),
            format_days(row["survival_days"], row["survival_low"], row["survival_high"]),
        )
        for row in records(results.table("follow_up"))
    ]
    heads = ("cohort", ">n", ">deaths", ">median follow-up", ">median survival")
    note = (
        "Median follow-up: reverse Kaplan-Meier. Cut-points and models are found in the training "
        "cohort alone and applied, unchanged, to the others."
    )
    return table("Cohorts", heads, rows, note)


def _balance(results: Results) -> Table:
    """One row a covariate or level, one column a cohort."""
    full = results.table("balance")
    cohorts = list(results.table("follow_up")["cohort"])
    rows = []
    for (covariate, level), part in full.groupby(["covariate", "level"], sort=False):
        by_cohort = {row["cohort"]: row for row in records(part)}
        first = records(part)[0]
        unit = f" ({first['unit']})" if first["unit"] else ""
        name = f"{covariate}: {level}" if level else f"{covariate}{unit}"
        smd = part["smd"].max()
        rows.append(
            (
                name if covariate != SURVIVAL else "deaths",
                *(_described(by_cohort[cohort]) for cohort in cohorts if cohort in by_cohort),
                format_number(smd, 2),
                str(first["test"]),
                format_p(first["p"]),
                format_p(first["q"]),
            )
        )
    heads = ("covariate", *(f">{cohort}" for cohort in cohorts), ">SMD", "test", ">p", ">q")
    note = (
        "Median (quartiles), or count and share of those in whom it is known. SMD: largest "
        "standardised difference from the training cohort; above 0.1 counts as out of balance. "
        "Where cohorts were drawn at random, a small p is chance."
    )
    return table("Cohorts beside each other", heads, rows, note)


def _described(row: dict[str, Any]) -> str:
    """A cohort's distribution of one covariate, or its share of one level."""
    missing = f", {row['missing']:,} unknown" if row["missing"] else ""
    if row["count"] == row["count"]:
        return f"{int(row['count']):,} ({percent(row['share'])}){missing}"
    if not row["n"]:
        return f"–{missing}"
    middle, low, high = (format_number(row[name]) for name in ("median", "q1", "q3"))
    return f"{middle} ({low} to {high}){missing}"
