"""What the models of the configuration use: covariates and scores, and the patients with both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from histoniche.cohort.schemas import nearest
from histoniche.errors import InputError
from histoniche.score_table import AREA
from histoniche.survival.cohorts import TRAINING
from histoniche.survival.observations import check_observations
from histoniche.survival.terms import Declared
from histoniche.tables import read_table

Models = Mapping[str, Mapping[str, Any]]
"""Models by name: `covariates` (of the patients, or scores), and maybe `strata`, `penalty`
(strength) and `l1_ratio`."""


def covariates_of(
    declared: Declared, scores: Path | None, models: Models, *, area_unit: str = ""
) -> dict[str, Mapping[str, Any]]:
    """What a model may use: the covariates as declared, and the scores per standard deviation.

    Raises
    ------
    InputError
        If a model uses what is neither, or a name that is both.
    """
    kinds: dict[str, str] = {}
    if scores is not None:
        rows = read_table(scores).drop_duplicates("score")
        kinds = dict(zip(rows["score"].astype(str), rows["kind"].astype(str), strict=True))
    for model, entry in models.items():
        key = f"survival_models.models.{model}.covariates"
        for name in (*entry["covariates"], *entry.get("strata", ())):
            if (name in declared) == (name in kinds):
                both = name in declared
                raise InputError(
                    "both a covariate and a score have this name"
                    if both
                    else "neither a covariate nor a score of this study",
                    column=key,
                    value=name,
                    remedy="rename one" if both else nearest(name, [*declared, *kinds]),
                )
    per_sd = {
        name: {"type": "numeric", "per": "sd", "unit": area_unit if kind == AREA else ""}
        for name, kind in kinds.items()
    }
    return {**per_sd, **declared}


def read_cohorts(
    patients: Path, cohorts: Path, scores: Path | None, models: Models
) -> pd.DataFrame:
    """Patients with known follow-up: time_days, event, cohort, and all that the models use.

    They stand cohort by cohort, in the order of the table of cohorts.

    Raises
    ------
    InputError
        If follow-up is wrong, or nobody with follow-up is in the training.
    """
    table = read_table(patients).set_index("patient")
    check_observations(table, file=patients)
    table = table.dropna(subset=["time_days", "event"])
    table = table.drop(columns="cohort", errors="ignore")
    names = read_table(cohorts).set_index("patient")["cohort"]
    table = table.join(names, how="inner").loc[
        [name for name in names.index if name in table.index]
    ]
    if not (table["cohort"] == TRAINING).any():
        raise InputError(
            f"nobody with follow-up is in the cohort {TRAINING}",
            file=cohorts,
            column="cohort",
            remedy="fill in time and event, or name the cohorts otherwise",
        )
    used = dict.fromkeys(
        name
        for entry in models.values()
        for name in (*entry["covariates"], *entry.get("strata", ()))
    )
    if scores is not None:
        long = read_table(scores)
        long = long[long["score"].isin(list(used))]
        wide = long.pivot(index="patient", columns="score", values="value")
        table = table.join(wide, how="left")
    return table[["time_days", "event", "cohort", *used]]
