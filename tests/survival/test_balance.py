"""Whether cohorts are alike, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.balance import balance_table
from histoniche.survival.cohorts import (
    cohorts_of_column,
)
from survival.clinical_data import R

# R's numbers and the calls that made them: r/clinical.R, r/clinical.tsv.
BALANCE = R[R["what"] == "balance"].set_index("key")["value"]
TURNS = ("training", "tuning", "external validation")
DECLARED: dict[str, dict[str, Any]] = {
    "age": {"type": "numeric", "unit": "years"},
    "sex": {"type": "categorical"},
    "ecog": {"type": "categorical"},
    "rare": {"type": "categorical"},
    "same": {"type": "categorical"},
}


@pytest.fixture
def patients(lung: pd.DataFrame) -> pd.DataFrame:
    """The lung cohort, its patients in three cohorts by turns."""
    turns = [TURNS[place % 3] for place in range(len(lung))]
    return lung.assign(cohort=turns, rare=(lung["age"] > 78).astype(str), same="one")


def table_of(patients: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    cohorts = cohorts_of_column(patients, "cohort")
    return balance_table(patients, cohorts, declared=DECLARED, names=names, seed=1)


def p_of(table: pd.DataFrame, name: str) -> float:
    rows = table[table["covariate"] == name]
    assert rows["p"].nunique() == 1
    return float(rows["p"].iloc[0])


def test_tests_between_three_cohorts_equal_r(patients: pd.DataFrame) -> None:
    table = table_of(patients, ["age", "sex", "ecog"])
    assert p_of(table, "age") == pytest.approx(BALANCE["age_kruskal"], rel=1e-9)
    assert p_of(table, "sex") == pytest.approx(BALANCE["sex_chi2"], rel=1e-9)
    assert p_of(table, "survival") == pytest.approx(BALANCE["survival"], rel=1e-9)
    # R enumerates all tables, we draw 9,999: the standard error is 0.004.
    assert p_of(table, "ecog") == pytest.approx(BALANCE["ecog_fisher"], abs=0.02)
    tests = table.drop_duplicates("covariate").set_index("covariate")["test"]
    assert tests.tolist() == ["Kruskal-Wallis", "chi-square", "Fisher", "log-rank"]
    assert (table.loc[table["covariate"] == "ecog", "note"] == "9,999 random tables").all()


def test_tests_between_two_cohorts_equal_r(patients: pd.DataFrame) -> None:
    two = patients[patients["cohort"] != "external validation"]
    table = table_of(two, ["age", "sex", "rare"])
    assert p_of(table, "age") == pytest.approx(BALANCE["age_wilcoxon"], rel=1e-9)
    assert p_of(table, "sex") == pytest.approx(BALANCE["sex_chi2_two"], rel=1e-9)
    assert p_of(table, "rare") == pytest.approx(BALANCE["rare_fisher_two"], rel=1e-9)
    tests = table.drop_duplicates("covariate")["test"].tolist()
    assert tests == ["Wilcoxon", "chi-square", "Fisher", "log-rank"]


def test_standardised_differences_from_training_equal_r(patients: pd.DataFrame) -> None:
    table = table_of(patients, ["age", "ecog"])
    tuning = table[table["cohort"] == "tuning"].drop_duplicates("covariate").set_index("covariate")
    assert tuning.loc["age", "smd"] == pytest.approx(BALANCE["smd_age"], rel=1e-9)
    assert tuning.loc["ecog", "smd"] == pytest.approx(BALANCE["smd_ecog"], rel=1e-9)
    assert table.loc[table["cohort"] == "training", "smd"].isna().all()


def test_what_each_cohort_holds_is_counted(patients: pd.DataFrame) -> None:
    table = table_of(patients, ["age", "ecog"]).set_index(["covariate", "level", "cohort"])
    training = patients[patients["cohort"] == "training"]
    row = table.loc[("age", "", "training")]
    quartiles = np.quantile(training["age"], [0.25, 0.5, 0.75])
    assert row[["q1", "median", "q3"]].tolist() == quartiles.tolist()
    for (name, _, cohort), row in table.iterrows():
        assert row["n"] + row["missing"] == (patients["cohort"] == cohort).sum(), name
    shares = table.loc["ecog"].groupby("cohort")["share"].sum()
    assert shares.tolist() == pytest.approx([1, 1, 1])
    died = table.loc[("survival", "died")]
    assert died["count"].sum() == 165
    q = table.groupby("covariate")["q"].first()
    assert (q >= table.groupby("covariate")["p"].first()).all()


def test_planted_imbalance_is_found_and_chance_is_not(patients: pd.DataFrame) -> None:
    older = patients.sort_values("age").assign(
        cohort=["training"] * 120 + ["tuning"] * (len(patients) - 120)
    )
    table = table_of(older, ["age", "sex"])
    assert p_of(table, "age") < 1e-20
    assert p_of(table, "sex") > 0.01
    assert table.loc[(table["covariate"] == "age") & table["smd"].notna(), "smd"].item() > 2


def test_what_cannot_be_tested_says_why(patients: pd.DataFrame) -> None:
    table = table_of(patients, ["same"])
    assert (table.loc[table["covariate"] == "same", "note"] == "the same in all patients").all()
    alone = table_of(patients[patients["cohort"] == "training"], ["age", "sex"])
    assert (alone["note"] == "known in one cohort only").all()
    assert alone[["p", "q"]].isna().all(axis=None)
    with pytest.raises(InputError, match="value 'grade': no such covariate"):
        table_of(patients, ["grade"])
