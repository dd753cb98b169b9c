"""Whether a bundle, packed or unpacked, is as it was sealed."""

import hashlib
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from histoniche.errors import InputError
from histoniche.report.archive import seal_problem
from histoniche.report.listing import CHECKSUMS, METADATA, SEAL_FILE, disagreements

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
# What the standard library raises on archives that someone or something damaged.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass
class Inspection:
    """What was found: number of files that the bundle lists, and problems, one a line."""

    files: int = 0
    problems: list[str] = field(default_factory=list)


class Content(Protocol):
    """A bundle's files, wherever they are."""

    problems: list[str]

    def names(self) -> list[str]:
        """Names of all files."""

    def open(self, name: str) -> IO[bytes]:
        """Open one file."""


def verify_bundle(path: Path) -> list[str]:
    """Check every file of a bundle against its seal.

    Parameters
    ----------
    path
        The zip archive, or the folder it was unpacked to.

    Returns
    -------
    Problems, one a line: files missing, altered or not listed, unsafe names; of an altered file
    both digests. If there are none, what the crate's description says otherwise than the list.
    Empty if the bundle is as it was sealed.

    Raises
    ------
    InputError
        If there is nothing at `path`.
    """
    return inspect_bundle(path).problems


def inspect_bundle(path: Path) -> Inspection:
    """Check every file of a bundle, see `verify_bundle`; also count the files."""
    found = Inspection()
    try:
        with opened_bundle(path) as content:
            found.problems += content.problems
            _compare(content, found)
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        found.problems.append(f"not a readable bundle: {_reason(error)}")
    return found


def unsafe(name: str) -> bool:
    """Whether a name could lead out of the folder that a bundle is unpacked to."""
    parts = name.split("/")
    return (
        not name
        or name.startswith("/")
        or "\\" in name
        or re.match(r"[A-Za-z]:", name) is not None
        or any(part in ("", ".", "..") for part in parts)
        or not name.isprintable()
    )


def _compare(content: Content, found: Inspection) -> None:
    """Compare what is there with what the checksums list."""
    present = content.names()
    listed = _checksums(content, present, found)
    found.files = len(listed) + sum(name in present for name in (CHECKSUMS, SEAL_FILE))
    for name in sorted({name for name in present if present.count(name) > 1}):
        found.problems.append(f"{name}: stands there twice")
    for name in sorted(set(listed) - set(present)):
        found.problems.append(f"{name}: missing")
    for name in sorted(set(present) - set(listed) - {CHECKSUMS, SEAL_FILE}):
        found.problems.append(f"{name}: not part of the bundle")
    for name in sorted(set(listed) & set(present)):
        try:
            digest = _digest(content, name)
        except _DAMAGE as error:
            found.problems.append(f"{name}: cannot be read: {_reason(error)}")
        else:
            if digest != listed[name]:
                was = f"sha256 {listed[name]} when sealed, {digest} now"
                found.problems.append(f"{name}: altered, {was}")
    if not found.problems and METADATA in listed:
        with content.open(METADATA) as stream:
            found.problems += disagreements(stream.read(), listed)


def _checksums(content: Content, present: list[str], found: Inspection) -> dict[str, str]:
    """Digests by name as listed, once the list itself was checked against the seal."""
    texts = {}
    for name in (CHECKSUMS, SEAL_FILE):
        if name not in present:
            found.problems.append(f"{name}: missing")
            continue
        try:
            with content.open(name) as stream:
                texts[name] = stream.read()
        except _DAMAGE as error:
            found.problems.append(f"{name}: cannot be read: {_reason(error)}")
    list_of_sums = texts.get(CHECKSUMS, b"")
    expected = f"{hashlib.sha256(list_of_sums).hexdigest()}  {CHECKSUMS}\n".encode()
    if len(texts) == 2 and texts[SEAL_FILE] != expected:
        found.problems.append(f"{CHECKSUMS} or {SEAL_FILE}: altered")
    listed: dict[str, str] = {}
    for number, line in enumerate(list_of_sums.decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or unsafe(match[2]) or match[2] in listed:
            found.problems.append(f"{CHECKSUMS}: line {number} does not fit")
        else:
            listed[match[2]] = match[1]
    return listed


def _digest(content: Content, name: str) -> str:
    """SHA-256 of one file."""
    digest = hashlib.sha256()
    with content.open(name) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _reason(error: BaseException) -> str:
    """First line of an error, or its kind if it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__


class _Archive:
    """Files of a zip archive; members with unsafe names are a problem and are not touched."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        seal = seal_problem(path)
        self.problems = [seal] if seal else []
        self._safe: list[str] = []
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            # Whoever packs a bundle anew adds its folders, which hold nothing themselves.
            if entry.is_dir() and entry.file_size == 0 and not unsafe(entry.filename[:-1]):
                continue
            if unsafe(entry.filename) or kind not in (0, stat.S_IFREG):
                self.problems.append(f"{entry.filename!r}: refused, not a safe name or not a file")
            else:
                self._safe.append(entry.filename)

    def names(self) -> list[str]:
        """Names of the members, twice where one stands there twice."""
        return self._safe

    def open(self, name: str) -> IO[bytes]:
        """Open one member."""
        return self._archive.open(name)


class _Folder:
    """Files of a folder; links are a problem and are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[str] = []
        self._names: list[str] = []
        for folder, folders, files in os.walk(path):
            for name in sorted([*folders, *files]):
                entry = Path(folder, name)
                relative = entry.relative_to(path).as_posix()
                plain = entry.is_file() or entry.is_dir()
                if entry.is_symlink() or not plain or unsafe(relative):
                    self.problems.append(f"{relative!r}: refused, not a safe name or not a file")
                elif entry.is_file():
                    self._names.append(relative)

    def names(self) -> list[str]:
        """Names of all plain files."""
        return self._names

    def open(self, name: str) -> IO[bytes]:
        """Open one file."""
        return (self._path / name).open("rb")


@contextmanager
def opened_bundle(path: Path) -> Iterator[Content]:
    """Open a bundle, packed or unpacked; what it holds is not checked yet."""
    if path.is_dir():
        yield _Folder(path)
    elif path.is_file():
        with zipfile.ZipFile(path) as archive:
            yield _Archive(path, archive)
    else:
        raise InputError("no such bundle", file=path, remedy="name the zip or its folder")
