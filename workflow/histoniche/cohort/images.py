"""Containers: the image of each environment, and the folders that its jobs have to see."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from histoniche.errors import InputError

ENVIRONMENTS = ("imaging", "analysis")
MOST_FOLDERS = 100
"""Folders that a container is shown one by one: all stand in one variable, of limited length."""


def images(config: Mapping[str, Any], checkout: Path) -> dict[str, str]:
    """Image of each environment: the one that the study names, else what `make image` builds.

    Parameters
    ----------
    config
        The checked configuration.
    checkout
        Root of the workflow.

    Returns
    -------
    Files, or addresses such as `docker://NAME`.
    """
    named = config["containers"]
    return {name: named[name] or str(checkout / "images" / f"{name}.sif") for name in ENVIRONMENTS}


def folders_to_bind(config: Mapping[str, Any], files: Iterable[Path], work: Path) -> list[str]:
    """Folders outside the working directory that jobs use, which a container does not see.

    Parameters
    ----------
    config
        The checked configuration: every path in it that is there counts, and the places of
        results and weights.
    files
        Files that the sheets name: of slides and scans.
    work
        The working directory, which containers always see.

    Returns
    -------
    Folders, none within another: where a link leads, and where it stands. A hundred at most; of
    more, those that hold them.

    Raises
    ------
    InputError
        If the name of a folder has a character that Apptainer takes for the end of it.
    """
    written = [_nearest_folder(work / config[key]) for key in ("results", "weights")]
    read = [work / path for path in [*_texts(config), *map(str, files)]]
    found = {place for path in [*written, *filter(_is_there, read)] for place in _places(path)}
    home = work.resolve()
    folders = {place for place in found if not place.is_relative_to(home)}
    while len(folders := _outermost(folders)) > MOST_FOLDERS:
        deepest = max(len(folder.parts) for folder in folders)
        folders = {one.parent if len(one.parts) == deepest else one for one in folders}
    for folder in folders:
        if {",", ":"} & set(str(folder)):
            raise InputError(
                f"{folder}: containers see no folder with a comma or a colon in its name",
                remedy="rename it, or run without containers",
            )
    return sorted(map(str, folders))


def show_to_containers(folders: Iterable[str]) -> None:
    """Let containers of this process see folders, beside those that the user binds."""
    visible = [*os.environ.get("APPTAINER_BIND", "").split(","), *folders]
    os.environ["APPTAINER_BIND"] = ",".join(dict.fromkeys(filter(None, visible)))


def _texts(value: Any) -> Iterator[str]:
    """Every text of a configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _is_there(path: Path) -> bool:
    """Whether a text is a path to something; one that is too long for a name is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _nearest_folder(path: Path) -> Path:
    """A folder, or the one that is there and will hold it."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _places(path: Path) -> set[Path]:
    """The folder that a path names, and the one where its links end."""
    ends = (Path(os.path.abspath(path)), path.resolve())
    return {end if end.is_dir() else end.parent for end in ends}


def _outermost(folders: set[Path]) -> set[Path]:
    """Folders of which none lies within another."""
    return {one for one in folders if not folders & set(one.parents)}
