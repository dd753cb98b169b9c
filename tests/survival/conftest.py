"""Cohorts that the survival tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from histoniche.tables import write_table


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
