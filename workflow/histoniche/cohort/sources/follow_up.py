"""Survival of patients from their follow-up, and how it compares with what a source states."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from histoniche.cohort.sources.decisions import Decision

RULE = (
    "A patient whose vital status is Dead died at days_to_death. One who is Alive was last seen at "
    "the latest of days_to_last_follow_up and days_to_last_known_disease_status of any diagnosis "
    "and days_to_follow_up of any follow-up. All are days from diagnosis. A patient without such "
    "a day, or with one that is not positive, has no time."
)
"""The rule in words, as it is written beside the decisions."""

AGREE_DAYS, AGREE_SHARE = 2.0, 0.01
"""Two times agree if they differ by no more than the greater of these days and this share."""

_FEW = 0.5


class Survival(NamedTuple):
    """Time and event of one patient."""

    patient: str
    time: float | None
    """Days from diagnosis; None if unknown."""
    event: int | None
    """1 died, 0 alive."""
    reason: str
    """Why there is no time; empty if there is one."""


def survival_of(case: Mapping[str, Any]) -> Survival:
    """Time and event of a case of the GDC, by `RULE`."""
    patient = str(case["submitter_id"])
    status = str((case.get("demographic") or {}).get("vital_status") or "")
    if status == "Dead":
        day, missing = _number((case.get("demographic") or {}).get("days_to_death")), "day of death"
    elif status == "Alive":
        day, missing = _last_seen(case), "follow-up"
    else:
        return Survival(patient, None, None, "vital status unknown")
    if day is None:
        return Survival(patient, None, None, f"{status.lower()} without {missing}")
    if day <= 0:
        return Survival(patient, None, None, f"{missing} is not after diagnosis")
    return Survival(patient, day, int(status == "Dead"), "")


def _last_seen(case: Mapping[str, Any]) -> float | None:
    """The latest day at which a living patient was seen."""
    diagnosed = case.get("diagnoses") or []
    seen = [
        entry.get(name)
        for entry in diagnosed
        for name in ("days_to_last_follow_up", "days_to_last_known_disease_status")
    ]
    seen += [entry.get("days_to_follow_up") for entry in case.get("follow_ups") or []]
    days = [day for value in seen if (day := _number(value)) is not None]
    return max(days, default=None)


def _number(value: object) -> float | None:
    """A day as a number; None if it is none."""
    if isinstance(value, bool):
        return None
    try:
        day = float(str(value))
    except ValueError:
        return None
    return day if math.isfinite(day) else None


def complete_survival(own: Iterable[Survival], other: pd.DataFrame) -> list[Survival]:
    """Take time and event of another source where the first has none.

    Parameters
    ----------
    own
        Of the first source.
    other
        patient, time (days) and event; see `importers.import_cbioportal`.
    """
    known = {
        str(patient): Survival(str(patient), float(time), int(event), "")
        for patient, time, event in other[["patient", "time", "event"]].dropna().to_numpy()
    }
    return [one if one.time is not None else known.get(one.patient, one) for one in own]


def compare_survival(own: Iterable[Survival], other: pd.DataFrame) -> pd.DataFrame:
    """Set times and events beside those that another source states.

    Parameters
    ----------
    own
        As reckoned here.
    other
        patient, time (days) and event.

    Returns
    -------
    One row a patient whom either source knows: patient, time_days, event, stated_time_days,
    stated_event, verdict (agrees; another time; another event; only here; only there).
    """
    mine = pd.DataFrame(
        [(one.patient, one.time, one.event) for one in own],
        columns=["patient", "time_days", "event"],
    )
    stated = other[["patient", "time", "event"]].rename(
        columns={"time": "stated_time_days", "event": "stated_event"}
    )
    both = mine.merge(stated, on="patient", how="left")
    columns = ["time_days", "event", "stated_time_days", "stated_event"]
    both[columns] = both[columns].apply(pd.to_numeric)
    here, there = both["time_days"].notna(), both["stated_time_days"].notna()
    apart = (both["time_days"] - both["stated_time_days"]).abs()
    allowed = (AGREE_SHARE * both["stated_time_days"]).clip(lower=AGREE_DAYS)
    both["verdict"] = "agrees"
    both.loc[apart > allowed, "verdict"] = "another time"
    both.loc[here & there & (both["event"] != both["stated_event"]), "verdict"] = "another event"
    both.loc[here & ~there, "verdict"] = "only here"
    both.loc[~here & there, "verdict"] = "only there"
    return both[here | there].reset_index(drop=True)


def survival_decisions(survivals: Iterable[Survival]) -> list[Decision]:
    """Who has no time, and why."""
    return [
        Decision("survival", one.patient, one.patient, one.time is not None, "survival", one.reason)
        for one in survivals
    ]


def only_the_dead(cases: Iterable[Mapping[str, Any]], survivals: Iterable[Survival]) -> str | None:
    """A warning if most of the living have no time, so that a study would be one of the dead."""
    alive = {
        str(case["submitter_id"])
        for case in cases
        if (case.get("demographic") or {}).get("vital_status") == "Alive"
    }
    timed = {one.patient for one in survivals if one.time is not None}
    if not alive or len(alive & timed) >= _FEW * len(alive):
        return None
    return (
        f"only {len(alive & timed)} of {len(alive)} living patients have a follow-up: survival "
        "would be studied among the dead alone; set survival.complete_from in the recipe"
    )
