"""What a clinical evaluation finds, gathered table by table, with notes where nothing is found."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from histoniche.tables import write_table

TABLES = (
    "models",
    "nomogram_ticks",
    "calibration_groups",
    "calibration_curves",
    "calibration_measures",
    "optimism",
    "added_value",
    "decision_curves",
    "statements",
    "notes",
)
"""What is written beside the two nomograms. Every table has a column cohort, days and model."""


class Findings:
    """Parts of the tables, in the order in which they were found."""

    def __init__(self) -> None:
        self._parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}

    def add(
        self, name: str, part: pd.DataFrame, *, cohort: str, days: float = math.nan, model: str = ""
    ) -> None:
        """Add rows to a table; `model` is for rows that do not name their own."""
        rows = part.assign(cohort=cohort, days=days)
        if "model" not in part:
            rows["model"] = model
        self._parts[name].append(rows[[*rows.columns[len(part.columns) :], *part.columns]])

    def say(
        self, analysis: str, text: str, *, cohort: str, days: float = math.nan, model: str = ""
    ) -> None:
        """Add a statement for a methods section."""
        row = pd.DataFrame([{"analysis": analysis, "text": text}])
        self.add("statements", row, cohort=cohort, days=days, model=model)

    def note(
        self, analysis: str, reason: object, *, cohort: str, days: float = math.nan, model: str = ""
    ) -> None:
        """Add a note on what could not be had, and why."""
        row = pd.DataFrame([{"analysis": analysis, "note": str(reason)}])
        self.add("notes", row, cohort=cohort, days=days, model=model)
        logging.warning("cohort %s, %s %s: %s", cohort, analysis, model, reason)

    def write(self, paths: Mapping[str, Path]) -> None:
        """Write every table; one without rows has its first columns alone."""
        for name in TABLES:
            parts = self._parts[name]
            empty = pd.DataFrame(columns=["cohort", "days", "model"])
            write_table(pd.concat(parts, ignore_index=True) if parts else empty, paths[name])


def check_tables(tables: Mapping[str, Path]) -> None:
    """Raise a ValueError unless there is a path for each of `TABLES`."""
    if set(tables) != set(TABLES):
        raise ValueError(f"tables must be {', '.join(TABLES)}")
