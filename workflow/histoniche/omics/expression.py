"""Gene expression made ready for statistics, with a record of every decision on the way."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.files import whole_file
from histoniche.omics.decisions import Decision, list_names, write_decisions
from histoniche.omics.genes import is_par_y, keep_highest, name_genes
from histoniche.omics.matrix import Matrix, read_matrix
from histoniche.omics.samples import (
    Barcode,
    Wanted,
    describe_patients,
    require_shared,
    write_samples,
)
from histoniche.omics.star_counts import read_star_counts
from histoniche.tables import read_table, write_table

Unit = Literal["counts", "tpm", "fpkm", "fpkm_uq", "log2"]

# Lines that STAR and HTSeq put among the genes; they count reads without a gene.
_SUMMARY = (
    r"N_(?:unmapped|multimapping|noFeature|ambiguous)"
    r"|__(?:no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)"
)


def prepare_expression(
    table: Path,
    patients: Path,
    *,
    expression: Path,
    genes: Path,
    decisions: Path,
    samples: Path,
    libraries: Path,
    unit: Unit,
    detected_above: float,
    min_patients: int,
    barcode: Barcode,
    sample_types: Collection[str],
    symbols: str | None = None,
    layer: str | None = None,
    sample_sheet: Path | None = None,
    min_shared: int,
) -> None:
    """Match, scale and filter a table of expression.

    Parameters
    ----------
    table
        The user's table, see `histoniche.omics.matrix.read_matrix`, or a folder
        of STAR counts, see `histoniche.omics.star_counts.read_star_counts`.
    patients
        The cohort's patients, Parquet.
    expression
        Written: gene, then one column a patient of the sheet.
    genes
        Written: gene, mean, detected (patients), tested (whether in `min_patients` or more).
    decisions
        Written: step, item, count, detail.
    samples
        Written: sample, patient, used, reason; who of the table and of the
        sheet fell out and why.
    libraries
        Written: patient, reads; the sums by which counts were scaled, and with which
        they are had back; empty for other units.
    unit
        `counts` are scaled to counts per million, the others taken as they are.
    detected_above
        A gene is detected in a patient whose prepared value is greater.
    min_patients
        Genes detected in fewer patients are not tested.
    barcode, sample_types
        How a sample names its patient, and which types are kept (empty: all);
        see `histoniche.omics.samples`.
    symbols, layer
        See `read_matrix`.
    sample_sheet
        See `read_star_counts`.
    min_shared
        Fewest patients of the sheet that must have expression.

    Raises
    ------
    InputError
        If a cell does not fit, too few patients match or no gene is left to test.
    """
    sheet = [str(patient) for patient in read_table(patients)["patient"]]
    wanted = Wanted(set(sheet), barcode, sample_types)
    matrix = read_expression(
        table, wanted, unit=unit, symbols=symbols, layer=layer, sample_sheet=sample_sheet
    )
    require_shared(
        matrix.samples,
        least=min_shared,
        file=table,
        what="expression",
        key="expression.min_shared",
    )
    kept, taken = prepare(matrix, unit=unit, file=table)
    kept = kept[[patient for patient in sheet if patient in kept.columns]]
    summary, detection = _detect(kept, detected_above, min_patients, table)
    _write(kept, expression)
    write_table(summary, genes)
    item = "files" if table.is_dir() else "columns"
    who = describe_patients(matrix.samples, sheet, what="expression", item=item, several="averaged")
    write_decisions([*who, *taken, *detection], decisions)
    write_samples(matrix.samples, sheet, samples, absent="no sample in the expression data")
    reads = library_sizes(matrix) if unit == "counts" else pd.Series(dtype="float64")
    reads = reads.reindex(kept.columns).dropna().rename_axis("patient")
    write_table(reads.rename("reads").reset_index(), libraries)


def read_expression(
    table: Path,
    wanted: Wanted,
    *,
    unit: Unit,
    symbols: str | None = None,
    layer: str | None = None,
    sample_sheet: Path | None = None,
) -> Matrix:
    """Read a table of expression, or a folder of STAR counts; see `prepare_expression`."""
    if table.is_dir():
        return read_star_counts(table, sample_sheet, unit=unit, wanted=wanted)
    return read_matrix(table, **wanted._asdict(), symbols=symbols, layer=layer)


def log_scale(values: pd.DataFrame, *, unit: Unit) -> pd.DataFrame:
    """Prepared values on the log2 scale: log2(value + 1), or as they are if they are logarithms."""
    return values if unit == "log2" else pd.DataFrame(np.log2(values + 1))


def library_sizes(matrix: Matrix) -> "pd.Series[float]":
    """Reads of each patient over all genes of the file, lines without a gene left aside."""
    return matrix.values[~matrix.genes.str.fullmatch(_SUMMARY)].sum(axis=0)


def prepare(matrix: Matrix, *, unit: Unit, file: Path) -> tuple[pd.DataFrame, list[Decision]]:
    """Scale the values and leave one complete row a gene.

    Parameters
    ----------
    matrix
        Genes by patients, as read.
    unit
        Unit of the values; only `log2` may be negative.
    file
        Name of the table, for errors.

    Returns
    -------
    Genes (index) by patients in the file's order, and what was decided. Genes
    are named by their symbols where the file has them, and by Ensembl ids
    without versions otherwise; the copies of pseudoautosomal genes on Y go. Of
    rows with the same gene the one with the highest mean stays, the first of
    equals. Genes with a missing value in a matched patient go; nothing is
    imputed. The library size of counts is the sum over all genes of the file.

    Raises
    ------
    InputError
        If a value is negative that cannot be, a patient has no value or no
        count, or every gene has a missing value.
    """
    taken = [Decision("genes", "rows in the table", len(matrix.genes))]
    summary = matrix.genes.str.fullmatch(_SUMMARY)
    if summary.any():
        rows = ", ".join(matrix.genes[summary])
        taken.append(Decision("genes", "summary rows dropped", int(summary.sum()), rows))
    ids, values = matrix.genes[~summary], _rows(matrix.values, ~summary)
    if unit != "log2":
        _check_sign(values, unit, file)
    values = _per_million(values, file) if unit == "counts" else values
    scaling = "counts per million of the patient's library" if unit == "counts" else "as they are"
    taken.append(Decision("unit", unit, values.shape[1], scaling))
    on_y = is_par_y(ids)
    if on_y.any():
        rule = "copies on Y of pseudoautosomal genes, counted on X"
        taken.append(Decision("genes", "_PAR_Y rows dropped", int(on_y.sum()), rule))
    whole = values.notna().all(axis=1) & ~on_y
    _check_missing(_rows(values, ~on_y), file)
    missing = ids[~on_y & ~whole]
    rule = "missing in a matched patient: " + list_names(list(missing)) if len(missing) else ""
    taken.append(Decision("genes", "rows with a missing value dropped", len(missing), rule))
    symbols = None if matrix.symbols is None else matrix.symbols[ids.index][whole]
    names, named = name_genes(ids[whole], symbols)
    best, duplicates = keep_highest(_rows(values, whole), names, ids[whole])
    return best, [*taken, *named, *duplicates, Decision("genes", "genes kept", len(best))]


def _rows(values: pd.DataFrame, kept: "pd.Series[bool]") -> pd.DataFrame:
    """Those rows that are kept; of all no copy, since the largest cohorts have gigabytes."""
    return values if kept.all() else values[kept]


def _detect(
    kept: pd.DataFrame, detected_above: float, min_patients: int, file: Path
) -> tuple[pd.DataFrame, list[Decision]]:
    """In how many patients each gene is detected, and whether it is tested."""
    detected = (kept > detected_above).sum(axis=1)
    tested = detected >= min_patients
    if not tested.any():
        raise InputError(
            f"no gene is above {detected_above:g} in {min_patients} of the"
            f" {kept.shape[1]} patients that stand in the sheet",
            file=file,
            remedy="lower expression.min_patients or expression.detected_above",
        )
    rule = f"above {detected_above:g} in fewer than {min_patients} patients"
    summary = {"mean": kept.mean(axis=1), "detected": detected, "tested": tested}
    return pd.DataFrame(summary).reset_index(), [
        Decision("detection", "genes tested", int(tested.sum())),
        Decision("detection", "genes not tested", int((~tested).sum()), rule),
    ]


def _check_missing(values: pd.DataFrame, file: Path) -> None:
    """A patient without any value would take every gene along."""
    missing = values.isna()
    empty = missing.all(axis=0)
    if empty.any():
        patient = str(values.columns[empty.to_numpy()][0])
        problem = "every value of this patient is missing"
        raise InputError(problem, file=file, column=patient, remedy="drop the patient")
    if missing.any(axis=1).all():
        worst = missing.sum().sort_values(ascending=False, kind="stable").index[:3]
        raise InputError(
            "every gene has a missing value in some patient, most of them in "
            + ", ".join(map(str, worst)),
            file=file,
            remedy="drop these patients, or fill in what is missing",
        )


def _check_sign(values: pd.DataFrame, unit: str, file: Path) -> None:
    """Nothing that is counted is negative."""
    negative = (values < 0).to_numpy()
    if negative.any():
        i, j = (int(where[0]) for where in negative.nonzero())
        raise InputError(
            f"negative value in a table of {unit}",
            file=file,
            row=int(cast(int, values.index[i])),
            column=str(values.columns[j]),
            value=float(cast(float, values.iat[i, j])),
            remedy="mend it, or set expression.unit to log2 if the values are logarithms",
        )


def _per_million(values: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Counts per million of each patient's library."""
    library = values.sum(axis=0)
    empty = library.index[library <= 0]
    if len(empty):
        raise InputError(
            "all counts are 0", file=file, column=str(empty[0]), remedy="drop the patient"
        )
    return values * (1e6 / library)


def _write(values: pd.DataFrame, path: Path) -> None:
    """Write the matrix as Parquet; it has no TSV twin, nobody reads 20,000 rows."""
    with whole_file(path) as temporary:
        values.reset_index().to_parquet(temporary, index=False)
