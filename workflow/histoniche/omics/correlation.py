"""Rank correlation of every gene with every region's area, and with survival."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.tables import read_table, write_table

Floats = NDArray[np.float64]

FEWEST = 5
"""Fewest patients from whom a correlation is reported."""


def rank_correlation(genes: Floats, areas: Floats) -> tuple[Floats, Floats]:
    """Spearman's correlation of every gene with every area, over the same patients.

    Parameters
    ----------
    genes
        (genes, patients), finite.
    areas
        (areas, patients), finite.

    Returns
    -------
    rho and its two-sided p, each (genes, areas). Ties share their average
    rank; p is that of the t distribution with n - 2 degrees of freedom, as in
    `scipy.stats.spearmanr`. NaN where a row is constant.

    Raises
    ------
    ValueError
        If the patients differ in number, are fewer than three, or a value is not finite.
    """
    if genes.ndim != 2 or areas.ndim != 2 or genes.shape[1] != areas.shape[1]:
        raise ValueError(f"patients do not match: {genes.shape} and {areas.shape}")
    if genes.shape[1] < 3:
        raise ValueError("a correlation needs three patients or more")
    if not (np.isfinite(genes).all() and np.isfinite(areas).all()):
        raise ValueError("values must be finite")
    left, right = _centred_ranks(genes), _centred_ranks(areas)
    squares = np.outer((left * left).sum(axis=1), (right * right).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = left @ right.T / np.sqrt(squares)
        freedom = genes.shape[1] - 2
        t = rho * np.sqrt(freedom / ((1 + rho) * (1 - rho)))
    return rho, 2 * scipy.special.stdtr(freedom, -np.abs(t))


def correlate_expression(
    expression: Path,
    genes: Path,
    areas: Path,
    patients: Path,
    *,
    correlation: Path,
    gene_survival: Path,
) -> None:
    """Correlate every tested gene with every region's area and with survival.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.
    areas
        Long table: patient, region, area.
    patients
        The cohort's patients: patient, time_days, event.
    correlation
        Written: gene, region, n, detected, rho, p, q (over the genes of the region).
    gene_survival
        Written: gene, n, rho, p, q, with survival time over the patients who
        died, as GBM_WSSM did. NaN if fewer than five did.

    Raises
    ------
    InputError
        If fewer than five patients have both expression and areas.
    """
    values, detected = read_tested(expression, genes)
    table = correlate_with_areas(values, _read_areas(areas), detected=detected)
    write_table(table, correlation)
    write_table(correlate_with_survival(values, read_table(patients)), gene_survival)
    constant = table.loc[table["rho"].isna(), "gene"].nunique()
    logging.info("%d genes tested, %d of them constant somewhere", len(values), constant)


def correlate_with_areas(
    values: pd.DataFrame, areas: pd.DataFrame, *, detected: "pd.Series[int]"
) -> pd.DataFrame:
    """Correlate genes with areas over the patients who have both.

    Parameters
    ----------
    values
        Genes by patients.
    areas
        Patients by regions; a patient without a region's area (NaN) is left
        out of that region alone.
    detected
        By gene, the number of patients in whom it is detected.

    Returns
    -------
    One row a region and gene; see `correlate_expression`.
    """
    common = values.columns.intersection(areas.index)
    areas = areas.loc[common]
    enough = areas.notna().sum() >= FEWEST
    if not enough.any():
        most = 0 if areas.empty else int(areas.notna().sum().max())
        raise InputError(
            f"only {most} patients have both expression and areas, {FEWEST} are needed",
            remedy="see whether the ids of slides, areas and expression name the same patients",
        )
    rho = np.full((len(values), areas.shape[1]), np.nan)
    p = rho.copy()
    for known, regions in _same_patients(areas.loc[:, enough]):
        genes = values[common[known]].to_numpy(dtype="float64")
        columns = areas.columns.get_indexer(pd.Index(regions))
        measured = areas.loc[known, regions].to_numpy(dtype="float64").T
        rho[:, columns], p[:, columns] = rank_correlation(genes, measured)
    q = np.column_stack([false_discovery(column) for column in p.T])
    count, repeats = len(values), areas.shape[1]
    return pd.DataFrame(
        {
            "gene": np.tile(values.index.to_numpy(), repeats),
            "region": np.repeat(areas.columns.to_numpy(), count),
            "n": np.repeat(areas.notna().sum().to_numpy(), count),
            "detected": np.tile(detected.loc[values.index].to_numpy(), repeats),
            "rho": rho.T.ravel(),
            "p": p.T.ravel(),
            "q": q.T.ravel(),
        }
    )


def correlate_with_survival(values: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Correlate genes with survival time over the patients who died.

    Parameters
    ----------
    values
        Genes by patients.
    patients
        patient, time_days, event.

    Returns
    -------
    gene, n, rho, p, q; NaN where fewer than five died.
    """
    died = patients[(patients["event"] == 1).fillna(False) & patients["time_days"].notna()]
    times = died.set_index("patient")["time_days"]
    common = values.columns.intersection(times.index)
    rho = p = np.full((len(values), 1), np.nan)
    if len(common) >= FEWEST:
        time = times.loc[common].to_numpy(dtype="float64")
        rho, p = rank_correlation(values[common].to_numpy(dtype="float64"), time[np.newaxis])
    else:
        logging.warning("%d deaths with expression: genes are not tied to survival", len(common))
    found = {"gene": values.index.to_numpy(), "n": len(common), "rho": rho[:, 0], "p": p[:, 0]}
    return pd.DataFrame(found).assign(q=false_discovery(p[:, 0]))


def read_tested(expression: Path, genes: Path) -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Values of the tested genes, and in how many patients each is detected."""
    values = read_table(expression).set_index("gene")
    summary = read_table(genes).set_index("gene")
    tested = summary.index[summary["tested"]]
    return values.loc[tested], summary.loc[tested, "detected"]


def _centred_ranks(values: Floats) -> Floats:
    """Twice the ranks of each row, centred.

    Doubled, average ranks are whole numbers, so that sums of their products
    are exact and a perfect correlation is 1, not nearly 1.
    """
    ranks = 2 * scipy.stats.rankdata(values, axis=1)
    return np.asarray(ranks - (values.shape[1] + 1), dtype=np.float64)


def _same_patients(areas: pd.DataFrame) -> list[tuple[NDArray[np.bool_], list[str]]]:
    """Regions grouped by the patients whose area is known, so that genes are ranked once each."""
    groups: dict[bytes, tuple[NDArray[np.bool_], list[str]]] = {}
    for region in areas.columns:
        known = areas[region].notna().to_numpy()
        groups.setdefault(known.tobytes(), (known, []))[1].append(region)
    return list(groups.values())


def _read_areas(path: Path) -> pd.DataFrame:
    """Areas, patients by regions, the regions in their order in the table."""
    table = read_table(path)
    wide = table.pivot(index="patient", columns="region", values="area")
    return wide[table["region"].unique()]
