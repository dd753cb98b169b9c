"""Tables of the genome-wide scans."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from statsmodels.stats.multitest import multipletests

from histoniche.cox_scan import CONSTANT
from histoniche.errors import InputError
from histoniche.logrank_scan import NO_HIGH_DEATHS
from histoniche.survival.gene_scan import Test, scan_by_cox, scan_by_log_rank, scan_genes
from histoniche.tables import read_table, write_table


@pytest.fixture
def values() -> pd.DataFrame:
    """Ten genes in 60 patients, of which G0 is hazardous, G8 is constant and G9 saves all."""
    rng = np.random.default_rng(0)
    names = [f"P{k}" for k in range(60)]
    table = pd.DataFrame(rng.normal(size=(10, 60)), [f"G{k}" for k in range(10)], names)
    table.loc["G8"] = 1.0
    return table


@pytest.fixture
def patients(values: pd.DataFrame) -> pd.DataFrame:
    """Follow-up of the same patients in another order, and of one more; one has no time."""
    rng = np.random.default_rng(1)
    time = rng.exponential(400 * np.exp(-1.5 * values.loc["G0"].to_numpy()))
    table = pd.DataFrame({"time_days": time, "event": (rng.random(60) < 0.7) * 1}, values.columns)
    table.loc["other"] = [5.0, 1]
    table.loc["P3", "time_days"] = np.nan
    values.loc["G9"] = np.where(table.loc[values.columns, "event"] == 0, 1.0, 0.0)
    return table.iloc[::-1]


def test_cox_rows_are_single_models_of_the_patients_in_both_tables(
    values: pd.DataFrame, patients: pd.DataFrame
) -> None:
    table = scan_by_cox(values, patients, confidence=0.9).set_index("gene")
    known = [name for name in values.columns if name != "P3"]
    score = values.loc["G0", known]
    frame = patients.loc[known].assign(score=(score - score.mean()) / score.std())
    fitter = CoxPHFitter(alpha=0.1).fit(frame, "time_days", "event")
    bounds = np.exp(fitter.confidence_intervals_.loc["score"]).tolist()
    found = table.loc["G0"]
    assert found["hazard_ratio"] == pytest.approx(fitter.hazard_ratios_["score"], rel=1e-4)
    assert found[["low", "high"]].tolist() == pytest.approx(bounds, rel=1e-4)
    assert (found["n"], found["events"]) == (59, frame["event"].sum())
    assert table.loc["G8", "note"] == CONSTANT
    tested = table["p"].notna()
    assert table["q"].isna().tolist() == (~tested).tolist()
    q = multipletests(table.loc[tested, "p"], method="fdr_bh")[1]
    np.testing.assert_allclose(table.loc[tested, "q"], q)
    assert table["q"].idxmin() == "G0"


def test_log_rank_rows_are_single_tests(
    values: pd.DataFrame, patients: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        table = scan_by_log_rank(values, patients, quantile=0.4).set_index("gene")
    known = [name for name in values.columns if name != "P3"]
    time, event = (patients.loc[known, name] for name in ("time_days", "event"))
    for gene in ("G0", "G1"):
        high = values.loc[gene, known] > values.loc[gene, known].quantile(0.4)
        peer = logrank_test(time[high], time[~high], event[high], event[~high])
        assert table.loc[gene, "chi2"] == pytest.approx(peer.test_statistic, rel=1e-10)
        assert table.loc[gene, "n_high"] == high.sum()
    assert table.loc["G0", "low"] > 1
    assert table.loc["G9", "note"] == NO_HIGH_DEATHS
    assert f"1 of 10 genes: {CONSTANT}" in caplog.text
    assert f"1 of 10 genes: {NO_HIGH_DEATHS}" in caplog.text


def test_a_missing_value_is_an_error_that_names_gene_and_patient(
    values: pd.DataFrame, patients: pd.DataFrame
) -> None:
    values.loc["G4", "P7"] = np.nan
    for scan in (scan_by_cox, scan_by_log_rank):
        with pytest.raises(InputError, match="gene G4 has no value in patient P7"):
            scan(values, patients)


def test_too_few_patients_in_both_tables_is_an_error(
    values: pd.DataFrame, patients: pd.DataFrame
) -> None:
    with pytest.raises(InputError, match="only 1 patient, 2 are needed"):
        scan_by_cox(values, patients.loc[["P5"]])


def test_the_job_scans_tested_genes_in_the_training_cohort_alone(
    values: pd.DataFrame, patients: pd.DataFrame, tmp_path: Path
) -> None:
    paths = {name: tmp_path / f"{name}.parquet" for name in ("x", "g", "p", "c")}
    write_table(values.rename_axis("gene").reset_index(), paths["x"])
    genes = pd.DataFrame({"gene": values.index, "tested": values.index != "G2", "detected": 60})
    write_table(genes, paths["g"])
    write_table(patients.rename_axis("patient").reset_index(), paths["p"])
    names = [*["training"] * 40, *["external validation"] * 20]
    write_table(pd.DataFrame({"patient": values.columns, "cohort": names}), paths["c"])
    scans: dict[Test, Path] = {"cox": tmp_path / "cox.parquet", "log_rank": tmp_path / "l.parquet"}
    how = {"quantile": 0.5, "min_share": 0.1, "confidence": 0.95}
    scan_genes(*paths.values(), scans=scans, **how)
    kept = values.drop(index="G2").iloc[:, :40]
    pd.testing.assert_frame_equal(read_table(scans["cox"]), scan_by_cox(kept, patients))
    pd.testing.assert_frame_equal(read_table(scans["log_rank"]), scan_by_log_rank(kept, patients))
    (tmp_path / "cox.parquet").unlink()
    scan_genes(*paths.values(), scans={"log_rank": scans["log_rank"]}, **how)
    assert not scans["cox"].exists()
    write_table(pd.DataFrame({"patient": values.columns[:4], "cohort": "training"}), paths["c"])
    with pytest.raises(InputError, match=r"only 3 patients of the training cohort.*5 are needed"):
        scan_genes(*paths.values(), scans=scans, **how)
