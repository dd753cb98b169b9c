"""Patient and type of every cell, from a table or from what stands beside the cells."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pandas as pd

from histoniche.errors import InputError
from histoniche.omics.decisions import Decision
from histoniche.omics.text import read_header

OnUnlabelled = Literal["fail", "drop"]

_NONE = ["", "NA", "NaN", "nan", "None", "null"]


def attach_labels(
    obs: pd.DataFrame, labels: Path, *, patient_column: str | None, own_files: bool
) -> tuple[pd.DataFrame, list[Decision]]:
    """Put the columns of a table of labels beside the cells.

    Parameters
    ----------
    obs
        A row a cell, with `cell`, its name in the file.
    labels
        TSV, CSV or Parquet; the first column is the cell.
    patient_column
        Column of the labels that names the patient; None means `patient`.
    own_files
        Whether every patient has a file, so that `obs` has `patient`; if files
        use a cell's name twice, the labels are matched by patient and cell.

    Returns
    -------
    `obs` with the labels' columns in the place of its own ones, NaN for a cell
    without a row, and how many rows are no cell.

    Raises
    ------
    InputError
        If the file is no table, no row is a cell, or a cell has two rows.
    """
    table = _read_labels(labels)
    keys = ["cell"]
    if own_files:
        table = table.rename(columns={patient_column or "patient": "patient"})
        keys = ["patient", "cell"] if obs["cell"].duplicated().any() else keys
    if "patient" in keys and "patient" not in table:
        raise InputError(
            "cells of two patients have the same name, and the labels name no patient",
            file=labels,
            remedy="add the column patient to the labels",
        )
    _check_once(table, keys, labels)
    rows, cells = (pd.MultiIndex.from_frame(each[keys].astype(str)) for each in (table, obs))
    if not cells.isin(rows).any():
        raise InputError(
            f"no row is a cell of the data; rows are {_few(table['cell'])},"
            f" cells are {_few(obs['cell'])}",
            file=labels,
            remedy="write the cells' names alike",
        )
    beside = table.drop(columns=["cell", *(["patient"] if own_files else [])], errors="ignore")
    beside = beside.set_axis(rows, axis=0).reindex(cells).set_axis(obs.index, axis=0)
    joined = pd.concat([obs.drop(columns=list(beside), errors="ignore"), beside], axis=1)
    strangers = int((~rows.isin(cells)).sum())
    return joined, [Decision("labels", "rows that are no cell of the data", strangers)]


def patients_of(obs: pd.DataFrame, patient_column: str | None) -> "pd.Series[str]":
    """Patient of every cell of a source that holds all patients.

    Raises
    ------
    InputError
        If there is no such column, or a cell has no patient.
    """
    column = _column(obs, patient_column, "patient", "patient_column")
    if column is None:
        raise InputError(
            "nothing says whose the cells are",
            remedy="give a file a patient in single_cell.cells, or name single_cell.patient_column",
        )
    patients = _as_text(obs[column])
    without = patients.isna()
    if without.any():
        raise InputError(
            f"{int(without.sum())} of {len(obs)} cells have no patient, such as"
            f" {_few(obs['cell'][without])}",
            column=column,
            remedy="name the patient of every cell",
        )
    return patients


def types_of(
    obs: pd.DataFrame, label_column: str | None, *, on_unlabelled: OnUnlabelled
) -> "pd.Series[str] | None":
    """Type of every cell, None if the cells have no labels at all.

    NaN where a cell alone has no label and `on_unlabelled` is `drop`.

    Raises
    ------
    InputError
        If the named column is absent, or a cell has no label and `on_unlabelled` is `fail`.
    """
    column = _column(obs, label_column, "cell_type", "label_column")
    if column is None:
        return None
    types = _as_text(obs[column])
    bare = types.isna()
    if bare.any() and (on_unlabelled == "fail" or bare.all()):
        raise InputError(
            f"{int(bare.sum())} of {len(obs)} cells have no label, such as"
            f" {_few(obs['cell'][bare])}",
            column=column,
            remedy="label every cell, or set single_cell.on_unlabelled to drop",
        )
    return types


def _column(obs: pd.DataFrame, named: str | None, usual: str, key: str) -> str | None:
    """Column that the user named, or the usual one if there is such."""
    if named is None:
        return usual if usual in obs else None
    if named not in obs:
        there = ", ".join(str(name) for name in obs if name != "cell") or "none"
        raise InputError(
            f"no such column beside the cells; there are: {there}",
            column=named,
            remedy=f"mend single_cell.{key}",
        )
    return named


def _as_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Values as text, NaN where nothing stands."""
    text = values.astype(object).map(lambda value: str(value).strip(), na_action="ignore")
    return text.mask(text.isin(_NONE))


def _read_labels(path: Path) -> pd.DataFrame:
    """Table of labels as text; its first column is called `cell`."""
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="mend single_cell.labels")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            remedy = "separate columns by tabs or commas, the first row naming the columns"
            header = read_header(path, table="cells by labels", remedy=remedy)
            table = pd.read_csv(
                path,
                sep=header.separator,
                skiprows=header.row - 1,
                index_col=False,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(
            "not a table of labels", file=path, remedy="give a column of cells, then their labels"
        ) from error
    return table.set_axis(["cell", *map(str, table.columns[1:])], axis=1)


def _check_once(table: pd.DataFrame, keys: list[str], path: Path) -> None:
    """No cell has two rows."""
    twice = table.duplicated(keys)
    if twice.any():
        raise InputError(
            "cell has two rows",
            file=path,
            value=str(table["cell"][twice].iloc[0]),
            remedy="keep one row a cell",
        )


def _few(names: Iterable[object]) -> str:
    """The first three names."""
    return ", ".join([str(name) for name in names][:3])
