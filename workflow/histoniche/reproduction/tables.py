"""Tables of a bundle and of the new run, compared one by one."""

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pandas as pd

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError
from histoniche.files import write_text
from histoniche.reproduction.comparison import (
    COLUMNS,
    Difference,
    Verdict,
    compare_tables,
    missing_table,
)
from histoniche.reproduction.tolerances import Tolerances

_NOT_TABLES = ("config/", "models/", "workflow/", "envs/")


def tables_of(names: Collection[str]) -> list[str]:
    """Tables of a bundle that a run makes: Parquet, and text that has no Parquet beside it."""
    return sorted(
        name
        for name in names
        if not name.startswith(_NOT_TABLES)
        and ".zarr/" not in name
        and (
            name.endswith(".parquet")
            or (name.endswith(".tsv") and f"{name.removesuffix('.tsv')}.parquet" not in names)
        )
    )


def chosen_tables(tables: Sequence[str], only: Sequence[str]) -> list[str]:
    """Of some tables those that are asked for, by name or pattern, or all.

    Raises
    ------
    InputError
        If a name fits no table.
    """
    chosen = set()
    for pattern in only:
        fitting = [name for name in tables if pattern in (name, _stem(name))]
        fitting += [name for name in tables if fnmatchcase(_stem(name), pattern)]
        if not fitting:
            remedy = nearest(pattern, map(_stem, tables))
            raise InputError("the bundle has no such table", value=pattern, remedy=remedy)
        chosen.update(fitting)
    return sorted(chosen) if only else list(tables)


def compare_all(
    tables: Sequence[str],
    read: Callable[[str], bytes],
    results: Path,
    *,
    tolerances: Tolerances,
    following: Collection[str],
    not_made: Callable[[str], str] = lambda name: "",
) -> list[Difference]:
    """Compare tables of a bundle with those of a new run.

    Parameters
    ----------
    tables
        Names inside the bundle.
    read
        Content of a file of the bundle.
    results
        Folder of the new run's results.
    tolerances
        By how much numbers may differ.
    following
        Files of the bundle that follow from a network.
    not_made
        Why a run like this one does not make a table; empty if it should.
    """
    return [
        difference
        for name in tables
        for difference in _compare(
            name,
            read(name),
            results / name,
            tolerances,
            follows_network=name in following,
            not_made=not_made(name),
        )
    ]


def write_differences(differences: Collection[Difference], path: Path) -> None:
    """Write what was found as TSV."""
    rows = pd.DataFrame([vars(one) for one in differences], columns=[*COLUMNS, "remark"])
    write_text(rows.to_csv(sep="\t", index=False, float_format="%.6g", na_rep="NA"), path)


def _stem(name: str) -> str:
    """Name of a table without its ending."""
    return str(PurePosixPath(name).with_suffix(""))


def _compare(
    name: str,
    content: bytes,
    path: Path,
    tolerances: Tolerances,
    *,
    follows_network: bool,
    not_made: str,
) -> Iterator[Difference]:
    """Compare one table, if it is there."""
    is_text = name.endswith(".tsv")
    try:
        expected = _read(content, is_text=is_text)
    except (ValueError, OSError) as error:
        raise InputError("not a table", file=name, remedy="ask who made the bundle") from error
    if not path.is_file():
        verdict: Verdict = "not made" if not_made else "missing"
        remark = not_made or "the run left no such table"
        yield missing_table(_stem(name), len(expected), verdict, remark)
        return
    tolerance = tolerances.of(_stem(name), follows_network=follows_network, is_text=is_text)
    found = _read(path.read_bytes(), is_text=is_text)
    yield from compare_tables(_stem(name), expected, found, tolerance)


def _read(content: bytes, *, is_text: bool) -> pd.DataFrame:
    """Read a table of either kind."""
    stream = io.BytesIO(content)
    if not is_text:
        return pd.read_parquet(stream)
    if not content.strip():
        return pd.DataFrame()
    return pd.read_csv(stream, sep="\t", na_values=["NA"], keep_default_na=False)
