"""What is told of risks that networks learned, in words, and the order in which it stands."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

UNSEEN = ("test", "apply")
"""Roles of patients whom the networks that judge them had not seen."""

Q_WORDS = "q: Benjamini-Hochberg over the cohorts of all signatures that no network had seen."

_ROLE_WORDS = {
    "train": "learned from",
    "validation": "chose the weights",
    "test": "not seen",
    "apply": "not seen",
}


def told_rows(performance: pd.DataFrame) -> pd.DataFrame:
    """Concordance of the folds together, then of each cohort, without that of single folds.

    Parameters
    ----------
    performance
        As `histoniche.risk_evaluation.evaluate_risk` wrote it.
    """
    return performance[performance["fold"].isna()].reset_index(drop=True)


def seen_words(row: Mapping[str, Any]) -> str:
    """Whether the networks that judge the patients of a row of concordance had seen them."""
    if row["seen"] <= 0:
        return "not seen"
    return "seen" if row["seen"] >= row["patients"] else "some seen"


def role_words(roles: pd.Series) -> str:
    """How the networks that judge patients of these roles had seen them; empty if not known."""
    words = [_ROLE_WORDS[role] for role in sorted(set(roles.dropna())) if role in _ROLE_WORDS]
    return " or ".join(dict.fromkeys(words))
