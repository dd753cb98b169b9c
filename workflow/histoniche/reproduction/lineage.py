"""What of a bundle follows from which rules, by its own description."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Action:
    """A job as the description tells it."""

    rule: str
    inputs: frozenset[str]
    outputs: frozenset[str]


def read_actions(metadata: bytes) -> list[Action]:
    """Jobs of a crate; none where the description tells of none."""
    try:
        graph = json.loads(metadata)["@graph"]
        entities = [one for one in graph if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [
        Action(rule.removeprefix("#rule/"), frozenset(_ids(one, "object")), frozenset(made))
        for one in entities
        for rule in _ids(one, "instrument")
        if one.get("@type") == "CreateAction" and rule.startswith("#rule/")
        for made in [_ids(one, "result")]
    ]


def following(actions: Collection[Action], rules: Collection[str]) -> set[str]:
    """Files that follow from a job of some rules, directly or through others."""
    readers: dict[str, list[Action]] = {}
    for action in actions:
        for name in action.inputs:
            readers.setdefault(name, []).append(action)
    left = [action for action in actions if action.rule in rules]
    seen, found = {id(action) for action in left}, set()
    while left:
        for name in left.pop().outputs:
            found.add(name)
            for reader in readers.get(name, []):
                if id(reader) not in seen:
                    seen.add(id(reader))
                    left.append(reader)
    return found


def _ids(entity: Mapping[str, Any], key: str) -> Iterator[str]:
    """What an entity refers to by a key."""
    value = entity.get(key, [])
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "@id" in one:
            yield unquote(str(one["@id"]))
