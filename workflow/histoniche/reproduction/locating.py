"""Where the files lie today that a study read."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from histoniche.errors import InputError
from histoniche.report.inputs import COLUMNS, INPUTS, content_of
from histoniche.report.verify import unsafe

_MOST_NAMED = 8


@dataclass(frozen=True)
class Wanted:
    """A file that the study read; see `histoniche.report.inputs.Input`."""

    of: str
    key: str
    column: str
    name: str
    content: str
    """What it is told by; empty if the bundle does not say."""

    @property
    def place(self) -> tuple[str, str, str]:
        """What names it: the configuration or a sheet, key or row, and column."""
        return self.of, self.key, self.column

    def __str__(self) -> str:
        """As a message names it."""
        used = f"{self.column} of {self.key}" if self.column else self.key
        return f"{self.name} ({used})"


def read_wanted(text: str) -> list[Wanted]:
    """Read the list of a bundle.

    Raises
    ------
    InputError
        If a line does not fit, or a name could lead out of a folder.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    header, *lines = list(rows) or [[]]
    if tuple(header) != COLUMNS:
        raise InputError("not a list of inputs", file=INPUTS, remedy="take a bundle of this kind")
    wanted = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(COLUMNS) or unsafe(line[3]):
            raise InputError(
                "not a name that can be looked for", file=INPUTS, row=number, remedy="do not run it"
            )
        of, key, column, name, _, content = line
        wanted.append(Wanted(of, key, column, name, content))
    return wanted


def locate(wanted: Sequence[Wanted], root: Path) -> dict[tuple[str, str, str], Path]:
    """Find files below a folder: at their old place, or else by name and content.

    Parameters
    ----------
    wanted
        The files.
    root
        Folder that holds them.

    Returns
    -------
    Absolute path by what names the file.

    Raises
    ------
    InputError
        In one line, those that are missing or hold something else.
    """
    found: dict[tuple[str, str, str], Path] = {}
    missing: list[Wanted] = []
    others: list[Wanted] = []
    by_name: Mapping[str, list[Path]] | None = None
    for one in wanted:
        place = root / one.name
        candidates = [place] if place.exists() else []
        if not any(_holds(path, one.content) for path in candidates):
            by_name = _by_name(root) if by_name is None else by_name
            candidates += by_name.get(Path(one.name).name, [])
        fitting = next((path for path in candidates if _holds(path, one.content)), None)
        if fitting is not None:
            found[one.place] = fitting.absolute()
        else:
            (others if candidates else missing).append(one)
    problems = [
        f"{len(group)} {words}: {_named(group)}"
        for group, words in ((missing, "not there"), (others, "there with another content"))
        if group
    ]
    if problems:
        raise InputError(
            f"of {len(wanted)} files that the study read, {'; '.join(problems)}",
            file=root,
            remedy="name the folder that holds them with --root",
        )
    return found


def _holds(path: Path, content: str) -> bool:
    """Whether a file has the content that is wanted, as far as the bundle says."""
    return not content or content_of(path)[1] == content


def _by_name(root: Path) -> dict[str, list[Path]]:
    """Everything below a folder by its own name, in a stable order."""
    found: dict[str, list[Path]] = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *files]):
            found.setdefault(name, []).append(Path(folder, name))
    return found


def _named(wanted: Iterable[Wanted]) -> str:
    """The first of some files, and how many more."""
    names = [str(one) for one in wanted]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
