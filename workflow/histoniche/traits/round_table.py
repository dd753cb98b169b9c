"""The table of rounds and ensemble of all traits, as PathoMCH's table 1."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.multiplicity import false_discovery
from histoniche.tables import read_table, write_table
from histoniche.traits.evaluation import MACRO
from histoniche.traits.rounds import TEST
from histoniche.traits.trait_evaluation import OOD_ALL, OOD_NEAR, OUT_OF_FOLD, Level
from histoniche.traits.voting import ENSEMBLE

_SETS = {TEST: "test", OOD_NEAR: "near", OOD_ALL: "all"}


def summarise_traits(
    labels: Mapping[str, Path],
    metrics: Mapping[str, Path],
    agreement: Mapping[str, Path],
    *,
    all_labels: Path,
    all_metrics: Path,
    correlations: Path,
    rounds: Path,
    level: Level = "slide",
) -> None:
    """Put the traits side by side, and correct their correlations for many traits.

    Parameters
    ----------
    labels
        As from `label_slides`, by trait.
    metrics, agreement
        As from `evaluate_trait`, by trait.
    all_labels, all_metrics
        Written: the labels and the metrics of all traits.
    correlations
        Written: the tables of agreement together, with q, Benjamini and Hochberg's over the
        traits of one set, model and level.
    rounds
        Written: see `round_table`.
    level
        Level of the AUCs.
    """
    measured = {trait: read_table(path) for trait, path in metrics.items()}
    write_table(_together(map(read_table, labels.values())), all_labels)
    write_table(_together(measured.values()), all_metrics)
    write_table(round_table(list(measured.values()), level=level), rounds)
    table = _together(map(read_table, agreement.values()))
    table["q"] = np.nan
    for _, own in table.groupby(["set", "model", "level"]):
        table.loc[own.index, "q"] = false_discovery(own["p"].to_numpy(np.float64))
    write_table(table, correlations)


def _together(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; empty ones, whose columns have no type, only if all are."""
    found = list(tables)
    return pd.concat([one for one in found if len(one)] or found, ignore_index=True)


def round_table(metrics: Sequence[pd.DataFrame], *, level: Level = "slide") -> pd.DataFrame:
    """AUC of the rounds and of their ensemble, one row a trait.

    Parameters
    ----------
    metrics
        As from `evaluate_trait`, one a trait.
    level
        `slide`, as in the paper, or tile or patient. Of a trait that has no such level, since
        it judges patients as a whole, it is `patient`.

    Returns
    -------
    trait, level, class (the positive, or macro), rounds (that have an AUC), test_mean, test_min,
    test_max over them; then for test, near and all the AUC of the ensemble (of a
    cross-validation, on test, out of fold) with limits over patients, its patients,
    slides and positives: test_ensemble, test_low, test_high, test_patients,
    test_slides, test_positives, and so on. NaN and 0 where nobody is in a set. The
    mean over rounds is no ensemble's, and min and max are no interval.

    References
    ----------
    Levy-Jurgenson et al. 2020, Sci Rep 10:18802, table 1.
    """
    return pd.DataFrame([_row(table, level) for table in metrics if len(table)])


def _row(metrics: pd.DataFrame, level: Level) -> dict[str, object]:
    """Row of one trait."""
    own_level = level if level in set(metrics["level"]) else "patient"
    areas = metrics[(metrics["metric"] == "auroc") & (metrics["level"] == own_level)]
    several = (areas["class"] == MACRO).any()
    areas = areas[areas["class"] == MACRO] if several else areas
    tested = areas[areas["set"] == TEST]
    single = tested[~tested["model"].isin([ENSEMBLE, OUT_OF_FOLD])]["value"].dropna()
    row: dict[str, object] = {
        "trait": metrics["trait"].iloc[0],
        "level": own_level,
        "class": areas["class"].iloc[0] if len(areas) else None,
        "rounds": len(single),
        "test_mean": single.mean(),
        "test_min": single.min(),
        "test_max": single.max(),
    }
    together = areas[areas["model"].isin([ENSEMBLE, OUT_OF_FOLD])]
    for name, short in _SETS.items():
        own = together[together["set"] == name]
        for column, key in (("value", "ensemble"), ("low", "low"), ("high", "high")):
            row[f"{short}_{key}"] = float(own[column].iloc[0]) if len(own) else np.nan
        for column in ("patients", "slides", "positives"):
            row[f"{short}_{column}"] = int(own[column].iloc[0]) if len(own) else 0
    return row
