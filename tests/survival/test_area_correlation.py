"""Correlation of areas with survival time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from histoniche.errors import InputError
from histoniche.survival.area_correlation import correlate, correlate_strata, correlate_survival
from histoniche.tables import read_table, write_table

Writer = Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]]


def test_pearson_equals_r(lung: pd.DataFrame) -> None:
    # R 4.2.2, survival 3.5.3: cor.test(lung$age, lung$time)
    found = correlate(lung, lung["age"], confidence=0.95)
    assert found["pearson_r"] == pytest.approx(-0.0780427104216, abs=1e-12)
    assert found["pearson_p"] == pytest.approx(0.240501933, abs=1e-9)
    assert found["pearson_low"] == pytest.approx(-0.2058808219565, abs=1e-12)
    assert found["pearson_high"] == pytest.approx(0.0524144514322, abs=1e-12)
    assert (found["n"], found["censored"], found["note"]) == (228, 63, "")


def test_spearman_has_the_interval_of_bonett_and_wright(lung: pd.DataFrame) -> None:
    # R: r <- cor(lung$age, lung$time, method = "spearman"); n <- 228
    #    tanh(atanh(r) + c(-1, 1) * qnorm(.975) * sqrt((1 + r^2 / 2) / (n - 3)))
    found = correlate(lung, lung["age"], confidence=0.95)
    assert found["spearman_rho"] == pytest.approx(-0.090888270285, abs=1e-12)
    assert found["spearman_low"] == pytest.approx(-0.218493576179, abs=1e-12)
    assert found["spearman_high"] == pytest.approx(0.0397730549056, abs=1e-12)
    expected = scipy.stats.spearmanr(lung["age"], lung["time_days"])
    assert found["spearman_p"] == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize(
    ("area", "note"),
    [
        ([1, 1, 1, 1, 1, 1.0], "the area does not vary"),
        ([1, 2, 3, 4, np.nan, np.nan], "fewer than 5 patients"),
    ],
)
def test_no_correlation_says_why(area: list[float], note: str) -> None:
    patients = pd.DataFrame({"time_days": np.arange(6.0) + 1, "event": 1})
    found = correlate(patients, pd.Series(area), confidence=0.95)
    assert found["note"] == note
    assert all(np.isnan(found[name]) for name in ("pearson_r", "spearman_low", "spearman_p"))


def test_perfect_correlation_has_a_degenerate_interval() -> None:
    patients = pd.DataFrame({"time_days": np.arange(6.0) + 1, "event": 1})
    found = correlate(patients, patients["time_days"], confidence=0.95)
    assert [found[f"spearman_{end}"] for end in ("rho", "low", "high")] == [1, 1, 1]


def test_q_is_over_the_regions_of_each_stratum(lung: pd.DataFrame) -> None:
    areas = lung[["age", "karno", "female"]].assign(flat=1.0)
    strata = {"all": list(lung.index), "A mutated": [*lung.index[:40], "nobody"]}
    table = correlate_strata(lung, areas, strata, confidence=0.9)
    assert table.groupby("stratum")["n"].max().to_dict() == {"all": 228, "A mutated": 40}
    for _, rows in table.groupby("stratum"):
        for kind in ("pearson", "spearman"):
            expected = multipletests(rows[f"{kind}_p"].dropna(), method="fdr_bh")[1]
            np.testing.assert_allclose(rows[f"{kind}_q"].dropna(), expected)
        assert rows[rows["region"] == "flat"]["spearman_q"].isna().all()


def test_job_writes_all_patients_and_the_used_strata(
    lung: pd.DataFrame, write_cohort: Writer, tmp_path: Path
) -> None:
    lung.loc[lung.index[:8], ["time_days", "event"]] = np.nan
    lung.loc[lung.index[10], "time_days"] = 9000
    areas = lung[["age", "karno"]].drop(index=lung.index[100])
    paths = write_cohort(lung[["time_days", "event"]], areas)
    carriers = {"patient": [*lung.index[:20], *lung.index[:3]], "gene": ["A"] * 20 + ["B"] * 3}
    write_table(pd.DataFrame(carriers), tmp_path / "mutations.parquet")
    used = pd.DataFrame({"gene": ["A", "B"], "used": [True, False]})
    write_table(used, tmp_path / "strata.parquet")
    correlate_survival(
        *paths,
        strata=[tmp_path / "mutations.parquet", tmp_path / "strata.parquet"],
        correlation=tmp_path / "found.parquet",
        outliers=tmp_path / "outliers.parquet",
        regions=["karno"],
        confidence=0.95,
        outlier_p=0.05,
    )
    table = read_table(tmp_path / "found.parquet")
    assert table.pop("outliers").tolist() == ["kept"] * 2 + ["removed"] * 2
    outliers = read_table(tmp_path / "outliers.parquet")
    assert outliers["patient"].tolist() == [lung.index[10]]
    assert table["n"].tolist() == [218, 12, 217, 11]
    found = table.iloc[:2]
    assert found[["stratum", "region", "n"]].to_numpy().tolist() == [
        ["all", "karno", 218],
        ["A mutated", "karno", 12],
    ]
    assert list(found.columns[:4]) == ["stratum", "region", "n", "censored"]
    numbers = ["pearson_r", "pearson_low", "pearson_high", "pearson_p", "pearson_q"]
    assert list(found.columns[4:9]) == numbers
    assert (tmp_path / "found.tsv").exists()


def test_unknown_region_and_too_few_patients_are_errors(
    lung: pd.DataFrame, write_cohort: Writer, tmp_path: Path
) -> None:
    settings = {
        "correlation": tmp_path / "x.parquet", "outliers": tmp_path / "o.parquet",
        "confidence": 0.95, "outlier_p": 0.05,
    }  # fmt: skip
    paths = write_cohort(lung[["time_days", "event"]], lung[["age"]])
    with pytest.raises(InputError, match=r"survival\.regions, value 'CT'.*choose among age"):
        correlate_survival(*paths, regions=["CT"], **settings)
    lung.loc[lung.index[4:], ["time_days", "event"]] = np.nan
    paths = write_cohort(lung[["time_days", "event"]], lung[["age"]])
    with pytest.raises(InputError, match="only 4 patients have both follow-up and areas"):
        correlate_survival(*paths, regions=[], **settings)


def test_shuffled_survival_gives_5_percent_and_intervals_cover() -> None:
    rng = np.random.default_rng(11)
    ids = [f"P{i}" for i in range(60)]
    areas = pd.DataFrame(rng.lognormal(size=(60, 400)), ids)
    patients = pd.DataFrame({"time_days": rng.exponential(400, 60), "event": 1}, ids)
    table = correlate_strata(patients, areas, {"all": ids}, confidence=0.95)
    for kind in ("pearson", "spearman"):
        assert 0.025 < (table[f"{kind}_p"] < 0.05).mean() < 0.08
        covered = (table[f"{kind}_low"] < 0) & (table[f"{kind}_high"] > 0)
        assert 0.92 < covered.mean() < 0.975
        assert (table[f"{kind}_q"] < 0.05).sum() == 0


def test_a_stratum_below_the_limit_is_listed_but_not_correlated() -> None:
    rng = np.random.default_rng(0)
    names = [f"P{k}" for k in range(20)]
    patients = pd.DataFrame({"time_days": rng.random(20), "event": 1}, index=names)
    areas = pd.DataFrame({"CT": rng.random(20)}, index=names)
    strata = {"all": names, "A mutated": names[:9], "B mutated": names[:12]}
    table = correlate_strata(patients, areas, strata, confidence=0.95, fewest=10)
    table = table.set_index("stratum")
    assert table["n"].tolist() == [20, 9, 12]
    assert table["spearman_p"].isna().tolist() == [False, True, False]
    assert table.loc["A mutated", "note"] == "fewer than 10 patients"
