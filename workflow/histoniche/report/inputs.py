"""What a study was made from: its files by names that lead nowhere, their sizes and contents."""

import csv
import hashlib
import io
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from histoniche.cohort.named_files import files_named
from histoniche.cohort.palette import find_palette
from histoniche.cohort.schemas import read_schema
from histoniche.cohort.trait_settings import columns_read
from histoniche.files import fingerprint, sha256

INPUTS = "config/inputs.tsv"
"""Name of the list inside a bundle."""

SHEETS = {"patients": "cohort.patients", "slides": "cohort.slides", "scans": "imaging.scans"}
"""Key of the configuration that names each sheet."""

COLUMNS = ("of", "key", "column", "name", "bytes", "content")

# Read whole up to here; of what is larger, the size and three samples are taken.
_WHOLE_BYTES = 1 << 26


@dataclass(frozen=True)
class Input:
    """A file that a study reads, by what names it."""

    of: str
    """`config`, or a sheet: slides, scans."""
    key: str
    """Dotted key of the configuration; in a sheet the slide or the patient."""
    column: str
    """Column of the sheet; empty for the configuration."""
    path: Path
    name: str
    """Relative to the root of the cohort or of the scans, or the file's own name elsewhere."""


def content_of(path: Path) -> tuple[int, str]:
    """Size of a file or folder in bytes, and what its content is told by.

    Returns
    -------
    Bytes, and `sha256:` of a file up to 64 MiB; `sampled:` of size and three samples of a larger
    one; `listed:` of the names and sizes of what a folder holds, which a copy shares.
    """
    if path.is_dir():
        return _content_of_folder(path)
    size = path.stat().st_size
    beside = path.with_suffix("")
    if path.suffix == ".mrxs" and beside.is_dir():
        held, content = _content_of_folder(beside)
        return size + held, content
    if size <= _WHOLE_BYTES:
        return size, f"sha256:{sha256(path)}"
    return size, f"sampled:{fingerprint(path)}"


def inputs_of(settings: Mapping[str, Any], sheets: Mapping[str, Path]) -> list[Input]:
    """Files of the configuration and of the sheets, the sheets themselves left out.

    Parameters
    ----------
    settings
        The configuration.
    sheets
        The study's sheets by name.
    """
    root = _root(settings, "cohort")
    found = [
        Input("config", key, "", path, named_below(path, root))
        for key, path in _files_of_config(settings)
    ]
    for sheet, path in sheets.items():
        columns = places_of(sheet, settings)
        if columns:
            found += _inputs_of_sheet(path, sheet, columns, root_of(sheet, settings))
    return found


def inputs_table(inputs: Collection[Input], contents: Mapping[Path, tuple[int, str]]) -> str:
    """The list as TSV; see `COLUMNS`."""
    rows = [
        (one.of, one.key, one.column, one.name, *contents[one.path])
        for one in inputs
        if one.path in contents
    ]
    return _as_tsv([COLUMNS, *sorted(rows, key=str)])


def cleaned_sheet(path: Path, sheet: str, settings: Mapping[str, Any]) -> str:
    """A sheet as text: the columns that were read, files by names that lead nowhere."""
    header, rows = _cells(path)
    read = _columns_of(sheet, settings)
    places, root = places_of(sheet, settings), root_of(sheet, settings)
    kept = [number for number, name in enumerate(header) if name in read]
    lines = [[header[number] for number in kept]]
    for row in rows:
        cells = {number: row[number] if number < len(row) else "" for number in kept}
        lines.append(
            [
                named_below(root / cell, root) if header[number] in places and cell else cell
                for number, cell in cells.items()
            ]
        )
    return _as_tsv(lines)


def named_below(path: Path, root: Path) -> str:
    """A file's place below a folder, or below home if that is nearer, so that no user is named.

    Only its own name if it lies elsewhere.
    """
    place, base = os.path.abspath(path), os.path.abspath(root)
    home = os.path.abspath(os.path.expanduser("~"))
    if _is_below(home, base) and _is_below(place, home):
        base = home
    return os.path.relpath(place, base) if _is_below(place, base) else path.name


def _is_below(place: str, folder: str) -> bool:
    """Whether a path lies in a folder; both absolute."""
    return place != folder and os.path.commonpath([place, folder]) == folder


def places_of(sheet: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns of a sheet that say where files lie."""
    if sheet == "slides":
        return ("path", "annotation", "tissue_mask")
    if sheet == "scans":
        maps = settings.get("imaging", {}).get("maps", [])
        return ("mask", "brain_mask", "dwi", "bvals", "bvecs", *maps)
    return ()


def root_of(sheet: str, settings: Mapping[str, Any]) -> Path:
    """Folder that relative paths of a sheet start from."""
    return _root(settings, "imaging" if sheet == "scans" else "cohort")


def _root(settings: Mapping[str, Any], block: str) -> Path:
    """The root that a block of the configuration names."""
    return Path(settings.get(block, {}).get("root", "."))


def _columns_of(sheet: str, settings: Mapping[str, Any]) -> set[str]:
    """Columns of a sheet that the workflow reads."""
    if sheet == "scans":
        return {*read_schema("scans")["properties"], *places_of(sheet, settings)}
    return columns_read(settings, sheet)


def _files_of_config(settings: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Files that the configuration names by their keys: no sheet, and nothing that is shipped."""
    for key, path in files_named(settings).items():
        shipped = key == "palette" and find_palette(path or "") != Path(path or "")
        if path is not None and key not in SHEETS.values() and not shipped:
            yield key, Path(path)


def _inputs_of_sheet(
    path: Path, sheet: str, columns: Collection[str], root: Path
) -> Iterator[Input]:
    """Files that the used rows of a sheet name."""
    header, rows = _cells(path)
    for row in rows:
        cells = dict(zip(header, row, strict=False))
        if cells.get("exclude"):
            continue
        for column in columns:
            if cells.get(column):
                place = root / cells[column]
                key = cells["slide" if sheet == "slides" else "patient"]
                yield Input(sheet, key, column, place, named_below(place, root))


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a sheet, as the workflow reads them."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = [
            [cell.strip() for cell in line]
            for line in csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            if any(line)
        ]
    return lines[0], lines[1:]


def _as_tsv(rows: Collection[Collection[Any]]) -> str:
    """Rows as tab-separated text; the workflow's sheets know no quotes."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def _content_of_folder(path: Path) -> tuple[int, str]:
    """Size of all files of a folder, and the digest of their names and sizes."""
    held = sorted(
        (file.relative_to(path).as_posix(), file.stat().st_size)
        for file in path.rglob("*")
        if file.is_file()
    )
    text = io.StringIO()
    for name, size in held:
        text.write(f"{size} {name}\n")
    digest = hashlib.sha256(text.getvalue().encode()).hexdigest()
    return sum(size for _, size in held), f"listed:{digest}"
