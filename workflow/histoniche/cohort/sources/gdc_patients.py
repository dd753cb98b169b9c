"""The sheet of patients of a cohort of the GDC."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from histoniche.cohort.sources.patient_labels import field_of

_YEAR, _OLDEST = 365.25, 150


def sheet_of(cases: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The sheet of patients without survival and labels: patient, age, sex, project."""
    rows = []
    for case in cases:
        person = case.get("demographic") or {}
        sex = str(person.get("gender") or person.get("sex_at_birth") or "").lower()
        rows.append(
            {
                "patient": str(case["submitter_id"]),
                "age": _years(field_of(case, "age_at_diagnosis")),
                "sex": sex if sex in ("female", "male") else "",
                "project": field_of(case, "project"),
            }
        )
    return pd.DataFrame(rows, columns=["patient", "age", "sex", "project"])


def _years(days: str) -> str:
    """An age in days as one in years; empty if it is none."""
    try:
        years = float(days) / _YEAR
    except ValueError:
        return ""
    return f"{years:.1f}" if 0 <= years < _OLDEST else ""


def covariates_of(patients: pd.DataFrame, labels: Iterable[str]) -> dict[str, Any]:
    """Columns that statistics may use: those that somebody has a value in."""
    named: dict[str, Any] = {
        "age": {"type": "numeric", "unit": "years", "per": 10},
        "sex": {"type": "categorical"},
        **{label: {"type": "categorical"} for label in labels},
    }
    return {name: entry for name, entry in named.items() if (patients[name] != "").any()}
