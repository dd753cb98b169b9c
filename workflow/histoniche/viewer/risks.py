"""Risks: what networks foresee of a patient, and on which side of the run's cut-point it lies."""

from typing import Any, NamedTuple

import pandas as pd

from histoniche.cohort.splits import SEEN
from histoniche.viewer.index import Index
from histoniche.viewer.tables import written

# Blocks of risks with what their networks look at.
_BLOCKS = {"slide_signature": "slides", "imaging": "scans"}
_OWN = ("patient", "cohort", "role", "fold", "log_hazard")
_SCALE = "From 0 to 1; 0.5 is the mean patient that the networks learned from, more dies sooner."


class Risk(NamedTuple):
    """A patient's risk as a page shows it."""

    score: str
    pairs: list[tuple[str, str]]
    """Value and group, by what they are called."""
    notes: list[str]
    """What has to be known to read them."""


def risks_of(index: Index, patient: str, *, run: Index) -> list[Risk]:
    """Risks of a patient, by the networks of scans and slides that there are.

    Parameters
    ----------
    index
        Results with the patient's scores.
    patient
        Its id; no patient has a risk whose scans or slides have nothing to look at.
    run
        Results of the run whose cut-points and measures count: the same, but for an upload.
    """
    found = []
    for block, seen in _BLOCKS.items():
        table = index.table(f"{block}/scores")
        if table is None:
            continue
        score = str(next(name for name in table.columns if name not in _OWN))
        rows = table[table["patient"] == patient].to_dict("records")
        if not rows:
            words = f"No risk: the networks found nothing to look at on the {seen}."
            found.append(Risk(score, [], [words]))
            continue
        group, notes = _group(run, score, float(rows[0][score]))
        pairs = [("risk", written(rows[0][score])), *([("group", group)] if group else [])]
        own = [_SCALE, *notes, *_of_role(str(rows[0]["role"])), *_measured(run, block)]
        found.append(Risk(score, pairs, own))
    return found


def _group(run: Index, score: str, value: float) -> tuple[str, list[str]]:
    """The side of the run's cut-point, and how that was found; no side where there is none."""
    rows = run.rows("survival/cut_points", score=score)
    if not rows:
        words = "the run divided no patients by this score (block survival_curves)"
        return "", [f"No group: {words}."]
    row = rows[0]
    if pd.isna(row["cut"]):
        return "", [f"No group: the run found no cut-point, {row['note']}."]
    cut = float(row["cut"])
    side = "high" if value > cut else "low"
    where = "above" if value > cut else "at or below"
    told = (
        f"The cut-point was found in {int(row['n']):,} training patients of the run "
        f"({int(row['events']):,} died; rule: {row['rule']}), and is applied as it is."
    )
    return f"{side}, {where} {written(cut)}", [told]


def _of_role(role: str) -> list[str]:
    """What is to be known of patients whom the networks know."""
    if role not in SEEN:
        return []
    return ["The networks learned from this patient, or were chosen by it: the risk is no test."]


def _measured(run: Index, block: str) -> list[str]:
    """How well the risk told patients apart whom its networks had not seen."""
    rows: list[dict[str, Any]] = [
        row
        for row in run.rows(f"{block}/performance")
        if pd.isna(row["fold"]) and not row["seen"] and pd.notna(row["concordance"])
    ]
    parts = [
        f"{row['concordance']:.2f} ({row['low']:.2f} to {row['high']:.2f}) in {row['cohort']} "
        f"({int(row['patients']):,} patients)"
        for row in rows
    ]
    if not parts:
        return ["How well it tells unseen patients apart, the run has not measured."]
    return [f"Concordance with survival in the run, where 0.5 is chance: {'; '.join(parts)}."]
