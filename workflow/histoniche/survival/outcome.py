"""Checks of the patients' follow-up and of the covariates that a model is asked to use."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from histoniche.errors import InputError


def check_outcome(patients: pd.DataFrame, *, file: Path | None = None) -> None:
    """Raise an InputError if a known time is not positive or a known event is not 0 or 1.

    Parameters
    ----------
    patients
        time_days and event by patient.
    file
        The table they came from, for the message.
    """
    for column in ("time_days", "event"):
        if column not in patients:
            remedy = f"give the table a column {column}"
            raise InputError("there is no such column", file=file, column=column, remedy=remedy)
    repeated = patients.index[patients.index.duplicated()]
    if len(repeated):
        raise InputError(
            "the patient stands there twice",
            file=file,
            value=str(repeated[0]),
            remedy="keep one row a patient",
        )
    times = patients["time_days"].dropna()
    wrong = times[~((times > 0) & np.isfinite(times.astype(float)))]
    if len(wrong):
        raise InputError(
            f"the time of patient {wrong.index[0]} is not greater than 0",
            file=file,
            column="time_days",
            value=float(wrong.iloc[0]),
            remedy="give days from diagnosis to death or last contact, or leave the patient out",
        )
    events = patients["event"].dropna()
    wrong = events[~events.isin([0, 1])]
    if len(wrong):
        raise InputError(
            f"the event of patient {wrong.index[0]} is neither 0 nor 1",
            file=file,
            column="event",
            value=float(wrong.iloc[0]),
            remedy="write 1 for died and 0 for alive when last seen",
        )


def check_columns(patients: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise an InputError if a covariate is no column of the patients' table."""
    for name in names:
        if name not in patients:
            known = ", ".join(
                str(column) for column in patients if column not in ("time_days", "event")
            )
            raise InputError(
                "the patients have no such covariate",
                column=name,
                remedy=f"add it or choose among {known or 'none'}",
            )
