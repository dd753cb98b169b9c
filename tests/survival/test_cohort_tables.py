"""Cohorts of a study, named and set beside each other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.cohort_tables import name_cohorts
from histoniche.survival.cohorts import patients_in, read_cohorts
from histoniche.tables import read_table, write_table

DECLARED = {"age": {"type": "numeric", "unit": "years"}, "sex": {"type": "categorical"}}


@pytest.fixture
def sheet(lung: pd.DataFrame) -> pd.DataFrame:
    """Lung's patients, a third of them external."""
    table = lung[["time_days", "event", "age", "sex"]].rename_axis("patient").reset_index()
    table["patient"] = table["patient"].astype(str)
    external = np.arange(len(table)) % 3 == 0
    return table.assign(cohort=np.where(external, "external validation: X", "training"))


def named(sheet: pd.DataFrame, folder: Path, **changed: Any) -> dict[str, Path]:
    """What the job writes."""
    write_table(sheet, folder / "patients.parquet")
    outputs = {name: folder / f"{name}.parquet" for name in ("cohorts", "balance", "follow_up")}
    settings: dict[str, Any] = {"split": None, "source": "sheet", "confidence": 0.95, "seed": 1}
    name_cohorts(
        folder / "patients.parquet", declared=DECLARED, **{**settings, **changed}, **outputs
    )
    return outputs


def test_the_sheet_names_the_cohorts(sheet: pd.DataFrame, tmp_path: Path) -> None:
    sheet.loc[5, "cohort"] = None
    written = named(sheet, tmp_path)
    cohorts = read_cohorts(written["cohorts"])
    assert len(cohorts) == len(sheet) - 1
    assert len(patients_in(cohorts, "external validation: X")) == 76
    follow_up = read_table(written["follow_up"])
    assert follow_up["cohort"].tolist() == ["training", "external validation: X"]
    assert follow_up["n"].tolist() == [151, 76]
    balance = read_table(written["balance"])
    assert balance["covariate"].unique().tolist() == ["age", "sex", "survival"]


def test_without_cohorts_all_are_training(sheet: pd.DataFrame, tmp_path: Path) -> None:
    written = named(sheet, tmp_path, source="one")
    assert set(read_cohorts(written["cohorts"])) == {"training"}
    assert read_table(written["balance"])["p"].isna().all()


def test_roles_of_the_split_are_cohorts(sheet: pd.DataFrame, tmp_path: Path) -> None:
    roles = np.resize(["train", "validation", "test", "apply"], len(sheet))
    write_table(pd.DataFrame({"patient": sheet["patient"], "role": roles}), tmp_path / "s.parquet")
    written = named(sheet, tmp_path, source="split", split=tmp_path / "s.parquet")
    counts = read_cohorts(written["cohorts"]).value_counts().to_dict()
    assert counts == {"training": 57, "tuning": 57, "internal validation": 57}


def test_a_sheet_without_the_column_is_an_error(sheet: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cohort: no such column"):
        named(sheet.drop(columns="cohort"), tmp_path)
