"""The bytes of a file that are there so far, hidden until they are all of it."""

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from histoniche.cohort.sources.answers import shown
from histoniche.errors import InputError
from histoniche.files import read_json, write_json

_BLOCK = 1 << 20


def part_of(target: Path) -> Path:
    """Where the bytes of a file lie until it is whole."""
    return target.with_name(f".{target.name}.part")


class Partial:
    """The bytes of a file so far, with a note of which version of it they are of.

    Parameters
    ----------
    path
        Of the bytes; it is there, perhaps empty.
    url, size, md5
        The file, its length in bytes and its md5; None where its source does not say.
    arrived
        Told of bytes as they come, of negative ones where some are thrown away.
    """

    def __init__(
        self,
        path: Path,
        *,
        url: str,
        size: int | None,
        md5: str | None,
        arrived: Callable[[int], None],
    ) -> None:
        self.path, self.url, self._listed, self._md5_listed = path, url, size, md5
        self._note, self._arrived = path.with_name(f"{path.name}.json"), arrived
        self.reached = 0
        """Most bytes that ever were there; a server that always begins anew gets no further."""
        self.validators: dict[str, str] = {}
        """How the server names the version of the file."""
        self._announced: int | None = None
        self._unpacked = False
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self._recall()

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size

    @property
    def wanted(self) -> int | None:
        """Bytes of the whole file, by its source's list, else as the server announced."""
        return self._announced if self._listed is None else self._listed

    @property
    def complete(self) -> bool:
        """Whether nothing is left to fetch."""
        return self.wanted is not None and self.size == self.wanted

    @property
    def md5(self) -> str:
        """md5 of the bytes that are there."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes that are there."""
        return self._sha256.hexdigest()

    @property
    def _resumable(self) -> bool:
        """Whether further bytes can be known to be of the same file."""
        told = self._md5_listed is not None or self._strong or "modified" in self.validators
        return self.size > 0 and told and not self._unpacked

    @property
    def _strong(self) -> bool:
        """Whether the server names its version so that the same name means the same bytes."""
        # A weak validator does not promise that (RFC 9110, 13.1.5).
        return "etag" in self.validators and not self.validators["etag"].startswith("W/")

    def headers(self) -> dict[str, str]:
        """Headers of the next request."""
        # Compressed on the way, bytes could not be counted.
        headers = {"Accept-Encoding": "identity"}
        if self._resumable:
            headers["Range"] = f"bytes={self.size}-"
            if self._strong:
                headers["If-Range"] = self.validators["etag"]
            elif "modified" in self.validators:
                headers["If-Range"] = self.validators["modified"]
        return headers

    def begin(
        self, *, announced: int | None, validators: Mapping[str, str], unpacked: bool
    ) -> None:
        """Note which version of the file the bytes are of, before they come.

        Parameters
        ----------
        announced
            Bytes of the whole file as the server says.
        validators
            etag and modified, as far as the server gives them.
        unpacked
            Whether bytes are unpacked as they come, so that they are of no range of the server's.
        """
        self._announced, self.validators, self._unpacked = announced, dict(validators), unpacked
        content = {"url": self.url, "md5": self._md5_listed, "announced": announced}
        write_json({**content, "validators": self.validators, "unpacked": unpacked}, self._note)

    def add(self, block: bytes, stream: BinaryIO) -> None:
        """Put bytes behind those that are there; `stream` appends to them without a buffer."""
        left = memoryview(block)
        while left:
            # A disk that is nearly full takes a part of them, and says so only then.
            left = left[stream.write(left) :]
        self._md5.update(block)
        self._sha256.update(block)
        self.reached = max(self.reached, self.size)
        self._arrived(len(block))

    def restart(self) -> None:
        """Throw away what is there."""
        self._arrived(-self.size)
        os.truncate(self.path, 0)
        self._note.unlink(missing_ok=True)
        self._forget()

    def publish(self, target: Path) -> None:
        """Let the whole file take its place."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, target)
        self._note.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Nothing is known of the file."""
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self.validators, self._announced, self._unpacked = {}, None, False

    def _recall(self) -> None:
        """Take up what an earlier process left, if it is of the same file."""
        note = self._read_note()
        if note.get("url") == self.url and note.get("md5") == self._md5_listed:
            self._announced, self.validators = note["announced"], note["validators"]
            self._unpacked = note["unpacked"]
        if not self._resumable or (self.wanted is not None and self.size > self.wanted):
            self._arrived(self.size)
            self.restart()
            return
        with self.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                self._md5.update(block)
                self._sha256.update(block)
        self._arrived(self.size)
        logging.info("going on with %s from byte %d", shown(self.url), self.size)

    def _read_note(self) -> dict[str, Any]:
        """What is known of the bytes that are there; nothing if it cannot be read."""
        try:
            return dict(read_json(self._note))
        except (OSError, ValueError):
            return {}


@contextmanager
def held(target: Path) -> Iterator[Path]:
    """Yield where the bytes of a file go until it is whole, which no other process may touch.

    Raises
    ------
    InputError
        If another process fetches the same file.
    """
    part = part_of(target)
    with part.with_name(f"{part.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            remedy = "wait for it, or end it"
            raise InputError("another process fetches it", file=target, remedy=remedy) from error
        if not _same(lock, Path(lock.name)):
            remedy = "run again"
            raise InputError("another process fetched it just now", file=target, remedy=remedy)
        part.touch()
        try:
            yield part
        finally:
            # What a refusal leaves empty is nobody's progress.
            if part.is_file() and not part.stat().st_size:
                part.unlink()
                part.with_name(f"{part.name}.json").unlink(missing_ok=True)
            Path(lock.name).unlink(missing_ok=True)


def _same(stream: IO[str], path: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.fstat(stream.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
