"""Genes of the signatures in single cells: who expresses them, and a score a cell."""

import logging
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scanpy
from anndata import AnnData

from histoniche.omics.gene_names import require_shared
from histoniche.omics.gene_sets import Signatures, read_signatures
from histoniche.omics.group_means import Floats, group_means, group_shares
from histoniche.randomness import derived_seed
from histoniche.tables import write_table

_GENES_A_BIN = 20


def describe_signatures(
    matrix: Path,
    signatures: Path,
    *,
    by_type: Path,
    by_patient: Path,
    genes: Path,
    scores: Path,
    score_means: Path,
    min_cells: int,
    seed: int,
) -> None:
    """Tell which cell types express the signatures' genes, and score every cell.

    Parameters
    ----------
    matrix
        h5ad that `histoniche.omics.single_cell.prepare_cells` wrote.
    signatures
        GMT, or the table that `histoniche.omics.signatures.derive_signatures` wrote.
    by_type
        Written: gene, cell_type, n_cells, n_patients, mean (log-normalised), share
        (of cells above 0), over the cells of all patients.
    by_patient
        Written: patient, gene, cell_type, n_cells, mean, share.
    genes
        Written: one row a gene, see `leading_types`, with its signatures.
    scores
        Written: cell, patient, cell_type, umap_1, umap_2, a column a signature.
    score_means
        Written: signature, genes, genes_found, patient, cell_type, n_cells, mean, sd.
    min_cells
        A patient's type with fewer cells has no say in `patients_agreeing`.
    seed
        The run's seed; it chooses the genes that scores are compared with.

    Raises
    ------
    InputError
        If there are signatures, but none shares a gene with the cells.
    """
    data, sets = anndata.read_h5ad(matrix), read_signatures(signatures)
    every = frozenset().union(*sets.values())
    shared = (
        require_shared(every, data.var_names, what="signatures", file=signatures)
        if every
        else every
    )
    chosen = data[:, sorted(shared)]
    pooled = _long(chosen, ["cell_type"])
    patients = data.obs.groupby("cell_type", observed=True)["patient"].nunique()
    pooled.insert(3, "n_patients", pooled["cell_type"].map(patients).astype("int64"))
    apart = _long(chosen, ["patient", "cell_type"])
    write_table(pooled, by_type)
    write_table(apart, by_patient)
    leading = leading_types(pooled, apart[apart["n_cells"] >= min_cells])
    of_gene = {gene: ";".join(s for s in sets if gene in sets[s]) for gene in leading["gene"]}
    leading.insert(1, "signatures", leading["gene"].map(of_gene).astype(object))
    write_table(leading, genes)
    scored = score_cells(data, sets, seed=seed)
    write_table(scored, scores)
    write_table(_score_means(scored, sets, frozenset(data.var_names)), score_means)


def tau(means: Floats) -> Floats:
    """Tissue specificity index of genes over cell types.

    Parameters
    ----------
    means
        Genes by types, mean log-normalised expression, not negative.

    Returns
    -------
    sum(1 - x / max(x)) / (types - 1), in [0, 1]. 0: all types express the gene
    alike; 1: one type alone does. NaN if no type does, or there is one type.

    References
    ----------
    Yanai et al. 2005, Bioinformatics 21:650, doi:10.1093/bioinformatics/bti042.
    """
    if means.shape[1] < 2:
        return np.full(len(means), np.nan)
    with np.errstate(invalid="ignore"):
        shares = means / means.max(axis=1, keepdims=True)
    return np.asarray((1 - shares).sum(axis=1) / (means.shape[1] - 1), dtype=np.float64)


def leading_types(by_type: pd.DataFrame, by_patient: pd.DataFrame) -> pd.DataFrame:
    """The cell type with the highest mean of each gene, and how clearly it leads.

    Parameters
    ----------
    by_type, by_patient
        See `describe_signatures`.

    Returns
    -------
    gene, cell_type (with the highest mean over all its cells; empty if none
    expresses the gene), n_cells, mean, share, next_type, next_mean, tau (see
    `tau`), patients (who have that type, another one, and express the gene),
    patients_agreeing (of them, those in whom it has the highest mean too).
    Cells of one patient are no independent samples, so that there is no p:
    the patients who agree are what tells a finding from a chance.
    """
    columns = ["gene", "cell_type", "n_cells", "mean", "share", "next_type", "next_mean", "tau"]
    if by_type.empty:
        return pd.DataFrame(columns=[*columns, "patients", "patients_agreeing"])
    wide = by_type.pivot(index="gene", columns="cell_type", values="mean")
    ranked = by_type.sort_values(["gene", "mean", "cell_type"], ascending=[True, False, True])
    leaders = ranked.groupby("gene", sort=True).nth(0).set_index("gene")
    followers = ranked.groupby("gene", sort=True).nth(1).set_index("gene")
    leaders["next_type"] = followers["cell_type"].reindex(leaders.index)
    leaders["next_mean"] = followers["mean"].reindex(leaders.index)
    leaders["tau"] = tau(wide.loc[leaders.index].to_numpy(dtype=np.float64))
    counts = _agreement(leaders["cell_type"], by_patient)
    leaders[["patients", "patients_agreeing"]] = counts.reindex(leaders.index, fill_value=0)
    silent = leaders["mean"] == 0
    leaders.loc[silent, ["cell_type", "next_type"]] = ""
    leaders[["next_type"]] = leaders[["next_type"]].fillna("")
    return leaders.reset_index()[[*columns, "patients", "patients_agreeing"]]


