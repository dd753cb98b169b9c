"""Rank correlation of genes with areas and with survival."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from histoniche.cox_scan import cox_scan
from histoniche.errors import InputError
from histoniche.omics.correlation import (
    correlate_expression,
    correlate_given,
    correlate_with_areas,
    correlate_with_survival,
    covariate_rows,
)
from histoniche.tables import read_table, write_table


def cohort(patients: int, genes: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    names = [f"P{i}" for i in range(patients)]
    index = pd.Index([f"G{i}" for i in range(genes)], name="gene")
    values = pd.DataFrame(rng.normal(size=(genes, patients)), index, names)
    return values, pd.DataFrame(rng.random((patients, 2)), names, ["CT", "IT"])


def test_only_patients_in_both_count_and_a_missing_area_costs_its_region_alone() -> None:
    values, areas = cohort(12, 3, seed=2)
    areas = areas.iloc[::-1].drop(index="P0").rename(index={"P1": "stranger"})
    areas.loc["P5", "IT"] = np.nan
    table = correlate_with_areas(values, areas, detected=pd.Series(12, values.index))
    assert table.groupby("region")["n"].first().to_dict() == {"CT": 10, "IT": 9}
    shared = [f"P{i}" for i in range(2, 12) if i != 5]
    expected = scipy.stats.spearmanr(values.loc["G2", shared], areas.loc[shared, "IT"])
    row = table[(table["gene"] == "G2") & (table["region"] == "IT")].iloc[0]
    assert row["rho"] == pytest.approx(expected.statistic, abs=1e-12)
    assert row["p"] == pytest.approx(expected.pvalue, rel=1e-9)
    for _, rows in table.groupby("region"):
        np.testing.assert_allclose(rows["q"], multipletests(rows["p"], method="fdr_bh")[1])


def test_too_few_common_patients_is_an_error_and_a_poor_region_a_row_of_nan() -> None:
    values, areas = cohort(8, 3, seed=3)
    detected = pd.Series(8, values.index)
    with pytest.raises(InputError, match="only 4 patients have both"):
        correlate_with_areas(values, areas.iloc[:4], detected=detected)
    with pytest.raises(InputError, match="only 0 patients have both"):
        correlate_with_areas(values, areas.rename(index=str.lower), detected=detected)
    areas.loc["P0":"P4", "IT"] = np.nan
    table = correlate_with_areas(values, areas, detected=detected).set_index("region")
    assert table.loc["IT", ["rho", "p", "q"]].isna().all(axis=None)
    assert table.loc["CT", "rho"].notna().all()


def test_a_region_that_nobody_has_and_a_gene_that_never_changes_are_named(caplog) -> None:
    values, areas = cohort(12, 3, seed=3)
    areas["IT"], values.loc["G1"] = 0.0, 4.0
    table = correlate_with_areas(values, areas, detected=pd.Series(12, values.index))
    rho = table.pivot(index="gene", columns="region", values="rho")
    assert rho["IT"].isna().all() and rho.loc["G1"].isna().all()
    assert rho.loc[["G0", "G2"], "CT"].notna().all()
    words = caplog.text
    assert "the same in all patients, without correlation: IT" in words
    assert "genes that are the same in all patients, without correlation: 1, such as G1" in words


def test_planted_genes_are_found_and_the_others_are_not() -> None:
    values, areas = cohort(80, 2000, seed=4)
    values.iloc[:20] += 4 * areas["CT"].to_numpy()
    table = correlate_with_areas(values, areas, detected=pd.Series(80, values.index))
    found = table[(table["q"] < 0.05) & (table["rho"] > 0)]
    in_ct = set(found.loc[found["region"] == "CT", "gene"])
    assert {f"G{i}" for i in range(20)} <= in_ct
    assert len(in_ct) <= 24
    assert (found["region"] == "IT").sum() == 0
    null = table[~table["gene"].isin([f"G{i}" for i in range(20)])]
    assert (null["p"] < 0.05).mean() == pytest.approx(0.05, abs=0.01)


def test_survival_is_that_of_the_deceased() -> None:
    values, _ = cohort(12, 4, seed=5)
    patients = pd.DataFrame(
        {
            "patient": values.columns,
            "time_days": np.arange(12.0)[::-1] + 10,
            "event": pd.array([1] * 8 + [0, 0, None, 1], dtype="Int64"),
        }
    )
    patients.loc[11, "time_days"] = np.nan
    table = correlate_with_survival(values, patients)
    died = values.columns[:8]
    expected = scipy.stats.spearmanr(values.loc["G1", died], patients["time_days"][:8])
    assert set(table["n"]) == {8}
    assert table.loc[1, "rho"] == pytest.approx(expected.statistic, abs=1e-12)
    # The censored patients count in Cox's regression, not in the correlation.
    assert set(table["followed"]) == {10}
    known = values.columns[:10]
    scan = cox_scan(
        values[known].to_numpy(), patients["time_days"][:10].to_numpy(), np.arange(10) < 8
    )
    np.testing.assert_allclose(table["cox_z"], scan.z)
    few = correlate_with_survival(values, patients.iloc[:4])
    assert few[["rho", "p", "q", "cox_z", "cox_p"]].isna().all(axis=None)
    assert set(few["n"]) == {4}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Inputs of the job for ten patients, and where it writes."""
    values, areas = cohort(10, 4, seed=6)
    names = ("expression", "genes", "areas", "patients", "correlation", "gene_survival")
    paths = {name: tmp_path / f"{name}.parquet" for name in names}
    write_table(values.reset_index(), paths["expression"])
    summary = {"gene": values.index, "detected": [9, 2, 10, 8]}
    write_table(pd.DataFrame({**summary, "tested": [True, False, True, True]}), paths["genes"])
    long = areas.rename_axis("patient").reset_index()
    long = long.melt("patient", var_name="region", value_name="area")
    write_table(long, paths["areas"])
    follow_up = {"patient": values.columns, "time_days": np.arange(10.0) + 1}
    follow_up["event"] = pd.array([1] * 10, dtype="Int64")
    follow_up["age"] = np.arange(10.0) ** 2
    write_table(pd.DataFrame(follow_up), paths["patients"])
    return paths


