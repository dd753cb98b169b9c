"""Survival by every gene, each alone: tables of the genome-wide scans."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

from histoniche.cox_scan import cox_scan
from histoniche.errors import InputError
from histoniche.logrank_scan import logrank_scan
from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST
from histoniche.survival.cohort_comparison import read_followed
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.observations import Events, Floats, observations
from histoniche.tables import write_table
from histoniche.tested_genes import read_tested

Test = Literal["cox", "log_rank"]


def scan_genes(
    expression: Path,
    genes: Path,
    patients: Path,
    cohorts: Path,
    *,
    scans: Mapping[Test, Path],
    quantile: float,
    min_share: float,
    confidence: float,
) -> None:
    """Scan all tested genes for survival in the training cohort.

    The other cohorts are left for whatever the scan suggests.

    Parameters
    ----------
    expression, genes
        What `histoniche.omics.expression.prepare_expression` wrote.
    patients, cohorts
        See `histoniche.survival.score_groups.compare_scores`.
    scans
        Written, by test: see `scan_by_cox` and `scan_by_log_rank`.
    quantile, min_share
        See `scan_by_log_rank`.
    confidence
        Level of the intervals.

    Raises
    ------
    InputError
        If fewer than five patients of the training cohort have follow-up and expression.
    """
    values, _ = read_tested(expression, genes)
    followed, cohort = read_followed(patients, cohorts)
    training = followed[cohort == TRAINING]
    shared = values.columns.intersection(training.index)
    if len(shared) < FEWEST:
        raise InputError(
            f"only {len(shared)} patients of the training cohort have follow-up and expression, "
            f"{FEWEST} are needed",
            remedy="see whether the ids name the same patients, or drop the block gene_survival",
        )
    tables = {
        "cox": partial(scan_by_cox, values, training, confidence=confidence),
        "log_rank": partial(
            scan_by_log_rank,
            values,
            training,
            quantile=quantile,
            min_share=min_share,
            confidence=confidence,
        ),
    }
    for test, path in scans.items():
        write_table(tables[test](), path)


def scan_by_cox(
    values: pd.DataFrame, patients: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Regress survival on every gene alone, by Cox's model.

    Parameters
    ----------
    values
        Genes by patients; patients without follow-up are left out.
    patients
        time_days and event by patient.
    confidence
        Level of the intervals.

    Returns
    -------
    gene, n, events, log_hazard (of one standard deviation of the gene; > 0: more is worse), error,
    hazard_ratio, low, high, z, q (Benjamini-Hochberg over the genes with an estimate), p, note
    (why a gene has no estimate).
    """
    genes, time, died = _joined(values, patients)
    found = cox_scan(genes, time, died)
    table = _table(values.index, time, died, (found.log_hazard, found.error), confidence)
    table = table.assign(z=found.z, q=false_discovery(found.p), p=found.p, note=found.note)
    return _logged(table)


def scan_by_log_rank(
    values: pd.DataFrame,
    patients: pd.DataFrame,
    *,
    quantile: float = 0.5,
    min_share: float = 0.1,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare survival above and up to a quantile of every gene, by the log-rank test.

    Parameters
    ----------
    values, patients, confidence
        See `scan_by_cox`.
    quantile
        Of the gene, that divides low from high; set beforehand, the same for all genes.
    min_share
        Genes of which fewer patients are on a side, as where most have the lowest value, are not
        tested.

    Returns
    -------
    gene, n, events, log_hazard (Peto's, high against low; > 0: high is worse), error,
    hazard_ratio, low, high, cut, n_high, events_high, expected_high, chi2, q (Benjamini-Hochberg
    over the genes with a test), p, note (a caution, or why a gene has no test).
    """
    genes, time, died = _joined(values, patients)
    found = logrank_scan(genes, time, died, quantile=quantile, min_share=min_share)
    table = _table(values.index, time, died, (found.log_hazard, found.error), confidence)
    table = table.assign(
        cut=found.cut,
        n_high=found.n_high,
        events_high=found.events_high,
        expected_high=found.expected_high,
        chi2=found.chi2,
        q=false_discovery(found.p),
        p=found.p,
        note=found.note,
    )
    return _logged(table)


def _joined(
    values: pd.DataFrame, patients: pd.DataFrame
) -> tuple[NDArray[np.float64], Floats, Events]:
    """Genes of the patients with follow-up, their times and deaths."""
    followed = patients[patients["time_days"].notna() & patients["event"].notna()]
    followed = followed.loc[values.columns.intersection(followed.index)]
    time, died = observations(followed["time_days"], followed["event"])
    genes = values[followed.index].to_numpy(dtype="float64")
    if not np.isfinite(genes).all():
        row, column = np.argwhere(~np.isfinite(genes))[0]
        raise InputError(
            f"gene {values.index[row]} has no value in patient {followed.index[column]}",
            value=float(genes[row, column]),
            remedy="fill it in, or leave the gene out",
        )
    return genes, time, died


def _table(
    genes: "pd.Index[str]",
    time: Floats,
    died: Events,
    effect: tuple[Floats, Floats],
    confidence: float,
) -> pd.DataFrame:
    """Columns that both scans have."""
    log_hazard, error = effect
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * error
    return pd.DataFrame(
        {
            "gene": genes.to_numpy(),
            "n": len(time),
            "events": int(died.sum()),
            "log_hazard": log_hazard,
            "error": error,
            "hazard_ratio": np.exp(log_hazard),
            "low": np.exp(log_hazard - reach),
            "high": np.exp(log_hazard + reach),
        }
    )


def _logged(table: pd.DataFrame) -> pd.DataFrame:
    """The table, after saying in the log how many genes have which note."""
    for note, count in table.loc[table["note"] != "", "note"].value_counts().items():
        logging.warning("%d of %d genes: %s", count, len(table), note)
    return table
