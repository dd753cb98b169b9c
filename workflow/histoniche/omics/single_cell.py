"""Single cells made ready: quality, normalisation, and clusters and a map where missing."""

import logging
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
import scanpy
from anndata import AnnData

from histoniche.errors import InputError
from histoniche.files import whole_file
from histoniche.omics.cell_quality import (
    CellUnit,
    OnSmallType,
    drop_poor_cells,
    drop_small_types,
)
from histoniche.omics.cell_sources import Reading, read_cells
from histoniche.omics.decisions import Decision
from histoniche.randomness import derived_seed
from histoniche.tables import write_table

_TARGET = 1e4
_LARGEST_LOG = 25.0
"""log(1 + x) of 7e10; what is larger is no logarithm."""


def prepare_cells(
    cells: Path | Mapping[str, Path],
    *,
    matrix: Path,
    table: Path,
    decisions: Path,
    unit: CellUnit,
    min_genes: int,
    max_mitochondrial_share: float,
    mitochondrial_prefix: str,
    min_cells: int,
    on_small_type: OnSmallType,
    variable_genes: int,
    components: int,
    neighbours: int,
    resolution: float,
    seed: int,
    **reading: Unpack[Reading],
) -> None:
    """Read, filter, normalise, and label cells, and place them on a map.

    Parameters
    ----------
    cells, reading
        See `histoniche.omics.cell_sources.read_cells`.
    matrix
        Written: h5ad with log(1 + counts per 10,000), obs patient and
        cell_type, obsm X_umap.
    table
        Written: cell, patient, cell_type, genes (detected), total,
        mitochondrial_share, umap_1, umap_2.
    decisions
        Written: step, item, count, detail.
    unit
        `counts` are scaled to 10,000 a cell and logged; `log` is taken as
        log(1 + counts per 10,000) already.
    min_genes, max_mitochondrial_share, mitochondrial_prefix
        See `drop_poor_cells`.
    min_cells, on_small_type
        Whether types of fewer cells, over all patients, are an error or dropped.
    variable_genes, components, neighbours, resolution
        See `place_cells` and `cluster_cells`.
    seed
        The run's seed; the same one gives the same result on the same machine.

    Raises
    ------
    InputError
        If the input does not fit, no cell is good, or a type is too small.
    """
    data, taken = read_cells(cells, **reading)
    _check_unit(data, unit)
    data, poor = drop_poor_cells(
        data,
        unit=unit,
        min_genes=min_genes,
        max_mitochondrial_share=max_mitochondrial_share,
        mitochondrial_prefix=mitochondrial_prefix,
    )
    if unit == "counts":
        scanpy.pp.normalize_total(data, target_sum=_TARGET)
        scanpy.pp.log1p(data)
    labelled = "cell_type" in data.obs
    if not labelled or "X_umap" not in data.obsm:
        place_cells(
            data,
            variable_genes=variable_genes,
            components=components,
            neighbours=neighbours,
            seed=seed,
        )
    if not labelled:
        cluster_cells(data, resolution=resolution, seed=seed)
    # A small cluster is nobody's mistake, a small label may be one.
    rule = on_small_type if labelled else "drop"
    data, small = drop_small_types(data, min_cells=min_cells, on_small_type=rule)
    taken += [*poor, small, *_counts(data)]
    _write(data, taken, matrix=matrix, table=table, decisions=decisions)


