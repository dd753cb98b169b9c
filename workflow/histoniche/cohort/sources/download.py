"""One file from a source: resumed, verified, and visible only when it is whole."""

import errno
import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import requests

from histoniche.cohort.sources.answers import BROKEN, Passing, broken, shown
from histoniche.cohort.sources.connection import Connection
from histoniche.cohort.sources.pacing import Bandwidth
from histoniche.cohort.sources.partial import Partial, held
from histoniche.cohort.sources.remote import Fetched, Remote
from histoniche.errors import InputError
from histoniche.files import sha256

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_VALIDATORS = (("etag", "ETag"), ("modified", "Last-Modified"))
_MOST_UNPACKED, _SMALL = 100, 1 << 16
"""Text packs to a hundredth at best; what unpacks to more, beyond a small file, is no table."""


def download(
    remote: Remote,
    folder: Path,
    connection: Connection,
    *,
    bandwidth: Bandwidth | None = None,
    arrived: Callable[[int], None] = lambda size: None,
) -> Fetched:
    """Fetch a file, going on where an earlier attempt of any process stopped.

    Bytes go to a hidden sibling, `.NAME.part`, with a note of which version of the file they
    are of. A server that has another version by now, or that knows no ranges, has it started anew.

    Parameters
    ----------
    remote
        The file.
    folder
        Folder of the cohort.
    connection
        To its source.
    bandwidth
        Limit that it shares with others.
    arrived
        Told of bytes as they come; of negative ones where some are thrown away.

    Raises
    ------
    InputError
        If the source refuses or is out of reach, another process fetches the same file, the
        file is twice not what its source says, or the disk does not take it.
    """
    target = folder / remote.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _fetch(remote, target, connection, bandwidth or Bandwidth(None), arrived)
    except OSError as error:
        remedy = "make room, or choose another folder; what came stays, and is not fetched again"
        problem = f"cannot be written ({error.strerror or error})"
        raise InputError(problem, file=target, remedy=remedy) from error


def _fetch(
    remote: Remote,
    target: Path,
    connection: Connection,
    bandwidth: Bandwidth,
    arrived: Callable[[int], None],
) -> Fetched:
    """Fetch a file that no other process may touch meanwhile."""
    with held(target) as path:
        if _is_there(remote, target):
            arrived(target.stat().st_size)
            # What an earlier attempt left of it.
            path.write_bytes(b"")
            return _described(remote, md5=str(remote.md5), sha=sha256(target), target=target)
        part = Partial(path, url=remote.url, size=remote.size, md5=remote.md5, arrived=arrived)
        _complete(part, remote, connection, bandwidth)
        problem = _problem(part, remote)
        if problem is not None:
            # What was resumed may be spliced of two versions; all of it at once cannot.
            logging.warning("%s: %s; once more", shown(remote.url), problem)
            part.restart()
            _complete(part, remote, connection, bandwidth)
            problem = _problem(part, remote)
        if problem is not None:
            part.restart()
            remedy = "ask for the list of files anew; the source may have changed it"
            raise InputError(problem, file=shown(remote.url), remedy=remedy)
        return _publish(part, remote, target)


def _complete(part: Partial, remote: Remote, connection: Connection, bandwidth: Bandwidth) -> None:
    """Ask for what is missing until all is there."""
    connection.persist(
        lambda: _attempt(part, remote, connection, bandwidth),
        remote.url,
        progress=lambda: part.reached,
    )


def _attempt(part: Partial, remote: Remote, connection: Connection, bandwidth: Bandwidth) -> None:
    """One request for what is missing."""
    if part.complete:
        return
    headers = part.headers()
    with connection.answer(remote.url, headers=headers, identify=remote.controlled) as response:
        if not _continues(response, part):
            part.restart()
            if response.status_code in (206, 416):
                # Bytes that do not fit on what was there: ask for all of them.
                raise Passing("the server's file is not the one that was begun")
        announced = _announced(response)
        if None not in (announced, remote.size) and announced != remote.size:
            part.restart()
            raise InputError(
                f"has {announced:,} bytes where the source's list says {remote.size:,}",
                file=shown(remote.url),
                remedy="ask for the list of files anew; the source has changed it",
            )
        validators = {
            name: response.headers[header]
            for name, header in _VALIDATORS
            if header in response.headers
        }
        part.begin(announced=announced, validators=validators, unpacked=_packed(response))
        _check_room(part)
        with part.path.open("ab", buffering=0) as stream:
            for block in _blocks(response, bandwidth):
                _check_length(part, block, response)
                part.add(block, stream)
        _check_packed(response)
    if part.wanted is not None and part.size < part.wanted:
        raise Passing(f"connection cut after {part.size:,} of {part.wanted:,} bytes")


