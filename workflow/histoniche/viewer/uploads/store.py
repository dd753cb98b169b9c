"""The queue: every upload with its state, in one SQLite file that survives restarts."""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from histoniche.errors import InputError

State = Literal[
    "receiving", "checking", "refused", "queued", "running", "done", "failed", "cancelled",
    "expired",
]  # fmt: skip
ENDED: tuple[State, ...] = ("refused", "done", "failed", "cancelled")
"""States in which nothing happens by itself, and files are still there."""

_VERSION = 1
_SCHEMA = """
CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  suffix TEXT NOT NULL,
  size INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  mpp REAL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL,
  changed REAL NOT NULL
) STRICT;
CREATE TABLE chunks (
  upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (upload, number)
) STRICT;
"""
_COLUMNS = "id, name, suffix, size, chunk, mpp, state, reason, created, changed"


class Upload(NamedTuple):
    """One upload as it stands."""

    id: str
    """Made by the server; also the slide's name in its study."""
    name: str
    """What the user's file is called: text to be shown, and nothing else."""
    suffix: str
    size: int
    """Bytes of the whole file."""
    chunk: int
    """Bytes of a chunk; the last is shorter."""
    mpp: float | None
    """Micrometres per pixel, where the user said so."""
    state: State
    reason: str
    """Why it was refused or failed; empty otherwise."""
    created: float
    changed: float
    """Seconds since 1970."""

    @property
    def chunks(self) -> int:
        """Number of its chunks."""
        return -(-self.size // self.chunk)

    def length_of(self, number: int) -> int:
        """Bytes of one chunk."""
        return min(self.chunk, self.size - number * self.chunk)


class Store:
    """All uploads.

    Parameters
    ----------
    path
        The SQLite file, made if it is not there.

    Raises
    ------
    InputError
        If it is of another version, or no SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            remedy = "mend or remove it, or name another folder with --uploads"
            raise InputError(
                f"the queue cannot be read: {error}", file=path, remedy=remedy
            ) from error

    def _prepare(self, path: Path) -> None:
        """Make the tables of a new file, and refuse those of another version."""
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._database.execute(f"PRAGMA {setting}")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._database.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
            )
        elif version != _VERSION:
            raise InputError(
                "the queue is of another version of the viewer",
                file=path,
                value=version,
                remedy="name another folder with --uploads, or remove this one",
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def add(
        self, name: str, *, suffix: str, size: int, chunk: int, mpp: float | None, most: int
    ) -> Upload | None:
        """Add an upload of which nothing has come yet; None if `most` are kept already."""
        now = time.time()
        # A letter first, as ids of slides may start with a digit but read better so.
        made = f"u{secrets.token_hex(8)}"
        with self._changing() as database:
            (kept,) = database.execute(
                "SELECT count(*) FROM uploads WHERE state != 'expired'"
            ).fetchone()
            if kept >= most:
                return None
            database.execute(
                f"INSERT INTO uploads ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?)",
                (made, name, suffix, size, chunk, mpp, "receiving", now, now),
            )
        return self.get(made)

    def get(self, upload: str) -> Upload | None:
        """An upload by its id; None if there is none."""
        found = self._read("WHERE id = ?", upload)
        return found[0] if found else None

    def all(self) -> list[Upload]:
        """All uploads, the newest first."""
        return self._read("ORDER BY created DESC, id")

    def oldest(self, state: State) -> Upload | None:
        """The upload that has been in a state for longest."""
        found = self._read("WHERE state = ? ORDER BY changed, id LIMIT 1", state)
        return found[0] if found else None

    def ahead(self, upload: Upload) -> int:
        """How many jobs come before a queued one."""
        return sum(
            one.state == "running" or (one.state == "queued" and one.changed < upload.changed)
            for one in self.all()
        )

    def move(self, upload: str, *before: State, to: State, reason: str = "") -> bool:
        """Put an upload from one of some states into another; False if it is in none of them."""
        states = ", ".join("?" for _ in before)
        with self._changing() as database:
            done = database.execute(
                f"UPDATE uploads SET state = ?, reason = ?, changed = ? "
                f"WHERE id = ? AND state IN ({states})",
                (to, reason, time.time(), upload, *before),
            )
            return done.rowcount == 1

    def forget(self, upload: str) -> None:
        """Drop the name of an upload whose files are gone, and its chunks."""
        with self._changing() as database:
            database.execute("UPDATE uploads SET name = '' WHERE id = ?", (upload,))
            database.execute("DELETE FROM chunks WHERE upload = ?", (upload,))

    def drop(self, upload: str) -> None:
        """Drop an upload altogether."""
        with self._changing() as database:
            database.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def received(self, upload: str) -> dict[int, str]:
        """Chunks that are here, by number with their SHA-256."""
        with self._lock:
            rows = self._database.execute(
                "SELECT number, sha256 FROM chunks WHERE upload = ? ORDER BY number", (upload,)
            )
            return {int(number): str(digest) for number, digest in rows}

    def note_chunk(self, upload: str, number: int, sha256: str) -> None:
        """Note that a chunk is here."""
        with self._changing() as database:
            database.execute(
                "INSERT OR REPLACE INTO chunks (upload, number, sha256) VALUES (?, ?, ?)",
                (upload, number, sha256),
            )
            database.execute("UPDATE uploads SET changed = ? WHERE id = ?", (time.time(), upload))

    def _read(self, condition: str, *values: object) -> list[Upload]:
        """Uploads that meet a condition."""
        with self._lock:
            rows = self._database.execute(f"SELECT {_COLUMNS} FROM uploads {condition}", values)
            return [Upload(*row) for row in rows]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change the file as a whole or not at all."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
