"""The cohorts and the R numbers that the tests of clinical evaluation share."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from lifelines.datasets import load_gbsg2, load_lung

from histoniche.survival.cox_model import CoxModel
from histoniche.survival.model_fitting import estimate_model

R = pd.read_csv(Path(__file__).parent / "r" / "clinical.tsv", sep="\t", dtype={"key": str})


class Study(NamedTuple):
    """One data set with the two models, days and cuts that `r/clinical.R` uses."""

    name: str
    patients: pd.DataFrame
    declared: dict[str, dict[str, Any]]
    old: list[str]
    new: list[str]
    days: tuple[float, float]
    risk_cuts: list[float]
    nri_cuts: list[float]

    def fit(self, names: list[str]) -> CoxModel:
        """Fit one of the two models."""
        return estimate_model(self.patients, covariates=names, declared=self.declared)

    def r(self, what: str) -> "pd.Series[float]":
        """Numbers of R, by their key."""
        rows = R[(R["data"] == self.name) & (R["what"] == what)]
        assert len(rows), f"no numbers {what} of {self.name}"
        return rows.set_index("key")["value"]


def lung() -> Study:
    """Lung cancer, 227 patients, 164 deaths."""
    table = load_lung()
    patients = pd.DataFrame(
        {
            "time_days": table["time"].astype(float),
            "event": table["status"].astype(int),
            "age": table["age"].astype(float),
            "sex": np.where(table["sex"] == 2, "female", "male"),
            "karno": table["ph.karno"].astype(float),
        }
    )
    patients.index = pd.Index([f"L{i}" for i in range(len(table))], name="patient")
    numeric = {"type": "numeric"}
    declared = {
        "age": {**numeric, "unit": "years"},
        "sex": {"type": "categorical", "reference": "male"},
        "karno": {**numeric, "unit": "points"},
    }
    known = patients.dropna()
    cuts = [0, 0.5, 0.6, 0.7, 1]
    old = ["age", "sex"]
    return Study("lung", known, declared, old, [*old, "karno"], (365, 730), cuts, [0.5, 0.65])


def gbsg2() -> Study:
    """Breast cancer, 686 patients, 299 events."""
    table = load_gbsg2()
    patients = table.rename(columns={"time": "time_days", "cens": "event"})
    patients.index = pd.Index([f"G{i}" for i in range(len(table))], name="patient")
    numeric = {"type": "numeric"}
    declared: dict[str, dict[str, Any]] = {
        "age": {**numeric, "unit": "years"},
        "horTh": {"type": "categorical", "reference": "no"},
        "tsize": {**numeric, "unit": "mm"},
        "tgrade": {"type": "categorical", "reference": "I"},
        "pnodes": {**numeric, "unit": "nodes"},
        "progrec": {**numeric, "unit": "fmol"},
    }
    patients = patients.astype(dict.fromkeys(("age", "tsize", "pnodes", "progrec"), float))
    cuts = [0, 0.2, 0.35, 0.5, 1]
    old = ["age", "horTh", "tsize"]
    new = [*old, "tgrade", "pnodes", "progrec"]
    return Study("gbsg2", patients, declared, old, new, (1095, 1825), cuts, [0.25, 0.4])


STUDIES = {"lung": lung(), "gbsg2": gbsg2()}