def run(files: dict[str, Path], **scores: Any) -> pd.DataFrame:
    """The correlations that the job writes."""
    correlate_expression(**files, permutations=99, seed=0, covariates={"age": "numeric"}, **scores)
    return read_table(files["correlation"])


def test_job_tests_the_detected_genes_alone_and_writes_both_tables(files: dict[str, Path]) -> None:
    table = run(files)
    assert list(table)[:8] == ["gene", "region", "n", "detected", "rho", "p", "q", "p_family"]
    assert list(table)[8:] == ["partial_n", "partial_rho", "partial_p", "partial_q"]
    assert set(table["partial_n"]) == {10}
    assert table["p_family"].between(0.01, 1).all()
    np.testing.assert_allclose(table["p_family"] * 100 % 1, 0, atol=1e-9)
    assert table["gene"].tolist() == ["G0", "G2", "G3"] * 2
    assert table["region"].tolist() == ["CT"] * 3 + ["IT"] * 3
    assert table["detected"].tolist() == [9, 10, 8] * 2
    assert read_table(files["gene_survival"])["gene"].tolist() == ["G0", "G2", "G3"]


def test_scores_that_are_named_follow_the_regions_and_change_nothing_for_them(
    files: dict[str, Path], tmp_path: Path
) -> None:
    expression = read_table(files["expression"]).set_index("gene")
    # Of one patient less, and of another whose expression is not known.
    score = expression.loc["G2"].drop("P3") * 2 + 1
    score["nobody"] = 3.0
    own = pd.DataFrame({"patient": score.index, "score": "HTI", "kind": "score", "value": score})
    other = own.assign(score="risk", value=-own["value"])
    area = own.assign(score="CT", kind="area")
    write_table(pd.concat([area, other, own]), tmp_path / "scores.parquet")
    plain = run(files)
    table = run(files, scores=tmp_path / "scores.parquet", named=["HTI"])
    pd.testing.assert_frame_equal(table.iloc[:6], plain)
    assert table["region"].tolist()[6:] == ["HTI"] * 3
    found = table.iloc[6:].set_index("gene")
    assert found.loc["G2", "rho"] == 1 and set(found["n"]) == {9}
    assert found.loc["G2", "p_family"] == found["p_family"].min() <= 0.05
    expected = scipy.stats.spearmanr(expression.loc["G0"].drop("P3"), score.drop("nobody"))
    assert found.loc["G0", "rho"] == pytest.approx(expected.statistic, abs=1e-12)
    assert found["partial_rho"].notna().all()
    both = run(files, scores=tmp_path / "scores.parquet", named=["risk", "HTI"])
    assert both["region"].unique().tolist() == ["CT", "IT", "risk", "HTI"]
    # A region's area is there already.
    with pytest.raises(InputError, match=r"signatures\.scores, value 'CT': .*among HTI, risk"):
        run(files, scores=tmp_path / "scores.parquet", named=["CT"])


def test_a_gene_that_goes_along_with_age_alone_is_gone_at_equal_age() -> None:
    values, areas = cohort(60, 3, seed=7)
    age = pd.Series(np.random.default_rng(8).normal(60, 10, 60), values.columns)
    areas["CT"] += age / 10
    values.loc["G0"] += age / 5
    sex = pd.Series(["F", "M"] * 30, values.columns)
    patients = pd.DataFrame({"age": age, "sex": sex})
    held = covariate_rows(patients, {"sex": "categorical", "age": "numeric"})
    assert list(held) == ["age", "sex_M"]
    plain = correlate_with_areas(values, areas, detected=pd.Series(60, values.index))
    given = correlate_given(values, areas, held)
    first = (plain["gene"] == "G0") & (plain["region"] == "CT")
    assert plain.loc[first, "p"].item() < 1e-4
    assert given.loc[first, "partial_p"].item() > 0.05
    patients.loc["P0", "age"] = np.nan
    fewer = correlate_given(values, areas, covariate_rows(patients, {"age": "numeric"}))
    assert set(fewer["partial_n"]) == {59}
    too_few = correlate_given(values.iloc[:, :5], areas, held)
    assert too_few["partial_rho"].isna().all()


def test_fewer_shared_patients_than_wanted_is_an_error() -> None:
    patients = [f"P{k}" for k in range(9)]
    values = pd.DataFrame([range(9)], ["A"], patients, dtype=float)
    areas = pd.DataFrame({"CT": range(9)}, patients, dtype=float)
    detected = pd.Series({"A": 9})
    with pytest.raises(InputError, match=r"only 9 patients have both .* 10 are needed"):
        correlate_with_areas(values, areas, detected=detected, min_shared=10)
    table = correlate_with_areas(values, areas, detected=detected, min_shared=9)
    assert table["rho"].tolist() == [1.0]
