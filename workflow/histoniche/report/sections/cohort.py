"""Section on the patients."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, table
from histoniche.report.evaluation import ROLE_NAMES
from histoniche.report.numbers import MISSING, format_number
from histoniche.report.results import Results
from histoniche.report.sections.cohort_origin import origin_blocks
from histoniche.report.sections.cohorts_compared import cohort_blocks
from histoniche.wording import count

_MOST_LEVELS = 8


def cohort_section(results: Results) -> Section:
    """Describe patients, follow-up, covariates and roles in training."""
    patients = results.table("patients")
    blocks: list[Block] = [Paragraph(_follow_up(patients)), *origin_blocks(results)]
    covariates = results.block("cohort").get("covariates", {})
    if covariates:
        blocks.append(_covariates(patients, covariates))
    if results.has("split"):
        blocks.append(_roles(results.table("split")))
    blocks += cohort_blocks(results)
    return Section("patients", "Patients", blocks)


def _follow_up(patients: pd.DataFrame) -> str:
    """Number of patients, deaths and the length of the follow-up, in words."""
    known = patients.dropna(subset=["time_days"])
    text = count(len(patients), "patient")
    if known.empty:
        return f"{text}; no survival time is known."
    deaths = int(known["event"].sum())
    low, middle, high = (f"{value:,.0f}" for value in _quartiles(known["time_days"]))
    return (
        f"{text}. Survival is known for {len(known):,}: {count(deaths, 'death')} and "
        f"{len(known) - deaths:,} censored; median observed time {middle} days "
        f"(quartiles {low} and {high})."
    )


def _covariates(patients: pd.DataFrame, covariates: Mapping[str, Mapping[str, Any]]) -> Table:
    """How each declared covariate is distributed."""
    rows = []
    for name, entry in covariates.items():
        values = patients[name].dropna()
        if entry["type"] == "numeric":
            unit = f" {entry['unit']}" if entry.get("unit") else ""
            text = MISSING
            if len(values):
                low, middle, high = (format_number(value) for value in _quartiles(values))
                text = f"median {middle}{unit}, quartiles {low} and {high}"
        else:
            counts = values.value_counts()
            text = ", ".join(f"{level} {n:,}" for level, n in counts.head(_MOST_LEVELS).items())
            text += f", {len(counts) - _MOST_LEVELS} more" if len(counts) > _MOST_LEVELS else ""
        rows.append((name, f"{len(values):,}", f"{len(patients) - len(values):,}", text))
    return table("Covariates", ("covariate", ">known", ">unknown", "distribution"), rows)


def _roles(split: pd.DataFrame) -> Table:
    """Number of patients by role."""
    counts = split["role"].value_counts()
    rows = [
        (
            f"{name}s"
            if not name.startswith("patient ")
            else name.replace("patient", "patients", 1),
            f"{counts[role]:,}",
        )
        for role, name in ROLE_NAMES.items()
        if role in counts.index
    ]
    note = "Patients, never slides or tiles, are divided; nobody stands on two sides."
    return table("Roles in the training of the networks", ("role", ">patients"), rows, note)


def _quartiles(values: "pd.Series[float]") -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    low, middle, high = np.quantile(values.to_numpy(dtype=float), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)
