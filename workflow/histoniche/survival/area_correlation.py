"""Correlation of region areas with survival time, in all patients and in strata."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

from histoniche.multiplicity import false_discovery
from histoniche.survival.cohort import FEWEST, read_follow_up
from histoniche.survival.outliers import find_outliers
from histoniche.tables import read_table, write_table

ALL = "all"
KINDS = {"pearson": "r", "spearman": "rho"}
"""Correlations, and what each is called."""


def correlate_survival(
    patients: Path,
    areas: Path,
    *,
    strata: Sequence[Path] = (),
    correlation: Path,
    outliers: Path,
    regions: Sequence[str],
    confidence: float,
    outlier_p: float,
    fewest: int = FEWEST,
) -> None:
    """Correlate each region's area with survival time.

    Parameters
    ----------
    patients, areas
        See `histoniche.survival.cohort.read_follow_up`.
    strata
        Two tables, who is mutated (patient, gene) and which genes are used
        (gene, used), or nothing.
    correlation
        Written: outliers (kept or removed), stratum, region, n, censored, then r,
        low, high, p, q of Pearson and Spearman, and a note where they are NaN.
    outliers
        Written: what `find_outliers` gives; a patient is removed from a region's
        correlation for an outlying time or an outlying area of that region.
    regions
        Regions that are studied; all if empty.
    confidence
        Level of the intervals.
    outlier_p
        Level of Grubbs' test, which finds the outliers.
    fewest
        Strata with fewer patients who have area and survival are listed, not correlated.
    """
    followed = read_follow_up(patients, areas, regions=regions)
    members = {ALL: list(followed.areas.index)}
    if strata:
        mutated, genes = (read_table(path) for path in strata)
        for gene in genes.loc[genes["used"], "gene"]:
            members[f"{gene} mutated"] = list(mutated.loc[mutated["gene"] == gene, "patient"])
    found = find_outliers(followed.patients["time_days"], followed.areas, level=outlier_p)
    tables = [
        correlate_strata(followed.patients, areas, members, confidence=confidence, fewest=fewest)
        for areas in (followed.areas, without_outliers(followed.areas, found))
    ]
    named = dict(zip(("kept", "removed"), tables, strict=True))
    write_table(pd.concat(named, names=["outliers"]).reset_index(level=0), correlation)
    write_table(found, outliers)
    gone = found["patient"].nunique()
    logging.info(
        "%d patients, %d with an outlier, %d strata", len(followed.patients), gone, len(members)
    )


def without_outliers(areas: pd.DataFrame, outliers: pd.DataFrame) -> pd.DataFrame:
    """Areas, NaN where the area or its patient's time is an outlier.

    Parameters
    ----------
    areas
        Patients by regions.
    outliers
        variable and patient, as `find_outliers` gives.
    """
    kept = areas.copy()
    for variable, patients in outliers.groupby("variable")["patient"]:
        kept.loc[list(patients), slice(None) if variable == "time_days" else variable] = np.nan
    return kept


def correlate_strata(
    patients: pd.DataFrame,
    areas: pd.DataFrame,
    strata: Mapping[str, Sequence[str]],
    *,
    confidence: float,
    fewest: int = FEWEST,
) -> pd.DataFrame:
    """Correlate areas with survival time in every stratum.

    Parameters
    ----------
    patients
        time_days and event by patient.
    areas
        Patients by regions.
    strata
        Patients by the stratum's name; those who are not in `patients` do not count.
    confidence
        Level of the intervals.
    fewest
        Strata other than `all` with fewer patients are NaN, with a note.

    Returns
    -------
    One row a stratum and region; q is over the regions of the stratum. Time
    is taken as it stands, also where it is censored, as GBM_WSSM did;
    `censored` says how often that is.
    """
    tables = []
    for stratum, members in strata.items():
        inside = patients.index.isin(members)
        floor = FEWEST if stratum == ALL else fewest
        rows = [
            {
                "stratum": stratum,
                "region": region,
                **correlate(
                    patients[inside],
                    areas.loc[inside, region],
                    confidence=confidence,
                    fewest=floor,
                ),
            }
            for region in areas.columns
        ]
        table = pd.DataFrame(rows)
        for kind in KINDS:
            q = false_discovery(table[f"{kind}_p"].to_numpy())
            table.insert(list(table.columns).index(f"{kind}_p") + 1, f"{kind}_q", q)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def correlate(
    patients: pd.DataFrame,
    area: "pd.Series[float]",
    *,
    confidence: float,
    fewest: int = FEWEST,
) -> dict[str, object]:
    """Pearson's and Spearman's correlation of one area with survival time.

    Returns
    -------
    n, censored, and of each correlation the value, the interval and p. All
    NaN, with a note, if fewer than `fewest` patients have the area or it does not vary.
    """
    known = area.notna().to_numpy()
    time, area = patients.loc[known, "time_days"], area[known]
    found: dict[str, object] = {
        "n": len(area),
        "censored": int((patients.loc[known, "event"] == 0).sum()),
    }
    note = ""
    if len(area) < fewest:
        note = f"fewer than {fewest} patients"
    elif area.nunique() < 2 or time.nunique() < 2:
        note = "the area does not vary" if area.nunique() < 2 else "the time does not vary"
    for kind, symbol in KINDS.items():
        value, low, high, p = (math.nan,) * 4
        if not note:
            test = scipy.stats.pearsonr if kind == "pearson" else scipy.stats.spearmanr
            value, p = (float(number) for number in test(area, time))
            low, high = interval(value, len(area), kind=kind, confidence=confidence)
        found |= {f"{kind}_{symbol}": value, f"{kind}_low": low, f"{kind}_high": high}
        found[f"{kind}_p"] = p
    return {**found, "note": note}


def interval(value: float, n: int, *, kind: str, confidence: float) -> tuple[float, float]:
    """Confidence interval of a correlation by Fisher's z.

    Parameters
    ----------
    value
        The correlation.
    n
        Number of pairs, more than three.
    kind
        `pearson`, or `spearman` for the standard error of Bonett and Wright.
    confidence
        Level of the interval.

    References
    ----------
    Bonett and Wright 2000, Psychometrika 65:23-28.
    """
    variance = (1 + value * value / 2 if kind == "spearman" else 1.0) / (n - 3)
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * math.sqrt(variance)
    with np.errstate(divide="ignore"):
        z = np.arctanh(np.clip(value, -1, 1))
    return float(np.tanh(z - reach)), float(np.tanh(z + reach))
