"""Rank correlation of every gene with every region's area, and with survival."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from histoniche.cox_scan import cox_scan
from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.ranks import (
    covariate_ranks,
    family_wise_p,
    partial_rank_correlation,
    rank_correlation,
)
from histoniche.randomness import generator
from histoniche.score_table import OWN
from histoniche.tables import read_table, write_table
from histoniche.tested_genes import read_tested

FEWEST = 5
"""Fewest patients from whom a correlation is reported."""

PARTIAL = ["partial_n", "partial_rho", "partial_p", "partial_q"]


def correlate_expression(
    expression: Path,
    genes: Path,
    areas: Path,
    patients: Path,
    *,
    correlation: Path,
    gene_survival: Path,
    permutations: int,
    seed: int,
    covariates: Mapping[str, str],
    min_shared: int = FEWEST,
    scores: Path | None = None,
    named: Sequence[str] = (),
) -> None:
    """Correlate every tested gene with every region's area, some scores, and with survival.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.
    areas
        Long table: patient, region, area.
    patients
        The cohort's patients: patient, time_days, event, covariates.
    correlation
        Written: gene, region, n, detected, rho, p, q (over the genes of the
        region), p_family (by permutation, over the genes of the region; NaN
        without permutations) and, given covariates, `PARTIAL`.
    gene_survival
        Written: gene, then n, rho, p, q, with survival time over the patients who
        died, as GBM_WSSM did (NaN if fewer than five did), and followed,
        cox_log_hazard (per SD), cox_z, cox_p, cox_q of a Cox regression of all
        patients with follow-up.
    permutations
        Permutations behind p_family; 0 leaves it out.
    seed
        Seed of the run.
    covariates
        Type, numeric or categorical, of each covariate that the partial
        correlation holds equal.
    min_shared
        Fewest patients who must have both expression and the area of some region.
    scores, named
        What `histoniche.omics.scores.collect_scores` wrote, and which of the study's own
        scores to treat as areas; they stand in the column region, after the regions.

    Raises
    ------
    InputError
        If fewer than five patients, or than `min_shared`, have both expression and
        areas, or scores; or a score is not there.
    """
    values, detected = read_tested(expression, genes)
    sheet = read_table(patients)
    held = covariate_rows(sheet.set_index("patient"), covariates) if covariates else None
    tables = []
    # Apart, so that a score more changes nothing for the regions.
    for measured in (_read_areas(areas), *([_read_own(scores, named)] if scores else [])):
        table = correlate_with_areas(
            values,
            measured,
            detected=detected,
            permutations=permutations,
            seed=seed,
            min_shared=min_shared,
        )
        if held is not None:
            table = table.join(correlate_given(values, measured, held))
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    write_table(table, correlation)
    write_table(correlate_with_survival(values, sheet), gene_survival)
    constant = table.loc[table["rho"].isna(), "gene"].nunique()
    logging.info("%d genes tested, %d of them constant somewhere", len(values), constant)


def correlate_with_areas(
    values: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    detected: "pd.Series[int]",
    permutations: int = 0,
    seed: int = 0,
    min_shared: int = FEWEST,
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
    permutations, seed
        See `correlate_expression`.
    min_shared
        See `correlate_expression`; a region of fewer than five patients has no correlation.

    Returns
    -------
    One row a region and gene; see `correlate_expression`.
    """
    common = values.columns.intersection(areas.index)
    areas = areas.loc[common]
    enough = areas.notna().sum() >= FEWEST
    most = 0 if areas.empty else int(areas.notna().sum().max())
    if most < (least := max(FEWEST, min_shared)):
        raise InputError(
            f"only {most} patients have both expression and areas or scores, {least} are needed",
            remedy="see whether the ids of slides, areas and expression name the same patients",
        )
    _warn_of_constants(values[common], areas.loc[:, enough])
    rho = np.full((len(values), areas.shape[1]), np.nan)
    p, family = rho.copy(), rho.copy()
    for known, regions in _same_patients(areas.loc[:, enough]):
        genes = values[common[known]].to_numpy(dtype="float64")
        columns = areas.columns.get_indexer(pd.Index(regions))
        measured = areas.loc[known, regions].to_numpy(dtype="float64").T
        rho[:, columns], p[:, columns] = rank_correlation(genes, measured)
        if permutations:
            rng = generator(seed, "permute patients", *regions)
            family[:, columns] = family_wise_p(genes, measured, rng, permutations=permutations)
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
            "p_family": family.T.ravel(),
        }
    )


