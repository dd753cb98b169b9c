"""Differential expression between two groups of patients, on counts or on the log2 scale."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.special
from pydeseq2.dds import DeseqDataSet
from pydeseq2.ds import DeseqStats

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.comparisons import CASE, FEWEST, REFERENCE, tested_patients
from histoniche.omics.expression import Unit, log_scale
from histoniche.omics.moderated import moderated_t
from histoniche.tables import read_table, write_table
from histoniche.tested_genes import read_tested

COLUMNS = [
    "gene", "n_case", "n_reference", "base_mean", "log2_fold_change", "log2_fold_change_low",
    "log2_fold_change_high", "error", "z", "p", "q",
]  # fmt: skip
"""`log2_fold_change` > 0: more in the cases; low and high end its 95 % interval.

q is NaN where DESeq2's filter leaves a gene out. `base_mean` is the mean over the compared
patients, of scaled counts or in the unit of the values. `z` is Wald's, or the number that lies as
far out in a normal distribution as the moderated t in its own.
"""

_CONFIDENCE = 0.95


def compare_expression(
    expression: Path,
    libraries: Path,
    groups: Path,
    *,
    genes: Path,
    patients: Path,
    differential: Path,
    unit: Unit,
    covariates: Mapping[str, str],
    min_count: int,
    workers: int,
) -> None:
    """Test every gene in every comparison: counts by DESeq2's model, others by moderated t.

    Parameters
    ----------
    expression, libraries, genes
        What `histoniche.omics.expression.prepare_expression` wrote, in this unit.
    groups
        What `histoniche.omics.comparisons.divide_patients` wrote.
    patients
        patient and covariates.
    differential
        Written: comparison, then `COLUMNS`.
    covariates
        Type, numeric or categorical, of each covariate that the test holds equal;
        patients who miss one are left out.
    unit
        Of the expression.
    min_count
        Genes with fewer counts in all patients together are not tested. Of other units the
        genes that are detected in enough patients are.
    workers
        Processes.
    """
    counted = unit == "counts"
    table = (
        counts_of(read_table(expression).set_index("gene"), read_table(libraries))
        if counted
        else read_tested(expression, genes)[0]
    )
    sheet = read_table(patients).set_index("patient")
    tables = []
    for name, rows in read_table(groups).groupby("comparison", sort=False):
        members = tested_patients(rows, sheet, covariates, table.columns)
        given = table[members.index], members["group"], members[list(covariates)]
        rule: dict[str, Any] = {"kinds": covariates, "where": f"comparisons.{name}"}
        found = (
            differential_expression(*given, **rule, min_count=min_count, workers=workers)
            if counted
            else moderated_expression(*given, **rule, unit=unit)
        )
        tables.append(found.assign(comparison=name)[["comparison", *COLUMNS]])
        logging.info("%s: %d genes with q < 0.05", name, int((found["q"] < 0.05).sum()))
    write_table(pd.concat(tables, ignore_index=True), differential)


def counts_of(per_million: pd.DataFrame, libraries: pd.DataFrame) -> pd.DataFrame:
    """Counts, genes by patients, from counts per million and the patients' reads."""
    reads = libraries.set_index("patient")["reads"]
    return per_million[reads.index] * (reads / 1e6)


def differential_expression(
    counts: pd.DataFrame,
    group: "pd.Series[str]",
    covariates: pd.DataFrame,
    *,
    kinds: Mapping[str, str],
    min_count: int = 10,
    workers: int = 1,
    where: str = "comparisons",
) -> pd.DataFrame:
    """Test genes between cases and reference by DESeq2's negative binomial model.

    Parameters
    ----------
    counts
        Genes by patients; fractions, as of averaged aliquots, are rounded.
    group
        case or reference by patient.
    covariates
        Patients by covariates that the model holds equal; may have no column.
    kinds
        Type of each covariate, numeric (centred and scaled) or categorical.
    min_count, workers
        See `compare_expression`.
    where
        Place of the comparison in the config, for errors.

    Returns
    -------
    `COLUMNS`, smallest p first: Wald's test of the log2 fold change without
    shrinkage; q after Benjamini-Hochberg with independent filtering at 0.05.

    Raises
    ------
    InputError
        If a group has fewer than three patients with counts, a count is negative, or
        the covariates tell the groups apart.

    References
    ----------
    Love et al. 2014, Genome Biol 15:550; Muzellec et al. 2023, Bioinformatics 39:btad547.
    """
    sizes = _sizes(group, "counts", where)
    _check_counts(counts)
    whole = counts.loc[counts.sum(axis=1) >= min_count].round().astype("int64")
    metadata = _metadata(group, covariates, kinds)
    _check_rank(metadata, where)
    formula = "~" + " + ".join(metadata.columns)
    found = _fit(whole, metadata, formula, workers)
    reach = float(scipy.special.ndtri((1 + _CONFIDENCE) / 2)) * found["lfcSE"].to_numpy()
    table = pd.DataFrame(
        {
            "gene": found.index.to_numpy(),
            "n_case": sizes[CASE],
            "n_reference": sizes[REFERENCE],
            "base_mean": found["baseMean"].to_numpy(),
            "log2_fold_change": found["log2FoldChange"].to_numpy(),
            "log2_fold_change_low": found["log2FoldChange"].to_numpy() - reach,
            "log2_fold_change_high": found["log2FoldChange"].to_numpy() + reach,
            "error": found["lfcSE"].to_numpy(),
            "z": found["stat"].to_numpy(),
            "p": found["pvalue"].to_numpy(),
            "q": found["padj"].to_numpy(),
        }
    )
    return table.sort_values(["p", "gene"], ignore_index=True)


