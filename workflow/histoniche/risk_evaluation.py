"""The job that measures how well a risk tells who dies sooner, cohort by cohort."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from histoniche.cohort.splits import SEEN
from histoniche.errors import InputError
from histoniche.learning.concordance import (
    agreement,
    check_events,
    permutation_p,
    resampled_agreement,
)
from histoniche.multiplicity import false_discovery
from histoniche.randomness import derived_seed, generator
from histoniche.tables import read_table, write_table

ALL_FOLDS = "all folds"
"""Patients of a cross-validation, each judged by the network that has not seen them."""

UNNAMED = "no cohort"


class _Group(NamedTuple):
    """Patients who are measured together."""

    cohort: str
    fold: int | None
    rows: pd.DataFrame


def evaluate_risk(
    scores: Path,
    patients: Path,
    out: Path,
    *,
    score: str,
    bootstraps: int,
    confidence: float,
    seed: int,
) -> None:
    """Measure the concordance of a risk with survival in every cohort.

    Parameters
    ----------
    scores
        As `histoniche.risk_scores.score_table` makes them.
    patients
        The cohort's patients: time_days and event; those without take no part.
    out
        Written: cohort, fold (NA but for a single fold), patients, events, seen (patients
        that a network has learned from or was chosen on), concordance (Harrell's; 0.5 is
        chance), low and high (percentile interval over samples of the patients), p (two-sided,
        by permutation of the risks), q (see `corrected`). The rows of `ALL_FOLDS` are those of
        a cross-validation, where patients are compared within their fold alone, since each fold
        has a network, and with it a scale, of its own. NaN where fewer than two patients died.
    score
        Name of the score.
    bootstraps, confidence, seed
        Samples, and permutations; level of the intervals; seed of the run.
    """
    followed = read_table(patients)[["patient", "time_days", "event"]].dropna()
    table = read_table(scores).merge(followed, on="patient")
    rows = [_measured(group, score, bootstraps, confidence, seed) for group in _groups(table)]
    columns = ["cohort", "fold", "patients", "events", "seen", "concordance", "low", "high", "p"]
    found = corrected(pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"}))
    write_table(found, out)
    whole = found[found["fold"].isna()]
    for name, value in zip(whole["cohort"], whole["concordance"], strict=True):
        logging.info("%s: concordance %.3f", name, value)


def corrected(measured: pd.DataFrame) -> pd.DataFrame:
    """Add q to the concordance of one risk, or of several: Benjamini-Hochberg over the cohorts.

    Parameters
    ----------
    measured
        fold, seen and p, as `evaluate_risk` writes them.

    Returns
    -------
    The same with q, over the cohorts that no network had seen; single folds, which are parts of
    a row of their own, are corrected among themselves. NaN where networks had seen a patient:
    p tells nothing there.
    """
    p = measured["p"].where(measured["seen"] == 0).to_numpy(np.float64)
    single = measured["fold"].notna().to_numpy()
    q = np.full(len(measured), np.nan)
    for family in (single, ~single):
        q[family] = false_discovery(p[family])
    return measured.assign(q=q)


def _groups(table: pd.DataFrame) -> Iterator[_Group]:
    """Folds one by one and together, then the cohorts of all others in their order."""
    folded = table["fold"].notna()
    if folded.any():
        yield _Group(ALL_FOLDS, None, table[folded])
        for fold, rows in table[folded].groupby("fold", sort=True):
            yield _Group(ALL_FOLDS, int(str(fold)), rows)
    others = table[~folded]
    names = others["cohort"].fillna(UNNAMED)
    first = {"training": 0, "tuning": 1, "internal validation": 2}
    for name in sorted(names.unique(), key=lambda name: (first.get(name, 3), name)):
        yield _Group(name, None, others[names == name])


def _measured(
    group: _Group, score: str, bootstraps: int, confidence: float, seed: int
) -> dict[str, Any]:
    """Row of one group."""
    own = group.rows
    times = own["time_days"].to_numpy(np.float64)
    events = own["event"].to_numpy(dtype=bool)
    row: dict[str, Any] = {
        "cohort": group.cohort,
        "fold": group.fold,
        "patients": len(own),
        "events": int(events.sum()),
        "seen": int(own["role"].isin(SEEN).sum()),
        **dict.fromkeys(("concordance", "low", "high", "p"), np.nan),
    }
    try:
        check_events(times, events)
    except InputError as error:
        logging.warning("%s is not measured: %s", group.cohort, error.fields["problem"])
        return row
    risk = own[score].to_numpy(np.float64)
    strata = own["fold"].fillna(-1).to_numpy(np.int64)
    names = ("concordance", group.cohort, group.fold)
    low, high = resampled_agreement(
        risk,
        times,
        events,
        strata,
        samples=bootstraps,
        confidence=confidence,
        seed=derived_seed(seed, *names),
    )
    value = agreement(risk, times, events, strata)
    p = permutation_p(
        risk, times, events, strata, permutations=bootstraps, rng=generator(seed, *names, "p")
    )
    return {**row, "concordance": value, "low": low, "high": high, "p": p}
