"""Comparisons: two ways to the same answer, timed interleaved in one process."""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from histoniche.files import write_json

Work = Callable[[], Any]
ROUNDS = 5


class Row(NamedTuple):
    """One comparison: seconds of both sides, their ratio (peer / ours), and what was hoped for."""

    what: str
    ours: float
    peer: float
    ratio: float
    target: float
    note: str

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target


def median_seconds(
    works: Mapping[str, Work],
    *,
    clock: Callable[[], float] = time.process_time,
    rounds: int = ROUNDS,
) -> dict[str, float]:
    """Median time of each piece of work, in CPU seconds of all threads unless told otherwise.

    The pieces take turns, so that a machine that slows down slows all of them.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for name in works:
        works[name]()
    for _ in range(rounds):
        for name, work in works.items():
            start = clock()
            work()
            taken[name].append(clock() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


class Best(NamedTuple):
    """Least seconds that a piece of work took."""

    cpu: float
    wall: float


def best_seconds(works: Mapping[str, Work], *, rounds: int = ROUNDS) -> dict[str, Best]:
    """Least CPU time, of all threads, and least wall time of each piece of work.

    The pieces take turns, as in `median_seconds`. The least is what other work on the machine
    disturbs least.
    """
    taken: dict[str, list[Best]] = {name: [] for name in works}
    for name in works:
        works[name]()
    for _ in range(rounds):
        for name, work in works.items():
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            taken[name].append(Best(time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: Best(*(min(column) for column in zip(*rows, strict=True)))
        for name, rows in taken.items()
    }


def against(
    what: str, seconds: Mapping[str, float], peer: str, target: float, note: str = ""
) -> Row:
    """Compare the piece `ours` with a peer's."""
    ours = seconds["ours"]
    return Row(what, ours, seconds[peer], seconds[peer] / ours, target, note)


def report(rows: list[Row], out: Path) -> None:
    """Print the comparisons as a table and write them as JSON."""
    table = Table(title=out.stem)
    for head in ("what", "ours, s", "peer, s", "ratio", "target", "", "note"):
        table.add_column(head, justify="left" if head in ("what", "note") else "right")
    for row in rows:
        table.add_row(
            row.what,
            f"{row.ours:.3f}",
            f"{row.peer:.3f}",
            f"{row.ratio:.2f}",
            f"{row.target:g}",
            "holds" if row.holds else "[red]misses",
            row.note,
        )
    Console(width=140).print(table)
    write_json([{**row._asdict(), "holds": row.holds} for row in rows], out)
