"""One file with expression, scores, correlations and signatures, for other tools."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from histoniche.files import whole_file
from histoniche.tables import read_table

_VALUES = ("rho", "p", "q", "p_family")


def export_study(
    expression: Path,
    genes: Path,
    *,
    correlation: Path,
    signatures: Path,
    scores: Path,
    patients: Path,
    out: Path,
) -> None:
    """Write what the study knows of its patients and genes as one h5ad.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.
    correlation, signatures
        What the rules for correlation and signatures wrote.
    scores
        What `histoniche.omics.scores.collect_scores` wrote.
    patients
        The cohort's patients.
    out
        Written: patients by genes. `X`: expression; `obs`: follow-up, covariates,
        `area_REGION` and `score_NAME`; `var`: detected, tested; `varm`: one table
        genes by regions, then scores with signatures, for each of rho, p, q and
        p_family; `uns["signatures"]`: genes by signature.
    """
    values = read_table(expression).set_index("gene")
    study = anndata.AnnData(
        X=values.to_numpy(dtype=np.float32).T,
        obs=_observations(list(values.columns), read_table(patients), read_table(scores)),
        var=read_table(genes).set_index("gene").loc[values.index],
    )
    table = read_table(correlation)
    for name in _VALUES:
        wide = table.pivot(index="gene", columns="region", values=name)
        study.varm[name] = wide.reindex(index=values.index, columns=table["region"].unique())
    members = read_table(signatures).groupby("signature", sort=False)["gene"]
    study.uns["signatures"] = {str(name): list(found) for name, found in members}
    with whole_file(out) as partial:
        study.write_h5ad(partial, compression="gzip")


def _observations(names: list[str], patients: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Follow-up, covariates, areas and scores of the patients who have expression."""
    columns = scores["kind"] + "_" + scores["score"]
    wide = scores.assign(column=columns).pivot(index="patient", columns="column", values="value")
    table = patients.set_index("patient").reindex(names).join(wide[columns.unique()])
    for name in table.columns[table.dtypes == "Int64"]:
        table[name] = table[name].astype("float64")
    return table
