"""Files and folders that are whole or absent, and how their content is named."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20
_SAMPLE = 1 << 16


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that takes its place only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `path` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # What a killed process left behind.
    for left in path.parent.glob(f".{path.name}.*"):
        if left.name.rpartition(".")[2].isdigit():
            shutil.rmtree(left, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def folders_of(names: Iterable[str], files: Iterable[str]) -> dict[str, Path]:
    """Folder of each file, by name; names and files in one order."""
    return {name: Path(file).parent for name, file in zip(names, files, strict=True)}


def write_text(text: str, path: Path) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content: Any, path: Path) -> None:
    """Write `content` as readable JSON with sorted keys, whole or not at all."""
    write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n", path)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """SHA-256 of a file's whole content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def fingerprint(path: Path) -> str:
    """Name a large file's content by its size and three samples, without reading it whole.

    Touching or moving the file leaves the fingerprint as it is; slides that
    differ in their pixels differ in compressed size or in the samples (start,
    middle, end, 64 KiB each) for all practical purposes. A folder, such as an
    OME-Zarr or what belongs to an .mrxs, is named by its files' names, sizes and times.
    """
    if path.is_dir():
        return _fingerprint_of_folder(path)
    beside = path.with_suffix("")
    if path.suffix == ".mrxs" and beside.is_dir():
        return _fingerprint_of_folder(beside)
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        for start in sorted({0, max(0, (size - _SAMPLE) // 2), max(0, size - _SAMPLE)}):
            stream.seek(start)
            digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()[:32]


def fingerprints(paths: Mapping[str, Path | None]) -> dict[str, str | None]:
    """Fingerprints of files by name; None where there is none."""
    return {name: fingerprint(path) if path else None for name, path in paths.items()}


def _fingerprint_of_folder(path: Path) -> str:
    """Digest of the names, sizes and times of all files of a folder."""
    facts = [
        (str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns)
        for file in path.rglob("*")
        if file.is_file()
    ]
    return hashlib.sha256(repr(sorted(facts)).encode()).hexdigest()[:32]