def place_cells(
    data: AnnData, *, variable_genes: int, components: int, neighbours: int, seed: int
) -> None:
    """Principal components, neighbours and UMAP of log-normalised cells, in place.

    Patients are not aligned to each other: what sets their cells apart, batch
    included, sets them apart on the map.

    Parameters
    ----------
    data
        Log-normalised cells.
    variable_genes
        Number of most variable genes that the components are taken of.
    components
        Number of principal components; fewer where there are few cells.
    neighbours
        Number of neighbours of a cell in the graph.
    seed
        The run's seed.

    References
    ----------
    Wolf et al. 2018, Genome Biol 19:15 (scanpy); McInnes et al. 2018, arXiv:1802.03426 (UMAP).
    """
    if data.n_obs < 4:
        raise InputError(
            f"only {data.n_obs} good cells, too few for a map",
            remedy="give more cells, or lower single_cell.min_genes",
        )
    scanpy.pp.highly_variable_genes(data, n_top_genes=min(variable_genes, data.n_vars))
    chosen = int(data.var["highly_variable"].sum())
    scanpy.pp.pca(
        data,
        n_comps=max(1, min(components, data.n_obs - 1, chosen - 1)),
        svd_solver="arpack",
        random_state=derived_seed(seed, "single_cell", "components"),
    )
    scanpy.pp.neighbors(
        data,
        n_neighbors=min(neighbours, data.n_obs - 1),
        random_state=derived_seed(seed, "single_cell", "neighbours"),
    )
    if "X_umap" not in data.obsm:
        scanpy.tl.umap(data, random_state=derived_seed(seed, "single_cell", "umap"))


def cluster_cells(data: AnnData, *, resolution: float, seed: int) -> None:
    """Leiden clusters of placed cells as their types, in place: "cluster 1" is the largest.

    References
    ----------
    Traag et al. 2019, Sci Rep 9:5233.
    """
    scanpy.tl.leiden(
        data,
        resolution=resolution,
        flavor="igraph",
        n_iterations=2,
        directed=False,
        random_state=derived_seed(seed, "single_cell", "clusters"),
    )
    clusters = data.obs.pop("leiden").astype(str)
    # Stable, so that of equal clusters the one that igraph numbers first stays first.
    order = clusters.value_counts(sort=False).sort_values(ascending=False, kind="stable").index
    names = {cluster: f"cluster {number}" for number, cluster in enumerate(order, start=1)}
    data.obs["cell_type"] = clusters.map(names)


def _check_unit(data: AnnData, unit: CellUnit) -> None:
    """Stop at numbers that cannot be logarithms, and warn of counts that look like them."""
    most = float(data.X.max())
    if unit == "log" and most > _LARGEST_LOG:
        raise InputError(
            "too large to be a logarithm", value=most, remedy="set single_cell.unit to counts"
        )
    whole = np.equal(np.mod(data.X.data[:10_000], 1), 0).all()
    if unit == "counts" and most < _LARGEST_LOG and not whole:
        logging.warning(
            "the largest value is %g and values are not whole: these look like logarithms;"
            " if they are, set single_cell.unit to log",
            most,
        )


def _counts(data: AnnData) -> list[Decision]:
    """How many cells of which type and patient are left."""
    pairs = data.obs.groupby(["patient", "cell_type"], observed=True).size()
    rows = [Decision("kept", f"{patient}: {kind}", int(n)) for (patient, kind), n in pairs.items()]
    return [Decision("kept", "cells", data.n_obs), Decision("kept", "genes", data.n_vars), *rows]


def _write(
    data: AnnData, taken: list[Decision], *, matrix: Path, table: Path, decisions: Path
) -> None:
    """Write the cells as h5ad and as a table, and what was decided."""
    numbers: dict[str, Any] = {
        "cell": data.obs_names.to_numpy(),
        **{name: data.obs[name].astype(str).to_numpy() for name in ("patient", "cell_type")},
        **{name: data.obs[name].to_numpy() for name in ("genes", "total", "mitochondrial_share")},
        "umap_1": data.obsm["X_umap"][:, 0],
        "umap_2": data.obsm["X_umap"][:, 1],
    }
    labels = data.obs[["patient", "cell_type"]].astype(str).astype("category")
    slim = AnnData(data.X, obs=labels, var=data.var[[]])
    slim.obsm["X_umap"] = np.asarray(data.obsm["X_umap"], dtype=np.float32)
    with whole_file(matrix) as temporary:
        slim.write_h5ad(temporary, compression="gzip")
    write_table(pd.DataFrame(numbers), table)
    write_table(pd.DataFrame(taken), decisions)
    for decision in taken:
        logging.info("%s: %s %d %s", *astuple(decision))
