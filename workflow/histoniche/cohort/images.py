"""Containers: the image of each environment, and the folders that its jobs have to see."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ENVIRONMENTS = ("imaging", "analysis")


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


def folders_to_bind(config: Mapping[str, Any], slides: Iterable[Path], work: Path) -> list[str]:
    """Folders outside the working directory that jobs read, which a container does not see.

    Parameters
    ----------
    config
        The checked configuration: every path in it that is there counts.
    slides
        Files of the slides.
    work
        The working directory, which containers always see.

    Returns
    -------
    Folders, none within another.
    """
    home = work.resolve()
    found = {Path(path).resolve() for path in [*_paths(config), *map(str, slides)]}
    folders = {path if path.is_dir() else path.parent for path in found if path.exists()}
    outside = sorted(path for path in folders if not path.is_relative_to(home))
    return [
        str(path)
        for path in outside
        if not any(path.is_relative_to(other) for other in outside if other != path)
    ]


def show_to_containers(folders: Iterable[str]) -> None:
    """Let containers of this process see folders, beside those that the user binds."""
    visible = [*os.environ.get("APPTAINER_BIND", "").split(","), *folders]
    os.environ["APPTAINER_BIND"] = ",".join(dict.fromkeys(filter(None, visible)))


def _paths(value: Any) -> Iterator[str]:
    """Strings in a configuration that can be paths to something outside."""
    if isinstance(value, str):
        if "/" in value and "\n" not in value:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _paths(one)
