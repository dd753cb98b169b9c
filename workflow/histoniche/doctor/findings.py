"""Findings: what was looked at, how it stands, and what to do about it."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warn", "wrong"]


class Finding(NamedTuple):
    """One line of the doctor's report.

    Parameters
    ----------
    level
        `ok`; `warn`: a run can go on, at a price; `wrong`: it would fail or never end.
    what
        What was looked at and how it stands.
    remedy
        What to do; empty where nothing is to be done.
    """

    level: Level
    what: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The finding as one line of text."""
        text = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return f"{self.level:<5}  {text}"
