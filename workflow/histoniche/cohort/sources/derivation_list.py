"""The list of what is made of a cohort's fetched files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from histoniche.files import read_json, write_json

_LIST = "derived.json"


def write_derived(steps: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Write what is to be made of a cohort's files."""
    write_json({"steps": [dict(step) for step in steps]}, folder / _LIST)


def read_derived(folder: Path) -> list[dict[str, Any]]:
    """What is made of a cohort's files: how, `from` which, `to` where; nothing without a list."""
    path = folder / _LIST
    return list(read_json(path)["steps"]) if path.is_file() else []
