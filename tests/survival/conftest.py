"""Cohorts that the survival tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2, load_lung, load_rossi

from histoniche.tables import write_table

Numbers = dict[str, np.ndarray]
"""What R found, by key."""


@pytest.fixture
def lung() -> pd.DataFrame:
    """The data `lung` of R's package survival: 228 patients; Karnofsky score missing in one."""
    table = load_lung()
    table.index = pd.Index([f"L{i}" for i in range(len(table))], name="patient")
    found = pd.DataFrame(
        {
            "time_days": table["time"].astype(float),
            "event": table["status"].astype(int),
            "age": table["age"].astype(float),
            "karno": table["ph.karno"].astype(float),
            "female": (table["sex"] == 2).astype(float),
        }
    )
    found["sex"] = np.where(table["sex"] == 2, "female", "male").astype(object)
    ecog = table["ph.ecog"]
    found["ecog"] = [None if np.isnan(level) else str(int(level)) for level in ecog]
    return found


@pytest.fixture
def write_cohort(tmp_path: Path) -> Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]]:
    """Write patients and areas as the workflow hands them over."""

    def write(patients: pd.DataFrame, areas: pd.DataFrame) -> tuple[Path, Path]:
        paths = tmp_path / "patients.parquet", tmp_path / "areas.parquet"
        sheet = patients.rename_axis("patient").reset_index()
        write_table(sheet.astype({"event": "Int64"}), paths[0])
        long = areas.rename_axis("patient").reset_index()
        write_table(long.melt("patient", var_name="region", value_name="area"), paths[1])
        return paths

    return write


def _numbers(name: str) -> Numbers:
    """Numbers of a table that the R script of the same name made; see tests/survival/r."""
    table = pd.read_csv(Path(__file__).parent / "r" / f"{name}.tsv", sep="\t")
    return {str(key): part["value"].to_numpy() for key, part in table.groupby("key")}


@pytest.fixture(scope="session")
def r_cox() -> Numbers:
    """Made by tests/survival/r/cox.R."""
    return _numbers("cox")


@pytest.fixture(scope="session")
def r_performance() -> Numbers:
    """Made by tests/survival/r/performance.R."""
    return _numbers("performance")


@pytest.fixture
def complete(lung: pd.DataFrame) -> pd.DataFrame:
    """The 226 patients of `lung` in whom age, Karnofsky and ECOG score are known."""
    return lung.dropna().copy()


@pytest.fixture
def rossi() -> pd.DataFrame:
    """Rossi's 432 released prisoners: weeks to the next arrest, many of them tied."""
    table = load_rossi().rename(columns={"week": "time_days", "arrest": "event"})
    return table.astype(float).rename(index=lambda place: f"R{place}")


@pytest.fixture
def breast() -> pd.DataFrame:
    """The 686 patients of the German Breast Cancer Study Group."""
    table = load_gbsg2().rename(columns={"time": "time_days", "cens": "event"})
    table["grade"] = table["tgrade"].map({"I": 1.0, "II": 2.0, "III": 3.0})
    return table.rename(index=lambda place: f"B{place}")
