"""Gene expression made ready for statistics, with a record of every decision on the way."""

import logging
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal, cast

import pandas as pd

from histoniche.errors import InputError
from histoniche.files import whole_file
from histoniche.omics.matrix import Matrix, read_matrix
from histoniche.tables import read_table, write_table

Unit = Literal["counts", "tpm", "fpkm", "fpkm_uq", "log2"]

# Lines that STAR and HTSeq put among the genes; they count reads without a gene.
_SUMMARY = (
    r"N_(?:unmapped|multimapping|noFeature|ambiguous)"
    r"|__(?:no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)"
)
_LISTED = 1000


@dataclass(frozen=True)
class Decision:
    """One thing that was decided about the data, and how many it touched."""

    step: str
    item: str
    count: int
    detail: str = ""


def prepare_expression(
    table: Path,
    patients: Path,
    *,
    expression: Path,
    genes: Path,
    decisions: Path,
    unit: Unit,
    detected_above: float,
    min_patients: int,
) -> None:
    """Match, scale and filter a table of expression.

    Parameters
    ----------
    table
        The user's table, see `histoniche.omics.matrix.read_matrix`.
    patients
        The cohort's patients, Parquet.
    expression
        Written: gene, then one column a patient of the sheet.
    genes
        Written: gene, mean, detected (patients), tested (whether in `min_patients` or more).
    decisions
        Written: step, item, count, detail.
    unit
        `counts` are scaled to counts per million, the others taken as they are.
    detected_above
        A gene is detected in a patient whose prepared value is greater.
    min_patients
        Genes detected in fewer patients are not tested.

    Raises
    ------
    InputError
        If a cell does not fit, no patient matches or no gene is left to test.
    """
    sheet = [str(patient) for patient in read_table(patients)["patient"]]
    matrix = read_matrix(table, patients=set(sheet))
    kept, taken = prepare(matrix, unit=unit, file=table)
    kept = kept[[patient for patient in sheet if patient in kept.columns]]
    detected = (kept > detected_above).sum(axis=1)
    tested = detected >= min_patients
    if not tested.any():
        raise InputError(
            f"no gene is above {detected_above:g} in {min_patients} of the"
            f" {kept.shape[1]} patients that stand in the sheet",
            file=table,
            remedy="lower expression.min_patients or expression.detected_above",
        )
    taken += [
        Decision("detection", "genes tested", int(tested.sum())),
        Decision(
            "detection",
            "genes not tested",
            int((~tested).sum()),
            f"above {detected_above:g} in fewer than {min_patients} patients",
        ),
    ]
    _write(kept, expression)
    summary = {"mean": kept.mean(axis=1), "detected": detected, "tested": tested}
    write_table(pd.DataFrame(summary).reset_index(), genes)
    taken = [*_patient_decisions(matrix, sheet), *taken]
    write_table(pd.DataFrame(taken), decisions)
    for decision in taken:
        logging.info("%s: %s %d %s", *astuple(decision))


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
    Genes (index) by patients in the file's order, and what was decided. Of
    rows with the same gene the one with the highest mean stays, the first of
    equals; genes with a missing value in a matched patient go. The library
    size of counts is the sum over all genes of the file.
    """
    taken = [Decision("genes", "rows in the table", len(matrix.genes))]
    summary = matrix.genes.str.fullmatch(_SUMMARY)
    if summary.any():
        names = ", ".join(matrix.genes[summary])
        taken.append(Decision("genes", "summary rows dropped", int(summary.sum()), names))
    genes, values = matrix.genes[~summary], matrix.values[~summary]
    if unit != "log2":
        _check_sign(values, unit, file)
    values = _per_million(values, file) if unit == "counts" else values
    scaling = "counts per million of the patient's library" if unit == "counts" else "as they are"
    taken.append(Decision("unit", unit, values.shape[1], scaling))
    whole = values.notna().all(axis=1)
    taken.append(Decision("genes", "rows with a missing value dropped", int((~whole).sum())))
    values = values[whole].set_axis(pd.Index(genes[whole], name="gene"), axis=0)
    # Stable and descending, so that of equal means the first row of the file stays.
    order = values.mean(axis=1).mul(-1).to_numpy().argsort(kind="stable")
    best = values.iloc[order]
    best = best[~best.index.duplicated()].sort_index()
    dropped = len(values) - len(best)
    rule = "of rows with the same gene, the one with the highest mean stays"
    taken.append(Decision("genes", "duplicate rows dropped", dropped, rule))
    taken.append(Decision("genes", "genes kept", len(best)))
    return best, taken


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


def _patient_decisions(matrix: Matrix, sheet: list[str]) -> list[Decision]:
    """Who of the sheet has expression, and which columns are nobody of the sheet."""
    found = set(matrix.values.columns)
    without = [patient for patient in sheet if patient not in found]
    return [
        Decision("patients", "in the sheet", len(sheet)),
        Decision("patients", "with expression", len(found)),
        Decision("patients", "without expression", len(without), _names(without)),
        Decision(
            "patients",
            "columns that are no patient of the sheet",
            len(matrix.unmatched),
            _names(matrix.unmatched),
        ),
    ]


def _names(names: list[str]) -> str:
    """Names in a row, at most so many."""
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _write(values: pd.DataFrame, path: Path) -> None:
    """Write the matrix as Parquet; it has no TSV twin, nobody reads 20,000 rows."""
    with whole_file(path) as temporary:
        values.reset_index().to_parquet(temporary, index=False)
