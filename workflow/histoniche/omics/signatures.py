"""Signatures of regions: the genes that rise with a region's area."""

import math
from pathlib import Path
from typing import Literal

import pandas as pd
import scipy.stats

from histoniche.files import write_text
from histoniche.omics.gene_sets import as_gmt
from histoniche.tables import read_table, write_table

PKind = Literal["raw", "q", "family"]
Survival = Literal["deaths", "cox"]

P_COLUMNS: dict[PKind, str] = {"raw": "p", "q": "q", "family": "p_family"}
"""What the rule reads for each kind of p."""

_TIES: dict[Survival, tuple[str, str, int]] = {
    "deaths": ("rho", "p", 1),
    "cox": ("cox_z", "cox_p", -1),
}
"""Columns of the tie to survival and its p, and the sign with which more of it is longer life."""

COLUMNS = [
    "signature", "region", "gene", "rho", "p", "q", "p_family",
    "survival", "survival_p",
]  # fmt: skip
SIZE_COLUMNS = [
    "signature", "region", "genes", "genes_q05", "genes_family05", "expected_by_chance", "tested",
]  # fmt: skip
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
    survival: Survival,
) -> None:
    """Derive each region's signature, and its parts by the sign of survival.

    Parameters
    ----------
    correlation, gene_survival
        What `histoniche.omics.correlation.correlate_expression` wrote.
    signatures
        Written: `COLUMNS`; `survival` is > 0 where more of the gene goes with longer
        life: the rank correlation with the time of those who died, or Cox's z
        with its sign turned.
    gmt
        Written: the same as gene sets; an empty signature has no line.
    sizes
        Written: `SIZE_COLUMNS`.
    rho, p, p_kind
        The rule, see `select_genes`.
    survival
        What says whether a gene goes with longer life: `deaths`, the rank correlation
        among those who died, as GBM_WSSM did, or `cox`, which counts the
        censored too.
    """
    table = _join(read_table(correlation), read_table(gene_survival), survival)
    members, counts = select_genes(table, rho=rho, p=p, p_kind=p_kind)
    write_table(members, signatures)
    write_table(counts, sizes)
    sets = {
        str(name): (f"rho > {rho:g}, {P_COLUMNS[p_kind]} < {p:g}", list(rows["gene"]))
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
        gene, region, n, rho, p, q, p_family, survival, survival_p.
    rho
        A gene belongs if its rho is greater.
    p
        And its p, or what `P_COLUMNS` names for `p_kind`, smaller.

    Returns
    -------
    Members, strongest rho first, and sizes, one row a signature, empty ones
    included. `CT` holds all genes of the region CT; `CTpos` and `CTneg` those
    whose expression rises and falls with survival time. `tested` counts the
    genes that could belong, `genes_q05` and `genes_family05` the members with q
    and with family-wise p < 0.05, and
    `expected_by_chance` the members to be expected if no gene had anything to
    do with the region; it is NaN but for raw p, where it does not depend on how
    the genes go along with each other.
    """
    members, sizes = [], []
    for region, genes in table.groupby("region", sort=False):
        chance = math.nan
        if p_kind == "raw":
            chance = chance_of_passing(int(genes["n"].iloc[0]), rho, p)
        rows = genes[genes["p"].notna()]
        passing = rows[(rows["rho"] > rho) & (rows[P_COLUMNS[p_kind]] < p)]
        passing = passing.sort_values(["rho", "gene"], ascending=[False, True])
        for ending in ENDINGS:
            part, tested = (_with_sign(each, ending) for each in (passing, rows))
            name = f"{region}{ending}"
            members.append(part.assign(signature=name)[COLUMNS])
            strict = (int((part[kind] < 0.05).sum()) for kind in ("q", "p_family"))
            sizes.append((name, region, len(part), *strict, chance * len(tested), len(tested)))
    return pd.concat(members, ignore_index=True), pd.DataFrame(sizes, columns=SIZE_COLUMNS)


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
    """Genes whose tie to survival has the sign that a signature's ending asks for."""
    if not ending:
        return genes
    sign = genes["survival"]
    return genes[sign > 0 if ending == "pos" else sign < 0]


def _join(correlation: pd.DataFrame, ties: pd.DataFrame, survival: Survival) -> pd.DataFrame:
    """Put each gene's tie to survival beside its correlations with the areas."""
    value, p, sign = _TIES[survival]
    beside = pd.DataFrame(
        {"gene": ties["gene"], "survival": sign * ties[value], "survival_p": ties[p]}
    )
    return correlation.merge(beside, on="gene", how="left", validate="many_to_one")
