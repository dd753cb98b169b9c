"""Scores of a risk: what networks say of patients, each by those that have not seen the patient."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from histoniche.cohort.splits import recall_roles, unseen
from histoniche.learning.hazards import centred_risk

# Beyond this, floating point would say that a risk is 0 or 1.
_FARTHEST = 30

Seen = Mapping[int, Mapping[str, Collection[str]]]
"""For each network the digests (`patient_digest`) of the patients it has seen, by role."""


def judges(patient: str, seen: Seen) -> list[int]:
    """Networks that a patient's risk is the mean of: those that have not seen it, or else all.

    In a cross-validation that is for its patients the network of the fold that tests on
    them, and for all others every network.
    """
    numbers = sorted(seen)
    return [numbers[place] for place in unseen([seen[number] for number in numbers], patient)]


def score_table(
    log_hazards: Mapping[str, Sequence[float]],
    *,
    score: str,
    cohorts: Mapping[str, str | None],
    split: pd.DataFrame | None,
    seen: Seen,
) -> pd.DataFrame:
    """Bring the answers of networks to one score a patient.

    Parameters
    ----------
    log_hazards
        Of each patient the log hazards by its networks (`judges`), each less the mean log
        hazard of the patients that the network learned from.
    score
        Name of the score.
    cohorts
        Cohort of each patient, or None.
    split
        As from `histoniche.cohort.outcome_splits.split_by_outcome`; None where finished
        models were brought along.
    seen
        Whom the networks have seen.

    Returns
    -------
    patient, cohort, role, fold, log_hazard (the mean of the networks), and the score, its
    logistic function, in (0, 1): 0.5 has who is at the risk of the mean training patient.
    The role of patients that no network is trained or chosen on, or tested on in its fold, is
    test, or apply beside a cross-validation or for finished models.
    """
    names = sorted(log_hazards)
    table = pd.DataFrame({"patient": names, "cohort": [cohorts.get(name) for name in names]})
    table["cohort"] = table["cohort"].astype(object)
    if split is None:
        known = recall_roles(names, [[seen[number] for number in sorted(seen)]])
        others = "apply"
    else:
        known = split
        others = "test" if split["fold"].isna().all() else "apply"
    table = table.merge(known[["patient", "role", "fold"]], on="patient", how="left")
    table["role"] = table["role"].fillna(others)
    table["fold"] = table["fold"].astype("Int64")
    table["log_hazard"] = [float(np.mean(log_hazards[name])) for name in names]
    risk = centred_risk(table["log_hazard"].to_numpy().clip(-_FARTHEST, _FARTHEST), 0)
    return table.assign(**{score: risk})
