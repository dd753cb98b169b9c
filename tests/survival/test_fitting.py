"""The job that writes groups, curves and Cox models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.errors import InputError
from histoniche.survival.fitting import fit_survival
from histoniche.tables import read_table

DECLARED = {"age": {"type": "numeric"}, "sex": {"type": "categorical", "reference": "male"}}


def test_three_tables_over_the_patients_with_follow_up(
    lung: pd.DataFrame,
    write_cohort: Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]],
    tmp_path: Path,
) -> None:
    lung.loc[lung.index[:3], ["time_days", "event"]] = np.nan
    areas = lung[["karno", "age"]].set_axis(["CT", "IT"], axis=1).drop(index=lung.index[50:60])
    paths = write_cohort(lung[["time_days", "event", "age", "sex"]], areas)
    outputs = {name: tmp_path / f"{name}.parquet" for name in ("groups", "curves", "cox")}
    settings = {"regions": [], "cut": 0.5, "confidence": 0.95}
    fit_survival(*paths, **outputs, declared=DECLARED, **settings)
    groups, curves, cox = (read_table(path) for path in outputs.values())
    assert list(groups) == [
        *("region", "cut", "cut_quantile", "group", "n", "events", "median_days", "median_low"),
        *("median_high", "hazard_ratio", "hazard_low", "hazard_high", "chi2", "p", "q", "note"),
    ]
    assert groups.groupby("region")["n"].sum().to_dict() == {"CT": 214, "IT": 215}
    assert list(curves) == [
        *("region", "group", "time_days", "survival", "low", "high", "at_risk", "events"),
        "censored",
    ]
    assert list(cox) == [
        *("model", "term", "kind", "unit", "n", "events", "hazard_ratio", "low", "high", "p", "q"),
        *("ph_p", "concordance", "adjusted_q", "covariate", "level", "reference", "level_n"),
        *("level_events", "reference_n", "reference_events", "term_df", "term_p", "term_ph_p"),
        *("model_p", "model_ph_p", "aic", "note"),
    ]
    assert cox["model"].unique().tolist() == [
        *("univariable", "multivariable: CT", "multivariable: IT"),
    ]
    # Age as an area and as a covariate is one thing twice.
    assert cox.loc[cox["model"] == "multivariable: IT", "note"].str.contains("collinear").all()
    fit_survival(*paths, **outputs, declared=DECLARED, covariates=["sex"], **settings)
    cox = read_table(outputs["cox"])
    assert cox.loc[cox["model"] == "multivariable: IT", "term"].tolist() == ["IT", "sex: female"]


def test_hazard_ratio_per_standard_deviation_of_a_covariate(
    lung: pd.DataFrame,
    write_cohort: Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]],
    tmp_path: Path,
) -> None:
    paths = write_cohort(lung[["time_days", "event", "age"]], lung[["karno"]].dropna())
    outputs = {name: tmp_path / f"{name}.parquet" for name in ("groups", "curves", "cox")}
    found = {}
    for per in ("sd", 1):
        declared = {"age": {"type": "numeric", "per": per, "unit": "years"}}
        settings = {"regions": [], "cut": 0.5, "confidence": 0.95}
        fit_survival(*paths, **outputs, declared=declared, **settings)
        cox = read_table(outputs["cox"]).set_index(["model", "term"])
        found[per] = cox.loc[("univariable", "age")]
    spread = lung["age"][lung["karno"].notna()].std()
    assert found["sd"]["unit"] == f"per SD ({spread:.3g} years)"
    expected = found[1]["hazard_ratio"] ** spread
    assert found["sd"]["hazard_ratio"] == pytest.approx(expected, rel=1e-6)
    assert found["sd"]["p"] == pytest.approx(found[1]["p"], rel=1e-6)


def test_reference_that_nobody_has_is_an_error(
    lung: pd.DataFrame,
    write_cohort: Callable[[pd.DataFrame, pd.DataFrame], tuple[Path, Path]],
    tmp_path: Path,
) -> None:
    paths = write_cohort(lung[["time_days", "event", "sex"]], lung[["karno"]])
    outputs = {name: tmp_path / f"{name}.parquet" for name in ("groups", "curves", "cox")}
    declared = {"sex": {"type": "categorical", "reference": "m"}}
    with pytest.raises(InputError, match=r"sex\.reference, value 'm'.*among female, male"):
        fit_survival(*paths, **outputs, declared=declared, regions=[], cut=0.5, confidence=0.95)
