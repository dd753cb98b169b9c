"""Scores of the patients: the regions' areas, what a study brings along, and networks' risks."""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.signatures import ENDINGS
from histoniche.omics.text import read_cells
from histoniche.score_table import AREA, DTYPES, OWN
from histoniche.tables import read_table, write_table

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_MISSING = ("", "NA", "NaN", "nan", "null")
_SHAPE = "give it a column patient and a column for each score, separated by tabs or commas"


def collect_scores(
    table: Path | None,
    areas: Path | None,
    patients: Path,
    *,
    scores: Path,
    regions: Collection[str],
    min_shared: int,
    risks: Mapping[str, Path] | None = None,
) -> None:
    """Bring the regions' areas, a study's own scores and risks to one long table.

    Parameters
    ----------
    table
        The study's own scores, see `read_own_scores`; or None.
    areas
        Long table: patient, region, area; or None.
    patients
        The cohort's patients; others are left out.
    scores
        Written: see `histoniche.score_table`; first the areas, called as their regions, then the
        study's own scores in their order, then the risks. A score that a patient lacks is NaN.
    regions
        The palette's regions, whose names no score may have.
    min_shared
        Fewest patients of the cohort who must have each of the study's own scores.
    risks
        Tables of scores that networks gave, with a column patient and one of the score's
        name, by that name.

    Raises
    ------
    InputError
        See `read_own_scores`; or if a risk has the name of another score.
    """
    tables = []
    if areas:
        columns = {"region": "score", "area": "value"}
        tables.append(read_table(areas).rename(columns=columns).assign(kind=AREA))
    if table:
        known = read_table(patients)["patient"]
        own = read_own_scores(table, patients=known, regions=regions, min_shared=min_shared)
        wide = own.rename_axis("patient").reset_index()
        tables.append(wide.melt("patient", var_name="score").assign(kind=OWN))
        counts = own.notna().sum()
        logging.info("%s", ", ".join(f"{name}: {count} patients" for name, count in counts.items()))
    for name, path in (risks or {}).items():
        if any(name in set(known["score"]) for known in tables):
            raise InputError(
                "a score of the study has this name",
                file=table,
                column=name,
                remedy="rename the column, or the score of the network",
            )
        columns = {name: "value"}
        risk = read_table(path)[["patient", name]].rename(columns=columns)
        tables.append(risk.assign(score=name, kind=OWN))
    write_table(pd.concat(tables, ignore_index=True)[list(DTYPES)].astype(DTYPES), scores)


def read_own_scores(
    path: Path, *, patients: Iterable[str], regions: Collection[str], min_shared: int
) -> pd.DataFrame:
    """Read a study's own scores, patients of the cohort by scores.

    Parameters
    ----------
    path
        TSV or CSV, also `.gz`, or Parquet: a column `patient`, and one column of numbers
        a score. Empty cells, NA and NaN are missing.
    patients, regions, min_shared
        See `collect_scores`.

    Raises
    ------
    InputError
        If there is no column `patient`, a patient has no name or two rows, a score has no
        fit name or that of a region or its signatures, a cell is no finite number, or a
        score is known in fewer than `min_shared` patients or the same in all.
    """
    cells = _read(path)
    if list(cells.columns).count("patient") != 1:
        there = ", ".join(map(str, cells.columns[:6]))
        raise InputError(
            f"not one column patient; the first are {there}",
            file=path,
            row=1,
            remedy="call the column of the patients so",
        )
    names = [str(name) for name in cells.columns if name != "patient"]
    _check_names(names, regions, path)
    owners = cells["patient"].astype(str).str.strip()
    bad = owners.duplicated() | owners.isin(_MISSING)
    if bad.any():
        row = int(cast(int, cells.index[bad][0]))
        raise InputError(
            "empty, or this patient stands twice",
            file=path,
            row=row,
            column="patient",
            value=str(owners.loc[row]),
            remedy="give every patient one row",
        )
    values = pd.DataFrame({name: _as_numbers(cells[name], path) for name in names})
    strangers = ~owners.isin(set(patients))
    if strangers.any():
        logging.warning("%d patients of %s are not in the sheet", strangers.sum(), path.name)
    kept = values[~strangers].set_axis(owners[~strangers], axis=0)
    _check_use(kept, path, min_shared)
    return kept


def _read(path: Path) -> pd.DataFrame:
    """Cells as they stand, labelled with their rows, the header being row 1."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend scores.path in the config")
    if path.suffix != ".parquet":
        return read_cells(path, table="patients by scores", remedy=_SHAPE)
    try:
        cells = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError("not a Parquet file", file=path, remedy="write it anew") from error
    if not isinstance(cells.index, pd.RangeIndex):
        cells = cells.reset_index()
    return cells.set_axis(pd.RangeIndex(2, len(cells) + 2), axis=0)


def _check_names(names: list[str], regions: Collection[str], path: Path) -> None:
    """Each score has a name of its own that no region and no signature has."""
    for place, name in enumerate(names):
        others = [*regions, "background", *names[:place], *names[place + 1 :]]
        if not _NAME.fullmatch(name):
            problem, remedy = (
                "no name for a score",
                "write a letter, then up to 39 letters, digits, dots, underscores and hyphens",
            )
        elif any(name == f"{other}{ending}" for other in others for ending in ENDINGS):
            problem, remedy = (
                "the name of a region, of another score, or of its signature",
                "rename the column",
            )
        else:
            continue
        raise InputError(problem, file=path, row=1, column=name, remedy=remedy)
    if not names:
        raise InputError("no score in the table", file=path, row=1, remedy=_SHAPE)


def _as_numbers(column: "pd.Series[Any]", path: Path) -> "pd.Series[float]":
    """Cells of a score as numbers, NaN where they are missing."""
    text = column.astype(str).str.strip()
    missing = column.isna() | text.isin(_MISSING)
    numbers = pd.to_numeric(text.where(~missing), errors="coerce").astype("float64")
    bad = (numbers.isna() & ~missing) | np.isinf(numbers)
    if bad.any():
        row = int(cast(int, column.index[bad][0]))
        raise InputError(
            "not a finite number",
            file=path,
            row=row,
            column=str(column.name),
            value=str(column.loc[row]),
            remedy="write a number, or NA if it is missing",
        )
    return numbers


def _check_use(values: pd.DataFrame, path: Path, min_shared: int) -> None:
    """Enough patients have each score, and it tells them apart."""
    for name, column in values.items():
        known = column.dropna()
        if len(known) < min_shared:
            raise InputError(
                f"only {len(known)} patients of the sheet have this score, {min_shared} are needed",
                file=path,
                column=str(name),
                remedy="see whether both name the same patients, or lower scores.min_shared",
            )
        if known.nunique() == 1:
            raise InputError(
                "the score is the same in all patients",
                file=path,
                column=str(name),
                value=float(known.iloc[0]),
                remedy="drop the column",
            )
