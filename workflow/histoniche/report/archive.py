"""Zip archives that come out the same from the same content and that show any later change."""

import hashlib
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from histoniche.files import sha256, whole_file

SEAL = "sha256:"
"""Start of an archive's comment; the digest of all bytes before the comment follows."""

_SEAL_LENGTH = len(SEAL) + 64
_OLDEST = (1980, 1, 1, 0, 0, 0)
_PACKED = {".png", ".parquet", ".safetensors", ".zip", ".gz"}
"""Endings of files that are compressed already, or would not shrink."""


def write_archive(members: Mapping[str, Path | bytes], out: Path) -> None:
    """Write a sealed zip archive, whole or not at all.

    Parameters
    ----------
    members
        Content by name inside the archive. Names come out sorted, times are
        fixed, so that the same content gives the same bytes.
    out
        Where the archive goes. Its comment holds the digest of all bytes
        before the comment, headers included.
    """
    with whole_file(out) as temporary:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(members):
                _add(archive, name, members[name])
        _seal(temporary)


def seal_problem(path: Path) -> str | None:
    """What is wrong with an archive's own seal; None if it holds or was left out.

    An archive that someone packed anew has no comment and no seal; then only
    its files can be checked.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _SEAL_LENGTH))
        tail = stream.read()
        stream.seek(max(0, size - 22))
        end = stream.read()
    if len(end) == 22 and end[:4] == b"PK\x05\x06" and end[20:] == b"\0\0":
        return None
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        left = max(0, size - _SEAL_LENGTH)
        while left and (block := stream.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    if tail != f"{SEAL}{digest.hexdigest()}".encode("ascii"):
        return "the archive was altered after it was sealed"
    return None


def digest_of(content: Path | bytes) -> str:
    """SHA-256 of a file or of bytes."""
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256(content)


def _add(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    """Add one member with a fixed time and plain permissions."""
    entry = zipfile.ZipInfo(name, _OLDEST)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    packed = os.path.splitext(name)[1] in _PACKED
    entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _seal(path: Path) -> None:
    """Append the comment with the digest of everything before it."""
    with path.open("r+b") as stream:
        stream.seek(-2, os.SEEK_END)
        stream.write(struct.pack("<H", _SEAL_LENGTH))
    comment = f"{SEAL}{sha256(path)}"
    with path.open("ab") as stream:
        stream.write(comment.encode("ascii"))
