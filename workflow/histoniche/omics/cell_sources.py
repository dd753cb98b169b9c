"""Reading single cells: h5ad, 10x folders and files, and dense tables, with their labels."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

import anndata
import numpy as np
import pandas as pd
import scanpy
import scipy.sparse
from anndata import AnnData

from histoniche.errors import InputError
from histoniche.omics.cell_labels import OnUnlabelled, attach_labels, patients_of, types_of
from histoniche.omics.cell_table import read_cell_table
from histoniche.omics.decisions import Decision

Format = Literal["h5ad", "10x folder", "10x h5", "table"]


class Reading(TypedDict, total=False):
    """How cells are read; what is not given is as in `read_cells`."""

    labels: Path | None
    label_column: str | None
    patient_column: str | None
    gene_column: str | None
    layer: str | None
    on_unlabelled: OnUnlabelled


def read_cells(
    cells: Path | Mapping[str, Path],
    *,
    labels: Path | None = None,
    label_column: str | None = None,
    patient_column: str | None = None,
    gene_column: str | None = None,
    layer: str | None = None,
    on_unlabelled: OnUnlabelled = "fail",
) -> tuple[AnnData, list[Decision]]:
    """Read the cells of one or several patients.

    Parameters
    ----------
    cells
        Files or folders by patient, or one that holds all patients. What each
        is tells its name: `.h5ad`; a folder as 10x's Cell Ranger writes it;
        `.h5` of the same; anything else is a dense table of genes by cells.
    labels
        Table whose first column is the cell, with the columns `label_column`
        and `patient_column`; a column that is absent is looked for in the h5ad.
    label_column, patient_column
        Columns of the labels or the h5ad's obs; None means `cell_type` and
        `patient`, where there are such columns.
    gene_column
        Column of the h5ad's var (or 10x's `gene_ids`) that names the genes.
    layer
        Layer of the h5ad that holds the values; None means X.
    on_unlabelled
        What to do about cells without a label where others have one.

    Returns
    -------
    Cells by the genes that all files share, sparse float32, with obs `patient`
    and, where labels are known, `cell_type`; obsm `X_umap` if a single h5ad
    brought it. Of several files a cell is called patient:cell.

    Raises
    ------
    InputError
        If a file cannot be read, holds values that are negative or no finite
        numbers, genes or cells stand twice, files share no gene, or cells have
        no patient or label.
    """
    own_files = not isinstance(cells, Path)
    if isinstance(cells, Path):
        data, taken = _read(cells, gene_column, layer)
    else:
        data, taken = _read_patients(cells, gene_column, layer)
    obs = data.obs
    if labels is not None:
        obs, strangers = attach_labels(
            obs, labels, patient_column=patient_column, own_files=own_files
        )
        taken += strangers
    patients = obs["patient"] if own_files else patients_of(obs, patient_column)
    types = types_of(obs, label_column, on_unlabelled=on_unlabelled)
    data.obs = pd.DataFrame({"patient": patients.astype(str)})
    if types is None:
        taken.append(Decision("labels", "cells without label, to be clustered", data.n_obs))
        return data, taken
    data.obs["cell_type"] = types
    taken.append(Decision("labels", "cells without label, dropped", int(types.isna().sum())))
    return data[types.notna().to_numpy()].copy(), taken


def cell_format(path: Path) -> Format:
    """What a path holds, told from its name."""
    if path.is_dir():
        return "10x folder"
    return {".h5ad": "h5ad", ".h5": "10x h5"}.get(path.suffix, "table")  # type: ignore[return-value]


def _read_patients(
    cells: Mapping[str, Path], gene_column: str | None, layer: str | None
) -> tuple[AnnData, list[Decision]]:
    """Cells of several patients over the genes that all of them share."""
    parts, taken = [], []
    for patient, path in cells.items():
        part, decisions = _read(path, gene_column, layer)
        part.obs = part.obs.assign(patient=patient)
        part.obs_names = [f"{patient}:{cell}" for cell in part.obs_names]
        part.obsm.clear()
        parts.append(part)
        taken += decisions
    data = anndata.concat(parts, join="inner")
    if not data.n_vars:
        first, second = (list(part.var_names[:3]) for part in (parts[0], parts[-1]))
        raise InputError(
            f"the patients' files share no gene, such as {', '.join(first)} and"
            f" {', '.join(second)}",
            remedy="name genes alike in all of them; see single_cell.gene_column",
        )
    every = len(set().union(*(part.var_names for part in parts)))
    taken.append(Decision("genes", "not in every patient's file, dropped", every - data.n_vars))
    return data, taken


def _read(path: Path, gene_column: str | None, layer: str | None) -> tuple[AnnData, list[Decision]]:
    """One checked file, with obs and X_umap as they are in it."""
    if not path.exists():
        raise InputError("no such file or folder", file=path, remedy="mend single_cell.cells")
    kind = cell_format(path)
    try:
        with warnings.catch_warnings():  # names that stand twice are dealt with below
            warnings.filterwarnings("ignore", message=".*names are not unique")
            data = _READERS[kind](path, layer)
    except InputError:
        raise
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"not readable as {kind} ({type(error).__name__})",
            file=path,
            remedy="give .h5ad, a Cell Ranger folder or .h5, or a table of genes by cells",
        ) from error
    if gene_column is not None and kind != "table":
        if gene_column not in data.var:
            raise InputError(
                f"no such column of the genes; there are {', '.join(map(str, data.var))}",
                file=path,
                column=gene_column,
                remedy="mend single_cell.gene_column",
            )
        data.var_names = data.var[gene_column].astype(str)
    data.X = scipy.sparse.csr_matrix(data.X, dtype=np.float32)
    _check(data, path)
    data.obs = data.obs.assign(cell=data.obs_names)
    data, merged = _unique_genes(data, path, may_add=kind.startswith("10x"))
    taken = [Decision("reading", "cells", data.n_obs, path.name)]
    if merged:
        rule = f"{path.name}: ids of one symbol are added up"
        taken.append(Decision("genes", "rows added to another of the same symbol", merged, rule))
    return data, taken


def _read_h5ad(path: Path, layer: str | None) -> AnnData:
    """Values, obs, var and X_umap of an h5ad."""
    data = anndata.read_h5ad(path)
    if layer is not None and layer not in data.layers:
        raise InputError(
            f"no such layer; there are {', '.join(data.layers) or 'none'}",
            file=path,
            value=layer,
            remedy="mend single_cell.layer",
        )
    values = data.X if layer is None else data.layers[layer]
    if values is None:
        raise InputError("X is empty", file=path, remedy="set single_cell.layer")
    found = AnnData(values, obs=data.obs, var=data.var)
    if "X_umap" in data.obsm:
        found.obsm["X_umap"] = np.asarray(data.obsm["X_umap"])[:, :2]
    return found


def _read_folder(path: Path, layer: str | None) -> AnnData:
    """Cell Ranger's folder: matrix, features and barcodes."""
    return scanpy.read_10x_mtx(path, make_unique=False)