def correlate_given(
    values: pd.DataFrame, areas: pd.DataFrame, covariates: pd.DataFrame
) -> pd.DataFrame:
    """Correlate genes with areas at equal covariates.

    Parameters
    ----------
    values, areas
        As for `correlate_with_areas`.
    covariates
        Patients by rows of `covariate_rows`; patients who miss one are left out.

    Returns
    -------
    `PARTIAL`, in the rows' order of `correlate_with_areas`; NaN where too few
    patients are left for the number of covariates.
    """
    common = values.columns.intersection(areas.index).intersection(covariates.index)
    tables = []
    for region in areas.columns:
        known = common[areas.loc[common, region].notna()]
        rho, p = np.full((2, len(values)), np.nan)
        if len(known) >= FEWEST + covariates.shape[1]:
            found = partial_rank_correlation(
                values[known].to_numpy(dtype="float64"),
                areas.loc[known, [region]].to_numpy(dtype="float64").T,
                covariates.loc[known].to_numpy(dtype="float64").T,
            )
            rho, p = (column[:, 0] for column in found)
        columns = (len(known), rho, p, false_discovery(p))
        tables.append(pd.DataFrame(dict(zip(PARTIAL, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def covariate_rows(patients: pd.DataFrame, covariates: Mapping[str, str]) -> pd.DataFrame:
    """Covariates as numbers, patients who know all of them by covariates and levels.

    Parameters
    ----------
    patients
        Covariates by patient.
    covariates
        Type, numeric or categorical, of each covariate wanted. Of a categorical
        one each level but the first becomes a column of 0 and 1.
    """
    known = patients[list(covariates)].dropna()
    numeric = [name for name, kind in covariates.items() if kind == "numeric"]
    levels = known.drop(columns=numeric)
    indicators = pd.get_dummies(levels, drop_first=True, dtype=float) if len(levels.T) else levels
    rows = covariate_ranks(
        known[numeric].to_numpy(dtype="float64").T, indicators.to_numpy(dtype="float64").T
    )
    return pd.DataFrame(rows.T, index=known.index, columns=[*numeric, *indicators.columns])


def correlate_with_survival(values: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Tie genes to survival: by rank over the patients who died, and by Cox over all.

    Parameters
    ----------
    values
        Genes by patients.
    patients
        patient, time_days, event.

    Returns
    -------
    One row a gene; see `correlate_expression`. NaN where fewer than five died.
    """
    followed = patients[patients["event"].notna() & patients["time_days"].notna()]
    followed = followed.set_index("patient")
    followed = followed.loc[values.columns.intersection(followed.index)]
    time, died = followed["time_days"].to_numpy("float64"), (followed["event"] == 1).to_numpy(bool)
    genes = values[followed.index].to_numpy(dtype="float64")
    rho, p, hazard, z, cox_p = np.full((5, len(values)), np.nan)
    if died.sum() >= FEWEST:
        rho, p = (one[:, 0] for one in rank_correlation(genes[:, died], time[np.newaxis, died]))
        scan = cox_scan(genes, time, died)
        hazard, z, cox_p = scan.log_hazard, scan.z, scan.p
    else:
        logging.warning("%d deaths with expression: genes are not tied to survival", died.sum())
    return pd.DataFrame(
        {
            "gene": values.index.to_numpy(),
            "n": int(died.sum()),
            "rho": rho,
            "p": p,
            "q": false_discovery(p),
            "followed": len(followed),
            "cox_log_hazard": hazard,
            "cox_z": z,
            "cox_p": cox_p,
            "cox_q": false_discovery(cox_p),
        }
    )


def _warn_of_constants(values: pd.DataFrame, areas: pd.DataFrame) -> None:
    """Name regions and genes that are the same in all patients, so that nothing goes along."""
    regions = list(areas.columns[areas.nunique() == 1])
    numbers = values.to_numpy(dtype="float64")
    genes = values.index[np.ptp(numbers, axis=1) == 0] if numbers.size else values.index[:0]
    if regions:
        logging.warning("the same in all patients, without correlation: %s", ", ".join(regions))
    if len(genes):
        message = "genes that are the same in all patients, without correlation: %d, such as %s"
        logging.warning(message, len(genes), ", ".join(map(str, genes[:3])))


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


def _read_own(path: Path, named: Sequence[str]) -> pd.DataFrame:
    """Some of the study's own scores, patients by scores."""
    table = read_table(path)
    own = table[table["kind"] == OWN].pivot(index="patient", columns="score", values="value")
    for name in named:
        if name not in own:
            raise InputError(
                "no such score",
                column="signatures.scores",
                value=name,
                remedy=f"choose among {', '.join(map(str, own))}",
            )
    return own[list(named)]
