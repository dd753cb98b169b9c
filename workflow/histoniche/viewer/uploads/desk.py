"""The desk: all that takes uploads in, works on them and shows them, behind one folder."""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio

from histoniche.errors import InputError
from histoniche.running import find_snakemake, find_workflow
from histoniche.slides.readers.slide import words_of
from histoniche.viewer.uploads.chunks import Receiver, slide_file
from histoniche.viewer.uploads.limits import Limits
from histoniche.viewer.uploads.results import Found
from histoniche.viewer.uploads.retention import remove
from histoniche.viewer.uploads.runner import LOG, Place, Runner
from histoniche.viewer.uploads.stages import Progress, progress_of
from histoniche.viewer.uploads.store import Store, Upload
from histoniche.viewer.uploads.study import RESULTS, Plan, plan_study

_LINES = 30
_TAIL_BYTES = 20_000


@dataclass(frozen=True)
class Options:
    """What `histoniche view` is told of uploads."""

    folder: Path
    place: Place
    limits: Limits


class Desk:
    """Uploads of one viewer.

    Parameters
    ----------
    folder
        Where they are kept.
    plan
        What is run on each.
    options
        Limits, and where jobs run.
    lock
        Open as long as no other viewer may have the folder.
    """

    def __init__(self, folder: Path, plan: Plan, options: Options, lock: IO[bytes]) -> None:
        self.folder, self.plan, self.limits = folder, plan, options.limits
        self.store = Store(folder / "uploads.sqlite")
        self.receiver = Receiver(self.store, folder, options.limits)
        self.found = Found(folder)
        self.turns = anyio.Semaphore(options.limits.chunks_at_once)
        self._runner = Runner(self.store, folder, plan, options.limits, options.place)
        self._lock = lock

    def start(self) -> None:
        """Go on with what there was when the viewer stopped last."""
        self.receiver.finish_whole()
        self._runner.start()

    def stop(self) -> None:
        """Stop, so that another start goes on."""
        self._runner.stop()
        self.found.close()
        self.store.close()
        self._lock.close()

    def progress(self, upload: Upload) -> list[tuple[str, Progress]]:
        """Stages of a job with how far they are."""
        stages = self.plan.stages(upload)
        found = progress_of(stages, self.folder / upload.id / RESULTS, upload.state)
        return [(stage.title, one) for stage, one in zip(stages, found, strict=True)]

    def cancel(self, upload: str) -> bool:
        """Let a job, or an upload that is still coming, end; False if it has ended."""
        return self.store.move(upload, "receiving", "checking", "queued", "running", to="cancelled")

    def can_repeat(self, upload: Upload) -> bool:
        """Whether a job has ended before its time, and its slide is still here."""
        ended = upload.state in ("failed", "cancelled")
        return ended and slide_file(self.folder, upload).is_file()

    def again(self, upload: Upload) -> bool:
        """Queue a job that failed or was cancelled once more; False if it cannot be."""
        if not self.can_repeat(upload):
            return False
        return self.store.move(upload.id, "failed", "cancelled", to="checking")

    def remove(self, upload: str) -> bool:
        """Remove an upload with all that was found of it; False if something works on it."""
        self.found.forget(upload)
        return remove(self.store, self.folder, upload)

    def last_lines(self, upload: Upload) -> list[str]:
        """The last lines of a job's log, without folders."""
        path = self.folder / upload.id / LOG
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        return [_without_folders(line) for line in lines[-_LINES:]]


def uploads_as_asked(
    folder: Path | None,
    *,
    profile: Path | None,
    cores: int | None,
    keep_days: float,
    max_gb: float,
    max_uploads: int,
) -> Options | None:
    """What a command line says of uploads; None if none are taken.

    Raises
    ------
    InputError
        If there is no such profile.
    """
    if folder is None:
        return None
    if profile is not None and not (profile / "config.yaml").is_file():
        raise InputError(
            "no folder of a profile of Snakemake",
            column="--profile",
            value=str(profile),
            remedy="name one that holds config.yaml, such as slurm",
        )
    limits = Limits(
        slide_bytes=int(max_gb * 2**30), uploads=max_uploads, keep_seconds=keep_days * 86400
    )
    place = Place(profile=None if profile is None else profile.resolve(), cores=cores)
    return Options(folder, place, limits)


def open_desk(options: Options, *, config: Path | None, results: Path) -> Desk:
    """Make the desk of a finished run.

    Parameters
    ----------
    options
        Folder, limits and place of the jobs.
    config
        The run's configuration.
    results
        Its results, with the models.

    Raises
    ------
    InputError
        If nothing can be run, or another viewer has the folder.
    """
    if config is None:
        raise InputError(
            "uploads are run as the run was, whose configuration is not known",
            column="--uploads",
            value=str(options.folder),
            remedy="name it with --config",
        )
    find_snakemake()
    find_workflow()
    folder = options.folder.resolve()
    if folder.is_relative_to(results.resolve()):
        raise InputError(
            "lies in the folder of results",
            column="--uploads",
            value=str(options.folder),
            remedy="name a folder of its own",
        )
    plan = plan_study(config, results)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        remedy = "name a folder that can be written"
        raise InputError(
            f"cannot be written: {error.strerror}", column="--uploads", value=folder, remedy=remedy
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise InputError(
            "another viewer takes uploads into this folder",
            column="--uploads",
            value=str(folder),
            remedy="stop it, or name another folder",
        ) from error
    return Desk(folder, plan, options, lock)


def _without_folders(line: str) -> str:
    """A line of a log in which paths are reduced to their last part."""
    return words_of(ValueError(line)) if "/" in line else line
