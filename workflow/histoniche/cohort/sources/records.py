"""Lists of files of a cohort: those that are wanted, and those that came, with checksums.

`files.tsv` names what a cohort needs and where it is. A file that came leaves a record of its own
below `.fetched/`, so that processes that fetch at once do not write one file; `fetched.tsv` and
`fetched.json` are these records together.
"""

import csv
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from histoniche.cohort.sources.answers import is_address
from histoniche.cohort.sources.remote import Fetched, Remote
from histoniche.errors import InputError
from histoniche.files import read_json, sha256, whole_file, write_json

WANTED = "files.tsv"
FETCHED = "fetched"
_NOTES = ".fetched"
_COLUMNS = ("path", "url", "size", "md5", "controlled")


def write_wanted(remotes: Iterable[Remote], folder: Path) -> Path:
    """Write which files a cohort needs, sorted by their place."""
    path = folder / WANTED
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in sorted(remotes, key=lambda remote: remote.path):
            size = "" if one.size is None else one.size
            writer.writerow(
                [one.path, one.url, size, one.md5 or "", "yes" if one.controlled else ""]
            )
    return path


def read_wanted(path: Path) -> list[Remote]:
    """Read which files a cohort needs.

    Raises
    ------
    InputError
        If the list is missing, a row does not fit, or a file would lie outside of the folder.
    """
    if not path.is_file():
        raise InputError("no such list of files", file=path, remedy="run histoniche cohort first")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            remedy = "run histoniche cohort again"
            raise InputError("not a list of files", file=path, row=1, remedy=remedy)
        return [_remote(row, path, number) for number, row in enumerate(reader, start=2)]


def _remote(row: dict[str, str], path: Path, number: int) -> Remote:
    """One row of the list."""
    place = Path(row["path"])
    checks = {
        "path": bool(place.parts) and not place.is_absolute() and ".." not in place.parts,
        "url": is_address(row["url"]),
        "size": row["size"] == "" or row["size"].isdigit(),
        "md5": row["md5"] == "" or len(row["md5"]) == 32,
    }
    for column, fits in checks.items():
        if not fits:
            raise InputError(
                "does not fit",
                file=path,
                row=number,
                column=column,
                value=row[column],
                remedy="run histoniche cohort again",
            )
    size = int(row["size"]) if row["size"] else None
    return Remote(row["path"], row["url"], size, row["md5"] or None, row["controlled"] == "yes")


def record(fetched: Fetched, folder: Path) -> None:
    """Note that a file came."""
    written = (folder / fetched.path).stat().st_mtime_ns
    write_json({**asdict(fetched), "written_ns": written}, _note(fetched.path, folder))


def remove(path: str, folder: Path) -> None:
    """Remove a file that came and is done with; the record of its coming stays."""
    (folder / path).unlink(missing_ok=True)
    note = _note(path, folder)
    if note.is_file():
        write_json({**read_json(note), "removed": True}, note)


def is_fetched(remote: Remote, folder: Path) -> bool:
    """Whether a file is there as it came, and is the one that is wanted.

    It is known by size and time of change; `verify` looks at its bytes.
    """
    target, note = folder / remote.path, _note(remote.path, folder)
    if not target.is_file() or not note.is_file():
        return False
    known, now = read_json(note), target.stat()
    return (
        known["size"] == now.st_size
        and known["written_ns"] == now.st_mtime_ns
        and (remote.size is None or remote.size == known["size"])
        and (remote.md5 is None or remote.md5.lower() == known["md5"])
    )


def write_fetched(folder: Path) -> list[Fetched]:
    """Write what came so far as `fetched.tsv` and `fetched.json`, sorted by place."""
    names = [entry.name for entry in fields(Fetched)]
    notes = [read_json(note) for note in sorted((folder / _NOTES).rglob("*.json"))]
    rows = sorted(
        (Fetched(**{name: note[name] for name in names}) for note in notes),
        key=lambda row: row.path,
    )
    table = folder / f"{FETCHED}.tsv"
    with whole_file(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)
    write_json({"files": [asdict(row) for row in rows]}, folder / f"{FETCHED}.json")
    return rows


def verify(folder: Path) -> list[str]:
    """Files that came and are missing or changed since, with what is wrong, by all their bytes.

    Those that were removed when they were done with are not missed.
    """
    problems = []
    for row in write_fetched(folder):
        target = folder / row.path
        if not target.is_file() and read_json(_note(row.path, folder)).get("removed"):
            continue
        if not target.is_file():
            problems.append(f"{row.path}: missing")
        elif sha256(target) != row.sha256:
            problems.append(f"{row.path}: changed since it was fetched")
    return problems


def _note(path: str, folder: Path) -> Path:
    """Where the record of a file lies."""
    return folder / _NOTES / f"{path}.json"
