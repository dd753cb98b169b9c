"""Chunks: a slide that comes in parts, in any order, each once or again, whole or not at all."""

import errno
import hashlib
import os
import shutil
import sqlite3
import threading
from pathlib import Path

from histoniche.viewer.uploads.limits import LONGEST_NAME, SUFFIXES, Limits, suffix_of
from histoniche.viewer.uploads.store import Store, Upload

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PART = "slide.part"


class RefusedError(Exception):
    """Something that was sent and cannot be taken; says why, and what to do."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def slide_file(folder: Path, upload: Upload) -> Path:
    """Where the whole slide of an upload lies; nothing of its name comes from the user."""
    return folder / upload.id / f"slide{upload.suffix}"


class Receiver:
    """Takes slides in.

    Parameters
    ----------
    store
        The queue.
    folder
        Folder of all uploads.
    limits
        What may be sent.
    """

    def __init__(self, store: Store, folder: Path, limits: Limits) -> None:
        self._store, self._folder, self._limits = store, folder, limits
        # Chunks are written one by one: two of the same number must not mix.
        self._lock = threading.Lock()

    def start(self, name: str, *, size: int, mpp: float | None) -> Upload:
        """Make room for a slide.

        Parameters
        ----------
        name
            Of the user's file.
        size
            Its bytes.
        mpp
            Micrometres per pixel, if the user says so.

        Raises
        ------
        RefusedError
            If it is of no known kind, too large, or one too many.
        """
        shown = _shown_name(name)
        suffix = suffix_of(shown)
        if not suffix:
            known = ", ".join(SUFFIXES)
            raise RefusedError(415, f"No reader knows this kind of file. Send one of {known}.")
        if size < 1:
            raise RefusedError(400, "The file is empty. Choose another.")
        if size > self._limits.slide_bytes:
            most = self._limits.slide_bytes / 2**30
            raise RefusedError(413, f"The slide is larger than the {most:g} GB that may be sent.")
        with self._lock:
            self._check_room(size)
            upload = self._store.add(
                shown,
                suffix=suffix,
                size=size,
                chunk=self._limits.chunk_bytes(size),
                mpp=mpp,
                most=self._limits.uploads,
            )
            if upload is None:
                words = f"{self._limits.uploads} uploads are kept already. Remove one, then send."
                raise RefusedError(409, words)
            (self._folder / upload.id).mkdir(mode=0o700)
        return upload

    def receive(self, upload: Upload, number: int, content: bytes) -> bool:
        """Take a chunk in; True if the slide is whole with it.

        Raises
        ------
        RefusedError
            If it does not fit, or the disk is full; what was here before is still here.
        """
        if not 0 <= number < upload.chunks or len(content) != upload.length_of(number):
            raise RefusedError(400, "That is no part of this slide. Open the page anew, and go on.")
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            now = self._store.get(upload.id)
            known = self._store.received(upload.id)
            if known.get(number, digest) != digest:
                words = "This is another file than the one that was begun. Choose that one."
                raise RefusedError(409, words)
            if now is None or now.state != "receiving":
                if number in known:
                    return False
                raise RefusedError(409, "This upload takes nothing more in. Start a new one.")
            if number not in known:
                self._write(upload, number, content, digest)
            if len(self._store.received(upload.id)) < upload.chunks:
                return False
            return self._finish(upload)

    def finish_whole(self) -> None:
        """Go on with slides that were whole when the viewer was killed."""
        with self._lock:
            for upload in self._store.all():
                if upload.state != "receiving":
                    continue
                if len(self._store.received(upload.id)) == upload.chunks:
                    self._finish(upload)

    def _finish(self, upload: Upload) -> bool:
        """Give a whole slide its own name, and let it be checked."""
        part, whole = self._part(upload), slide_file(self._folder, upload)
        # After a kill in between, the slide has its name already.
        if part.exists():
            os.replace(part, whole)
        return self._store.move(upload.id, "receiving", to="checking")

    def _write(self, upload: Upload, number: int, content: bytes, digest: str) -> None:
        """Write a chunk to its place, and note it once it is on the disk."""
        part = self._part(upload)
        try:
            with open(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as stream:
                before = os.fstat(stream.fileno()).st_size
                try:
                    _write_at(stream.fileno(), content, number * upload.chunk)
                    os.fdatasync(stream.fileno())
                except OSError:
                    # What was written in part takes no room.
                    os.ftruncate(stream.fileno(), before)
                    raise
            self._store.note_chunk(upload.id, number, digest)
        except FileNotFoundError as error:
            raise RefusedError(409, "This upload was removed. Start a new one.") from error
        except (OSError, sqlite3.OperationalError) as error:
            raise disk_error(error) from error

    def _check_room(self, size: int) -> None:
        """The slide fits on the disk beside those that are still coming."""
        promised = sum(
            one.size - sum(map(one.length_of, self._store.received(one.id)))
            for one in self._store.all()
            if one.state == "receiving"
        )
        free = shutil.disk_usage(self._folder).free
        if size + promised + self._limits.spare_bytes > free:
            raise RefusedError(507, "The viewer's disk has no room for it. Remove other uploads.")

    def _part(self, upload: Upload) -> Path:
        """Where a slide lies until it is whole."""
        return self._folder / upload.id / _PART


def disk_error(error: Exception) -> Exception:
    """What to say of an error of the disk: that it is full, or the error itself."""
    full = isinstance(error, OSError) and error.errno in _FULL
    # SQLite has a number of its own for it.
    if full or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        words = "The viewer's disk is full. Remove other uploads; then this one goes on."
        return RefusedError(507, words)
    return error


def _write_at(descriptor: int, content: bytes, place: int) -> None:
    """Write all of some bytes at a place."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def _shown_name(name: str) -> str:
    """A user's file name as it is shown: without folders and control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in last
    )
    if not shown.strip() or len(shown) > LONGEST_NAME:
        words = f"The file's name has to have 1 to {LONGEST_NAME} letters. Rename it."
        raise RefusedError(400, words)
    return shown