def score_cells(data: AnnData, signatures: Signatures, *, seed: int) -> pd.DataFrame:
    """Score of every signature in every cell.

    Parameters
    ----------
    data
        Log-normalised cells with obs patient and cell_type, obsm X_umap.
    signatures
        Genes by signature.
    seed
        The run's seed.

    Returns
    -------
    cell, patient, cell_type, umap_1, umap_2, a column a signature: mean
    log-normalised expression of its genes less that of randomly drawn genes of
    like mean expression. 0: no more than genes at large. NaN where the cells
    have none of its genes, or no others to compare with.

    References
    ----------
    Satija et al. 2015, Nat Biotechnol 33:495, as scanpy.tl.score_genes does it.
    """
    found: dict[str, Any] = {
        "cell": data.obs_names.to_numpy(),
        "patient": data.obs["patient"].astype(str).to_numpy(),
        "cell_type": data.obs["cell_type"].astype(str).to_numpy(),
        "umap_1": data.obsm["X_umap"][:, 0],
        "umap_2": data.obsm["X_umap"][:, 1],
    }
    bins = max(1, min(25, data.n_vars // _GENES_A_BIN))
    for name, genes in signatures.items():
        found[name] = np.full(data.n_obs, np.nan)
        shared = sorted(genes & frozenset(data.var_names))
        random_state = derived_seed(seed, "single_cell", "score", name)
        try:
            if shared:
                scanpy.tl.score_genes(data, shared, n_bins=bins, random_state=random_state)
                found[name] = data.obs.pop("score").to_numpy(dtype=np.float64)
        except RuntimeError as error:  # scanpy finds no genes to compare with
            logging.warning("signature %s cannot be scored: %s", name, error)
    return pd.DataFrame(found)


def _long(data: AnnData, keys: list[str]) -> pd.DataFrame:
    """Means and shares of all genes by group of cells, one row a group and gene."""
    grouped = data.obs.astype(dict.fromkeys(keys, str)).groupby(keys, sort=True)
    codes = grouped.ngroup().to_numpy().astype(np.intp)
    groups = grouped.size().rename("n_cells").reset_index()
    means = group_means(data.X, codes, len(groups))
    shares = group_shares(data.X, codes, len(groups))
    genes = data.n_vars
    table = groups.loc[np.repeat(np.arange(len(groups)), genes)].reset_index(drop=True)
    table.insert(keys.index("cell_type"), "gene", np.tile(data.var_names.to_numpy(), len(groups)))
    return table.assign(mean=means.ravel(), share=shares.ravel())


def _agreement(leaders: "pd.Series[str]", by_patient: pd.DataFrame) -> pd.DataFrame:
    """By gene: patients who can tell whether its leading type leads, and those in whom it does."""
    rows = by_patient.assign(leader=by_patient["gene"].map(leaders))
    keys = ["gene", "patient"]
    most = rows.groupby(keys)["mean"].transform("max")
    rows["leads"] = (rows["cell_type"] == rows["leader"]) & (rows["mean"] == most)
    rows["present"] = rows["cell_type"] == rows["leader"]
    rows["expressed"] = most > 0
    cases = rows.groupby(keys).agg(
        types=("cell_type", "size"),
        present=("present", "any"),
        expressed=("expressed", "any"),
        leads=("leads", "any"),
    )
    telling = cases[(cases["types"] > 1) & cases["present"] & cases["expressed"]]
    found = telling.groupby("gene")["leads"].agg(["size", "sum"])
    return found.set_axis(["patients", "patients_agreeing"], axis=1).astype("int64")


def _score_means(
    scored: pd.DataFrame, signatures: Signatures, present: frozenset[str]
) -> pd.DataFrame:
    """Mean and standard deviation of each signature's score by patient and type."""
    keys = ["patient", "cell_type"]
    parts = []
    for name, genes in signatures.items():
        part = scored.groupby(keys)[name].agg(n_cells="size", mean="mean", sd="std").reset_index()
        part.insert(0, "signature", name)
        part.insert(1, "genes", len(genes))
        part.insert(2, "genes_found", len(genes & present))
        parts.append(part)
    columns = ["signature", "genes", "genes_found", *keys, "n_cells", "mean", "sd"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
