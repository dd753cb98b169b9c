"""Follow-up of the patients and their region areas, side by side."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from histoniche.errors import InputError
from histoniche.tables import read_table

FEWEST = 5
"""Fewest patients from whom a number is reported."""


class FollowUp(NamedTuple):
    """Patients with known follow-up, and their areas; the same index in both: the patient."""

    patients: pd.DataFrame
    """time_days, event (int), then the covariates."""
    areas: pd.DataFrame
    """One column a region, NaN where a patient has no such area."""


def read_follow_up(
    patients: Path,
    areas: Path,
    *,
    regions: Sequence[str],
    among: Collection[str] | None = None,
) -> FollowUp:
    """Join follow-up and areas.

    Parameters
    ----------
    patients
        patient, time_days, event, covariates.
    areas
        Long table: patient, region, area.
    regions
        Regions that are studied; all of the table if empty.
    among
        Patients that are studied; all if None.

    Returns
    -------
    The patients with known time and event who stand in the table of areas, in
    the order of the sheet. Censored patients are in. Which of them enter a
    number is left to it: it takes those whose area, and covariates where it
    has them, are known.

    Raises
    ------
    InputError
        If a region is unknown or fewer than five patients are left.
    """
    sheet = read_table(patients).set_index("patient")
    table = read_table(areas)
    wide = table.pivot(index="patient", columns="region", values="area")
    known = [str(region) for region in table["region"].unique()]
    for region in regions:
        if region not in known:
            remedy = f"choose among {', '.join(known)}"
            raise InputError(
                "no such region", column="survival.regions", value=region, remedy=remedy
            )
    wide = wide[[region for region in known if not regions or region in regions]]
    followed = sheet[sheet["time_days"].notna() & sheet["event"].notna()]
    if among is not None:
        followed = followed[followed.index.isin(among)]
    followed = followed.loc[followed.index.isin(wide.index[wide.notna().any(axis=1)])]
    if len(followed) < FEWEST:
        raise InputError(
            f"only {len(followed)} patients have both follow-up and areas, {FEWEST} are needed",
            remedy="fill in time and event in the sheet of patients, or drop the block survival",
        )
    return FollowUp(followed.astype({"event": int}), wide.loc[followed.index].astype(float))