def _continues(response: requests.Response, part: Partial) -> bool:
    """Whether an answer goes on where the bytes end; one with the whole file does at 0 alone."""
    if response.status_code != 206:
        return response.status_code == 200 and part.size == 0
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != part.size:
        return False
    return part.wanted is None or found[3] in ("*", str(part.wanted))


def _announced(response: requests.Response) -> int | None:
    """Bytes of the whole file as an answer says; None if it does not, or packs them."""
    if response.status_code == 206:
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        whole = response.headers.get("Content-Length", "")
    return int(whole) if whole.isdigit() and not _packed(response) else None


def _packed(response: requests.Response) -> bool:
    """Whether a server packs what it sends, though it was asked not to."""
    return response.headers.get("Content-Encoding", "identity") != "identity"


def _check_room(part: Partial) -> None:
    """Raise an error if the disk has no room for what is still to come."""
    free = shutil.disk_usage(part.path.parent).free
    if part.wanted is not None and part.wanted - part.size > free:
        raise OSError(errno.ENOSPC, f"{part.wanted:,} bytes in all, {free:,} are free")


def _check_length(part: Partial, block: bytes, response: requests.Response) -> None:
    """Raise an error for an answer that does not end, or unpacks to more than files do."""
    size = part.size + len(block)
    most = part.wanted
    if most is None and _packed(response):
        most = _MOST_UNPACKED * max(response.raw.tell(), _SMALL)
    if most is not None and size > most:
        part.restart()
        raise InputError(
            f"sends more than {most:,} bytes",
            file=shown(part.url),
            remedy="ask for the list of files anew; the source has changed it",
        )


def _check_packed(response: requests.Response) -> None:
    """Raise `Passing` if not all packed bytes came, which no count of unpacked ones can tell."""
    length = response.headers.get("Content-Length", "")
    if _packed(response) and length.isdigit() and response.raw.tell() < int(length):
        raise Passing(f"connection cut after {response.raw.tell():,} of {length} packed bytes")


def _blocks(response: requests.Response, bandwidth: Bandwidth) -> Iterator[bytes]:
    """Bytes as they come, not held back to fill a block."""
    while True:
        try:
            block = response.raw.read1(bandwidth.block, decode_content=_packed(response))
        except BROKEN as error:
            raise broken(error, response.url) from error
        if not block:
            return
        bandwidth.spend(len(block))
        yield block


def _problem(part: Partial, remote: Remote) -> str | None:
    """Why the whole file is not what its source says; None if it is."""
    if remote.size is not None and part.size != remote.size:
        return f"has {part.size:,} bytes where the source's list says {remote.size:,}"
    if remote.md5 is not None:
        return None if part.md5 == remote.md5.lower() else "has another md5 than the source's list"
    if not remote.path.endswith((".html", ".htm")):
        with part.path.open("rb") as stream:
            if _PAGE.match(stream.read(512)):
                return "is a web page in place of the file"
    return None


def _is_there(remote: Remote, target: Path) -> bool:
    """Whether the file is there already, brought by somebody or left without its record.

    So is one whose fetching was killed just before its record was written.
    """
    if remote.md5 is None or not target.is_file() or target.stat().st_size != remote.size:
        return False
    with target.open("rb") as stream:
        found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    return found.hexdigest() == remote.md5.lower()


def _publish(part: Partial, remote: Remote, target: Path) -> Fetched:
    """Let the whole file take its place, and say what it is."""
    md5, sha, validators = part.md5, part.sha256, part.validators
    part.publish(target)
    return _described(remote, md5=md5, sha=sha, target=target, validators=validators)


def _described(
    remote: Remote,
    *,
    md5: str,
    sha: str,
    target: Path,
    validators: Mapping[str, str] | None = None,
) -> Fetched:
    """The record of a file that is in its place."""
    named = validators or {}
    return Fetched(
        path=remote.path,
        url=remote.url,
        size=target.stat().st_size,
        md5=md5,
        sha256=sha,
        verified="md5" if remote.md5 else "length" if remote.size is None else "size",
        etag=named.get("etag", ""),
        modified=named.get("modified", ""),
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
    )
