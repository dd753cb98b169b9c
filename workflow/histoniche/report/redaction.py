"""What must not leave the house with a bundle: where files lie, and on whose machine."""

import mmap
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from histoniche.cohort.named_files import files_named

# Texts in which a path may stand as part of what a person says.
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
_FOLDERS = ("results", "weights", "cohort.root", "imaging.root", "sources.folder")


def cleaned_settings(settings: Mapping[str, Any]) -> str:
    """Configuration as YAML in which every path is reduced to the file's own name."""
    cleaned = _cleaned(settings, (), {*files_named(settings), *_FOLDERS})
    # As it is: the order of classes says which is positive, all other keys are sorted already.
    return yaml.safe_dump(cleaned, allow_unicode=True, default_flow_style=False, sort_keys=False)


def cleaned_value(value: Any, paths: Collection[str]) -> Any:
    """Copy of a plain value in which known paths, and all absolute ones, are only names."""
    if isinstance(value, Mapping):
        return {
            cleaned_value(str(key), paths): cleaned_value(one, paths) for key, one in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [cleaned_value(one, paths) for one in value]
    if isinstance(value, str) and (value in paths or _leads_out(value)):
        return PureWindowsPath(value).name or value
    return value


def without_places(text: str, places: list[str]) -> str:
    """Text in which the folders of this machine that it names are left out."""
    if not places:
        return text
    return _pattern(places).sub(b"...", text.encode()).decode()


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
    with _bytes_of(content) as text:
        match = _pattern(places).search(text)
        return None if match is None else match.group().decode()


def _cleaned(value: Any, key: tuple[str, ...], places: Collection[str]) -> Any:
    """Copy of a setting with paths reduced to names."""
    if _is_free_text(key):
        return value
    if isinstance(value, Mapping):
        return {str(name): _cleaned(value[name], (*key, str(name)), places) for name in value}
    if isinstance(value, list | tuple):
        return [_cleaned(item, key, places) for item in value]
    if isinstance(value, str) and (_is_place(key, places) or _leads_out(value)):
        return PureWindowsPath(value).name or value
    return value


def _is_place(key: tuple[str, ...], places: Collection[str]) -> bool:
    """Whether a setting says where something lies; elsewhere a slash is part of a name."""
    return ".".join(key) in places or key[0] == "containers"


def _leads_out(text: str) -> bool:
    """Whether a text is a path from the root, from home, or upwards."""
    return (
        text.startswith(("~", "../", "..\\"))
        or PurePosixPath(text).is_absolute()
        or PureWindowsPath(text).is_absolute()
    )


def _pattern(places: list[str]) -> re.Pattern[bytes]:
    """Finds folders where their whole path stands."""
    names = b"|".join(re.escape(place.encode()) for place in sorted(places, key=len, reverse=True))
    return re.compile(rb"(?<![\w.<:/-])(?:" + names + rb")(?![\w-])")


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
