"""Part of the section on patients: how a cohort from a public source came about."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Table, table
from histoniche.report.numbers import MISSING
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records
from histoniche.wording import count

_MOST_ROWS = 200


def origin_blocks(results: Results) -> Iterator[Block]:
    """Show who is left at every step, and who was left out why; nothing for a cohort of one's own.

    Reads `cohort_decisions`: kind, name, patient, decision, step and reason.
    """
    if not results.has("cohort_decisions"):
        return
    yield from picture_of(
        results,
        "cohort_flow",
        "From the public source to this study",
        "Left: who is left at every step. Right: who was left out on the way, and why. One "
        "patient may lose some slides and keep others.",
    )
    yield from _decisions(results.table("cohort_decisions"))


def _decisions(full: pd.DataFrame) -> Iterator[Block]:
    """What was left out, by reason, and one by one where a page can hold it."""
    out = full[full["decision"] == "left out"]
    if out.empty:
        yield Paragraph("Nothing that the source lists was left out.")
        return
    yield _reasons(out)
    if len(out) <= _MOST_ROWS:
        rows = [
            tuple(str(row[name]) or MISSING for name in ("kind", "name", "patient", "reason"))
            for row in records(out)
        ]
        note = "Those that were kept stand with them in cohort/decisions.tsv."
        yield table("Left out, one by one", ("what", "name", "patient", "reason"), rows, note)


def _reasons(out: pd.DataFrame) -> Table:
    """Number of things left out at each step, by reason."""
    rows = []
    for (kind, step, reason), part in out.groupby(["kind", "step", "reason"], sort=False):
        patients = part.loc[part["patient"] != "", "patient"].nunique()
        rows.append((str(step), str(kind), str(reason), f"{len(part):,}", f"{patients:,}"))
    note = (
        f"All {count(len(out), 'decision')} stand one by one in cohort/decisions.tsv, the rules "
        "behind them in cohort/rules.txt."
    )
    heads = ("step", "what", "reason", ">left out", ">of patients")
    return table("Left out on the way", heads, rows, note)
