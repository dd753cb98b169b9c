"""A study written anew from what its bundle says: nothing of a bundle is run or trusted.

The workflow that runs is the installed one. Of the bundle's configuration all that says where
something lies, is fetched from or runs in is taken out, and put in again from what was found.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from histoniche.cohort.config import check_config
from histoniche.cohort.named_files import files_named
from histoniche.cohort.palette import find_palette
from histoniche.errors import InputError
from histoniche.files import write_text
from histoniche.report.inputs import INPUTS, SHEETS, places_of
from histoniche.report.verify import unsafe
from histoniche.reproduction.locating import Wanted, locate, read_wanted

CONFIG = "config/config.yaml"
RESULTS = "results"
MODELS = "models"

_LARGEST_CONFIG = 1 << 20
_DEEPEST = 40
_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
# Where a bundle keeps the models of each block, below the folder of all.
_PRETRAINED = {
    "segmentation": MODELS,
    "traits": f"{MODELS}/traits",
    "imaging": f"{MODELS}/imaging",
    "slide_signature": f"{MODELS}/slide_signature",
}
_SLIDE = {"slides": "slide", "scans": "patient"}
_REFUSED = "do not run this bundle, or ask who made it"


def read_config(text: bytes) -> dict[str, Any]:
    """Read the configuration of a bundle, without what could lead out of the new study.

    Returns
    -------
    The checked configuration. It fetches nothing, names no image, and writes to its own folder.

    Raises
    ------
    InputError
        If it is no configuration of this workflow.
    """
    settings = check_config(_parsed(text), file=CONFIG)
    for block in ("sources", "containers", "weights"):
        settings.pop(block, None)
    return {**settings, "results": RESULTS}


def rebuild(
    settings: Mapping[str, Any], texts: Mapping[str, bytes], *, root: Path, into: Path
) -> Path:
    """Write configuration and sheets of a study whose files are looked for.

    Parameters
    ----------
    settings
        See `read_config`.
    texts
        Content of the bundle's files in `config/` by name.
    root
        Folder that holds what the study read.
    into
        Folder of the new study.

    Returns
    -------
    The new configuration.

    Raises
    ------
    InputError
        If a file is missing, or the bundle does not fit together.
    """
    listed = {one.place: one for one in read_wanted(_text(texts, INPUTS))}
    sheets = {
        sheet: _read_sheet(_text(texts, f"config/{sheet}.tsv"), sheet)
        for sheet in SHEETS
        if f"config/{sheet}.tsv" in texts
    }
    wanted = [*_of_config(settings, listed)]
    for sheet, rows in sheets.items():
        wanted += _of_sheet(sheet, rows, settings, listed)
    found = locate(wanted, root)
    for sheet, rows in sheets.items():
        write_text(_written(sheet, rows, settings, found), into / f"config/{sheet}.tsv")
    paths = {
        **{key: _literal(path) for (of, key, _), path in found.items() if of == "config"},
        **{SHEETS[sheet]: f"config/{sheet}.tsv" for sheet in sheets},
        **{f"{block}.pretrained": folder for block, folder in _PRETRAINED.items()},
        **{f"{block}.root": _literal(root.absolute()) for block in ("cohort", "imaging")},
    }
    config = into / CONFIG
    write_text(
        yaml.safe_dump(_with_paths(dict(settings), (), paths), sort_keys=False, allow_unicode=True),
        config,
    )
    return config


def _parsed(text: bytes) -> Mapping[str, Any]:
    """YAML as plain values."""
    if len(text) > _LARGEST_CONFIG:
        raise InputError("larger than any configuration", file=CONFIG, remedy=_REFUSED)
    try:
        settings = yaml.safe_load(text) if _is_plain(text) else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError("not YAML", file=CONFIG, remedy=_REFUSED) from error
    if not isinstance(settings, dict):
        raise InputError("not a plain configuration", file=CONFIG, remedy=_REFUSED)
    return settings


def _is_plain(text: bytes) -> bool:
    """Whether YAML has no aliases and is not deep, with which little text would take for ever."""
    depth = 0
    for token in yaml.scan(text):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _DEEPEST or isinstance(token, yaml.AliasToken):
            return False
    return True


def _text(texts: Mapping[str, bytes], name: str) -> str:
    """A text of the bundle."""
    try:
        return texts[name].decode("utf-8")
    except (KeyError, UnicodeDecodeError) as error:
        remedy = "take a bundle that this version, or a newer one, sealed"
        raise InputError("not in the bundle as text", file=name, remedy=remedy) from error


def _of_config(
    settings: Mapping[str, Any], listed: Mapping[tuple[str, str, str], Wanted]
) -> list[Wanted]:
    """Files that the configuration names, all of which the bundle has to list."""
    wanted = []
    for key, path in files_named(settings).items():
        shipped = key == "palette" and _is_shipped(path)
        if path is None or shipped or key in SHEETS.values() or key.endswith(".pretrained"):
            continue
        if ("config", key, "") not in listed:
            raise InputError(
                "the bundle does not list this file",
                file=CONFIG,
                column=key,
                value=path,
                remedy=_REFUSED,
            )
        wanted.append(listed["config", key, ""])
    return wanted


def _is_shipped(palette: str | None) -> bool:
    """Whether a palette comes with the workflow."""
    name = palette or ""
    return not unsafe(name) and "/" not in name and find_palette(name) != Path(name)


def _read_sheet(text: str, sheet: str) -> list[list[str]]:
    """Rows of a sheet, its header first."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    rows = list(lines)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]) or not rows[0]:
            raise InputError(
                "another number of cells than the header has",
                file=f"config/{sheet}.tsv",
                row=number,
                remedy=_REFUSED,
            )
    return rows


