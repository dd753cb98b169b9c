"""The runner: checks slides that have come, and runs them through the workflow one by one."""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from histoniche.errors import InputError
from histoniche.running import study_command
from histoniche.slides.readers.slide import words_of
from histoniche.tables import read_table
from histoniche.viewer.uploads.check import why_unusable
from histoniche.viewer.uploads.chunks import slide_file
from histoniche.viewer.uploads.limits import Limits
from histoniche.viewer.uploads.processes import MARK, end_work, leader_of
from histoniche.viewer.uploads.retention import expire
from histoniche.viewer.uploads.store import Store, Upload
from histoniche.viewer.uploads.study import CONFIG, RESULTS, Plan

LOG = "run.log"

_PAUSE = 0.5
_HOUR = 3600
_PATIENCE = 20
_TARGET = "apply_models"
# Why a job runs, and where, is nothing to people who sent a slide.
_QUIET = ("--quiet", "reason", "host")


class Place(NamedTuple):
    """Where jobs run."""

    profile: Path | None = None
    """Folder of Snakemake's profile, such as slurm; this machine without one."""
    cores: int | None = None
    """Cores of this machine; all by default."""


class Runner:
    """Works on the queue until it is stopped.

    Parameters
    ----------
    store
        The queue.
    folder
        Folder of all uploads.
    plan
        What is run on each.
    limits
        How slides are tried, and how long they are kept.
    place
        Where jobs run.
    """

    def __init__(
        self, store: Store, folder: Path, plan: Plan, limits: Limits, place: Place
    ) -> None:
        self._store, self._folder, self._plan = store, folder, plan
        self._limits, self._place = limits, place
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._cleaned = 0.0

    def start(self) -> None:
        """Begin, with what was under way when the viewer stopped last."""
        works = {"checks": self._tend, "runs": self._run_next}
        for name, work in works.items():
            thread = threading.Thread(target=self._repeat, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End; what is under way goes on when the viewer starts again."""
        self._stopping.set()
        for thread in self._threads:
            # A slide that is being tried is tried again; its process has limits of its own.
            thread.join(2 * _PATIENCE)

    def _repeat(self, work: Callable[[], bool]) -> None:
        """Do some work again and again, at once if there was any."""
        while not self._stopping.is_set():
            try:
                busy = work()
            except Exception:
                # One job that cannot be worked on must not end the others' turn.
                logging.exception("uploads")
                busy = False
            if not busy:
                self._stopping.wait(_PAUSE)

    def _tend(self) -> bool:
        """Check the slide that has waited for longest, and clear away what is too old."""
        if time.monotonic() - self._cleaned > _HOUR or not self._cleaned:
            expire(self._store, self._folder, before=time.time() - self._limits.keep_seconds)
            self._cleaned = time.monotonic()
        upload = self._store.oldest("checking")
        if upload is None:
            return False
        reason = self._tried(upload)
        if self._stopping.is_set():
            return False
        if reason:
            self._store.move(upload.id, "checking", to="refused", reason=reason)
            slide_file(self._folder, upload).unlink(missing_ok=True)
        else:
            self._store.move(upload.id, "checking", to="queued")
        return True

    def _tried(self, upload: Upload) -> str:
        """Why a slide cannot be used; empty if it can."""
        reason = why_unusable(
            slide_file(self._folder, upload),
            mpp=upload.mpp,
            memory_gb=self._limits.check_gb,
            seconds=self._limits.check_seconds,
        )
        if "column mpp" in reason:
            return "it does not say how large its pixels are; send it again with µm per pixel"
        return reason

    def _run_next(self) -> bool:
        """Run the job that was under way, or else the first of the queue, to its end."""
        upload = self._store.oldest("running") or self._store.oldest("queued")
        if upload is None:
            return False
        self._store.move(upload.id, "queued", to="running")
        try:
            self._run(upload)
        except (OSError, InputError) as error:
            self._store.move(upload.id, "running", to="failed", reason=words_of(error))
        return True

    def _run(self, upload: Upload) -> None:
        """Run Snakemake on an upload, after what a killed viewer left running of it."""
        folder = self._folder / upload.id
        while self._goes_on(upload) and leader_of(folder) is not None:
            self._stopping.wait(_PAUSE)
        end_work(folder, patience=_PATIENCE)
        if not self._goes_on(upload):
            return
        if not (folder / CONFIG).is_file():
            self._plan.write(upload, slide_file(self._folder, upload))
        if any((folder / ".snakemake" / "locks").glob("*")):
            self._snakemake(upload, "--unlock")
        status = self._snakemake(upload, "--", _TARGET)
        if status is None:
            return
        if reason := why_left_out(folder / RESULTS, upload.id):
            self._store.move(upload.id, "running", to="refused", reason=reason)
        elif status == 0:
            self._store.move(upload.id, "running", to="done")
        else:
            reason = "the workflow stopped"
            self._store.move(upload.id, "running", to="failed", reason=reason)

    def _snakemake(self, upload: Upload, *arguments: str) -> int | None:
        """Run Snakemake; None if it was ended before its time."""
        folder = self._folder / upload.id
        profile, cores = self._place
        command = study_command(folder, folder / CONFIG, profile=profile, cores=cores)
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [*command, *_QUIET, *arguments],
                cwd=folder,
                env={**os.environ, MARK: str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, which Ctrl+C in the viewer's terminal does not reach.
                start_new_session=True,
            )
        while process.poll() is None:
            if not self._goes_on(upload):
                # Reaped here, since a process that nobody waits for is still led by itself.
                ender = threading.Thread(
                    target=end_work, args=(folder,), kwargs={"patience": _PATIENCE}
                )
                ender.start()
                process.wait()
                ender.join()
                return None
            self._stopping.wait(_PAUSE / 5)
        return process.returncode

    def _goes_on(self, upload: Upload) -> bool:
        """Whether the job is wanted, and the viewer not about to stop."""
        now = self._store.get(upload.id)
        return not self._stopping.is_set() and now is not None and now.state == "running"


def why_left_out(results: Path, slide: str) -> str:
    """Why a run left a slide out, as for want of tissue; empty if it did not, or not yet."""
    path = results / "slides" / "quality.parquet"
    if not path.is_file():
        return ""
    quality = read_table(path).set_index("slide")
    return "" if quality.loc[slide, "status"] == "ok" else str(quality.loc[slide, "reason"])
