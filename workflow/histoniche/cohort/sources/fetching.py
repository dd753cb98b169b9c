"""Many files from sources: what they take, how far they are, and the record of what came."""

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.download import download
from histoniche.cohort.sources.pacing import Limits
from histoniche.cohort.sources.partial import part_of
from histoniche.cohort.sources.records import is_fetched, record
from histoniche.cohort.sources.remote import Fetched, Remote
from histoniche.errors import InputError

_LINE_EVERY_S = 10.0


class _Stopped(Exception):  # noqa: N818 - nothing is wrong
    """Somebody stopped the whole of it."""


class Estimate(NamedTuple):
    """What fetching takes, before it starts."""

    files: int
    """Files that are still to be fetched."""
    there: int
    """Files that are there already."""
    size: int
    """Bytes to come, of the files whose size is known."""
    unknown: int
    """Files whose size no list says."""
    free: int
    """Bytes free where they go."""

    @property
    def words(self) -> str:
        """One line for a person."""
        more = f", and {self.unknown} files of unknown size" if self.unknown else ""
        return (
            f"{self.files} files to fetch ({human(self.size)}{more}), {self.there} there already; "
            f"{human(self.free)} free"
        )


def estimate(remotes: Iterable[Remote], folder: Path) -> Estimate:
    """What fetching some files into a folder takes; those that are there count as done."""
    wanted = list(remotes)
    missing = [remote for remote in wanted if not is_fetched(remote, folder)]
    sizes = [remote.size for remote in missing if remote.size is not None]
    begun = sum(_begun(remote, folder) for remote in missing)
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return Estimate(
        files=len(missing),
        there=len(wanted) - len(missing),
        size=max(0, sum(sizes) - begun),
        unknown=len(missing) - len(sizes),
        free=shutil.disk_usage(nearest).free,
    )


def fetch(
    remotes: Sequence[Remote],
    folder: Path,
    connection: Connection,
    *,
    limits: Limits | None = None,
) -> list[Fetched]:
    """Fetch files side by side; one that fails does not stop the others.

    Parameters
    ----------
    remotes
        The files; those that are there already are passed over.
    folder
        Folder of the cohort.
    connection
        To their sources.
    limits
        How many at once, and how fast together.

    Returns
    -------
    What was fetched now.

    Raises
    ------
    InputError
        Before the start if the disk has no room for them; at the end if any could not be
        fetched, with the reason of the first.
    """
    limits = limits or Limits()
    expected = estimate(remotes, folder)
    logging.info("%s", expected.words)
    check_room(expected, folder)
    missing = [remote for remote in remotes if not is_fetched(remote, folder)]
    if not missing:
        return []
    done: list[Fetched] = []
    failed: list[InputError] = []
    stop = threading.Event()
    pool = ThreadPoolExecutor(limits.parallel, thread_name_prefix="fetch")
    with _teller(len(missing), expected.size) as told:

        def arrived(size: int) -> None:
            if stop.is_set():
                raise _Stopped
            told.arrived(size)

        jobs = [
            pool.submit(_fetch_one, one, folder, connection, limits, arrived) for one in missing
        ]
        try:
            for job in as_completed(jobs):
                try:
                    done.append(job.result())
                    told.finished(done[-1].path)
                except InputError as error:
                    logging.warning("%s", error)
                    failed.append(error)
        except BaseException:
            # What is under way stops at its next bytes; what came of it stays for the next start.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    pool.shutdown()
    if failed:
        raise InputError(
            f"{len(failed)} of {len(missing)} files could not be fetched; the first: {failed[0]}",
            remedy="run again when the reason is mended; the others are there",
        )
    return done


def check_room(expected: Estimate, folder: Path) -> None:
    """Raise an error if files do not go on the disk."""
    if expected.size > expected.free:
        raise InputError(
            f"{human(expected.size)} are to come, {human(expected.free)} are free",
            file=folder,
            remedy="make room, fetch less by --only, or have slides pass by histoniche stream",
        )


def human(size: float) -> str:
    """Bytes in words: 512 B, 3.4 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _fetch_one(
    remote: Remote,
    folder: Path,
    connection: Connection,
    limits: Limits,
    arrived: Callable[[int], None],
) -> Fetched:
    """Fetch one file and note that it is there."""
    fetched = download(remote, folder, connection, bandwidth=limits.bandwidth, arrived=arrived)
    record(fetched, folder)
    return fetched


def _begun(remote: Remote, folder: Path) -> int:
    """Bytes of a file that an earlier attempt left, or that somebody brought."""
    target = folder / remote.path
    if remote.md5 is not None and target.is_file() and target.stat().st_size == remote.size:
        return target.stat().st_size
    part = part_of(target)
    return part.stat().st_size if part.is_file() else 0


def _teller(files: int, size: int) -> AbstractContextManager["_Bar | _Lines"]:
    """A bar on a terminal, plain lines elsewhere."""
    return _Bar(files, size) if sys.stderr.isatty() else _Lines(files, size)


class _Bar:
    """Progress on a terminal."""

    def __init__(self, files: int, size: int) -> None:
        self._progress = Progress(
            TextColumn("fetching"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._files, self._done = files, 0
        self._task = self._progress.add_task("", total=size or None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def arrived(self, size: int) -> None:
        """Move the bar."""
        self._progress.advance(self._task, size)

    def finished(self, path: str) -> None:
        """Say which file is there."""
        self._done += 1
        self._progress.console.print(f"{self._done}/{self._files} {path}", markup=False)


class _Lines:
    """Progress in a log: a line every ten seconds at most, and one at the end."""

    def __init__(self, files: int, size: int) -> None:
        self._files, self._size = files, size
        self._done, self._came = 0, 0
        self._lock = threading.Lock()
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._say()

    def arrived(self, size: int) -> None:
        """Count bytes, and say so now and then."""
        with self._lock:
            self._came += size
            late = time.monotonic() - self._said > _LINE_EVERY_S
        if late:
            self._say()

    def finished(self, path: str) -> None:
        """Count a file."""
        with self._lock:
            self._done += 1
        logging.info("fetched %s", path)

    def _say(self) -> None:
        """Write one line."""
        self._said = time.monotonic()
        rate = self._came / max(1e-3, self._said - self._begun)
        left = max(0, self._size - self._came) / rate if rate > 0 else 0
        logging.info(
            "%d of %d files, %s of %s, %s/s, about %.0f min left",
            self._done,
            self._files,
            human(self._came),
            human(self._size),
            human(rate),
            left / 60,
        )
