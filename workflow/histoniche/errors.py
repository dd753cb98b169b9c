"""Errors that a user can act on: one line saying what, where and what to do."""

from pathlib import Path


class InputError(ValueError):
    """Something the user supplied cannot be used.

    Parameters
    ----------
    problem
        What is wrong, in plain words.
    remedy
        What the user should do about it.
    file, row, column, value
        Where it is wrong, as far as it is known. `row` counts as a text editor
        does: the header is row 1.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str,
        file: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        self.fields = {
            "problem": problem,
            "remedy": remedy,
            "file": None if file is None else str(file),
            "row": row,
            "column": column,
            "value": value,
        }
        place = [
            str(file) if file is not None else "",
            f"row {row}" if row is not None else "",
            f"column {column}" if column is not None else "",
            f"value {value!r}" if value is not None else "",
        ]
        where = ", ".join(part for part in place if part)
        line = f"{where}: {problem}; {remedy}" if where else f"{problem}; {remedy}"
        super().__init__(" ".join(line.split()))


class Unusable(Exception):  # noqa: N818 - a finding about a thing, not a fault of the program
    """A thing of the cohort that cannot go on; its message is the reason shown in its table."""


class UnusableSlide(Unusable):
    """A slide that cannot go on."""


class UnusableScan(Unusable):
    """A patient's scan that cannot go on."""
