"""The shipped schemas, and the word that was meant where one is unknown."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

SCHEMAS = Path(__file__).parents[2] / "schemas"


def read_schema(name: str) -> dict[str, Any]:
    """Read one of the shipped schemas: `config`, `slides`, `patients` or `verdicts`."""
    return yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))


def resolve(entry: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry of a schema with what it refers to, and what that refers to; its own keys win."""
    while "$ref" in entry:
        target: Any = root
        for part in entry["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        entry = {**target, **{key: value for key, value in entry.items() if key != "$ref"}}
    return entry


def nearest(word: str, known: Iterable[str]) -> str:
    """Name the known word that is nearest, or list what is known."""
    names = sorted(known)
    match = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {match[0]}?" if match else f"known: {', '.join(names)}"