def moderated_expression(
    values: pd.DataFrame,
    group: "pd.Series[str]",
    covariates: pd.DataFrame,
    *,
    kinds: Mapping[str, str],
    unit: Unit,
    where: str = "comparisons",
) -> pd.DataFrame:
    """Test genes between cases and reference by limma's moderated t on the log2 scale.

    For expression of which no counts are to be had. The variance of a gene is moderated by that
    of the genes of its level, see `histoniche.omics.moderated.moderated_t`.

    Parameters
    ----------
    values
        Genes by patients, in this unit.
    group, covariates, kinds, where
        See `differential_expression`.
    unit
        `log2` is taken as it is, of others log2(value + 1).

    Returns
    -------
    `COLUMNS`, smallest p first: the difference of the means of the logarithms; q after
    Benjamini-Hochberg over the genes. NaN of a gene that is the same in all patients.

    Raises
    ------
    InputError
        If a group has fewer than three patients with expression, or the covariates tell the
        groups apart.

    References
    ----------
    Smyth 2004, Stat Appl Genet Mol Biol 3:3; Law et al. 2014, Genome Biol 15:R29.
    """
    sizes = _sizes(group, "expression", where)
    metadata = _metadata(group, covariates, kinds)
    _check_rank(metadata, where)
    # The covariates, and a column for the reference that drops out with the group.
    design: Any = pd.get_dummies(metadata, drop_first=True, dtype=float)
    design = design.drop(columns=f"group_{REFERENCE}").assign(one=1.0, case=group == CASE)
    found = moderated_t(
        log_scale(values, unit=unit).to_numpy(np.float64), design.to_numpy(np.float64)
    )
    reach = found.error * scipy.special.stdtrit(found.df, (1 + _CONFIDENCE) / 2)
    table = pd.DataFrame(
        {
            "gene": values.index.to_numpy(),
            "n_case": sizes[CASE],
            "n_reference": sizes[REFERENCE],
            "base_mean": values.mean(axis=1).to_numpy(),
            "log2_fold_change": found.change,
            "log2_fold_change_low": found.change - reach,
            "log2_fold_change_high": found.change + reach,
            "error": found.error,
            "z": -np.sign(found.t) * scipy.special.ndtri(found.p / 2),
            "p": found.p,
            "q": false_discovery(found.p),
        }
    )
    return table.sort_values(["p", "gene"], ignore_index=True)


def _sizes(group: "pd.Series[str]", what: str, where: str) -> dict[str, int]:
    """Patients of each group; an InputError if they are too few."""
    sizes = {name: int((group == name).sum()) for name in (CASE, REFERENCE)}
    for name, size in sizes.items():
        if size < FEWEST:
            raise InputError(
                f"only {size} patients of the {name} group have {what}, {FEWEST} are needed",
                column=where,
                remedy="divide them otherwise, or drop the comparison",
            )
    return sizes


def _metadata(
    group: "pd.Series[str]", covariates: pd.DataFrame, kinds: Mapping[str, str]
) -> pd.DataFrame:
    """Covariates that vary, ready for the model, and last the group."""
    columns: dict[str, pd.Series[Any]] = {}
    for name, kind in kinds.items():
        values = covariates[name]
        if values.nunique() < 2:
            continue
        numeric = kind == "numeric"
        # The model's formula reads names, which those of the config need not be.
        columns[f"covariate{len(columns)}"] = (
            (values.astype(float) - values.mean()) / values.std() if numeric else values.astype(str)
        )
    return pd.DataFrame({**columns, "group": group})


def _fit(counts: pd.DataFrame, metadata: pd.DataFrame, formula: str, workers: int) -> pd.DataFrame:
    """Fit DESeq2 and test the groups."""
    data = DeseqDataSet(
        counts=counts.T, metadata=metadata, design=formula, quiet=True, n_cpus=workers
    )
    data.deseq2()
    test = DeseqStats(
        data, contrast=["group", CASE, REFERENCE], alpha=0.05, quiet=True, n_cpus=workers
    )
    test.summary()
    found: pd.DataFrame = test.results_df
    return found


def _check_counts(counts: pd.DataFrame) -> None:
    """Raise an InputError for the first count that is negative or missing."""
    bad = ~(counts.to_numpy(dtype="float64") >= 0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"not a count, in gene {counts.index[row]}",
            column=str(counts.columns[column]),
            value=str(counts.iloc[row, column]),
            remedy="give counts, or drop the block comparisons",
        )


def _check_rank(metadata: pd.DataFrame, where: str) -> None:
    """Raise an InputError if the covariates alone tell who is in which group."""
    columns: Any = pd.get_dummies(metadata, drop_first=True, dtype=float).assign(one=1.0)
    if np.linalg.matrix_rank(columns.to_numpy()) < columns.shape[1]:
        raise InputError(
            "the covariates tell the groups apart, or each other",
            column=where,
            remedy="leave a covariate out",
        )
    if len(columns) <= columns.shape[1]:
        raise InputError(
            f"{len(columns)} patients for {columns.shape[1]} coefficients leave nothing to test by",
            column=where,
            remedy="leave a covariate out",
        )
