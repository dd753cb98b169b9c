"""Terms of a Cox model: areas and covariates, each as the number that enters the model."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from histoniche.errors import InputError

Declared = Mapping[str, Mapping[str, Any]]
"""Covariates as the config declares them: type, and unit and per, or reference."""


class Term(NamedTuple):
    """One column of a model's design."""

    name: str
    kind: Literal["area", "covariate"]
    unit: str
    """What a hazard ratio compares: per how much, or which levels."""
    values: "pd.Series[float]"


def area_term(area: "pd.Series[float]") -> Term:
    """An area in standard deviations over all patients who have it."""
    spread = float(area.std())
    scaled = area / spread if spread > 0 else area
    rounded = np.format_float_positional(float(f"{spread:.3g}"), trim="-")
    return Term(str(area.name), "area", f"per SD ({rounded})", scaled)


def covariate_terms(patients: pd.DataFrame, name: str, entry: Mapping[str, Any]) -> list[Term]:
    """Terms of one covariate.

    Parameters
    ----------
    patients
        The patients who enter the model; the covariate is known in all.
    name
        The covariate.
    entry
        Its declaration: `type` numeric with `per` and `unit`, or categorical
        with `reference`.

    Returns
    -------
    One term of a numeric covariate, in `per` units; of a categorical one a
    term for each level but the reference (the most frequent level if none is
    declared or nobody here has the declared one). A covariate with a single
    level gives one constant term.
    """
    values = patients[name]
    if entry["type"] == "numeric":
        per = float(entry.get("per", 1))
        unit = f"per {per:g} {entry.get('unit', '')}".strip()
        return [Term(name, "covariate", unit, values.astype(float) / per)]
    counts = {str(level): int(count) for level, count in values.value_counts().items()}
    frequent = sorted(counts, key=lambda level: (-counts[level], level))
    if len(frequent) < 2:
        return [Term(name, "covariate", "", pd.Series(0.0, index=values.index))]
    reference = entry.get("reference")
    reference = reference if reference in frequent else frequent[0]
    return [
        Term(
            f"{name}: {level}",
            "covariate",
            f"{level} vs {reference}",
            (values == level).astype(float),
        )
        for level in sorted(frequent)
        if level != reference
    ]


def check_references(patients: pd.DataFrame, declared: Declared, names: Sequence[str]) -> None:
    """Raise an InputError if nobody at all has the level declared as reference."""
    for name in names:
        reference = declared[name].get("reference")
        levels = sorted(patients[name].dropna().unique()) if reference is not None else []
        if reference is not None and reference not in levels:
            raise InputError(
                "no patient with follow-up and areas has this level",
                column=f"cohort.covariates.{name}.reference",
                value=reference,
                remedy=f"choose among {', '.join(map(str, levels))}",
            )