def _read_10x_file(path: Path, layer: str | None) -> AnnData:
    """Cell Ranger's HDF5 file."""
    return scanpy.read_10x_h5(path)


def _read_table(path: Path, layer: str | None) -> AnnData:
    """Dense table of genes by cells."""
    values, cells, genes = read_cell_table(path)
    return AnnData(
        scipy.sparse.csr_matrix(values),
        obs=pd.DataFrame(index=cells),
        var=pd.DataFrame(index=genes),
    )


_READERS: dict[Format, Callable[[Path, str | None], AnnData]] = {
    "h5ad": _read_h5ad,
    "10x folder": _read_folder,
    "10x h5": _read_10x_file,
    "table": _read_table,
}


def _check(data: AnnData, path: Path) -> None:
    """Cells are told apart by their names, and values are finite and not negative."""
    if not data.n_obs or not data.n_vars:
        raise InputError(
            "no cells or no genes", file=path, remedy="give a matrix that is not empty"
        )
    twice = data.obs_names.duplicated()
    if twice.any():
        raise InputError(
            "cell stands twice",
            file=path,
            value=str(data.obs_names[twice][0]),
            remedy="give every cell its own name",
        )
    entries = scipy.sparse.coo_matrix(data.X)
    wrong = np.flatnonzero(~np.isfinite(entries.data) | (entries.data < 0))
    if len(wrong):
        where, value = int(wrong[0]), float(entries.data[wrong[0]])
        negative = value < 0 and np.isfinite(value)
        raise InputError(
            f"{'negative value' if negative else 'not a finite number'} in cell"
            f" {data.obs_names[entries.row[where]]}, gene {data.var_names[entries.col[where]]}",
            file=path,
            value=value,
            remedy="give counts or log(1 + x) values, not scaled ones; see single_cell.layer",
        )


def _unique_genes(data: AnnData, path: Path, *, may_add: bool) -> tuple[AnnData, int]:
    """Cells with one column a gene, and how many columns were added to another."""
    twice = data.var_names.duplicated()
    if not twice.any():
        return AnnData(data.X, obs=data.obs, var=data.var[[]], obsm=dict(data.obsm)), 0
    if not may_add:
        raise InputError(
            f"{data.var_names[twice].nunique()} genes stand twice or more",
            file=path,
            value=str(data.var_names[twice][0]),
            remedy="keep one row a gene, or name genes by another column (single_cell.gene_column)",
        )
    codes, names = pd.factorize(data.var_names)
    ones = np.ones(len(codes), dtype=np.float32)
    adding: Any = scipy.sparse.csr_matrix((ones, (np.arange(len(codes)), codes)))
    whole = AnnData(data.X @ adding, obs=data.obs, var=pd.DataFrame(index=names))
    return whole, int(twice.sum())
