"""The list of a bundle's files with their digests, and whether its description agrees with it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

CHECKSUMS = "checksums.sha256"
SEAL_FILE = "seal.sha256"
METADATA = "ro-crate-metadata.json"


def checksum_line(name: str, digest: str) -> str:
    """A line of the list."""
    return f"{digest}  {name}\n"


def entity_of(name: str) -> str:
    """What describes a file of the bundle: its own name, or the store that it is part of."""
    store, mark, _ = name.partition(".zarr/")
    return f"{store}{mark}" if mark else name


def digest_of_store(names: Iterable[str], digests: Mapping[str, str]) -> str:
    """SHA-256 of a store: of the lines that the list has of its files."""
    lines = "".join(checksum_line(name, digests[name]) for name in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def by_entity(names: Iterable[str]) -> dict[str, list[str]]:
    """Files of the bundle by what describes them, sorted."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(entity_of(name), []).append(name)
    return found


def disagreements(metadata: bytes, listed: Mapping[str, str]) -> Iterator[str]:
    """What a bundle's description says otherwise than its list of digests.

    Parameters
    ----------
    metadata
        Content of `ro-crate-metadata.json`.
    listed
        Digests by name, as `checksums.sha256` has them.

    Yields
    ------
    A line for each file or store that the description leaves out, or tells another digest of.
    """
    try:
        graph = json.loads(metadata)["@graph"]
        told = {str(one["@id"]): one.get("sha256") for one in graph}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield f"{METADATA}: not a description of a crate"
        return
    described = {unquote(name): digest for name, digest in told.items()} | told
    for entity, names in by_entity(set(listed) - {METADATA}).items():
        store = entity.endswith("/")
        digest = digest_of_store(names, listed) if store else listed[entity]
        if entity not in described:
            yield f"{entity}: not described in {METADATA}"
        elif described[entity] != digest:
            yield f"{entity}: {METADATA} has sha256 {_told(described[entity])}, not {digest}"


def _told(digest: Any) -> str:
    """A digest as somebody wrote it, safe to print."""
    return repr(digest)[:80] if digest is not None else "none"
