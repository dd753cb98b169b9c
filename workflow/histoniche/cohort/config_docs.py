"""The page `config/README.md`, generated from the schemas."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from histoniche.cohort.schemas import read_schema, resolve
from histoniche.errors import InputError
from histoniche.files import write_text

_HEAD = """\
# Configuration

Generated from `workflow/schemas/` by `histoniche config-docs`; do not edit by hand.

One YAML file describes a study; `config.yaml` in this folder is read unless another is named
with `--configfile`. The schema is closed: an unknown key is an error that names the nearest
known one. A stage whose block is missing does not run. Environment variables such as `${DATA}`
are filled into paths.
"""

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def write_config_docs(path: Path, *, check: bool = False) -> None:
    """Write the page, or only check that it is current.

    Raises
    ------
    InputError
        If `check` is set and the page differs from the schemas.
    """
    text = config_docs()
    if not check:
        write_text(text, path)
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise InputError("not current", file=path, remedy="run `histoniche config-docs`")


def config_docs() -> str:
    """Text of the page: every key with its meaning, choices and default."""
    schema = read_schema("config")
    parts = [_HEAD]
    for name, entry in schema["properties"].items():
        needed = "required" if name in schema["required"] else "optional"
        if entry.get("type") != "object":
            needed = f"default `{entry['default']}`"
        parts.append(f"## `{name}`\n\n{_meaning(entry, schema)} ({needed})\n")
        rows = list(_rows(entry, schema, prefix=""))
        if rows:
            parts.append(_table(("key", "meaning", "values", "default"), rows))
    sheets = {"slides": "cohort.slides", "patients": "cohort.patients", "scans": "imaging.scans"}
    for name, title in sheets.items():
        sheet = read_schema(name)
        parts.append(
            f"## {sheet['title']} (`{title}`)\n\n{' '.join(sheet['description'].split())}\n"
        )
        rows = [
            (
                f"`{column}`",
                entry["description"],
                _values(entry),
                "yes" if column in sheet["required"] else "",
            )
            for column, entry in sheet["properties"].items()
        ]
        parts.append(_table(("column", "meaning", "values", "required"), rows))
    return "\n".join(parts)


def _rows(
    entry: Mapping[str, Any], root: Mapping[str, Any], *, prefix: str
) -> Iterator[tuple[str, str, str, str]]:
    """A row for every key below an object, nested ones with their path."""
    entry = resolve(entry, root)
    others = entry.get("additionalProperties")
    children = dict(entry.get("properties", {}))
    if isinstance(others, dict) and "$ref" not in others and "properties" in others:
        children["NAME"] = others
    for name, unresolved in children.items():
        child = resolve(unresolved, root)
        path = f"{prefix}{name}"
        default = child.get("default", "required" if name in entry.get("required", []) else "")
        shown = f"`{default}`" if default not in ("", "required", {}, []) else str(default or "")
        if name != "NAME":
            yield f"`{path}`", _meaning(child, root), _values(child), shown
        # What differs for one network has the keys of all networks, which stand elsewhere.
        if not str(unresolved.get("$ref", "")).endswith("override"):
            yield from _rows(child, root, prefix=f"{path}.")


def _meaning(entry: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """The description on one line."""
    return " ".join(str(resolve(entry, root).get("description", "")).split())


def _values(entry: Mapping[str, Any]) -> str:
    """What a key may hold, in words."""
    if "enum" in entry:
        return ", ".join(f"`{choice}`" for choice in entry["enum"])
    kind = entry.get("type", "")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    bounds = [f"{sign} {entry[key]}" for key, sign in _BOUNDS.items() if key in entry]
    if isinstance(entry.get("items"), dict) and "enum" in entry["items"]:
        words += " of " + ", ".join(f"`{choice}`" for choice in entry["items"]["enum"])
    return ", ".join([words, *bounds])


def _table(header: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    cells = (tuple(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"
