"""What must not leave the house with a bundle: where files lie, and on whose machine."""

import csv
import io
import mmap
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

import yaml

PLACES = ("path", "annotation", "tissue_mask")
"""Columns of the sheet of slides that say where files lie."""

# Here a slash belongs to the text: a title, a unit such as mg/l, a level such as I/II, a cell type.
_FREE_TEXT = (
    ("study",),
    ("cohort", "covariates"),
    ("comparisons",),
    ("ligand_receptor", "receivers"),
    ("imaging", "unit"),
    ("traits", "named", "*", "labels"),
    ("traits", "chains"),
    ("traits", "rounds"),
)


def cleaned_settings(settings: Mapping[str, Any]) -> str:
    """Configuration as YAML in which every path is reduced to the file's own name."""
    cleaned = _cleaned(settings, ())
    # As it is: the order of classes says which is positive, all other keys are sorted already.
    return yaml.safe_dump(cleaned, allow_unicode=True, default_flow_style=False, sort_keys=False)


def cleaned_sheet(path: Path, columns: Collection[str]) -> str:
    """Sheet as text, of the columns that were read only those that do not say where files lie."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream, delimiter="\t") if any(row)]
    names = [name.strip() for name in rows[0]]
    kept = [k for k, name in enumerate(names) if name in columns and name not in PLACES]
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([row[number] for number in kept] for row in rows)
    return text.getvalue()


def private_places(settings: Mapping[str, Any]) -> list[str]:
    """Folders that a bundle must not name: home, working directory, the configuration's own."""
    places = {*_home(), Path.cwd()}
    for value in _strings(settings, ()):
        path = Path(value).expanduser()
        if path.is_absolute():
            places |= {place for place in (path, path.parent) if len(place.parts) > 2}
    return sorted(str(place) for place in places if len(place.parts) > 1)


def named_place(content: Path | bytes, places: list[str]) -> str | None:
    """First of the folders that a file names; None if it names none.

    Parameters
    ----------
    content
        A file, or its bytes.
    places
        Absolute folders. A folder counts as named where its whole path
        stands, not where it is part of a longer word or an address.
    """
    if not places:
        return None
    names = b"|".join(re.escape(place.encode()) for place in sorted(places, key=len, reverse=True))
    pattern = re.compile(rb"(?<![\w.<:/-])(?:" + names + rb")(?![\w-])")
    with _bytes_of(content) as text:
        match = pattern.search(text)
        return None if match is None else match.group().decode()


def _cleaned(value: Any, key: tuple[str, ...]) -> Any:
    """Copy of a setting with paths reduced to names."""
    if _is_free_text(key):
        return value
    if isinstance(value, Mapping):
        return {str(name): _cleaned(value[name], (*key, str(name))) for name in value}
    if isinstance(value, list | tuple):
        return [_cleaned(item, key) for item in value]
    if isinstance(value, str) and ("/" in value or "\\" in value):
        return PureWindowsPath(value).name
    return value


def _is_free_text(key: tuple[str, ...]) -> bool:
    """Whether a setting holds text in which a slash is no part of a path."""
    return any(
        len(key) == len(known)
        and all(name in (one, "*") for one, name in zip(key, known, strict=True))
        for known in _FREE_TEXT
    )


def _strings(value: Any, key: tuple[str, ...]) -> Iterator[str]:
    """All texts of the settings that may be paths."""
    if _is_free_text(key):
        return
    if isinstance(value, Mapping):
        for name in value:
            yield from _strings(value[name], (*key, str(name)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, key)
    elif isinstance(value, str):
        yield value


def _home() -> set[Path]:
    """Home folder by both its names; nothing where the user has none."""
    try:
        return {Path.home(), Path.home().resolve()}
    except RuntimeError:
        return set()


@contextmanager
def _bytes_of(content: Path | bytes) -> Iterator[bytes | mmap.mmap]:
    """Bytes of a file without reading it into memory."""
    if isinstance(content, bytes) or content.stat().st_size == 0:
        yield content if isinstance(content, bytes) else b""
        return
    with (
        content.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        yield mapped
