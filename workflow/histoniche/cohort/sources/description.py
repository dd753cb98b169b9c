"""How a public cohort came about, as tables of the study's results."""

import shutil
from pathlib import Path

import pandas as pd

from histoniche.cohort.sources.decisions import COLUMNS, Count
from histoniche.cohort.sources.records import FETCHED, write_fetched
from histoniche.cohort.sources.remote import Fetched
from histoniche.errors import InputError
from histoniche.tables import write_table

_NUMBERS = {"order": "int64", "patients": "Int64", "slides": "Int64", "size": "int64"}


def describe_cohort(
    folder: Path, *, flow: Path, decisions: Path, fetched: Path, rules: Path
) -> None:
    """Write counts, decisions and what was fetched, each with its TSV twin, and the rules.

    Parameters
    ----------
    folder
        Of the cohort.
    flow
        Counts at every step: order, step, role (kept, left out, of these), reason, patients,
        slides.
    decisions
        What became of every patient, slide, file and label: kind, name, patient, decision, step,
        reason.
    fetched
        What came: path, url, size (bytes), md5, sha256, verified, etag, modified, fetched (UTC).
    rules
        Text with the rules by which it was decided.

    Raises
    ------
    InputError
        If a table of the cohort lacks a column.
    """
    write_fetched(folder)
    for source, columns, out in (
        (folder / "flow.tsv", Count._fields, flow),
        (folder / "decisions.tsv", COLUMNS, decisions),
        (folder / f"{FETCHED}.tsv", tuple(Fetched.__dataclass_fields__), fetched),
    ):
        write_table(_read(source, columns), out)
    shutil.copyfile(folder / "rules.txt", rules)


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table of the cohort's folder; numbers as such, other cells as text."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if tuple(table.columns) != columns:
        remedy = "run histoniche cohort again"
        raise InputError("not as it was written", file=path, row=1, remedy=remedy)
    numbers = {name: kind for name, kind in _NUMBERS.items() if name in table}
    for name in numbers:
        table[name] = pd.to_numeric(table[name], errors="coerce")
    return table.astype(numbers)
