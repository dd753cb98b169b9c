"""Signatures of regions: the genes that rise with a region's area."""

import math
from pathlib import Path
from typing import Literal

import pandas as pd
import scipy.stats

from histoniche.files import write_text
from histoniche.omics.gene_sets import as_gmt
from histoniche.tables import read_table, write_table

PKind = Literal["raw", "q"]

COLUMNS = ["signature", "region", "gene", "rho", "p", "q", "survival_rho", "survival_p"]
ENDINGS = {"": "all", "pos": "longer survival", "neg": "shorter survival"}
"""Endings of a signature's name, and with what the genes' expression goes along."""


def derive_signatures(
    correlation: Path,
    gene_survival: Path,
    *,
    signatures: Path,
    gmt: Path,
    sizes: Path,
    rho: float,
    p: float,
    p_kind: PKind,
) -> None:
    """Derive each region's signature, and its parts by the sign of survival.

    Parameters
    ----------
    correlation, gene_survival
        What `histoniche.omics.correlation.correlate_expression` wrote.
    signatures
        Written: signature, region, gene, rho, p, q, survival_rho, survival_p.
    gmt
        Written: the same as gene sets; an empty signature has no line.
    sizes
        Written: signature, region, genes, genes_q05, expected_by_chance, tested.
    rho, p, p_kind
        The rule, see `select_genes`.
    """
    table = _join(read_table(correlation), read_table(gene_survival))
    members, counts = select_genes(table, rho=rho, p=p, p_kind=p_kind)
    write_table(members, signatures)
    write_table(counts, sizes)
    sets = {
        str(name): (f"rho > {rho:g}, {'p' if p_kind == 'raw' else 'q'} < {p:g}", list(rows["gene"]))
        for name, rows in members.groupby("signature", sort=False)
    }
    write_text(as_gmt(sets), gmt)


def select_genes(
    table: pd.DataFrame, *, rho: float, p: float, p_kind: PKind
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the rule to every region.

    Parameters
    ----------
    table
        gene, region, n, rho, p, q, survival_rho, survival_p.
    rho
        A gene belongs if its rho is greater.
    p
        And its p, or its q if `p_kind` is `q`, smaller.

    Returns
    -------
    Members, strongest rho first, and sizes, one row a signature, empty ones
    included. `CT` holds all genes of the region CT; `CTpos` and `CTneg` those
    whose expression rises and falls with survival time. `tested` counts the
    genes that could belong, `genes_q05` the members with q < 0.05, and
    `expected_by_chance` the members to be expected if no gene had anything to
    do with the region; it is NaN for `q`, where it depends on how the genes go
    along with each other.
    """
    members, sizes = [], []
    for region, genes in table.groupby("region", sort=False):
        chance = math.nan if p_kind == "q" else chance_of_passing(int(genes["n"].iloc[0]), rho, p)
        rows = genes[genes["p"].notna()]
        passing = rows[(rows["rho"] > rho) & (rows["p" if p_kind == "raw" else "q"] < p)]
        passing = passing.sort_values(["rho", "gene"], ascending=[False, True])
        for ending in ENDINGS:
            part, tested = (_with_sign(each, ending) for each in (passing, rows))
            name = f"{region}{ending}"
            members.append(part.assign(signature=name)[COLUMNS])
            strict = int((part["q"] < 0.05).sum())
            sizes.append((name, region, len(part), strict, chance * len(tested), len(tested)))
    columns = ["signature", "region", "genes", "genes_q05", "expected_by_chance", "tested"]
    return pd.concat(members, ignore_index=True), pd.DataFrame(sizes, columns=columns)


def chance_of_passing(n: int, rho: float, p: float) -> float:
    """Probability that a gene without any association passes `rho` and the two-sided `p`.

    From the t distribution with n - 2 degrees of freedom that the p itself comes from;
    NaN if n < 3.
    """
    if n < 3:
        return math.nan
    null = scipy.stats.t(n - 2)
    least = rho * math.sqrt((n - 2) / (1 - rho * rho)) if abs(rho) < 1 else math.copysign(9e99, rho)
    extreme = float(null.isf(p / 2))
    above = float(null.sf(max(least, extreme)))
    below = max(0.0, float(null.cdf(-extreme) - null.cdf(least)))
    return above + below


def _with_sign(genes: pd.DataFrame, ending: str) -> pd.DataFrame:
    """Genes whose correlation with survival has the sign that a signature's ending asks for."""
    if not ending:
        return genes
    sign = genes["survival_rho"]
    return genes[sign > 0 if ending == "pos" else sign < 0]


def _join(correlation: pd.DataFrame, survival: pd.DataFrame) -> pd.DataFrame:
    """Put each gene's correlation with survival beside its correlations with the areas."""
    survival = survival[["gene", "rho", "p"]]
    survival = survival.rename(columns={"rho": "survival_rho", "p": "survival_p"})
    return correlation.merge(survival, on="gene", how="left", validate="many_to_one")
