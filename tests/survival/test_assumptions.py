"""What fitted models take for granted, as files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from histoniche.multiplicity import false_discovery
from histoniche.survival.assumptions import check_assumptions
from histoniche.survival.evaluation import evaluate_models
from histoniche.survival.functional_form import functional_form
from histoniche.tables import read_table, write_table

DECLARED = {
    "age": {"type": "numeric", "per": 10},
    "karno": {"type": "numeric", "per": 10},
    "ecog": {"type": "categorical", "reference": "1"},
    "sex": {"type": "categorical", "reference": "male"},
}
MODELS = {
    "full": {"covariates": ["age", "karno", "ecog", "sex"]},
    "strata": {"covariates": ["age", "karno"], "strata": ["sex"]},
    "ridge": {"covariates": ["age", "sex"], "penalty": 0.1},
}
OUTPUTS = ("proportionality", "residuals", "smooths", "forms", "form_points", "form_curves")


@pytest.fixture
def checked(complete: pd.DataFrame, tmp_path: Path) -> Callable[..., dict[str, pd.DataFrame]]:
    def run(**more: object) -> dict[str, pd.DataFrame]:
        sheet, fitted = tmp_path / "patients.parquet", tmp_path / "models.json"
        cohorts = tmp_path / "cohorts.parquet"
        write_table(complete.rename_axis("patient").reset_index(), sheet)
        write_table(pd.DataFrame({"patient": complete.index, "cohort": "training"}), cohorts)
        settings = {"models": MODELS, "declared": DECLARED, **more}
        names = ("performance", "differences", "coefficients", "tests", "curves", "risks")
        evaluate_models(
            sheet,
            cohorts,
            fitted=fitted,
            samples=2,
            years=[1],
            **{name: tmp_path / f"{name}.parquet" for name in names},
            **settings,
        )
        paths = {name: tmp_path / f"{name}.parquet" for name in OUTPUTS}
        check_assumptions(sheet, cohorts, fitted, **paths, **settings)
        return {name: read_table(path) for name, path in paths.items()}

    return run


def test_tests_of_all_models_equal_r(
    checked: Callable[..., dict[str, pd.DataFrame]], r_cox: dict[str, np.ndarray]
) -> None:
    table = checked()["proportionality"]
    assert table["model"].unique().tolist() == ["full", "strata"]
    for (model, transform), rows in table.groupby(["model", "transform"]):
        found = rows[["chi2", "df", "p"]].to_numpy().ravel()
        assert found == pytest.approx(r_cox[f"{model} zph {transform}"], rel=1e-6)
    km = table[table["transform"] == "km"]
    terms = km["term"] != "global"
    assert km.loc[~terms, "q"].isna().all() and terms.sum() == 6
    expected = false_discovery(km.loc[terms, "p"].to_numpy())
    assert km.loc[terms, "q"].tolist() == pytest.approx(expected)
    assert (table["n"] == 226).all() and (table["events"] == 163).all()


def test_residuals_smooths_and_forms_are_of_every_term(
    checked: Callable[..., dict[str, pd.DataFrame]],
    complete: pd.DataFrame,
    r_cox: dict[str, np.ndarray],
) -> None:
    found = checked()
    sizes = found["residuals"].groupby(["model", "term"]).size()
    assert (sizes == 163).all() and len(sizes) == 8
    smooths = found["smooths"]
    mine = (smooths["model"] == "full") & (smooths["term"] == "karno")
    smooth = smooths.loc[mine, "log_hazard"].tolist()
    assert smooth == pytest.approx(r_cox["smooth k"], rel=1e-6)
    forms = found["forms"]
    scores = [("full", "age"), ("full", "karno"), ("strata", "age"), ("strata", "karno")]
    assert list(zip(forms["model"], forms["score"], strict=True)) == scores
    alone = functional_form(
        complete, score="age", declared=DECLARED, covariates=["karno"], strata=["sex"]
    )
    assert forms["p"].iloc[2] == pytest.approx(alone.test["p"].item())
    assert (forms["q"] >= forms["p"]).all()
    points = found["form_points"].groupby(["model", "score"]).size()
    assert (points == 226).all() and set(points.index) == set(scores)
    assert set(found["form_curves"]["model"]) == {"full", "strata"}


def test_penalised_models_alone_give_empty_tables(
    checked: Callable[..., dict[str, pd.DataFrame]],
) -> None:
    found = checked(models={"ridge": MODELS["ridge"]})
    assert all(table.empty for table in found.values())
    assert "p" in found["proportionality"] and "note" in found["forms"]
