"""Comparisons of two groups of patients, by mutation, covariate or score."""

import logging
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table, write_table

FEWEST = 3
"""Fewest patients in a group."""

CASE, REFERENCE = "case", "reference"

BY_SURVIVAL = "survival"
"""What `cut` says for the cut-point that the survival of the training cohort gave."""


class Sources(NamedTuple):
    """What patients can be divided by."""

    patients: pd.DataFrame
    """Covariates by patient."""
    scores: pd.DataFrame
    """Patients by scores, such as the regions' areas."""
    mutated: pd.DataFrame
    """patient, gene: one row a mutated pair."""
    profiled: frozenset[str]
    """Patients whose mutations are known."""
    cuts: Mapping[str, float] = MappingProxyType({})
    """Cut-points of scores that were found by survival; NaN where there is none."""


def divide_patients(
    patients: Path,
    scores: Path | None,
    mutations: tuple[Path, Path] | None,
    *,
    groups: Path,
    comparisons: Mapping[str, Mapping[str, Any]],
    cuts: Path | None = None,
) -> None:
    """Divide the patients for every comparison of the config.

    Parameters
    ----------
    patients
        patient, and covariates.
    scores
        patient, score, value, as `histoniche.omics.scores.collect_scores` writes them, or None.
    mutations
        Who is mutated (patient, gene) and who is profiled (patient), or None.
    groups
        Written: comparison, patient, group (case or reference), label.
    comparisons
        The config's block, see `divide`.
    cuts
        score, cut and note, why there is no cut; or None. For rules that cut by survival.

    Raises
    ------
    InputError
        If a comparison names what is not there, or a group has fewer than
        three patients.
    """
    mutated, profiled = (
        (read_table(path) for path in mutations)
        if mutations
        else (pd.DataFrame({"patient": [], "gene": []}), pd.DataFrame({"patient": []}))
    )
    sources = Sources(
        read_table(patients).set_index("patient"),
        read_table(scores).pivot(index="patient", columns="score", values="value")
        if scores
        else pd.DataFrame(),
        mutated,
        frozenset(profiled["patient"]),
        _read_cuts(cuts) if cuts else {},
    )
    tables = []
    for name, rule in comparisons.items():
        table = divide(sources, rule, where=f"comparisons.{name}")
        tables.append(table.assign(comparison=name))
        counts = table["label"].value_counts()
        logging.info("%s: %s", name, ", ".join(f"{size} {label}" for label, size in counts.items()))
    columns = ["comparison", "patient", "group", "label"]
    write_table(pd.concat(tables, ignore_index=True)[columns], groups)


def divide(sources: Sources, rule: Mapping[str, Any], *, where: str) -> pd.DataFrame:
    """Divide the patients by one rule.

    Parameters
    ----------
    sources
        What the rule may name.
    rule
        `mutation`: a gene; its carriers are the cases, the other profiled
        patients the reference. `covariate` with `case` and `reference`: two of its
        levels. `score` with `cut`: patients above that quantile of the score, or above its
        cut-point by survival, are the cases; those at it or below, the reference.
    where
        Place of the rule in the config, for errors.

    Returns
    -------
    patient, group, label, sorted by patient.
    """
    case: pd.Series[bool]
    if "mutation" in rule:
        case, labels = _by_mutation(sources, rule, where)
    elif "covariate" in rule:
        case, labels = _by_covariate(sources, rule, where)
    else:
        case, labels = _by_score(sources, rule, where)
    for label, count in zip(labels, ((~case).sum(), case.sum()), strict=True):
        if count < FEWEST:
            raise InputError(
                f"only {count} patients are {label}, {FEWEST} are needed",
                column=where,
                remedy="divide them otherwise, or drop the comparison",
            )
    case = case.sort_index()
    return pd.DataFrame(
        {
            "patient": case.index.to_numpy(),
            "group": np.where(case, CASE, REFERENCE),
            "label": np.where(case, labels[1], labels[0]),
        }
    )


def tested_patients(
    group: pd.DataFrame, patients: pd.DataFrame, covariates: Iterable[str], known: Collection[str]
) -> pd.DataFrame:
    """Patients of one comparison in whom everything is known that its tests ask for.

    Parameters
    ----------
    group
        patient and group, as `divide_patients` wrote them.
    patients
        Covariates by patient.
    covariates
        Those that the tests hold equal; patients who miss one are left out.
    known
        Patients with expression.

    Returns
    -------
    group, then the covariates, by patient.
    """
    sheet = patients[list(covariates)]
    members = group.set_index("patient")[["group"]].join(sheet, how="inner").dropna()
    return members.loc[members.index.isin(known)]


