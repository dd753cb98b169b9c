"""Processes of a job, known by a mark in their environment, which a killed server leaves behind."""

import os
import signal
import time
from pathlib import Path

MARK = "HISTONICHE_UPLOAD"
"""Variable that every process of a job has, with the folder of its upload."""

_PROC = Path("/proc")
_STEP = 0.1


def processes_of(folder: Path) -> list[int]:
    """Processes on this machine that work on an upload."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for place in _PROC.iterdir():
        if not place.name.isdigit():
            continue
        try:
            environment = (place / "environ").read_bytes().split(b"\0")
        except OSError:
            # Others' processes, and those that have just ended.
            continue
        if wanted in environment:
            found.append(int(place.name))
    return found


def leader_of(folder: Path) -> int | None:
    """The process that leads the work on an upload, which is Snakemake; None if it is gone."""
    for process in processes_of(folder):
        try:
            if os.getsid(process) == process:
                return process
        except ProcessLookupError:
            continue
    return None


def end_work(folder: Path, *, patience: float) -> None:
    """End all work on an upload: Snakemake is asked to, as by Ctrl+C, then all is killed.

    Parameters
    ----------
    folder
        The upload's.
    patience
        Seconds that Snakemake has to take its jobs back, those on a cluster too.
    """
    leader = leader_of(folder)
    if leader is not None:
        _signal(leader, signal.SIGINT)
        until = time.monotonic() + patience
        while processes_of(folder) and time.monotonic() < until:
            time.sleep(_STEP)
    # What is started while it is looked for is found the next time.
    while left := processes_of(folder):
        for process in left:
            _signal(process, signal.SIGKILL)
        time.sleep(_STEP)


def _signal(process: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