def _of_sheet(
    sheet: str,
    rows: list[list[str]],
    settings: Mapping[str, Any],
    listed: Mapping[tuple[str, str, str], Wanted],
) -> list[Wanted]:
    """Files that the used rows of a sheet name."""
    wanted = []
    for number, (column, place) in _cells(sheet, rows, settings):
        name = rows[number][column]
        if unsafe(name):
            raise InputError(
                "not a name that can be looked for",
                file=f"config/{sheet}.tsv",
                row=number + 1,
                column=place[2],
                value=name,
                remedy=_REFUSED,
            )
        content = listed[place].content if place in listed else ""
        wanted.append(Wanted(*place, name, content))
    return wanted


def _cells(
    sheet: str, rows: list[list[str]], settings: Mapping[str, Any]
) -> list[tuple[int, tuple[int, tuple[str, str, str]]]]:
    """Cells that name files, of rows that nobody excluded: row, column, and what names it."""
    header = rows[0] if rows else []
    places = [name for name in places_of(sheet, settings) if name in header]
    if not places:
        return []
    if _SLIDE[sheet] not in header:
        raise InputError("no such column", file=sheet, column=_SLIDE[sheet], remedy=_REFUSED)
    key = header.index(_SLIDE[sheet])
    excluded = header.index("exclude") if "exclude" in header else None
    return [
        (number, (header.index(name), (sheet, row[key], name)))
        for number, row in enumerate(rows)
        if number and (excluded is None or not row[excluded])
        for name in places
        if row[header.index(name)]
    ]


def _written(
    sheet: str,
    rows: list[list[str]],
    settings: Mapping[str, Any],
    found: Mapping[tuple[str, str, str], Path],
) -> str:
    """A sheet with the places that its files have now."""
    written = [list(row) for row in rows]
    for number, (column, place) in _cells(sheet, rows, settings):
        written[number][column] = str(found[place])
    return "".join("\t".join(row) + "\n" for row in written)


def _literal(path: Path) -> str:
    """A path of which the configuration takes no part for an environment variable."""
    return str(path).replace("$", "$$")


def _with_paths(value: Any, key: tuple[str, ...], paths: Mapping[str, str]) -> Any:
    """Copy of a configuration with places put in where it names some."""
    if isinstance(value, Mapping):
        return {name: _with_paths(value[name], (*key, str(name)), paths) for name in value}
    return value if value is None else paths.get(".".join(key), value)
