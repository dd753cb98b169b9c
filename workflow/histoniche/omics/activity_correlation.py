"""Rank correlation of gene sets' activities with scores of the patients."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.multiplicity import false_discovery
from histoniche.omics.activity import FEWEST
from histoniche.omics.ranks import rank_correlation
from histoniche.tables import read_table, write_table

DTYPES: dict[str, Any] = {
    "score": object,
    "library": object,
    "term": object,
    "method": object,
    "size": "int64",
    "n": "int64",
    "rho": "float64",
    "p": "float64",
    "q": "float64",
}


def correlate_activity(activity: Path, scores: Path, *, correlation: Path) -> None:
    """Correlate every activity with every score over the patients who have both.

    Parameters
    ----------
    activity
        What `histoniche.omics.activity.score_activity` wrote.
    scores
        Long table: patient, score, value; a patient without a value is left
        out of that score alone.
    correlation
        Written: score, library, term, method, size, n, rho (Spearman's), p, q
        (Benjamini-Hochberg over the terms of one score and library). NaN where
        the activity or the score is constant, or fewer than ten patients have both.

    Raises
    ------
    InputError
        If a patient has two values of one score, a value is infinite, or no
        score is known in ten patients with activities.
    """
    table = associate(read_table(activity), read_scores(scores))
    most = table["n"].max() if len(table) else 0
    if most < FEWEST:
        raise InputError(
            f"only {most} patients have both activities and a score, {FEWEST} are needed",
            file=scores,
            remedy="see whether both name the same patients",
        )
    write_table(table, correlation)
    few = table.loc[table["n"] < FEWEST, "score"].unique()
    if len(few):
        message = "fewer than %d patients have activities and these scores: %s"
        logging.warning(message, FEWEST, ", ".join(few))


def associate(activity: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Correlate activities with scores.

    Parameters
    ----------
    activity
        patient, library, term, method, activity, size.
    scores
        Patients by scores, NaN where unknown.

    Returns
    -------
    See `correlate_activity`.
    """
    tables = []
    for (library, method), rows in activity.groupby(["library", "method"], sort=False):
        wide = rows.pivot(index="term", columns="patient", values="activity")
        sizes = rows.groupby("term")["size"].first().loc[wide.index].to_numpy()
        for score in scores.columns:
            known = scores[score].dropna()
            common = wide.columns.intersection(known.index)
            rho = p = np.full(len(wide), np.nan)
            if len(common) >= FEWEST:
                values = known.loc[common].to_numpy(dtype="float64")[np.newaxis]
                found = rank_correlation(wide[common].to_numpy(dtype="float64"), values)
                rho, p = (each[:, 0] for each in found)
            columns = {"score": score, "library": library, "term": wide.index, "method": method}
            numbers = {"size": sizes, "n": len(common), "rho": rho, "p": p, "q": false_discovery(p)}
            tables.append(pd.DataFrame({**columns, **numbers}))
    empty = pd.DataFrame(columns=list(DTYPES))
    return (pd.concat(tables, ignore_index=True) if tables else empty).astype(DTYPES)


def read_scores(path: Path) -> pd.DataFrame:
    """Scores, patients by scores in their order in the table.

    Raises
    ------
    InputError
        If a patient has two values of one score, or a value is infinite.
    """
    table = read_table(path)
    for bad, problem in (
        (table.duplicated(["patient", "score"]), "second value of one patient"),
        (np.isinf(table["value"].astype("float64")), "infinite value"),
    ):
        if bad.any():
            row = table[bad].iloc[0]
            raise InputError(
                f"{problem}, patient {row['patient']}",
                file=path,
                column=str(row["score"]),
                value=row["value"],
                remedy="leave one, or none",
            )
    wide = table.pivot(index="patient", columns="score", values="value").astype("float64")
    return wide[table["score"].unique()]
