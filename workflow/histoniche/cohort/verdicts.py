"""Verdicts: which trials of a search a pathologist accepted, and what a run still waits for."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from histoniche.cohort.schemas import read_schema
from histoniche.cohort.sheet_cells import read_sheet
from histoniche.errors import InputError


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read the sheet of verdicts; see `workflow/schemas/verdicts.schema.yaml`.

    Returns
    -------
    One row a trial: head, fold, trial, model, verdict (accepted, rejected or
    None), reviewer, comment. No rows if there is no sheet yet.

    Raises
    ------
    InputError
        If a cell does not fit, or all trials of a network are rejected.
    """
    schema = read_schema("verdicts")
    if not path.is_file():
        return pd.DataFrame(columns=list(schema["properties"]))
    verdicts = read_sheet(path, schema)
    verdicts = verdicts.astype({"fold": int, "trial": int})
    for (head, fold), own in verdicts.groupby(["head", "fold"]):
        if (own["verdict"] == "rejected").all():
            raise InputError(
                f"all {len(own)} trials shown of the network {head}, fold {fold}, are rejected",
                file=path,
                column="verdict",
                value="rejected",
                remedy="add trials or widen the space under segmentation.tuning, and review again",
            )
    return verdicts


def awaited_verdicts(verdicts: pd.DataFrame, models: Iterable[tuple[str, int]]) -> list[str]:
    """What is still to be judged, in words; empty if nothing is.

    Parameters
    ----------
    verdicts
        As from `read_verdicts`.
    models
        Head and fold of each network that is to be chosen.
    """
    awaited = []
    for head, fold in models:
        own = verdicts[(verdicts["head"] == head) & (verdicts["fold"] == fold)]
        blank = own.loc[own["verdict"].isna(), "trial"]
        if own.empty:
            awaited.append(f"network {head}, fold {fold}: no verdict")
        elif len(blank):
            numbers = ", ".join(map(str, blank))
            awaited.append(f"network {head}, fold {fold}: no verdict on trial {numbers}")
    return awaited
