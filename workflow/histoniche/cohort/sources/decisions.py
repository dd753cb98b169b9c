"""What became of every case and file, and the counts of it step by step."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import pandas as pd

Kind = Literal["patient", "slide", "expression", "mutations", "label", "survival"]

COLUMNS = ("kind", "name", "patient", "decision", "step", "reason")


class Decision(NamedTuple):
    """What became of one thing."""

    kind: Kind
    name: str
    patient: str
    kept: bool
    step: str
    reason: str = ""


class Count(NamedTuple):
    """One line of the flow: how many are left, or left out, at a step."""

    order: int
    step: str
    role: Literal["kept", "left out", "of these"]
    """`of these`: how many of the last kept have something, such as expression."""
    reason: str
    patients: int | None
    slides: int | None


@dataclass
class Flow:
    """Counts at every step, in the manner of CONSORT, with every decision behind them."""

    decisions: list[Decision] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    def kept(self, step: str, *, patients: int | None = None, slides: int | None = None) -> None:
        """Note how many are left."""
        order = len({count.order for count in self.counts if count.role == "kept"}) + 1
        self.counts.append(Count(order, step, "kept", "", patients, slides))

    def left_out(self, step: str, decisions: Iterable[Decision]) -> None:
        """Note who was left out on the way to the next step, by reason."""
        out = [decision for decision in decisions if not decision.kept]
        self.decisions += out
        for reason, number in Counter(one.reason for one in out).most_common():
            some = [one for one in out if one.reason == reason]
            slides = number if some[0].kind == "slide" else None
            patients = len({one.patient for one in some if one.patient})
            order = self.counts[-1].order if self.counts else 0
            self.counts.append(Count(order, step, "left out", reason, patients, slides))

    def of_these(self, what: str, patients: int) -> None:
        """Note how many of the patients have something."""
        order = self.counts[-1].order if self.counts else 0
        self.counts.append(Count(order, what, "of these", "", patients, None))

    def decision_table(self) -> pd.DataFrame:
        """Every decision, one row each; see `COLUMNS`."""
        rows = [
            (one.kind, one.name, one.patient, "kept" if one.kept else "left out", *one[4:])
            for one in self.decisions
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def count_table(self) -> pd.DataFrame:
        """Counts, one row each: order, step, role, reason, patients, slides."""
        table = pd.DataFrame(self.counts, columns=list(Count._fields))
        return table.astype({"patients": "Int64", "slides": "Int64"})
