"""Rank correlation of genes with areas and with survival."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.omics.correlation import (
    correlate_expression,
    correlate_with_areas,
    correlate_with_survival,
    rank_correlation,
)
from histoniche.tables import read_table, write_table


@pytest.mark.parametrize(("levels", "patients"), [(2, 5), (5, 30), (10_000, 129)])
def test_rank_correlation_equals_scipy_with_ties(levels: int, patients: int) -> None:
    rng = np.random.default_rng(levels)
    genes = rng.integers(0, levels, (60, patients)).astype(float)
    genes = genes[np.ptp(genes, axis=1) > 0]
    areas = np.where(rng.random((3, patients)) < 0.3, 0, rng.random((3, patients)))
    rho, p = rank_correlation(genes, areas)
    for i, j in np.ndindex(len(genes), 3):
        expected = scipy.stats.spearmanr(genes[i], areas[j])
        assert rho[i, j] == pytest.approx(expected.statistic, abs=1e-12)
        assert p[i, j] == pytest.approx(expected.pvalue, rel=1e-9)


def test_perfect_correlation_is_exactly_one() -> None:
    area = np.random.default_rng(0).random(37)
    rho, p = rank_correlation(np.stack([area**3, -area]), area[np.newaxis])
    assert rho.ravel().tolist() == [1, -1]
    assert p.ravel().tolist() == [0, 0]


def test_constant_rows_have_no_correlation() -> None:
    rho, p = rank_correlation(np.array([[1.0, 1, 1, 1], [1, 2, 3, 4]]), np.array([[4.0, 2, 3, 9]]))
    assert np.isnan([rho[0, 0], p[0, 0]]).all()
    assert np.isfinite([rho[1, 0], p[1, 0]]).all()


def test_rank_correlation_refuses_what_it_cannot_rank() -> None:
    whole = np.ones((1, 4))
    for genes, areas in (
        (np.ones((1, 5)), whole),
        (np.ones((1, 2)), np.ones((1, 2))),
        (np.array([[1, 2, np.nan, 3]]), whole),
    ):
        with pytest.raises(ValueError, match=r"match|three|finite"):
            rank_correlation(genes, areas)


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
    few = correlate_with_survival(values, patients.iloc[:4])
    assert few[["rho", "p", "q"]].isna().all(axis=None)
    assert set(few["n"]) == {4}


def test_job_tests_the_detected_genes_alone_and_writes_both_tables(tmp_path: Path) -> None:
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
    write_table(pd.DataFrame(follow_up), paths["patients"])
    inputs = [paths[name] for name in names[:4]]
    correlate_expression(
        *inputs, correlation=paths["correlation"], gene_survival=paths["gene_survival"]
    )
    table = read_table(paths["correlation"])
    assert list(table) == ["gene", "region", "n", "detected", "rho", "p", "q"]
    assert table["gene"].tolist() == ["G0", "G2", "G3"] * 2
    assert table["region"].tolist() == ["CT"] * 3 + ["IT"] * 3
    assert table["detected"].tolist() == [9, 10, 8] * 2
    assert read_table(paths["gene_survival"])["gene"].tolist() == ["G0", "G2", "G3"]


def test_fewer_shared_patients_than_wanted_is_an_error() -> None:
    patients = [f"P{k}" for k in range(9)]
    values = pd.DataFrame([range(9)], ["A"], patients, dtype=float)
    areas = pd.DataFrame({"CT": range(9)}, patients, dtype=float)
    detected = pd.Series({"A": 9})
    with pytest.raises(InputError, match=r"only 9 patients have both .* 10 are needed"):
        correlate_with_areas(values, areas, detected=detected, min_shared=10)
    table = correlate_with_areas(values, areas, detected=detected, min_shared=9)
    assert table["rho"].tolist() == [1.0]
