"""One file from a source: resumed, verified, and visible only when it is whole."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import requests

from histoniche.cohort.sources.connection import BROKEN, Connection, Passing, shown
from histoniche.cohort.sources.pacing import Bandwidth
from histoniche.cohort.sources.partial import Partial, held
from histoniche.cohort.sources.remote import Fetched, Remote
from histoniche.errors import InputError

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_VALIDATORS = (("etag", "ETag"), ("modified", "Last-Modified"))


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
        If the source refuses or is out of reach, another process fetches the same file, or the
        file is twice not what its source says.
    """
    target = folder / remote.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with held(target) as path:
        part = Partial(path, url=remote.url, size=remote.size, md5=remote.md5, arrived=arrived)
        _complete(part, remote, connection, bandwidth or Bandwidth(None))
        problem = _problem(part, remote)
        if problem is not None:
            # What was resumed may be spliced of two versions; all of it at once cannot.
            logging.warning("%s: %s; once more", shown(remote.url), problem)
            part.restart()
            _complete(part, remote, connection, bandwidth or Bandwidth(None))
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
        with part.path.open("ab", buffering=0) as stream:
            for block in _blocks(response, bandwidth):
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
            raise Passing(f"connection cut ({type(error).__name__})") from error
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


def _publish(part: Partial, remote: Remote, target: Path) -> Fetched:
    """Let the whole file take its place, and say what it is."""
    fetched = Fetched(
        path=remote.path,
        url=remote.url,
        size=part.size,
        md5=part.md5,
        sha256=part.sha256,
        verified="md5" if remote.md5 else "length" if remote.size is None else "size",
        etag=part.validators.get("etag", ""),
        modified=part.validators.get("modified", ""),
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    part.publish(target)
    return fetched