def differing(
    genes: pd.DataFrame, *, q: float, log2_fold_change: float
) -> "dict[str, pd.Series[bool]]":
    """Which genes of a comparison are up in the cases, and which are down.

    Parameters
    ----------
    genes
        One row a gene: q, log2_fold_change.
    q, log2_fold_change
        A gene differs if its q is smaller and its log2 fold change farther from 0.

    Returns
    -------
    One Boolean a row of `genes` by direction, `up` and `down`; a gene without q is in neither.
    """
    sure, change = genes["q"] < q, genes["log2_fold_change"]
    return {"up": sure & (change > log2_fold_change), "down": sure & (change < -log2_fold_change)}


def differing_in_words(*, q: float, log2_fold_change: float) -> str:
    """The rule of `differing` as a reader wants it: q < 0.05."""
    farther = f" and a log2 fold change beyond ±{log2_fold_change:g}" if log2_fold_change else ""
    return f"q < {q:g}{farther}"


def tested_in_words(unit: str) -> str:
    """How expression in this unit is tested between the groups."""
    if unit == "counts":
        return "DESeq2's negative binomial model of the counts, Wald test"
    scale = "the logarithms" if unit == "log2" else "log2(value + 1)"
    return f"limma's moderated t, with a trend of the variance, on {scale}"


def _by_mutation(
    sources: Sources, rule: Mapping[str, Any], where: str
) -> tuple["pd.Series[bool]", tuple[str, str]]:
    """Carriers of a gene's mutations against the other profiled patients."""
    gene = rule["mutation"]
    if not sources.profiled:
        raise InputError(
            "no patient is profiled for mutations",
            column=f"{where}.mutation",
            remedy="give the config the block mutations",
        )
    profiled = sorted(sources.profiled & set(sources.patients.index))
    carriers = set(sources.mutated.loc[sources.mutated["gene"] == gene, "patient"])
    case = pd.Series([patient in carriers for patient in profiled], profiled, dtype=bool)
    return case, (f"{gene} wild type", f"{gene} mutated")


def _by_covariate(
    sources: Sources, rule: Mapping[str, Any], where: str
) -> tuple["pd.Series[bool]", tuple[str, str]]:
    """Two levels of a covariate."""
    name, levels = rule["covariate"], (str(rule["reference"]), str(rule["case"]))
    values = sources.patients[name].dropna().astype(str)
    for kind, level in zip(("reference", "case"), levels, strict=True):
        if level not in set(values):
            there = ", ".join(sorted(values.unique())[:6])
            raise InputError(
                "no patient has this level",
                column=f"{where}.{kind}",
                value=level,
                remedy=f"choose among {there}",
            )
    values = values[values.isin(levels)]
    return values == levels[1], (f"{name} {levels[0]}", f"{name} {levels[1]}")


def _by_score(
    sources: Sources, rule: Mapping[str, Any], where: str
) -> tuple["pd.Series[bool]", tuple[str, str]]:
    """Patients above a quantile of a score, or its cut-point by survival, against the others."""
    name = rule["score"]
    if name not in sources.scores:
        raise InputError(
            "no such score",
            column=f"{where}.score",
            value=name,
            remedy=f"choose among {', '.join(map(str, sources.scores))}",
        )
    values = sources.scores[name].dropna()
    if rule["cut"] == BY_SURVIVAL:
        limit = _cut_by_survival(sources, name, where)
    else:
        limit = float(values.quantile(float(rule["cut"])))
    return values > limit, (f"{name} low", f"{name} high")


def _read_cuts(path: Path) -> dict[str, float]:
    """Cut-point of each score, NaN where there is none."""
    table = read_table(path)
    return dict(zip(table["score"], table["cut"].astype(float), strict=True))


def _cut_by_survival(sources: Sources, name: str, where: str) -> float:
    """Cut-point of a score that was found in the training cohort."""
    cut = sources.cuts.get(name, math.nan)
    if math.isnan(cut):
        known = [score for score, value in sources.cuts.items() if not math.isnan(value)]
        raise InputError(
            "survival gave this score no cut-point",
            column=f"{where}.cut",
            value=name,
            remedy="see survival/cut_points.tsv, give a quantile, or choose among "
            + (", ".join(known) or "none"),
        )
    return float(cut)
