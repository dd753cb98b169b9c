"""Reading genes by patients from h5ad, whichever axis the patients stand on."""

from pathlib import Path
from typing import Any, Literal

import anndata
import numpy as np
import pandas as pd
import scipy.sparse

from histoniche.errors import InputError
from histoniche.omics.matrix import Raw, match_samples
from histoniche.omics.samples import Wanted, judge_samples, read_barcodes

Axis = Literal["obs", "var"]


def read_h5ad(path: Path, wanted: Wanted, *, symbols: str | None, layer: str | None) -> Raw:
    """Read genes and used samples of an h5ad file.

    Parameters
    ----------
    path
        The names of obs or those of var are the samples; the axis with more
        samples of the sheet's patients is taken, obs if both have as many.
    wanted
        Whose samples are used.
    symbols
        Column, beside the genes, with their symbols.
    layer
        Layer to read in place of X.

    Raises
    ------
    InputError
        If the file cannot be read, neither axis names a patient of the sheet,
        or the layer or column is not there.
    """
    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError("not an h5ad file", file=path, remedy="write it anew") from error
    axis = _axis_of_patients(data, wanted, path)
    people, genes = (data.obs, data.var) if axis == "obs" else (data.var, data.obs)
    samples = match_samples([str(name) for name in people.index], wanted, path)
    used = np.array([sample.used for sample in samples])
    values = _values(data, layer, path)
    values = values[used].T if axis == "obs" else values[:, used]
    dense = values.toarray() if scipy.sparse.issparse(values) else np.asarray(values)
    rows = pd.RangeIndex(2, len(genes) + 2)
    return Raw(
        pd.Series(genes.index.astype(str), rows),
        pd.DataFrame(dense, rows, [sample.sample for sample in samples if sample.used]),
        samples,
        None if symbols is None else _symbols(genes, symbols, rows, path),
    )


def _axis_of_patients(data: anndata.AnnData, wanted: Wanted, path: Path) -> Axis:
    """The axis whose names are patients of the sheet."""
    names = {"obs": [*map(str, data.obs_names)], "var": [*map(str, data.var_names)]}
    matched = {
        axis: sum(sample.patient in wanted.patients for sample in samples)
        for axis, samples in (
            (axis, judge_samples(read_barcodes(given, wanted.barcode), wanted))
            for axis, given in names.items()
        )
    }
    if not any(matched.values()):
        obs, var = (", ".join(given[:3]) for given in names.values())
        raise InputError(
            f"neither obs nor var names a patient of the sheet; obs are {obs}, var {var},"
            f" patients {', '.join(sorted(wanted.patients)[:3])}",
            file=path,
            remedy="write the ids alike, or set expression.barcode",
        )
    return "obs" if matched["obs"] >= matched["var"] else "var"


def _values(data: anndata.AnnData, layer: str | None, path: Path) -> Any:
    """The layer that is wanted, or X."""
    if layer is None:
        if data.X is None:
            there = ", ".join(data.layers) or "none"
            raise InputError(
                f"X is empty; layers are {there}", file=path, remedy="name one, expression.layer"
            )
        return data.X
    if layer not in data.layers:
        there = ", ".join(data.layers) or "none"
        raise InputError(
            f"no layer {layer}; layers are {there}",
            file=path,
            remedy="mend expression.layer in the config",
        )
    return data.layers[layer]


def _symbols(genes: pd.DataFrame, column: str, rows: pd.RangeIndex, path: Path) -> "pd.Series[str]":
    """Symbols of the genes, empty where there is none."""
    if column not in genes:
        there = ", ".join(map(str, genes.columns)) or "none"
        raise InputError(
            f"no such column beside the genes; columns are {there}",
            file=path,
            column=column,
            remedy="mend expression.symbols in the config",
        )
    texts = genes[column].astype(object).fillna("").astype(str).str.strip()
    return texts.set_axis(rows)
