"""Decisions on the way from a user's file to prepared data, and how many things each touched."""

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

from histoniche.tables import write_table

LISTED = 1000
"""At most so many names stand in a detail, and so many single things under a step."""


@dataclass(frozen=True)
class Decision:
    """One thing that was decided about the data, and how many it touched."""

    step: str
    item: str
    count: int
    detail: str = ""


def write_decisions(decisions: Sequence[Decision], path: Path) -> None:
    """Write decisions as a table: step, item, count, detail; and tell the log."""
    write_table(pd.DataFrame(decisions), path)
    for decision in decisions:
        logging.info("%s: %s %d %s", *astuple(decision))


def list_names(names: Sequence[str], *, most: int = LISTED) -> str:
    """Names in a row, at most so many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
